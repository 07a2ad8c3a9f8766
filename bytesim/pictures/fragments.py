"""A file as a strip of colours, one for each label, and the colours themselves."""

from __future__ import annotations

import io
import math
from collections import Counter

import numpy as np

from bytesim.formats.filetypes import UNKNOWN
from bytesim.tasks.classify.fragments import Fragment, FragmentMap

COLOURS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#bcbd22", "#17becf"),
    *("#aec7e8", "#ffbb78", "#98df8a", "#ff9896", "#c5b0d5", "#c49c94", "#f7b6d2", "#dbdb8d", "#9edae5"),
)
OTHERS = "others"
_OTHERS_COLOUR, _UNKNOWN_COLOUR = "#404040", "#c8c8c8"
_ROWS = 24
_LEAST_COLUMNS = 64


def label_colours(found: FragmentMap) -> dict[str, str]:
    """Label -> colour, the one with the most windows first; OTHERS for those that colours do not suffice for."""
    counts = Counter(each.label for each in found.fragments)
    names = [label for label, _ in counts.most_common() if label != UNKNOWN]
    colours = dict(zip(names, COLOURS, strict=False))
    if len(names) > len(COLOURS):
        colours[OTHERS] = _OTHERS_COLOUR
    return {**colours, UNKNOWN: _UNKNOWN_COLOUR} if UNKNOWN in counts else colours


def strip_labels(found: FragmentMap, width: int) -> list[str]:
    """At most `width` cells of equally many windows each: the label that most windows of a cell have."""
    size = -(-len(found.fragments) // width)
    cells = [found.fragments[start : start + size] for start in range(0, len(found.fragments), size)]
    return [_commonest(cell) for cell in cells]


def _commonest(cell: tuple[Fragment, ...]) -> str:
    return Counter(each.label for each in cell).most_common(1)[0][0]


def draw_fragments(found: FragmentMap) -> bytes:
    """A PNG: the windows row by row as on a page, each in the colour of its label, and paler the less sure it is."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colours = label_colours(found)
    count = len(found.fragments)
    columns = min(count, max(_LEAST_COLUMNS, 2 ** math.ceil(math.log2(max(1, count / _ROWS)))))
    rows = -(-count // columns)
    cells = np.ones((rows * columns, 3))
    for place, each in enumerate(found.fragments):
        colour = np.array(to_rgb(colours.get(each.label, _OTHERS_COLOUR)))
        cells[place] = colour if each.label == UNKNOWN else 1 - (1 - colour) * (0.35 + 0.65 * each.probability)
    names = list(colours)
    legend_rows = -(-len(names) // 6)
    figure = Figure(figsize=(11, 1.5 + 0.22 * max(rows, 3) + 0.25 * legend_rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.imshow(cells.reshape(rows, columns, 3), aspect="auto", interpolation="nearest")
    axes.set_yticks(range(rows), [f"{row * columns * found.step:,}" for row in range(rows)], fontsize=7)
    axes.set_ylabel("first byte of the row")
    axes.set_xlabel(f"windows of {found.window:,} bytes, one every {found.step:,}")
    counts = Counter(each.label if each.label in colours else OTHERS for each in found.fragments)
    shown = [Patch(color=colours[name], label=f"{name} ({counts[name]:,})") for name in names]
    figure.legend(handles=shown, loc="outside lower center", ncols=6, fontsize="small")
    axes.set_title(f"{found.source}: {found.num_bytes:,} bytes by the model {found.model}", fontsize="medium")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()
