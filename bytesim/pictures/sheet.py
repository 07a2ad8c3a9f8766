"""A contact sheet of many small pictures, or of the waveforms of many short recordings."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bytesim.formats import bmp, wav

MAX_SHOWN = 1024
"""Most files that are drawn; the sheet says how many more there are."""
_GAP, _LABEL = 6, 14
_PAPER, _INK, _WAVE, _MIDDLE = "white", "black", (31, 119, 180), (200, 200, 200)


def sheet(files: Sequence[tuple[str, bytes]], suffix: str) -> bytes:
    """A PNG of (label, file) pairs, all `bmp` or all `wav`, row by row, with the label below each.

    Raises FormatError for a file that does not parse.
    """
    shown = files[:MAX_SHOWN]
    scale = 4 if len(shown) <= 16 else 3 if len(shown) <= 100 else 2
    draw = _enlarged if suffix == "bmp" else _wave
    cells = [(label, draw(data, scale)) for label, data in shown]
    width = max(cell.width for _, cell in cells) + _GAP
    height = max(cell.height for _, cell in cells) + _GAP + _LABEL
    columns = max(1, min(len(cells), math.ceil(math.sqrt(len(cells) * height / width))))
    rows = -(-len(cells) // columns)
    left = len(files) - len(shown)
    canvas = Image.new("RGB", (_GAP + columns * width, _GAP + rows * height + (_LABEL if left else 0)), _PAPER)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default()
    for index, (label, cell) in enumerate(cells):
        x, y = _GAP + index % columns * width, _GAP + index // columns * height
        canvas.paste(cell, (x, y))
        pen.text((x, y + cell.height + 1), label, fill=_INK, font=font)
    if left:
        pen.text((_GAP, rows * height + _GAP), f"and {left} more", fill=_INK, font=font)
    picture = io.BytesIO()
    canvas.save(picture, format="PNG")
    return picture.getvalue()


def _enlarged(data: bytes, scale: int) -> Image.Image:
    """A picture with each pixel enlarged to a square."""
    picture = bmp.parse(data)
    small = Image.frombytes("RGB", (picture.width, picture.height), picture.pixels)
    return small.resize((small.width * scale, small.height * scale), Image.Resampling.NEAREST)


def _wave(data: bytes, scale: int) -> Image.Image:
    """A waveform: at each moment the range of the samples, silence in the middle, full scale at the edges."""
    samples = np.frombuffer(wav.parse(data).frames, np.uint8)
    width, height = 80 * scale, 24 * scale
    cell = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(cell)
    pen.line([(0, height // 2), (width, height // 2)], fill=_MIDDLE)
    for x, moment in enumerate(np.array_split(samples, width)):
        if len(moment):
            top, bottom = ((255 - int(level)) * (height - 1) // 255 for level in (moment.max(), moment.min()))
            pen.line([(x, top), (x, bottom)], fill=_WAVE)
    pen.rectangle([(0, 0), (width - 1, height - 1)], outline=_MIDDLE)
    return cell
