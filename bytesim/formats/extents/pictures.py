"""Where pictures end.

Sources: PNG (ISO/IEC 15948), GIF89a (CompuServe 1990), JPEG (ITU-T T.81), TIFF 6.0 (Adobe 1992), RIFF (IBM, Microsoft
1991), and for BMP and ICO Microsoft's wingdi.h.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bytesim.formats.extents.reading import CutError, Metered, big, byte, inside, little, number, piece, require

_MOST_CHUNKS = 1 << 20


def png_end(data: Metered, start: int) -> int:
    """The chunks up to IEND."""
    at = start + 8
    for _ in range(_MOST_CHUNKS):
        kind = piece(data, at + 4, 4)
        require(kind.isalpha())
        at = inside(data, at + 12 + big(data, at, 4))
        if kind == b"IEND":
            return at
    raise CutError


def gif_end(data: Metered, start: int) -> int:
    """The blocks up to the trailer."""

    def after_colours(at: int, flags: int) -> int:
        return at + (3 << ((flags & 7) + 1) if flags & 128 else 0)

    def after_blocks(at: int) -> int:
        while size := byte(data, at):
            at += 1 + size
        return at + 1

    at = after_colours(start + 13, byte(data, start + 10))
    while True:
        kind = piece(data, at, 1)
        if kind == b";":
            return at + 1
        if kind == b"!":
            at = after_blocks(at + 2)
        else:
            require(kind == b",")
            at = after_blocks(after_colours(at + 10, byte(data, at + 9)) + 1)


def jpeg_end(data: Metered, start: int) -> int:
    """The segments up to the end of the image."""
    at = start + 2
    while True:
        require(piece(data, at, 1) == b"\xff")
        marker = byte(data, at + 1)
        if marker == 0xD9:
            return at + 2
        if marker == 0xFF:  # a filler
            at += 1
            continue
        require(marker >= 0xC0)
        at += 2 + big(data, at + 2, 2)
        while marker == 0xDA:  # coded data: 0xff is followed by 0, or by a restart marker
            at = data.find(b"\xff", at)
            following = byte(data, at + 1)
            if following and not 0xD0 <= following <= 0xD7:
                break
            at += 2


def bmp_end(data: Metered, start: int) -> int:
    """By the size in the header, which the pixels must fit."""
    size, pixels, header = little(data, start + 2, 4), little(data, start + 10, 4), little(data, start + 14, 4)
    require(header in (12, 40, 52, 56, 64, 108, 124) and 14 + header <= pixels < size)
    require(little(data, start + 6, 4) == 0)
    if header > 12:
        width, height = little(data, start + 18, 4), little(data, start + 22, 4)
        depth, packed = little(data, start + 28, 2), little(data, start + 30, 4)
        require(depth in (1, 2, 4, 8, 16, 24, 32) and packed <= 13)
        if packed in (0, 3, 6):
            height = min(height, 2**32 - height)
            require(size - pixels >= (width * depth + 31) // 32 * 4 * height)
    return inside(data, start + size)


def ico_end(data: Metered, start: int) -> int:
    """By the last of its pictures."""
    count = little(data, start + 4, 2)
    require(0 < count <= 64)
    end = start + 6 + 16 * count
    for entry in range(start + 6, start + 6 + 16 * count, 16):
        planes, depth = little(data, entry + 4, 2), little(data, entry + 6, 2)
        size, offset = little(data, entry + 8, 4), little(data, entry + 12, 4)
        require(planes <= 1 and depth in (0, 1, 4, 8, 16, 24, 32) and offset >= 6 + 16 * count and size > 0)
        first = piece(data, start + offset, 4)
        require(first in (b"\x89PNG", b"\x28\0\0\0"))
        end = max(end, start + offset + size)
    return inside(data, end)


_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
"""Type of a field -> bytes of a value."""
_TIFF_OFFSETS, _TIFF_COUNTS = (273, 324, 513), (279, 325, 514)
"""Fields that say where strips, tiles and JPEG previews are, and how long they are."""
_TIFF_DIRECTORIES = (330, 34665, 34853)
"""Fields that say where further directories are: of other sizes of the picture, of Exif and of GPS."""


def tiff_end(data: Metered, start: int) -> int:
    """By the end of the directories, the values and the pixels that they name."""
    order: Literal["little", "big"] = "little" if piece(data, start, 1) == b"I" else "big"

    def read(at: int, size: int) -> int:
        return number(data, start + at, size, order)

    end, waiting, seen = 8, [read(4, 4)], set[int]()
    while waiting:
        directory = waiting.pop()
        if not directory:
            continue
        require(directory >= 8 and directory not in seen and len(seen) < 4096)
        seen.add(directory)
        count = read(directory, 2)
        require(0 < count < 4096)
        values: dict[int, NDArray[np.int64]] = {}
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, many = read(entry, 2), read(entry + 2, 2), read(entry + 4, 4)
            require(kind in _TIFF_SIZES)
            size = _TIFF_SIZES[kind]
            at = entry + 8 if size * many <= 4 else read(entry + 8, 4)
            end = max(end, at + size * many)
            inside(data, start + end)
            if tag in _TIFF_OFFSETS + _TIFF_COUNTS + _TIFF_DIRECTORIES:
                require(size in (1, 2, 4))
                cells = piece(data, start + at, size * many)
                values[tag] = np.frombuffer(cells, f"{'<' if order == 'little' else '>'}u{size}").astype(np.int64)
        for offsets, counts in zip(_TIFF_OFFSETS, _TIFF_COUNTS, strict=True):
            both = min(len(values.get(offsets, ())), len(values.get(counts, ())))
            if both:
                end = max(end, int((values[offsets][:both] + values[counts][:both]).max()))
        waiting += [int(each) for tag in _TIFF_DIRECTORIES for each in values.get(tag, ())]
        waiting.append(read(directory + 2 + 12 * count, 4))
        end = max(end, directory + 6 + 12 * count)
    return inside(data, start + end)


def riff_end(data: Metered, start: int) -> int:
    """By the size of the outermost chunk, and of those of 2 GB that follow in an AVI."""
    form = piece(data, start + 8, 4)
    at = start + 8 + little(data, start + 4, 4)
    while form == b"AVI " and data[at : at + 4] == b"RIFF" and data[at + 8 : at + 12] == b"AVIX":
        at += 8 + little(data, at + 4, 4)
    require(at > start + 12)
    odd = (at - start) % 2 and data[at : at + 1] == b"\0" and data[at + 1 : at + 2] != b"\0"
    return inside(data, at + bool(odd))
