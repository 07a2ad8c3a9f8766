"""Convert any picture that Pillow reads to the models' form, 32x32 pixels of 24 bits.

Too large a picture is refused by the size in its header, before any pixel is decoded: a PNG of a few
hundred bytes can claim 50,000 x 50,000 pixels.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bytesim.errors import InputError
from bytesim.formats import bmp

T = TypeVar("T")

MAX_PIXELS = 64 * 1024 * 1024
"""Largest picture that is decoded. A large JPEG is decoded at a smaller size, which is what counts."""

_SIDE = bmp.MODEL_SIDE
_DRAFT_SIDE = 8 * _SIDE
_MAX_SCANNED_PIXELS = 64 * MAX_PIXELS
_BAND = 256
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> the operation that turns the stored pixels upright."""
_REFUSED = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}
"""Pillow would run Ghostscript for EPS; it has no decoder for the others."""


class UnknownPictureError(InputError):
    """A file that Pillow does not know; it may be of another kind."""


@dataclass(frozen=True, kw_only=True)
class NormalizedImage:
    """A picture in the models' form; in words, what the input was and what was done to it."""

    picture: bmp.Picture
    found: str
    done: str


def normalize_image(file: BinaryIO, *, fit: str = "crop") -> NormalizedImage:
    """Read a picture from a seekable binary file and reduce it to 32x32 pixels.

    The format is detected by content. `fit` makes the picture square: `crop` takes the middle square, `pad`
    puts the whole picture on white, `stretch` distorts it. Transparent parts become white, the first frame
    of an animation is taken, EXIF orientation is applied. Raises InputError for a file that Pillow cannot
    read and for too large a picture.
    """
    return _opened(file, lambda image: _normalize(image, file, fit))


def thumbnail(file: BinaryIO, side: int) -> tuple[bytes, int, int]:
    """A PNG of a picture, at most `side` pixels wide and high, and its size. Raises as `normalize_image` does."""

    def reduced(image: Image.Image) -> tuple[bytes, int, int]:
        image.draft(None, (side, side))
        _refuse_bombs(image, image.width * image.height, file)
        image.load()
        small = _plain_colours(image)
        small.thumbnail((side, side))
        png = io.BytesIO()
        small.save(png, "PNG")
        return png.getvalue(), small.width, small.height

    return _opened(file, reduced)


def _opened(file: BinaryIO, work: Callable[[Image.Image], T]) -> T:
    """What `work` makes of the picture in a file. Raises InputError for whatever goes wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd metadata
            with Image.open(file, formats=_formats()) as image:
                return work(image)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise UnknownPictureError("not a picture that Pillow reads.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InputError(
            f"the picture has more pixels than can be decoded ({MAX_PIXELS:,}). Make it smaller first."
        ) from error
    except Exception as error:
        # On a damaged file Pillow's decoders may raise almost any exception.
        reason = str(error).rstrip(".") or type(error).__name__
        raise InputError(f"the picture cannot be decoded: {reason}.") from error


def opaque_size(file: BinaryIO) -> tuple[int, int]:
    """(width, height) of a picture by its header. Raises InputError if parts are transparent or it is not a picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=_formats()) as image:
                size, transparent = image.size, _is_transparent(image)
    except Exception as error:  # on a damaged file Pillow may raise almost any exception
        raise UnknownPictureError("not a picture that Pillow reads.") from error
    if transparent:
        raise InputError("the picture has transparent parts.")
    return size


def _formats() -> list[str]:
    Image.init()
    return [name for name in Image.ID if name not in _REFUSED]


