"""A histogram of bits per byte."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bytesim.pictures.canvas import new_figure, png_of


def draw_bits(bits: Sequence[float], model: str) -> bytes:
    """A PNG: a histogram of the bits per byte of files, with the median and the mean."""
    values = np.array(bits, np.float64)
    figure = new_figure(8, 4.5)
    axes = figure.subplots()
    axes.hist(values, bins=min(60, max(10, int(len(values) ** 0.5))), color="tab:blue", edgecolor="white")
    median, mean = float(np.median(values)), float(values.mean())
    axes.axvline(median, color="tab:red", label=f"median {median:.4f}")
    axes.axvline(mean, color="tab:orange", linestyle="--", label=f"mean over files {mean:.4f}")
    axes.set_xlabel("bits per byte of a file")
    axes.set_ylabel("files")
    axes.set_title(f"{len(values):,} {'file' if len(values) == 1 else 'files'} by the model {model}", fontsize="medium")
    axes.legend(fontsize="small")
    return png_of(figure)
