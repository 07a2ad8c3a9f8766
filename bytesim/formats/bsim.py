"""The container of compressed files, `.bsim`. No torch.

    3 bytes  MAGIC
    1 byte   version in the upper half; lower half: how the content is coded (2 bits), and 4 for a folder
    varint   number of bytes of the content
    with a model: its name and the suffix it reads the content as (varint length, UTF-8 each), 4 bytes of the SHA-256 of
    its weights, 4 bytes that tell what numbers it computes
    the code
    4 bytes  CRC-32 of the content and then the header, least byte first

The content of a folder is a table (varint number of files; of each its path, as a varint length and UTF-8, and its size
as a varint), and then the files. A varint is LEB128: seven bits a byte, the lowest first.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import PurePosixPath

from bytesim.errors import FormatError

SUFFIX = "bsim"
MAGIC = b"\xb5BS"
VERSION = 2
CHECKSUM_BYTES = 4
STAMP_BYTES = 4
HEADER_BYTES = 1024
"""No header is longer."""
_MOST_NAME = 255
_MOST_PATH = 4096
_FOLDER = 4
_MOST_RATIO = 1 << 16
"""Most bytes of content for a byte of code."""

_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{kind}{number}" for kind in ("COM", "LPT") for number in range(10))}

_BROKEN = "not a .bsim file of this version, or a damaged one"


class Coding(IntEnum):
    """How the content is coded."""

    STORED = 0
    MIXED = 1
    WITH_MODEL = 2


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """The model that took part, and what must be the same where the file is decompressed."""

    model: str
    suffix: str
    weights: bytes
    """First bytes of the SHA-256 of its weights."""
    numbers: bytes
    """What `predictors.next_byte.numbers_of` found."""


@dataclass(frozen=True, kw_only=True)
class Header:
    """What stands before the code."""

    coding: Coding
    num_bytes: int
    """Length of the content."""
    is_folder: bool = False
    stamp: Stamp | None = None
    """For `Coding.WITH_MODEL`."""


@dataclass(frozen=True)
class Entry:
    """A file of a folder."""

    path: str
    """Relative, with slashes."""
    num_bytes: int


def serialize(header: Header) -> bytes:
    """The bytes of a header."""
    data = MAGIC + bytes([VERSION << 4 | header.coding | (_FOLDER if header.is_folder else 0)])
    data += _varint(header.num_bytes)
    if header.stamp is not None:
        data += _text(header.stamp.model) + _text(header.stamp.suffix) + header.stamp.weights + header.stamp.numbers
    return data


def parse(data: bytes, file_bytes: int) -> tuple[Header, int]:
    """The header at the start of a file of so many bytes, and its length. Raises FormatError."""
    if data[: len(MAGIC)] != MAGIC:
        raise FormatError("this is not a .bsim file. Give one that `bytesim compress` has written.", offset=0)
    cursor = _Cursor(data, len(MAGIC))
    kind = cursor.byte()
    if kind >> 4 != VERSION:
        raise FormatError(f"{_BROKEN}: its version is {kind >> 4}, this bytesim reads {VERSION}.", offset=len(MAGIC))
    if kind & 3 > max(Coding) or kind & 8:
        raise FormatError(f"{_BROKEN}: its kind is unknown.", offset=len(MAGIC))
    coding, num_bytes, stamp = Coding(kind & 3), cursor.varint(), None
    if coding is Coding.WITH_MODEL:
        stamp = Stamp(
            model=cursor.text(_MOST_NAME),
            suffix=cursor.text(_MOST_NAME),
            weights=cursor.take(STAMP_BYTES),
            numbers=cursor.take(STAMP_BYTES),
        )
    code_bytes = file_bytes - cursor.place - CHECKSUM_BYTES
    if code_bytes < 0:
        raise FormatError("the file ends too early. Copy it again, whole.", offset=file_bytes)
    if num_bytes > (code_bytes + 16) * _MOST_RATIO or (coding is Coding.STORED and num_bytes != code_bytes):
        raise FormatError(
            f"{_BROKEN}: it promises {num_bytes:,} bytes, which its {code_bytes:,} bytes of code do not hold.",
            offset=len(MAGIC) + 1,
        )
    return Header(coding=coding, num_bytes=num_bytes, is_folder=bool(kind & _FOLDER), stamp=stamp), cursor.place


def checksum(data: bytes, before: int = 0) -> int:
    """The CRC-32 of data that follow those whose checksum is `before`."""
    return zlib.crc32(data, before)


def serialize_table(entries: list[Entry]) -> bytes:
    """The table of a folder."""
    rows = [_text(entry.path) + _varint(entry.num_bytes) for entry in entries]
    return _varint(len(entries)) + b"".join(rows)


def read_table(read: Callable[[int], bytes], num_bytes: int) -> tuple[list[Entry], int]:
    """The table at the start of a content of so many bytes, and its length; `read(n)` gives the next n bytes.

    Raises FormatError for a path that leads out of the folder, or comes twice.
    """
    cursor = _Reader(read)
    entries: list[Entry] = []
    taken: set[str] = set()
    for _ in range(cursor.varint()):
        path, size = cursor.text(_MOST_PATH), cursor.varint()
        if not stays_inside(path) or path in taken:
            raise FormatError(f"{_BROKEN}: its table has the path {path!r}, which cannot be written here.")
        if size > num_bytes:
            raise FormatError(f"{_BROKEN}: its table promises more bytes than there are.")
        taken.add(path)
        entries.append(Entry(path, size))
    if cursor.place + sum(entry.num_bytes for entry in entries) != num_bytes:
        raise FormatError(f"{_BROKEN}: its table does not fit its length.")
    return entries, cursor.place


def stays_inside(path: str, *, windows: bool = os.name == "nt") -> bool:
    """Whether a path of a table names a file inside the folder; on Windows, one that a file may have there."""
    parts = PurePosixPath(path).parts
    inside = bool(parts) and path == "/".join(parts) and not path.startswith("/") and not {"..", "."} & set(parts)
    if not inside or "\0" in path:
        return False
    return not windows or not any(_is_refused_by_windows(part) for part in parts)


def _is_refused_by_windows(part: str) -> bool:
    """Whether Windows would read a name as a device, a drive or several names, or another name than it is."""
    device = part.split(".")[0].rstrip(" ").upper()
    return bool(set(part) & set('\\:*?"<>|')) or part.endswith((".", " ")) or device in _DEVICES


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= 128:
        data.append(value & 127 | 128)
        value >>= 7
    return bytes([*data, value])


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogateescape")  # as Python holds names that are not UTF-8
    return _varint(len(data)) + data


class _Reader:
    """Reads numbers and texts from what a function gives."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.place = 0

    def take(self, count: int) -> bytes:
        data = self._read(count)
        if len(data) < count:
            raise FormatError(f"{_BROKEN}: it ends too early.", offset=self.place + len(data))
        self.place += count
        return data

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 63, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise FormatError(f"{_BROKEN}: a number has too many bytes.", offset=self.place)

    def text(self, most: int) -> str:
        count, start = self.varint(), self.place
        if count > most:
            raise FormatError(f"{_BROKEN}: a name has {count:,} bytes.", offset=start)
        return self.take(count).decode("utf-8", "surrogateescape")


class _Cursor(_Reader):
    """Reads from bytes, from a place on."""

    def __init__(self, data: bytes, place: int) -> None:
        super().__init__(lambda count: data[self.place : self.place + count])
        self.place = place
