"""Pictures of a classifier's performance: its confusion matrix and its calibration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bytesim.metrics import ClassificationScore, calibration_bins, calibration_error, confused_pairs, row_shares
from bytesim.pictures.canvas import new_figure, png_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_CLASSES = 20
"""Greatest number of classes for which every cell of a confusion matrix shows its number."""


def confusion_png(score: ClassificationScore, labels: Sequence[str]) -> bytes:
    """A PNG of the confusion matrix; each row shows shares of the files of its class.

    With more than FEW_CLASSES classes only the worst pairs are labelled, and classes without a file are left out.
    """
    from matplotlib.colors import PowerNorm

    counts = np.array(score.confusion, np.int64)
    used = np.flatnonzero(counts.sum(0) + counts.sum(1)) if len(labels) > FEW_CLASSES else np.arange(len(labels))
    names = [labels[index] for index in used.tolist()]
    few = len(names) <= FEW_CLASSES
    side = max(5.0, 2.5 + 0.55 * len(names)) if few else max(10.0, 3 + 0.135 * len(names))
    figure = new_figure(side + 1, side)
    axes = figure.subplots()
    shares = row_shares(counts)[np.ix_(used, used)]
    # With many classes most confusions are rare; a scale that rises steeply at first shows them.
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(1.0 if few else 0.4, 0, 1))
    size = 9 if few else max(4.5, min(8, 640 / len(names) * side / 16))
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=size)
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set_xlabel("answered")
    axes.set_ylabel("true")
    figure.colorbar(image, ax=axes, shrink=0.6, label="share of the files of the true class")
    if few:
        _write_cells(axes, counts[np.ix_(used, used)], shares)
    else:
        _write_pairs(axes, score, labels, names)
    axes.set_title(
        f"{score.accuracy:.2%} of {score.num_files:,} files right, {score.macro_accuracy:.2%} averaged over classes",
        fontsize="medium",
    )
    return png_of(figure)


def reliability_png(probabilities: ArrayLike, labels: ArrayLike) -> bytes:
    """A PNG of the reliability diagram: accuracy by confidence, for (N, C) probabilities and true classes (N,)."""
    table, truth = np.asarray(probabilities, np.float64), np.asarray(labels, np.int64)
    bins = calibration_bins(table, truth)
    num_bins = len(bins.files)
    figure = new_figure(6, 6.5)
    above, below = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    left = np.arange(num_bins) / num_bins
    filled = bins.files > 0
    width = 1 / num_bins
    above.bar(
        left[filled], bins.accuracy[filled], width, align="edge", color="tab:blue", edgecolor="white", label="right"
    )
    gaps = bins.confidence - bins.accuracy
    above.bar(
        left[filled],
        gaps[filled],
        width,
        bottom=bins.accuracy[filled],
        align="edge",
        color="tab:red",
        alpha=0.35,
        label="gap",
    )
    above.plot([0, 1], [0, 1], "--", color="0.4", linewidth=1, label="perfectly calibrated")
    above.set_ylim(0, 1)
    above.set_ylabel("share of answers that are right")
    above.legend(loc="upper left", fontsize="small")
    error = calibration_error(table, truth)
    above.set_title(f"{len(truth):,} files, expected calibration error {error:.2%}", fontsize="medium")
    below.bar(left, bins.files / len(truth), width, align="edge", color="0.6", edgecolor="white")
    below.set_xlim(0, 1)
    below.set_ylabel("share of files")
    below.set_xlabel("confidence: probability of the answer")
    return png_of(figure)


def _write_cells(axes: Axes, counts: NDArray[np.int64], shares: NDArray[np.float64]) -> None:
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] > 0.6 else "black"
        text = (
            f"{shares[row, column]:.1%}\n{counts[row, column]:,}" if len(counts) <= 12 else f"{counts[row, column]:,}"
        )
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=7)


def _write_pairs(axes: Axes, score: ClassificationScore, labels: Sequence[str], names: Sequence[str]) -> None:
    """Circle the worst pairs and label each with its two classes."""
    for pair in confused_pairs(score, labels):
        row, column = names.index(pair.label), names.index(pair.answer)
        axes.plot(column, row, "o", markersize=9, markerfacecolor="none", markeredgecolor="tab:red")
        to_left = column > len(names) / 2
        axes.annotate(
            f"{pair.label} as {pair.answer}: {pair.share:.0%}",
            (column, row),
            xytext=(-8 if to_left else 8, 0),
            textcoords="offset points",
            ha="right" if to_left else "left",
            va="center",
            fontsize=8,
            color="tab:red",
            bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 0.5},
        )
