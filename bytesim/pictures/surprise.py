"""A map of the surprise along a file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bytesim.pictures.canvas import new_figure, png_of

COLUMNS = 256
_MOST_ROWS = 1024
_LEAST_BITS, _MOST_BITS = 0.01, 20.0


def draw_surprise(
    bits: NDArray[np.float32], spans: Sequence[tuple[int, int]], edges: Sequence[int], title: str
) -> bytes:
    """A PNG: the bits of every byte on a logarithmic scale, 256 bytes a row.

    A long file has several bytes in a cell, which shows the greatest of them. `spans` are framed, and edges marked at
    the side.
    """
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    scale = max(1, -(-len(bits) // (COLUMNS * _MOST_ROWS)))
    cells = -(-len(bits) // scale)
    rows = max(1, -(-cells // COLUMNS))
    padded = np.full(rows * COLUMNS * scale, np.nan, np.float32)
    padded[: len(bits)] = np.maximum(bits, _LEAST_BITS)
    whole = np.full(rows * COLUMNS, np.nan, np.float32)
    whole[:cells] = np.nanmax(padded[: cells * scale].reshape(cells, scale), axis=1)
    figure = new_figure(9, min(14.0, max(2.6, 1.6 + rows / 40)))
    axes = figure.subplots()
    norm = LogNorm(_LEAST_BITS, _MOST_BITS)
    image = axes.imshow(whole.reshape(rows, COLUMNS), cmap="cividis", norm=norm, aspect="auto", interpolation="nearest")
    for start, end in spans:
        first, last = start // scale, max(start // scale, (end - 1) // scale)
        for row in range(first // COLUMNS, last // COLUMNS + 1):
            left, right = max(first, row * COLUMNS), min(last, (row + 1) * COLUMNS - 1)
            frame = Rectangle((left % COLUMNS - 0.5, row - 0.5), right - left + 1, 1, fill=False, color="red", lw=1.2)
            axes.add_patch(frame)
    for edge in edges:
        axes.plot([-2.5], [edge / scale / COLUMNS - 0.5], marker=">", color="black", markersize=5, clip_on=False)
    axes.set_xlim(-0.5, COLUMNS - 0.5)
    ticks = np.unique(np.linspace(0, rows - 1, min(rows, 12)).astype(int))
    axes.set_yticks(ticks, [f"0x{row * COLUMNS * scale:x}" for row in ticks])
    axes.set_xticks(range(0, COLUMNS + 1, 32), [f"+0x{column * scale:x}" for column in range(0, COLUMNS + 1, 32)])
    axes.tick_params(axis="y", pad=8)
    axes.set_title(title, fontsize="medium")
    axes.set_xlabel("offset in the row" + (f"; a cell is {scale} bytes, and shows the greatest" if scale > 1 else ""))
    figure.colorbar(image, ax=axes, label="bits of a byte", ticks=[0.01, 0.1, 1, 10], format="%g")
    return png_of(figure)
