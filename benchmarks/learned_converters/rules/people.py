"""`people` and `strangers`: a line of CSV to a JSON object, with real names, and with made-up names never seen."""

from __future__ import annotations

import csv
import io
import json
import re
from random import Random

from ..task import Task
from ..words import CITIES, FIRST, LAST, decode, name

_AGE = re.compile(r"0|[1-9][0-9]*")
_BALANCE = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


def rule(source: bytes) -> bytes | None:
    """The fields name, age, city, balance as an object; numbers of any length as they are written."""
    text = decode(source.replace(b"\r\n", b"\n"))
    if text is None or not text.endswith("\n") or "\n" in text[:-1]:
        return None
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != 4 or not all(rows[0]):
        return None
    person, age, city, balance = rows[0]
    if _line(rows[0]) != text or not _AGE.fullmatch(age) or not _BALANCE.fullmatch(balance):
        return None
    quoted = [json.dumps(value, ensure_ascii=False) for value in (person, city)]
    answer = f'{{"name": {quoted[0]}, "age": {age}, "city": {quoted[1]}, "balance": {balance}}}\n'
    return answer.encode("utf-8")


def _line(row: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(row)
    return line.getvalue()


def _balance(rng: Random) -> str:
    return f"{rng.choice(('', '', '', '-'))}{rng.randrange(10 ** rng.randint(1, 5))}.{rng.randrange(100):02d}"


def _row(rng: Random, first: str, last: str, city: str) -> bytes:
    shown = rng.choice((f"{first} {last}",) * 5 + (f"{last}, {first}", f'{first} "{first[:2]}" {last}'))
    return _line([shown, str(rng.randint(1, 99)), city, _balance(rng)]).encode("utf-8")


def _person(rng: Random, held_out: bool) -> bytes:
    return _row(rng, rng.choice(FIRST), rng.choice(LAST), rng.choice(CITIES))


def _stranger(rng: Random, held_out: bool) -> bytes:
    city = name(rng, held_out) if rng.random() < 0.8 else f"{name(rng, held_out)}, {name(rng, held_out)}"
    return _row(rng, name(rng, held_out), name(rng, held_out), city)


def _field_missing(rng: Random, source: bytes) -> bytes:
    fields = next(csv.reader([source.decode("utf-8").rstrip("\n")]))
    del fields[rng.randrange(len(fields))]
    return _line(fields).encode("utf-8")


def _fields_swapped(rng: Random, source: bytes) -> bytes:
    fields = next(csv.reader([source.decode("utf-8").rstrip("\n")]))
    return _line([fields[index] for index in rng.choice(((1, 0, 2, 3), (0, 2, 1, 3), (3, 2, 1, 0)))]).encode("utf-8")


def _more_fields(rng: Random, source: bytes) -> bytes:
    return source.rstrip(b"\n") + b"," + source


def _many_decimals(rng: Random, source: bytes) -> bytes:
    return source.rstrip(b"\n") + b"%d\n" % rng.randrange(10, 10**6)


def _header_first(rng: Random, source: bytes) -> bytes:
    return b"name,age,city,balance\n" + source


_ODD = {
    "field_missing": _field_missing,
    "fields_swapped": _fields_swapped,
    "more_fields": _more_fields,
    "many_decimals": _many_decimals,
    "header_first": _header_first,
}
PEOPLE = Task(name="people", source_suffix="csv", target_suffix="json", make=_person, rule=rule, odd_kinds=_ODD)
STRANGERS = Task(name="strangers", source_suffix="csv", target_suffix="json", make=_stranger, rule=rule, odd_kinds=_ODD)
