"""`labels`: fields of tag, length and value in any order, binary, to text in a fixed order.

Each field is uint8 tag, uint8 length and the value: 1 title (text), 2 count (uint8), 3 date (uint16 little-endian year,
uint8 month, uint8 day), 4 flags (uint8, a bit for each name), 5 code (bytes, written in hexadecimal).
"""

from __future__ import annotations

import struct
from datetime import date
from random import Random

from ..task import Task
from ..words import decode, phrase

FLAGS = ("fragile", "signed", "heavy", "cold")
TITLE, COUNT, DATE, BITS, CODE = range(1, 6)
_LENGTHS = {COUNT: 1, DATE: 4, BITS: 1}


def rule(source: bytes) -> bytes | None:
    """A line for each field that is there; every tag at most once, a title always."""
    fields = _fields(source)
    if fields is None or TITLE not in fields or any(len(fields.get(tag, b"")) > most for tag, most in _LENGTHS.items()):
        return None
    title = decode(fields[TITLE])
    if not title or "\n" in title:
        return None
    lines = [f"title: {title}"]
    if COUNT in fields:
        lines.append(f"count: {fields[COUNT][0]}")
    if DATE in fields:
        try:
            lines.append(f"date: {date(*struct.unpack('<HBB', fields[DATE]))}")
        except ValueError:
            return None
    if BITS in fields:
        bits = fields[BITS][0]
        if bits >> len(FLAGS):
            return None
        named = [flag for index, flag in enumerate(FLAGS) if bits >> index & 1]
        lines.append(f"flags: {', '.join(named) or 'none'}")
    if CODE in fields:
        lines.append(f"code: {fields[CODE].hex()}")
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _fields(source: bytes) -> dict[int, bytes] | None:
    """Tag -> value; None if the lengths do not fit, a tag is unknown or occurs twice, or a value is too short."""
    fields: dict[int, bytes] = {}
    at = 0
    while at < len(source):
        if at + 2 > len(source):
            return None
        tag, length = source[at], source[at + 1]
        value = source[at + 2 : at + 2 + length]
        wrong = len(value) < length or not value or len(value) < _LENGTHS.get(tag, 1)
        if wrong or tag in fields or not TITLE <= tag <= CODE:
            return None
        fields[tag] = value
        at += 2 + length
    return fields


def _field(tag: int, value: bytes) -> bytes:
    return bytes([tag, len(value)]) + value


def _date(year: int, month: int, day: int = 5) -> bytes:
    return _field(DATE, struct.pack("<HBB", year, month, day))


def _make(rng: Random, held_out: bool) -> bytes:
    fields = [
        _field(COUNT, rng.randbytes(1)),
        _date(rng.randint(1990, 2029), rng.randint(1, 12), rng.randint(1, 28)),
        _field(BITS, bytes([rng.randrange(16)])),
        _field(CODE, rng.randbytes(rng.randint(2, 6))),
    ]
    fields = [field for field in fields if rng.random() < 0.75]
    fields.append(_field(TITLE, phrase(rng, held_out, 1, 4).encode("ascii")))
    rng.shuffle(fields)
    return b"".join(fields)


def _titled(rng: Random, title: str) -> bytes:
    rest = [_field(COUNT, rng.randbytes(1)), _field(BITS, bytes([rng.randrange(16)]))]
    return _field(TITLE, title.encode("utf-8")) + b"".join(rest)


LABELS = Task(
    name="labels",
    source_suffix="tlv",
    target_suffix="txt",
    make=_make,
    rule=rule,
    not_odd=frozenset({"words_for_digits", "other_separators"}),  # they change bytes that may have any value
    odd_kinds={
        "unknown_tag": lambda rng, source: source + _field(rng.randint(6, 255), rng.randbytes(3)),
        "length_too_long": lambda rng, source: source + bytes([CODE, 200]) + rng.randbytes(5),
        "field_twice": lambda rng, source: source + _field(TITLE, b"Again"),
        "no_title": lambda rng, source: _field(COUNT, rng.randbytes(1)) + _field(CODE, rng.randbytes(4)),
        "long_code": lambda rng, source: _field(TITLE, b"Pin") + _field(CODE, rng.randbytes(rng.randint(20, 60))),
        "russian_title": lambda rng, source: _titled(rng, rng.choice(("Синяя лампа", "Старый стол", "Книга"))),
        "accented_title": lambda rng, source: _titled(rng, rng.choice(("Žlutý kůň", "Été à Nîmes", "Größe"))),
        "month_13": lambda rng, source: _titled(rng, "Lamp") + _date(2020, rng.randint(13, 99)),
        "more_flags": lambda rng, source: _field(TITLE, b"Lamp") + _field(BITS, bytes([rng.randint(16, 255)])),
        "year_long_ago": lambda rng, source: _titled(rng, "Coin") + _date(rng.randint(1, 1800), 3),
    },
)
