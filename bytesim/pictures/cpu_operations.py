"""A picture of the exhaustive check of the CPU's operations: the wrong pairs of operands."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bytesim.pictures.canvas import new_figure, png_of

_COLUMNS = 4


def draw_operations(wrong: Mapping[str, NDArray[np.bool_]], title: str) -> bytes:
    """A PNG with a map for each operation: `wrong` (256, 256) is True in red, by first and second operand."""
    rows = -(-len(wrong) // _COLUMNS)
    figure = new_figure(3.2 * _COLUMNS, 3.4 * rows)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for place, (name, cells) in zip(axes, wrong.items(), strict=False):
        first, second = np.nonzero(cells)
        place.scatter(second, first, s=6, color="tab:red", marker="s", linewidths=0)
        place.set(xlim=(-2, 257), ylim=(-2, 257), aspect="equal", xlabel="second operand", ylabel="first operand")
        place.set_title(f"{name}: {len(first):,} of {cells.size:,} pairs wrong", fontsize="small")
        place.tick_params(labelsize="small")
    for place in axes[len(wrong) :]:
        place.set_visible(False)
    figure.suptitle(title, fontsize="medium")
    return png_of(figure)
