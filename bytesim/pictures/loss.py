"""A picture of the loss curves of a training, from the lines of its log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.pictures.canvas import new_figure, png_of

SMOOTHED_SHARE = 0.02
"""Share of the steps that the smoothed curve averages over."""
MAX_POINTS = 4000
"""Most points drawn of the thin curve; more would not be visible."""


def plot_loss(lines: Sequence[dict[str, Any]], metric: str) -> bytes:
    """A PNG: training loss on a logarithmic scale, for each step and smoothed, and the results of each validation.

    The loss of a model that writes bytes is shown in bits, on one axis with bits per byte; accuracy has its own axis.
    """
    figure = new_figure(9, 5.5)
    axes = figure.subplots()
    points = [(line["step"], line["loss_nats"]) for line in lines if line.get("loss_nats", 0) > 0]
    unit = "nats per file" if metric == "accuracy" else "bits per token"
    scale = 1.0 if metric == "accuracy" else 1 / math.log(2)
    if points:
        steps, losses = np.array(points).T
        losses = losses * scale
        stride = max(1, len(steps) // MAX_POINTS)
        axes.plot(steps[::stride], losses[::stride], color="0.75", linewidth=0.7, label=f"training, each step ({unit})")
        axes.plot(steps, smoothed(losses), color="tab:blue", label=f"training, smoothed ({unit})")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, position: f"{value:g}" if f"{value:e}"[0] in "25" else "")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3, which="both")
    other = axes.twinx() if metric == "accuracy" else axes
    if other is not axes:
        other.set_ylabel("accuracy")
        other.set_ylim(0, 1.02)
    for number, (name, series) in enumerate(validation_series(lines).items()):
        label = f"validation, {name} ({metric})"
        other.plot(*zip(*series, strict=True), "o-", markersize=4, color=f"C{number + 1}", label=label)
    if axes.has_data() or other.has_data():
        figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    return png_of(figure)


def smoothed(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """The exponentially weighted geometric mean, which suits a logarithmic scale."""
    decay = 1 - 1 / max(1.0, SMOOTHED_SHARE * len(losses))
    curve = np.empty_like(losses)
    total = weight = 0.0
    for index, loss in enumerate(np.log(losses)):
        total, weight = decay * total + loss, decay * weight + 1
        curve[index] = total / weight
    return np.exp(curve)


def validation_series(lines: Sequence[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Validation source -> its (step, figure) points."""
    series: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in line.get("validation", {}).items():
            series.setdefault(name, []).append((line["step"], value))
    return series
