"""Reads any range of a file, which may be longer than the memory, and may end before what is read."""

from __future__ import annotations

from collections import OrderedDict
from typing import BinaryIO, Literal, Protocol

_PAGE = 1 << 20
_MOST_PAGES = 16
_ALLOWANCE, _ALLOWANCE_A_BYTE = 1 << 28, 32
"""What all searches for ends may read of a file: 256 MiB, and 32 bytes for each byte of the file."""
_LEAST_COST = 64
"""Bytes that a read counts as at the least."""


class Bytes(Protocol):
    """What is read of a file: `bytes` will do."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice, /) -> bytes: ...

    def find(self, pattern: bytes, start: int, end: int, /) -> int:
        """The first place of a pattern that lies from `start` to `end`; -1 if there is none."""


class StoredBytes:
    """The bytes of a file that can seek, of which a few pages are in memory.

    A slice is short where the file is, also if it became shorter. Raises OSError where it cannot be read.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._length = file, file.seek(0, 2)
        self._pages: OrderedDict[int, bytes] = OrderedDict()

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: slice) -> bytes:
        start, end, _ = place.indices(self._length)
        first, last = start // _PAGE, max(start, end - 1) // _PAGE
        if first == last:
            return self._page(first)[start - first * _PAGE : end - first * _PAGE] if end > start else b""
        self._file.seek(start)
        return self._file.read(end - start)

    def find(self, pattern: bytes, start: int, end: int) -> int:
        """The first place of a pattern that lies from `start` to `end`; -1 if there is none."""
        end = min(end, self._length)
        while start < end:
            place = self[start : min(end, start + _PAGE)].find(pattern)
            if place >= 0:
                return start + place
            if start + _PAGE >= end:
                break
            start += _PAGE - len(pattern) + 1
        return -1

    def _page(self, number: int) -> bytes:
        page = self._pages.pop(number, None)
        if page is None:
            self._file.seek(number * _PAGE)
            page = self._file.read(_PAGE)
            if len(self._pages) == _MOST_PAGES:
                self._pages.popitem(last=False)
        self._pages[number] = page
        return page


class CutError(Exception):
    """The file ends before what is read, or what is read cannot be right."""


class SpentError(CutError):
    """More was read than the search for ends may read."""


class Metered:
    """A file of which a limited number of bytes is read, so that no content makes the search for ends long."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._left = _ALLOWANCE + _ALLOWANCE_A_BYTE * len(data)

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, place: slice) -> bytes:
        found = self._data[place]
        self.spend(max(_LEAST_COST, len(found)))
        return found

    def peek(self, start: int, count: int) -> bytes:
        """At most `count` bytes, which the caller counts."""
        return self._data[start : start + count]

    def find(self, pattern: bytes, start: int) -> int:
        """The first place of a pattern. Raises CutError if there is none, or none as far as may be read."""
        self.spend(0)  # before the search: after a long one, each of many more would take as long
        end = min(len(self._data), start + self._left)
        place = self._data.find(pattern, start, end)
        self.spend((place if place >= 0 else end) - start)
        require(place >= 0)
        return place

    def spend(self, count: int) -> None:
        """Count bytes that are read, or decompressed. Raises SpentError if there were too many."""
        self._left -= max(0, count)
        if self._left < 0:
            raise SpentError


def number(data: Metered, at: int, size: int, order: Literal["little", "big"]) -> int:
    """An unsigned number of `size` bytes. Raises CutError."""
    return int.from_bytes(piece(data, at, size), order)


def little(data: Metered, at: int, size: int) -> int:
    """An unsigned number whose first byte counts least. Raises CutError."""
    return number(data, at, size, "little")


def big(data: Metered, at: int, size: int) -> int:
    """An unsigned number whose first byte counts most. Raises CutError."""
    return number(data, at, size, "big")


def piece(data: Metered, at: int, size: int) -> bytes:
    """`size` bytes. Raises CutError."""
    if at < 0 or size < 0 or at + size > len(data):
        raise CutError
    found = data[at : at + size]
    require(len(found) == size)
    return found


def byte(data: Metered, at: int) -> int:
    """One byte. Raises CutError."""
    return piece(data, at, 1)[0]


def inside(data: Metered, end: int) -> int:
    """An end, if the file reaches that far. Raises CutError."""
    require(end <= len(data))
    return end


def require(condition: bool) -> None:
    """Raises CutError unless a condition holds."""
    if not condition:
        raise CutError


def variable(data: Metered, at: int) -> tuple[int, int]:
    """A LEB128 number of at most 5 bytes, and the place after it. Raises CutError."""
    value = 0
    for place in range(5):
        part = byte(data, at + place)
        value |= (part & 127) << (7 * place)
        if part < 128:
            return value, at + place + 1
    raise CutError
