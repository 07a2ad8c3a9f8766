"""A picture of the windows of a file, coloured by label, and the colours of labels."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from bytesim.formats.filetypes import UNKNOWN
from bytesim.pictures.canvas import new_figure, png_of

COLOURS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22", "#17becf"),
    *("#aec7e8", "#ffbb78", "#98df8a", "#ff9896", "#c5b0d5", "#c49c94", "#f7b6d2", "#dbdb8d", "#9edae5"),
)
OTHERS = "others"
_OTHERS_COLOUR, _UNKNOWN_COLOUR = "#404040", "#c8c8c8"
_ROWS = 24
_LEAST_COLUMNS = 64


def label_colours(labels: Sequence[str]) -> dict[str, str]:
    """Label -> colour, the most frequent label first; OTHERS stands for labels beyond the number of colours."""
    counts = Counter(labels)
    names = [label for label, _ in counts.most_common() if label != UNKNOWN]
    colours = dict(zip(names, COLOURS, strict=False))
    if len(names) > len(COLOURS):
        colours[OTHERS] = _OTHERS_COLOUR
    return {**colours, UNKNOWN: _UNKNOWN_COLOUR} if UNKNOWN in counts else colours


def strip_labels(labels: Sequence[str], width: int) -> list[str]:
    """Reduce the labels of windows to at most `width` cells; a cell has the most frequent label of its windows."""
    size = -(-len(labels) // width)
    cells = [labels[start : start + size] for start in range(0, len(labels), size)]
    return [Counter(cell).most_common(1)[0][0] for cell in cells]


def draw_fragments(
    labels: Sequence[str], probabilities: Sequence[float], *, window: int, step: int, title: str
) -> bytes:
    """A PNG: the windows of a file row by row, each in the colour of its label, paler the less probable it is.

    A window has `window` bytes, and one begins every `step` bytes.
    """
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Patch

    colours = label_colours(labels)
    count = len(labels)
    columns = min(count, max(_LEAST_COLUMNS, 2 ** math.ceil(math.log2(max(1, count / _ROWS)))))
    rows = -(-count // columns)
    cells = np.ones((rows * columns, 3))
    for index, (label, probability) in enumerate(zip(labels, probabilities, strict=True)):
        colour = np.array(to_rgb(colours.get(label, _OTHERS_COLOUR)))
        cells[index] = colour if label == UNKNOWN else 1 - (1 - colour) * (0.35 + 0.65 * probability)
    names = list(colours)
    legend_rows = -(-len(names) // 6)
    figure = new_figure(11, 1.5 + 0.22 * max(rows, 3) + 0.25 * legend_rows)
    axes = figure.subplots()
    axes.imshow(cells.reshape(rows, columns, 3), aspect="auto", interpolation="nearest")
    axes.set_yticks(range(rows), [f"{row * columns * step:,}" for row in range(rows)], fontsize=7)
    axes.set_ylabel("first byte of the row")
    axes.set_xlabel(f"windows of {window:,} bytes, one every {step:,}")
    axes.locator_params(axis="x", integer=True, min_n_ticks=1)
    counts = Counter(label if label in colours else OTHERS for label in labels)
    shown = [Patch(color=colours[name], label=f"{name} ({counts[name]:,})") for name in names]
    figure.legend(handles=shown, loc="outside lower center", ncols=6, fontsize="small")
    axes.set_title(title, fontsize="medium")
    return png_of(figure)
