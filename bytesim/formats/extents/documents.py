"""Where documents, fonts and data files end.

Sources: ISO 32000-1 for PDF, OpenType 1.9, WOFF2 (W3C 2022), the PCF description of X.Org, TeX: The Program (part 31),
SQLite's Database File Format, the NumPy enhancement proposal 1, GNU gettext's manual, HDF5's File Format Specification
3.0, the documentation of Parquet and Arrow, GObject Introspection's girepository.
"""

from __future__ import annotations

import ast
import io
import pickletools
import re
import warnings
from math import prod
from typing import Literal

import numpy as np

from bytesim.formats.extents.reading import CutError, Metered, big, byte, inside, little, number, piece, require

_PICKLE_BYTES = (1 << 12, 1 << 18, 1 << 24)
"""Bytes of a pickle that are read, first few and then more."""
_LEAST_OPCODES = 8
_AFTER_PDF = re.compile(rb"\s*(\d+\s+\d+\s+obj|xref|startxref|%%EOF)")


def pdf_end(data: Metered, start: int) -> int:
    """The last end mark after which the file does not go on with objects."""
    at = start
    while True:
        before, at = at, data.find(b"%%EOF", at) + 5
        require(b"\n%PDF-" not in data[max(before, start + 5) : at])  # this one was cut off
        if not _AFTER_PDF.match(data[at : at + 200]):
            break
    if data[at : at + 2] == b"\r\n":
        return at + 2
    return at + (data[at : at + 1] in (b"\n", b"\r"))


def font_end(data: Metered, start: int) -> int:
    """By the last table of a TrueType or OpenType font."""
    tables = big(data, start + 4, 2)
    require(4 <= tables <= 64)
    end = 12 + 16 * tables
    for at in range(start + 12, start + 12 + 16 * tables, 16):
        tag, offset, size = piece(data, at, 4), big(data, at + 8, 4), big(data, at + 12, 4)
        require(tag.isascii() and tag.decode("ascii").isprintable() and offset >= 12 + 16 * tables)
        end = max(end, offset + size)
    padded = -(-end // 4) * 4
    zeros = data[start + end : start + padded] == bytes(padded - end)
    return inside(data, start + (padded if zeros else end))


def woff2_end(data: Metered, start: int) -> int:
    """By the length in the header."""
    require(little(data, start + 14, 2) == 0)
    return inside(data, start + big(data, start + 8, 4))


def pcf_end(data: Metered, start: int) -> int:
    """By the last of the tables."""
    tables = little(data, start + 4, 4)
    require(0 < tables <= 16)
    rows = range(start + 8, start + 8 + 16 * tables, 16)
    return inside(data, start + max(little(data, at + 8, 4) + little(data, at + 12, 4) for at in rows))


def dvi_end(data: Metered, start: int) -> int:
    """The postamble, and what fills the last word."""
    at = start
    while True:
        at = data.find(b"\xdf\xdf\xdf\xdf", at + 1)
        post = start + big(data, at - 5, 4) if at - 6 > start and byte(data, at - 1) == 2 else -1
        if post > start and data[post : post + 1] == b"\xf8" and byte(data, at - 6) == 0xF9:
            end = at + 4
            while data[end : end + 1] == b"\xdf" and end < at + 7:
                end += 1
            return end


def sqlite_end(data: Metered, start: int) -> int:
    """By the number of pages in the header."""
    size = big(data, start + 16, 2)
    size = 65536 if size == 1 else size
    pages = big(data, start + 28, 4)
    require(size >= 512 and size & (size - 1) == 0 and pages > 0 and piece(data, start + 21, 3) == b"\x40\x20\x20")
    return inside(data, start + size * pages)


_NPY_TYPE = re.compile(r"[<>|=]?[a-zA-Z?](\d{0,6})")


def npy_end(data: Metered, start: int) -> int:
    """By the shape and the type of the values; objects are a pickle."""
    width = 2 if byte(data, start + 6) == 1 else 4
    length = little(data, start + 8, width)
    require(length < 65536)
    text, at = piece(data, start + 8 + width, length).decode("latin-1").strip(), start + 8 + width + length
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            header = ast.literal_eval(text)
        kind, shape = str(header["descr"]), [int(size) for size in header["shape"]]
    except (ValueError, SyntaxError, KeyError, TypeError, OverflowError, MemoryError, RecursionError) as error:
        raise CutError from error
    found = _NPY_TYPE.fullmatch(kind)
    if found is None or min(shape, default=0) < 0:
        raise CutError
    if "O" in kind:
        return pickle_end(data, at)
    return inside(data, at + int(found[1] or 1) * (4 if "U" in kind else 1) * prod(shape))


def mo_end(data: Metered, start: int) -> int:
    """By the last of the strings, each of which ends with a zero, and the hash table."""
    order: Literal["little", "big"] = "little" if piece(data, start, 1) == b"\xde" else "big"

    def read(at: int) -> int:
        return number(data, start + at, 4, order)

    require(piece(data, start + 4, 4) in (bytes(4), b"\1\0\0\0", b"\0\0\0\1"))
    count, end = read(8), read(24) + 4 * read(20)
    require(0 < count < 1 << 20)
    for table in (read(12), read(16)):
        rows = np.frombuffer(piece(data, start + table, 8 * count), "<u4" if order == "little" else ">u4")
        lengths, places = rows[::2].astype(np.int64), rows[1::2].astype(np.int64)
        end = max(end, table + 8 * count, int((lengths + places).max()) + 1)
    return inside(data, start + end)


def hdf5_end(data: Metered, start: int) -> int:
    """By the end of file address of the superblock."""
    version = byte(data, start + 8)
    require(version <= 3)
    if version <= 1:
        width, at = byte(data, start + 13), start + 24 + 4 * version
    else:
        width, at = byte(data, start + 9), start + 12
    require(width in (2, 4, 8))
    base, end = little(data, at, width), little(data, at + 2 * width, width)
    require(base == 0 and end > at - start)
    return inside(data, start + end)


def parquet_end(data: Metered, start: int) -> int:
    """The footer, whose length stands before the last mark."""
    at = start
    while True:
        at = data.find(b"PAR1", at + 1)
        require(data[at + 4 : at + 5] != b"\x15")  # another file begins, this one was cut off
        footer = at - 4 - little(data, at - 4, 4) if at - 4 > start + 4 else -1
        if footer >= start + 4 and data[footer : footer + 1] == b"\x15":
            return at + 4


def arrow_end(data: Metered, start: int) -> int:
    """The footer, whose length stands before the last mark."""
    at = start
    while True:
        at = data.find(b"ARROW1", at + 1)
        require(data[at + 6 : at + 8] != b"\0\0")  # another file begins, this one was cut off
        length = little(data, at - 4, 4)
        if at - 4 - length >= start + 8 and length > 8 and at > start + 16:
            return at + 6


def pickle_end(data: Metered, start: int) -> int:
    """The opcodes up to STOP; nothing is loaded."""
    for size in _PICKLE_BYTES:
        stream, count = io.BytesIO(data[start : start + size]), 0
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                for _ in pickletools.genops(stream):
                    count += 1
        except (ValueError, IndexError, KeyError, OverflowError, MemoryError, AttributeError) as error:
            if stream.tell() < size or start + size >= len(data):
                raise CutError from error
            continue
        require(count >= _LEAST_OPCODES)
        return start + stream.tell()
    raise CutError


def typelib_end(data: Metered, start: int) -> int:
    """By the size in the header."""
    size = little(data, start + 36, 4)
    require(size >= 112)
    return inside(data, start + size)
