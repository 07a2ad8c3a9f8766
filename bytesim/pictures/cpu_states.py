"""A picture of a run of the CPU: ACC and registers over time, a colour for each value, wrong ones framed in red."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bytesim.formats.cpu_trace import REGISTER_NAMES, STATE_SIZE
from bytesim.pictures.canvas import new_figure, png_of

_SHOWN = (1, *range(STATE_SIZE - len(REGISTER_NAMES), STATE_SIZE))
"""Offsets in a state of the bytes that are drawn: ACC and the registers."""
_STEPS_PER_INCH = 14
_WIDEST_INCHES = 22.0
_FEW_STEPS = 40
"""Greatest number of states for which the values are written into the cells."""


def draw_states(shown: Sequence[bytes], right: Sequence[bytes], title: str) -> bytes:
    """A PNG of states, 16 bytes each; values that differ from `right`, or are missing there, are framed in red."""
    from matplotlib.patches import Rectangle

    whole = [state for state in shown if len(state) == STATE_SIZE]
    values = np.array([[state[offset] for offset in _SHOWN] for state in whole], np.uint8).T
    count = len(whole)
    width = min(_WIDEST_INCHES, max(6.0, count / (_STEPS_PER_INCH if count > _FEW_STEPS else 2.2) + 1.6))
    figure = new_figure(width, 3.6)
    axes = figure.subplots()
    image = axes.imshow(values, cmap="viridis", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(_SHOWN)), ["ACC", *REGISTER_NAMES])
    axes.set_xlabel("step")
    axes.set_title(title, fontsize="medium")
    figure.colorbar(image, ax=axes, label="value", pad=0.01)
    wrong = [
        (row, step)
        for step in range(count)
        for row, offset in enumerate(_SHOWN)
        if step >= len(right) or len(right[step]) <= offset or right[step][offset] != whole[step][offset]
    ]
    line = 1.6 if count <= _FEW_STEPS else 0.8
    for row, step in wrong:
        axes.add_patch(Rectangle((step - 0.5, row - 0.5), 1, 1, fill=False, edgecolor="red", linewidth=line))
    if count <= _FEW_STEPS:
        for row, step in np.ndindex(values.shape):
            value = int(values[row, step])
            colour = "white" if value < 140 else "black"
            axes.text(step, row, str(value), ha="center", va="center", fontsize=7, color=colour)
    return png_of(figure)
