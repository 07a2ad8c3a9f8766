"""A small picture of what a file holds: the picture itself, the wave of a recording, the notes or score of music."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bytesim.errors import BytesimError, ToolError
from bytesim.media.forms import open_sound
from bytesim.media.image import thumbnail
from bytesim.pictures.engraving import engrave
from bytesim.pictures.piano_roll import piano_roll

_SIDE = 512
_SMALL = 96
"""Pictures of at most this side are enlarged with sharp pixels."""
_COLUMNS = 300
_TUNE_BYTES, _MOST_SVG = 16_384, 400_000
"""Bytes of a tune book that are engraved, and of the longest score that is shown."""
_MOST_SAMPLES = 60 * 8000


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A picture, or the path of a wave in a box of 600 by 100."""

    alt: str
    image: str = ""
    """A data URI."""
    path: str = ""
    pixels: bool = False


def preview_of(data: bytes) -> Preview | None:
    """The preview of a file by its first bytes; None where there is none, or where it cannot be made."""
    makers: dict[bytes, Callable[[bytes], Preview]] = {
        b"BM": _picture, b"\x89PNG": _picture, b"\xff\xd8\xff": _picture, b"GIF8": _picture,
        b"RIFF": _wave, b"fLaC": _wave, b"OggS": _wave, b"FORM": _wave, b"MThd": _notes, b"X:": _score, b"%abc": _score,
    }  # fmt: skip
    for head, make in makers.items():
        if data.startswith(head):
            try:
                return make(data)
            except BytesimError:
                return None
    return None


def _picture(data: bytes) -> Preview:
    png, width, height = thumbnail(io.BytesIO(data), _SIDE)
    return Preview(alt="the picture", image=_uri(png), pixels=max(width, height) <= _SMALL)


def _notes(data: bytes) -> Preview:
    return Preview(alt="the notes", image=_uri(piano_roll(data)))


def _score(data: bytes) -> Preview:
    """The first tune of a book, by abcm2ps. Raises ToolError without it."""
    svg = engrave(data[:_TUNE_BYTES])
    if len(svg) > _MOST_SVG:
        raise ToolError("the score is too large for a preview.")
    return Preview(alt="the score of the first tune", image=_uri(svg, "image/svg+xml"))


def _wave(data: bytes) -> Preview:
    blocks, count = [], 0
    with open_sound(io.BytesIO(data)) as sound:
        for block in sound.blocks():
            blocks.append(block)
            count += len(block)
            if count >= _MOST_SAMPLES:
                break
    samples = np.concatenate(blocks)[:_MOST_SAMPLES]
    ends = np.linspace(0, len(samples), min(_COLUMNS, len(samples)) + 1).astype(int)
    path = []
    for column, (first, last) in enumerate(pairwise(ends)):
        x = 600 * (column + 0.5) / (len(ends) - 1)
        low, high = float(samples[first:last].min()), float(samples[first:last].max())
        path.append(f"M{x:.1f} {50 - 48 * high:.1f}V{50 - 48 * low + 0.5:.1f}")
    return Preview(alt="the wave of the recording", path="".join(path))


def _uri(content: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64," + base64.b64encode(content).decode("ascii")
