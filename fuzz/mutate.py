"""Damaged files: seeds changed bit by bit, in their numbers, lengths and tokens, or within their structure.

A case is made from (target, seed, number) alone, so it can be made again.
"""

from __future__ import annotations

import io
import json
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from fuzz.midi_events import change_events

MOST_BYTES = 1 << 17
"""Longest case, but for the changes of a longer seed. Larger files are among the kept inputs."""
_MOST_TOKEN = 1 << 20
"""Longest token that repeating one gives."""
_SIZES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
    (1 << 64) - 1,
)
_NUMBERS = (
    "0", "-1", "1", "2", "255", "256", "65536", "4294967296", "1099511627776", "9223372036854775807", "1e308", "1e400",
    "1e-400", "nan", "inf", "-inf", "NaN", "Infinity", "0.1", "1/0", "0x10", "1_000", "9" * 400, "9" * 5000, "00",
    "+1", "--1",
)  # fmt: skip
_WORDS = (
    "", "null", "true", "false", "[]", "{}", '""', "''", "\0", "\u266d", "\u00e9", "\U0001f600", "\u202e", "\ufeff",
    "\r", "\n\n", "\x1b[31m", "../../x", "/dev/null", "a" * 300, "<script>alert(1)</script>", "{{7*7}}", "%s%n",
    "[" * 500, "{" * 500,
    "(" * 500, '"', "'", "\\", "//", "|:", ":|", "::", "%%", "X:1\n", "K:C\n", "V:1\n", "[1", "(3", "&", "&lt;", "]]>",
    "<!ENTITY a 'b'>", "a.a.a.a", "[[a]]\n", "R1", "#256",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 3, 7, 256, 65537, 1 << 31, 1 << 40, 1 << 63, -(1 << 63), 10**12, 10**400, 0.5,
    -0.5, 1e-300, 1e300, float("nan"), float("inf"), "", "a", "\0", "a" * 300, "../x", "\u266d", "\ud800", [], [[]], {},
    {"": None}, [0], [-1], [1e400], ["a", "a"], [1, 2, 3] * 100,
)  # fmt: skip
_TOKEN = re.compile(rb"[A-Za-z_]+|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_TOML_VALUE = re.compile(rb"(?m)^([A-Za-z_.]+) *= *(.*)$")

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutated(rng: random.Random, seeds: Sequence[bytes], most_bytes: int = MOST_BYTES) -> bytes:
    """A changed seed; now and then a seed as it is, or nothing but random bytes."""
    data = rng.choice(seeds)
    most_bytes = max(most_bytes, len(data) + 4096)
    draw = rng.random()
    if draw < 0.01:
        return data[:most_bytes]
    if draw < 0.02:
        return rng.randbytes(rng.choice((0, 1, 3, 17, 300)))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        data = rng.choice(_changes_for(rng, data))(rng, data, seeds)[:most_bytes]
    return data


def _changes_for(rng: random.Random, data: bytes) -> Sequence[Change]:
    """The changes to choose from: of its structure half of the time, where that is known, else of its bytes or text."""
    if rng.random() < 0.6:
        for known, change in _STRUCTURES:
            if known(data):
                return (change,)
    return _OF_BYTES if b"\0" in data[:2000] or rng.random() < 0.15 else _OF_TEXT


# --- bytes -----------------------------------------------------------------------------------


def _place(rng: random.Random, data: bytes) -> int:
    """An offset; the first bytes, where headers are, are more likely."""
    return rng.randrange(min(len(data), 64) if rng.random() < 0.4 else len(data)) if data else 0


def _flip(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8)) if data else 0):
        changed[_place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _set_bytes(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    at, count = _place(rng, data), rng.choice((1, 1, 2, 4, 16))
    return data[:at] + rng.choice((rng.randbytes(count), b"\0" * count, b"\xff" * count)) + data[at + count :]


def _lie(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Overwrite an integer with an extreme one, or with itself plus or minus a little: a length that lies."""
    size, order = rng.choice((1, 2, 2, 4, 4, 4, 8)), rng.choice(("<", ">"))
    at = _place(rng, data)
    code = order + {1: "B", 2: "H", 4: "I", 8: "Q"}[size]
    if at + size > len(data):
        return data
    value = struct.unpack_from(code, data, at)[0]
    near = value + rng.choice((-16, -2, -1, 1, 2, 16))
    value = rng.choice((rng.choice(_SIZES), near, len(data), len(data) - at)) % (1 << 8 * size)
    return data[:at] + struct.pack(code, value) + data[at + size :]


def _delete(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    at = _place(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 4, 16, 100)) :]


def _repeat(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    at, count = _place(rng, data), rng.choice((1, 4, 30, 200))
    return data[:at] + data[at : at + count] * rng.choice((2, 3, 20, 300)) + data[at + count :]


def _cut(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _splice(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    other = rng.choice(seeds)
    return data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]


def _append(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    return data + rng.choice((rng.randbytes(20), b"\0" * 200, rng.choice(seeds)))


# --- text ------------------------------------------------------------------------------------


def _swap_number(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    numbers = list(_NUMBER.finditer(data))
    if not numbers:
        return _insert_word(rng, data, seeds)
    match = rng.choice(numbers)
    return data[: match.start()] + rng.choice(_NUMBERS).encode() + data[match.end() :]


def _insert_word(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + rng.choice((*_WORDS, *_NUMBERS)).encode("utf-8", "surrogatepass") + data[at:]


def _change_tokens(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Remove, double, exchange or replace tokens, some by tokens of another seed."""
    tokens, others = _TOKEN.findall(data), _TOKEN.findall(rng.choice(seeds)[:20_000])
    for _ in range(rng.choice((1, 2, 5)) if tokens and others else 0):
        at, other = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        change = rng.randrange(5)
        if change == 0:
            tokens[at] = b""
        elif change == 1:
            times = rng.choice((2, 3, 500))
            tokens[at] *= min(times, 1 + _MOST_TOKEN // (1 + len(tokens[at])))
        elif change == 2:
            tokens[at], tokens[other] = tokens[other], tokens[at]
        elif change == 3:
            tokens[at] = rng.choice(others)
        else:
            tokens[at] = rng.choice(_WORDS).encode("utf-8")
    return b"".join(tokens)


def _change_lines(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    lines = data.split(b"\n")
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    change = rng.randrange(4)
    if change == 0:
        del lines[at]
    elif change == 1:
        lines[at:at] = [lines[at]] * rng.choice((1, 2, 50))
    elif change == 2:
        lines[at], lines[other] = lines[other], lines[at]
    else:
        lines.insert(at, rng.choice(rng.choice(seeds).split(b"\n"))[:5000])
    return b"\n".join(lines)


_OF_BYTES: tuple[Change, ...] = (_flip, _flip, _set_bytes, _lie, _lie, _delete, _repeat, _cut, _splice, _append)
_OF_TEXT: tuple[Change, ...] = (
    _swap_number,
    _insert_word,
    _change_tokens,
    _change_tokens,
    _change_lines,
    _repeat,
    _cut,
    _splice,
)


# --- structure -------------------------------------------------------------------------------


def _change_value(rng: random.Random, value: Any) -> Any:
    """A JSON value with one value in it exchanged, removed, renamed or wrapped."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        draw = rng.random()
        if draw < 0.06:
            return {name: item for name, item in value.items() if name != key}
        if draw < 0.12:
            return {**value, rng.choice(("", "x", "9" * 400, "../x", key + "x")): value[key]}
        return {**value, key: _change_value(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        return [*value[:at], _change_value(rng, value[at]), *value[at + 1 :]]
    if isinstance(value, int | float) and abs(value) < 1e15 and rng.random() < 0.3:
        return rng.choice((value + 1, value - 1, value * 2, -value, float(value), str(value), value * 1000))
    return rng.choice((*_VALUES, [value], {"a": value}))


def _change_json(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    return json.dumps(_change_value(rng, json.loads(data))).encode("utf-8", "surrogatepass")


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(json.loads(data), dict | list) if data[:1] in b"{[" and data else False
    except (ValueError, RecursionError):
        return False


def _change_toml(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Exchange the value of a key, or the key."""
    match = rng.choice(list(_TOML_VALUE.finditer(data)))
    other = rng.choice(list(_TOML_VALUE.finditer(rng.choice(seeds))) or [match])
    values = [
        *(value.encode() for value in _NUMBERS),
        b'""',
        b'"a"',
        b"[]",
        b"{}",
        b"[1]",
        b"true",
        b'"../x"',
        b"1979-05-27",
    ]
    if rng.random() < 0.15:
        return data[: match.start(1)] + other[1] + data[match.end(1) :]
    value = rng.choice((*values, other[2], b"[" + match[2] + b"]", b"-" + match[2]))
    return data[: match.start(2)] + value + data[match.end(2) :]


def _change_safetensors(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change the header, with an honest length; or the values of the tensors."""
    size = struct.unpack_from("<Q", data)[0]
    header, body = data[8 : 8 + size], data[8 + size :]
    if rng.random() < 0.3:
        at = rng.randrange(len(body) + 1)
        piece = rng.choice((b"\xff\xff\xff\xff", b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\0\0\0\0", rng.randbytes(8)))
        return data[: 8 + size] + body[:at] + piece + body[at + len(piece) :]
    try:
        value = _change_value(rng, json.loads(header))
        if isinstance(value, dict) and "__metadata__" in value and rng.random() < 0.5:
            value["__metadata__"] = _change_metadata(rng, value["__metadata__"])
        header = json.dumps(value).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        header = rng.choice(_OF_TEXT)(rng, header, seeds)
    return struct.pack("<Q", len(header)) + header + body


def _change_metadata(rng: random.Random, values: Any) -> Any:
    """Metadata are texts, some of which hold JSON."""
    if not isinstance(values, dict) or not values:
        return values
    key = rng.choice(list(values))
    try:
        return {**values, key: json.dumps(_change_value(rng, json.loads(values[key])))}
    except (ValueError, TypeError, RecursionError):
        return {**values, key: rng.choice(_WORDS)}


def _is_safetensors(data: bytes) -> bool:
    return len(data) > 10 and data[8:9] == b"{" and 2 <= struct.unpack_from("<Q", data)[0] <= len(data) - 8


def _change_zip(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change a member, its name or the list of members, and pack all of them again with right checksums."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(info.filename, archive.read(info)) for info in archive.infolist()[:60]]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, EOFError, zlib.error, NotImplementedError):
        return _flip(rng, data, seeds)
    if not members:
        return data
    at = rng.randrange(len(members))
    name, content = members[at]
    change = rng.random()
    if change < 0.1:
        del members[at]
    elif change < 0.2:
        members[at] = (
            rng.choice(("../x", "/x", "a" * 300, name + "/x", "", "a\\b", "con", "\u266d", name.upper())),
            content,
        )
    elif change < 0.25:
        members.append((name, content))
    else:
        members[at] = (name, mutated(rng, [content], 1 << 22))
    stream = io.BytesIO()
    kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(stream, "w", kind) as archive, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Duplicate name")  # a damaged archive may have a name twice
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name or "x"), content, kind)
    return stream.getvalue()


def _change_png(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change, double or drop a chunk, and give all of them right checksums."""
    chunks, at = [], 8
    while at + 12 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    if not chunks:
        return data
    index = rng.randrange(len(chunks))
    kind, body = chunks[index]
    change = rng.random()
    if change < 0.1:
        del chunks[index]
    elif change < 0.2:
        chunks[index:index] = [chunks[index]] * rng.choice((1, 50))
    elif change < 0.3:
        chunks[index] = (rng.choice((b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"fcTL", b"acTL", b"tRNS", b"PLTE")), body)
    else:
        chunks[index] = (kind, rng.choice(_OF_BYTES)(rng, body, seeds))
    packed = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
    return data[:8] + b"".join(packed)


def _change_midi(rng: random.Random, data: bytes, seeds: Sequence[bytes]) -> bytes:
    """Change the events of the tracks; else their bytes, and give them the lengths that they have, mostly."""
    if rng.random() < 0.7 and (changed := change_events(rng, data)) is not None:
        return changed
    head, *bodies = data.split(b"MTrk")
    bodies = [body[4:] for body in bodies]
    if not bodies:
        return _flip(rng, data, seeds)
    at = rng.randrange(len(bodies))
    body = bodies[at]
    for _ in range(rng.choice((1, 3, 20))):
        place = rng.randrange(len(body) + 1)
        events: tuple[bytes, ...] = (
            b"\0\x90\x3c\x40",
            b"\0\x80\x3c\0",
            b"\xff\xff\xff\x7f\x90\x3c\x40",
            b"\0\xff\x51\3\0\0\0",
            b"\0\xff\x58\4\0\xff\0\0",
        )
        events += (
            b"\0\xff\x2f\0",
            b"\0\xff\x59\2\x7f\5",
            b"\0\xff\3\x81\0",
            b"\0\xf0\3abc",
            b"\x40",
            rng.randbytes(2),
            b"\0\xff\3\2\xff\xfe",
        )
        body = body[:place] + rng.choice(events) + body[place + rng.choice((0, 0, 1, 4)) :]
    bodies[at] = body if rng.random() < 0.5 else body + b"\0\xff\x2f\0"
    if rng.random() < 0.2:
        bodies.append(rng.choice(bodies))
        head = head[:10] + struct.pack(">H", len(bodies)) + head[12:]
    return head + b"".join(b"MTrk" + struct.pack(">I", len(body)) + body for body in bodies)


_STRUCTURES: tuple[tuple[Callable[[bytes], bool], Change], ...] = (
    (lambda data: data.startswith(b"PK\3\4"), _change_zip),
    (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _change_png),
    (lambda data: data.startswith(b"MThd"), _change_midi),
    (_is_safetensors, _change_safetensors),
    (_is_json, _change_json),
    (lambda data: b"\0" not in data and bool(_TOML_VALUE.search(data)), _change_toml),
)