def _normalize(image: Image.Image, file: BinaryIO, fit: str) -> NormalizedImage:
    width, height = image.size
    animated, transparent = getattr(image, "is_animated", False), _is_transparent(image)
    found = [f"{image.format} {width}x{height}"] + ["animated"] * animated + ["transparent"] * transparent
    # The JPEG decoder can decode at a smaller size; for other formats this does nothing.
    image.draft(None, (_DRAFT_SIDE, _DRAFT_SIDE))
    _refuse_bombs(image, width * height, file)
    image.load()
    turn = _UPRIGHT.get(_orientation(image))
    small = _fit(_plain_colours(image), fit)
    if turn is not None:
        small = small.transpose(turn)
    fitting = {"crop": "middle square", "pad": "whole picture on white", "stretch": "stretched"}[fit]
    done = ["first frame"] * animated + [fitting] * (width != height) + ["on white"] * transparent
    done += ["turned upright"] * (turn is not None) + [f"{_SIDE}x{_SIDE}"]
    picture = bmp.Picture(width=_SIDE, height=_SIDE, pixels=small.tobytes())
    return NormalizedImage(picture=picture, found=", ".join(found), done=", ".join(done))


def _refuse_bombs(image: Image.Image, full_size: int, file: BinaryIO) -> None:
    """Raise InputError if decoding would need more than 1 GB or several minutes."""
    warnings.simplefilter("error", Image.DecompressionBombWarning)  # for a picture inside the picture, as in ICO files
    progressive = bool(image.info.get("progressive"))
    # A progressive JPEG is always decoded at its full size.
    if (full_size if progressive else image.width * image.height) > MAX_PIXELS:
        raise InputError(
            f"the picture has {full_size:,} pixels, more than can be decoded ({MAX_PIXELS:,}). Make it smaller first."
        )
    if progressive and full_size * _count_scans(file) > _MAX_SCANNED_PIXELS:
        raise InputError("the JPEG has too many scans to decode. Save it again as an ordinary JPEG.")


def _count_scans(file: BinaryIO) -> int:
    """The number of start-of-scan markers. In coded pixels 00 follows FF, so nothing else is counted."""
    position = file.tell()
    file.seek(0)
    scans = sum(block.count(b"\xff\xda") for block in iter(lambda: file.read(1 << 20), b""))
    file.seek(position)
    return scans


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # the metadata are damaged, but the pixels may be sound
        return 1


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _plain_colours(image: Image.Image) -> Image.Image:
    """The picture as RGB, or RGBA if parts are transparent; greys of more than 8 bits are scaled to 8 first."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return Image.fromarray(_grey_8_bit(np.asarray(image))).convert("RGB")
    return image.convert("RGBA" if _is_transparent(image) else "RGB")


def _grey_8_bit(grey: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale greys (H, W) to 8 bits from 0..65535 (integers) or 0..1 (floats), else from their darkest to brightest."""
    low = min(float(band.min()) for band in _bands(grey))
    high = max(float(band.max()) for band in _bands(grey))
    usual = 1.0 if grey.dtype.kind == "f" else 65535.0
    if low >= 0 and high <= usual:
        low, high = 0.0, usual
    scale = 255 / ((high - low) or 1.0)
    return np.concatenate([np.rint((band - low) * scale).astype(np.uint8) for band in _bands(grey)])


def _bands(grey: NDArray[np.generic]) -> Iterator[NDArray[np.float32]]:
    """Yield a few rows at a time as finite floats, so that a large picture is not copied several times."""
    for top in range(0, len(grey), _BAND):
        yield np.nan_to_num(grey[top : top + _BAND].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)


def _fit(image: Image.Image, fit: str) -> Image.Image:
    """The picture as 32x32 RGB, on white."""
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side) if fit == "crop" else (0, 0, width, height)
    size = (_SIDE, _SIDE)
    if fit == "pad":
        longer = max(width, height)
        size = (max(1, round(_SIDE * width / longer)), max(1, round(_SIDE * height / longer)))
    small = image.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)
    canvas = Image.new("RGB", (_SIDE, _SIDE), "white")
    corner = ((_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2)
    canvas.paste(small, corner, small if small.mode == "RGBA" else None)
    return canvas
