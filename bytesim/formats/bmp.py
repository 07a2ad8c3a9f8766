"""BMP pictures, 24-bit and uncompressed: bytes <-> Picture.

The models know one shape of it: 32x32 pixels, rows from the bottom up, a header of 54 bytes;
such a file has 3126 bytes. The header is byte for byte the one that Pillow writes, which the
published bGPT models were trained on. `parse` is strict: a size that disagrees with the bytes
there is an error, because a file that a model wrote must be right. Pictures from elsewhere come
in through `bytesim normalize`.

Source: BITMAPFILEHEADER and BITMAPINFOHEADER of Microsoft's wingdi.h.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from bytesim.errors import FormatError

HEADER_BYTES = 54
MODEL_SIDE = 32
"""Width and height, in pixels, of the pictures that the models read and write."""
MODEL_BYTES = HEADER_BYTES + 3 * MODEL_SIDE * MODEL_SIDE

_HEADER = struct.Struct("<2sIHHIIiiHHIIiiII")
_SCREEN = 3780  # pixels per metre: 96 to the inch


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """Colours of a picture: rows from the top down, each pixel red, green, blue, 3 bytes, no padding."""

    width: int
    height: int
    pixels: bytes
    pixels_per_metre: tuple[int, int] = (_SCREEN, _SCREEN)
    """Print resolution across and down; it changes nothing on a screen."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise FormatError(f"{self.width}x{self.height} pixels are no picture.")
        if len(self.pixels) != 3 * self.width * self.height:
            raise FormatError(f"{len(self.pixels)} bytes are not {self.width}x{self.height} pixels of 3 bytes.")
        if HEADER_BYTES + _stride(self.width) * self.height > 0x7FFFFFFF:
            raise FormatError("a BMP file ends at 2 GiB. Make the picture smaller.")
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

    Raises FormatError, with the offset of the field at fault, for anything else. Sizes are checked
    against the bytes there before anything is allocated.
    """
    if data[:2] != b"BM":
        raise FormatError(f"expected b'BM', found {data[:2]!r}. This is no BMP file.", offset=0)
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
        raise FormatError(f"a header of {header_size} bytes is too old a kind; 40 or more are read.", offset=14)
    if width < 1:
        raise FormatError(f"a width of {width} pixels.", offset=18)
    if height == 0:
        raise FormatError("a height of 0 pixels.", offset=22)
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
    """The file of the mirror image, left and right exchanged. Raises FormatError as `parse` does."""
    picture = parse(data)
    step = 3 * picture.width
    rows = [picture.pixels[start : start + step] for start in range(0, len(picture.pixels), step)]
    pixels = b"".join(row[place : place + 3] for row in rows for place in range(step - 3, -1, -3))
    return serialize(replace(picture, pixels=pixels))


def _rows(data: bytes, start: int, width: int, height: int) -> bytes:
    """Pixels from the top down; a negative height says that they are stored so."""
    stride = _stride(width)
    rows = [data[at : at + 3 * width] for at in range(start, start + stride * abs(height), stride)]
    return _swap_red_and_blue(b"".join(rows if height < 0 else reversed(rows)))
