"""BMP pictures, 24-bit and uncompressed: bytes <-> Picture.

The models read and write one form of it, of 3126 bytes: 32x32 pixels, rows from the bottom up, a
header of 54 bytes. The header is the one that Pillow writes, byte for byte; the published bGPT
models were trained on it. `parse` is strict, because files that a model wrote must be right: a size
field that disagrees with the file is an error. `bytesim normalize` converts all other pictures.

Source: BITMAPFILEHEADER and BITMAPINFOHEADER of Microsoft's wingdi.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from bytesim.errors import FormatError

HEADER_BYTES = 54
MODEL_SIDE = 32
"""Width and height, in pixels, of pictures in the models' form."""
MODEL_BYTES = HEADER_BYTES + 3 * MODEL_SIDE * MODEL_SIDE

_HEADER = struct.Struct("<2sIHHIIiiHHIIiiII")
_SCREEN = 3780  # pixels per metre: 96 to the inch


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A picture. `pixels` holds the rows from the top down, 3 bytes (red, green, blue) a pixel, no padding."""

    width: int
    height: int
    pixels: bytes
    pixels_per_metre: tuple[int, int] = (_SCREEN, _SCREEN)
    """Print resolution, horizontal and vertical; screens ignore it."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise FormatError(f"{self.width}x{self.height} pixels are not a picture. Give at least 1x1.")
        if len(self.pixels) != 3 * self.width * self.height:
            raise FormatError(f"{len(self.pixels)} bytes are not {self.width}x{self.height} pixels of 3 bytes.")
        if HEADER_BYTES + _stride(self.width) * self.height > 0x7FFFFFFF:
            raise FormatError("a BMP file is smaller than 2 GiB. Make the picture smaller.")
        if not all(-(2**31) <= value < 2**31 for value in self.pixels_per_metre):
            raise FormatError(f"a resolution of {self.pixels_per_metre} pixels per metre does not fit into the header.")

    @property
    def is_model_form(self) -> bool:
        """True for 32x32 pixels."""
        return self.width == self.height == MODEL_SIDE


def _stride(width: int) -> int:
    """Bytes of one stored row: 3 per pixel, padded to a multiple of 4."""
    return (3 * width + 3) // 4 * 4


def _swap_red_and_blue(row: bytes) -> bytes:
    swapped = bytearray(row)
    swapped[0::3], swapped[2::3] = row[2::3], row[0::3]
    return bytes(swapped)


def serialize(picture: Picture) -> bytes:
    """The file: the header, then the rows from the bottom up, blue first, padded with zeros."""
    row_bytes, stride = 3 * picture.width, _stride(picture.width)
    size = stride * picture.height
    across, down = picture.pixels_per_metre
    header = _HEADER.pack(
        *(b"BM", HEADER_BYTES + size, 0, 0, HEADER_BYTES),
        *(40, picture.width, picture.height, 1, 24, 0, size, across, down, 0, 0),
    )
    starts = range((picture.height - 1) * row_bytes, -1, -row_bytes)
    rows = (_swap_red_and_blue(picture.pixels[at : at + row_bytes]).ljust(stride, b"\0") for at in starts)
    return header + b"".join(rows)


def parse(data: bytes) -> Picture:
    """Read a 24-bit BMP without compression, stored from the bottom up or from the top down.

    Raises FormatError, with the offset of the wrong field, for anything else. Sizes are checked
    against the length of the file before anything is allocated.
    """
    if data[:2] != b"BM":
        raise FormatError(f"expected b'BM', found {data[:2]!r}. This is not a BMP file.", offset=0)
    if len(data) < HEADER_BYTES:
        raise FormatError(
            f"the header has {HEADER_BYTES} bytes, the file {len(data)}. It is cut short.", offset=len(data)
        )
    fields = _HEADER.unpack_from(data)
    _, claimed, _, _, start, header_size, width, height, planes, bits, compression, image_size, across, down, _, _ = (
        fields
    )
    if claimed != len(data):
        raise FormatError(f"the header claims {claimed} bytes, the file has {len(data)}.", offset=2)
    if header_size < 40:
        raise FormatError(f"a header of {header_size} bytes is of an older kind; 40 or more are read.", offset=14)
    if width < 1:
        raise FormatError(f"the width is {width} pixels; it must be 1 or more.", offset=18)
    if height == 0:
        raise FormatError("the height is 0 pixels.", offset=22)
    if (planes, bits) != (1, 24):
        raise FormatError(f"{bits} bits per pixel in {planes} planes; 24 bits in 1 plane are read.", offset=26)
    if compression:
        raise FormatError(f"compression {compression}; only uncompressed pictures are read.", offset=30)
    size = _stride(width) * abs(height)
    if image_size not in (0, size):
        raise FormatError(f"{image_size} bytes of pixels claimed, {size} needed.", offset=34)
    if start < 14 + header_size or start + size > len(data):
        raise FormatError(f"{size} bytes of pixels from byte {start} do not fit into {len(data)} bytes.", offset=10)
    return Picture(
        width=width,
        height=abs(height),
        pixels=_rows(data, start, width, height),
        pixels_per_metre=(across, down),
    )


def mirrored(data: bytes) -> bytes:
    """The file of the mirror image (left and right exchanged). Raises FormatError as `parse` does."""
    picture = parse(data)
    step = 3 * picture.width
    rows = [picture.pixels[start : start + step] for start in range(0, len(picture.pixels), step)]
    pixels = b"".join(row[offset : offset + 3] for row in rows for offset in range(step - 3, -1, -3))
    return serialize(replace(picture, pixels=pixels))


def _rows(data: bytes, start: int, width: int, height: int) -> bytes:
    """The pixels from the top down; they are stored in that order if the height is negative."""
    stride = _stride(width)
    rows = [data[at : at + 3 * width] for at in range(start, start + stride * abs(height), stride)]
    return _swap_red_and_blue(b"".join(rows if height < 0 else reversed(rows)))
