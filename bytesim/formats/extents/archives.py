"""Where archives and compressed streams end.

Sources: APPNOTE.TXT 6.3.10 (PKWARE) for zip, RFC 1952 for gzip, RFC 8878 for Zstandard, the LZ4 frame format 1.6, the
7z format of 7-Zip's 7zFormat.txt, POSIX ustar, ar(5).
"""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from typing import Protocol

from bytesim.formats.extents.reading import CutError, Metered, SpentError, byte, inside, little, piece, require

_STEP = 1 << 16
_STREAM_COST = 1024
"""Bytes that a step of a decompression counts as at the least."""
_MOST_NAMED = 1 << 24
"""Longest zip whose list of names is read."""


def zip_end(data: Metered, start: int) -> int:
    """The end of the central directory that begins where its last record says."""
    at = start
    while True:
        at = data.find(b"PK\5\6", at + 1)
        size, offset = little(data, at + 12, 4), little(data, at + 16, 4)
        if start + offset + size == at and (size == 0 or piece(data, start + offset, 4) == b"PK\1\2"):
            return inside(data, at + 22 + little(data, at + 20, 2))


def zip_kind(data: Metered, start: int, end: int) -> str:
    """The type of a zip, by the names in it."""
    if end - start > _MOST_NAMED:
        return "zip"
    content = piece(data, start, end - start)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        return "zip"
    for name, kind in _MEMBERS:
        if name in names:
            return kind
    first = content[30:100]
    if first.startswith(b"mimetypeapplication/epub"):
        return "epub"
    return "odt" if first.startswith(b"mimetypeapplication/vnd.oasis.opendocument.text") else "zip"


_MEMBERS = (
    ("word/document.xml", "docx"),
    ("xl/workbook.xml", "xlsx"),
    ("ppt/presentation.xml", "pptx"),
    ("META-INF/container.xml", "epub"),
    ("META-INF/MANIFEST.MF", "jar"),
)


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class _Inflate:
    """zlib with the interface of bz2 and lzma."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._stream.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes:
        return self._stream.decompress(self._stream.unconsumed_tail + data, max_length)


def gz_end(data: Metered, start: int) -> int:
    """The end of the members that follow each other."""
    end = _stream_end(data, start, _Inflate())
    while data[end : end + 3] == b"\x1f\x8b\x08":
        try:
            end = _stream_end(data, end, _Inflate())
        except SpentError:
            raise
        except CutError:
            break
    return end


def bz2_end(data: Metered, start: int) -> int:
    """The end of the stream."""
    return _stream_end(data, start, bz2.BZ2Decompressor())


def xz_end(data: Metered, start: int) -> int:
    """The end of the stream."""
    return _stream_end(data, start, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28))


def _stream_end(data: Metered, at: int, stream: _Decompressor) -> int:
    try:
        while not stream.eof:
            given = b""
            if stream.needs_input:
                given = data.peek(at, _STEP)
                require(bool(given))
                at += len(given)
            count = len(stream.decompress(given, _STEP * 16))
            data.spend(_STREAM_COST + count + len(given) - len(stream.unused_data))
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise CutError from error
    return at - len(stream.unused_data)


def zst_end(data: Metered, start: int) -> int:
    """The blocks of a frame."""
    flags = byte(data, start + 4)
    single, checked = flags >> 5 & 1, flags >> 2 & 1
    require(flags >> 3 & 1 == 0)
    content = (single, 2, 4, 8)[flags >> 6]
    at, last = start + 5 + (1 - single) + (0, 1, 2, 4)[flags & 3] + content, 0
    while not last:
        header = little(data, at, 3)
        last, kind, size = header & 1, header >> 1 & 3, header >> 3
        require(kind < 3)
        at = inside(data, at + 3 + (1 if kind == 1 else size))
    return inside(data, at + 4 * checked)


def lz4_end(data: Metered, start: int) -> int:
    """The blocks of a frame."""
    flags = byte(data, start + 4)
    require(flags >> 6 == 1)
    at = start + 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    while size := little(data, at, 4):
        at = inside(data, at + 4 + (size & 0x7FFFFFFF) + (4 if flags & 16 else 0))
    return inside(data, at + 4 + (4 if flags & 4 else 0))


def seven_zip_end(data: Metered, start: int) -> int:
    """By the place and the length of its last header; the first one has a checksum."""
    header = piece(data, start + 12, 20)
    require(zlib.crc32(header) == little(data, start + 8, 4))
    return inside(data, start + 32 + int.from_bytes(header[:8], "little") + int.from_bytes(header[8:16], "little"))


def tar_end(data: Metered, start: int) -> int:
    """The members, and the blocks of zeros that follow them."""
    at, members = start, 0
    while any(header := data[at : at + 512]):
        require(len(header) == 512)
        written = _octal(header[148:156])
        require(written == sum(header) - sum(header[148:156]) + 8 * 32)
        at = inside(data, at + 512 + -(-_octal(header[124:136]) // 512) * 512)
        members += 1
    require(members > 0)
    zeros = at
    while data[zeros : zeros + 512] == bytes(512) and zeros - at < 10240:
        zeros += 512
    record = start + -(-(zeros - start) // 10240) * 10240  # archives are padded to records of 10,240 bytes
    return record if record <= zeros else zeros


def _octal(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b"\0 ")
    require(not digits or digits.isdigit())
    try:
        return int(digits or b"0", 8)
    except ValueError as error:
        raise CutError from error


def ar_end(data: Metered, start: int) -> int:
    """The members, by the sizes in their headers."""
    at, members = start + 8, 0
    while data[at + 58 : at + 60] == b"`\n":
        size = piece(data, at + 48, 10).strip()
        require(size.isdigit())
        at = inside(data, at + 60 + int(size))
        at += (at - start) % 2 and data[at : at + 1] == b"\n"
        members += 1
    require(members > 0)
    return at


def ar_kind(data: Metered, start: int, end: int) -> str:
    """Whether an ar is a Debian package."""
    return "deb" if data[start + 8 : min(end, start + 21)] == b"debian-binary" else "ar"
