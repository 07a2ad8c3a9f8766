"""Properties that all training inputs of a converter have, such as lines with equally many fields. No torch.

A property of a fixed list counts if many training inputs show it and none breaks it. An input that breaks it is unlike
all of them, even if each part of it looks usual: a record whose length is wrong, a table with a cell too few.

Source: likely invariants, Ernst et al. 2007, Science of Computer Programming 69.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

FEWEST = 50
"""Inputs that must show a property."""
_SEPARATORS = b",;|:=\t"
_BRACKETS = (b"()", b"[]", b"{}", b"<>")
_QUOTED = re.compile(rb'"(?:[^"\\\n]|\\.|"")*"|\\.', re.DOTALL)
"""Quoted text and escaped characters, whose separators separate nothing."""
_ORDERS: tuple[Literal["little", "big"], ...] = ("little", "big")


@dataclass(frozen=True, slots=True)
class Property:
    """Something that an input shows, breaks, or says nothing of."""

    name: str
    """The key under which it is stored."""
    broken: str
    """What is said of an input that breaks it, such as "its lines have different numbers of ,"."""
    holds: Callable[[bytes], bool | None]
    """None for an input that neither shows nor breaks it, such as one without brackets for their being in pairs."""


def shared_properties(inputs: Sequence[bytes]) -> list[Property]:
    """The properties that at least FEWEST of the inputs show and none breaks."""
    return [each for each in PROPERTIES.values() if _is_shared(each, inputs)]


def _is_shared(candidate: Property, inputs: Sequence[bytes]) -> bool:
    shown = 0
    for data in inputs:
        holds = candidate.holds(data)
        if holds is False:
            return False
        shown += holds is True
    return shown >= FEWEST


def named_properties(names: Iterable[str]) -> list[Property]:
    """The properties of these names. Raises KeyError."""
    return [PROPERTIES[name] for name in names]


def _of_lines() -> Iterator[Property]:
    yield Property("newline", "it does not end with a newline", lambda data: data.endswith(b"\n"))
    yield Property("lines", "one of its lines occurs twice", lambda data: _differ(_lines(data)))
    for code in _SEPARATORS:
        sign, shown = bytes([code]), "tabs" if code == 9 else chr(code)
        yield Property(f"even {code}", f"its lines have different numbers of {shown}", _Even(sign))
        yield Property(f"keys {code}", f"the text before {shown} is the same in two lines", _Keys(sign))


def _of_text() -> Iterator[Property]:
    yield Property("utf-8", "it is not UTF-8", _is_utf8)
    yield Property("quotes", 'its " are not in pairs', _quotes_are_paired)
    for pair in _BRACKETS:
        shown = " ".join(pair.decode())
        yield Property(f"balanced {pair.decode()}", f"its {shown} are not in pairs", _Balanced(pair))


def _of_records() -> Iterator[Property]:
    for count in (2, 4, 8):
        yield Property(f"multiple {count}", f"its length is not a multiple of {count}", _Multiple(count))
    for width, order in ((1, "little"), *((width, order) for width in (2, 4) for order in _ORDERS)):
        for start in (0, 1, 2, 4, 8):
            for before in (0, 1, 2, 4):
                name, lengths = f"{start} {before} {width} {order}", _Records(start, before, width, order)
                yield Property(f"records {name}", "the lengths in it do not add up", lengths)
                if before:
                    twice = "one of its fields occurs twice"
                    yield Property(f"tags {name}", twice, _Tags(lengths))
        for start in range(9):
            for counted_from in (0, start + width):
                size = _Size(start, counted_from, width, order)
                name = f"size {start} {counted_from} {width} {order}"
                yield Property(name, "a length in it is not that of the file", size)


def _of_checksums() -> Iterator[Property]:
    wrong = "its checksum is wrong"
    yield Property("sum", wrong, lambda data: len(data) > 1 and sum(data[:-1]) % 256 == data[-1])
    yield Property("xor", wrong, lambda data: len(data) > 1 and _xor(data) == 0)
    for order in _ORDERS:
        yield Property(f"crc32 {order}", wrong, _Crc32(order))


@dataclass(frozen=True, slots=True)
class _Even:
    """All lines that are not blank hold the separator equally often."""

    separator: bytes

    def __call__(self, data: bytes) -> bool | None:
        counts = [line.count(self.separator) for line in _lines(_QUOTED.sub(b"", data))]
        return len(set(counts)) == 1 if len(counts) > 1 and any(counts) else None


@dataclass(frozen=True, slots=True)
class _Keys:
    """No two lines have the same text before the separator."""

    separator: bytes

    def __call__(self, data: bytes) -> bool | None:
        parts = (line.partition(self.separator) for line in _lines(data))
        return _differ([key.strip() for key, found, _ in parts if found])


@dataclass(frozen=True, slots=True)
class _Balanced:
    """Every closing bracket follows an opening one, and all are closed."""

    pair: bytes

    def __call__(self, data: bytes) -> bool | None:
        depth = 0
        if self.pair[0] not in data and self.pair[1] not in data:
            return None
        for code in data:
            depth += (code == self.pair[0]) - (code == self.pair[1])
            if depth < 0:
                return False
        return depth == 0


@dataclass(frozen=True, slots=True)
class _Multiple:
    count: int

    def __call__(self, data: bytes) -> bool:
        return len(data) % self.count == 0


@dataclass(frozen=True, slots=True)
class _Records:
    """After `start` bytes, the file is a sequence of records: `before` bytes, a length, and so many bytes."""

    start: int
    before: int
    width: int
    order: str

    def __call__(self, data: bytes) -> bool:
        return self.tags(data) is not None

    def tags(self, data: bytes) -> list[bytes] | None:
        """The bytes before each length; None if the lengths do not add up."""
        at, tags = self.start, []
        while at < len(data):
            body = at + self.before + self.width
            length = _number(data[body - self.width : body], self.order)
            tags.append(data[at : at + self.before])
            at = body + length
        return tags if at == len(data) and tags else None


@dataclass(frozen=True, slots=True)
class _Tags:
    """The records have different tags."""

    records: _Records

    def __call__(self, data: bytes) -> bool | None:
        tags = self.records.tags(data)
        return _differ(tags) if tags is not None else False


@dataclass(frozen=True, slots=True)
class _Size:
    """The bytes at `start` are the length of the file from `counted_from` on."""

    start: int
    counted_from: int
    width: int
    order: str

    def __call__(self, data: bytes) -> bool:
        field = data[self.start : self.start + self.width]
        return len(field) == self.width and _number(field, self.order) == len(data) - self.counted_from


@dataclass(frozen=True, slots=True)
class _Crc32:
    """The last four bytes are the CRC-32 of those before them."""

    order: str

    def __call__(self, data: bytes) -> bool:
        return len(data) > 4 and zlib.crc32(data[:-4]) == _number(data[-4:], self.order)


def _number(field: bytes, order: str) -> int:
    return int.from_bytes(field, "little" if order == "little" else "big")


def _lines(data: bytes) -> list[bytes]:
    """The lines that are not blank."""
    return [line for line in data.splitlines() if line.strip()]


def _differ(parts: Sequence[bytes]) -> bool | None:
    """Whether the parts are different; None for fewer than two."""
    return len(set(parts)) == len(parts) if len(parts) > 1 else None


def _quotes_are_paired(data: bytes) -> bool | None:
    count = data.count(b'"')
    return count % 2 == 0 if count else None


def _is_utf8(data: bytes) -> bool | None:
    if data.isascii():
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _xor(data: bytes) -> int:
    total = 0
    for code in data:
        total ^= code
    return total


PROPERTIES = {each.name: each for family in (_of_lines, _of_text, _of_records, _of_checksums) for each in family()}
"""Name -> property, all that are looked for."""
