"""A picture of a converter's confidence: the likelihood of its answers to held-out inputs, right and wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bytesim.pictures.canvas import new_figure, png_of

_LEAST_NATS, _MOST_NATS = 1e-5, 1e3
"""Range of the axis; smaller and greater values stand at its ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """The answer to one held-out input."""

    nats: float
    """Negative log-likelihood; infinite if the answer did not end."""
    exact: bool
    confident: bool


def confidence_png(points: Sequence[Point], most_nats: Sequence[float]) -> bytes:
    """A PNG with one dot for each answer: its negative log-likelihood, whether it is exact, whether it is confident.

    `most_nats` are the bounds of confident answers, one for each conversion.
    """
    figure = new_figure(7, 3)
    axes = figure.subplots()
    rng = np.random.default_rng(0)
    for exact, row in ((True, 1), (False, 0)):
        for confident, colour in ((True, "tab:blue"), (False, "tab:orange")):
            chosen = [point.nats for point in points if (point.exact, point.confident) == (exact, confident)]
            label = f"{'right' if exact else 'wrong'}, {'' if confident else 'not '}confident: {len(chosen):,}"
            values = np.clip(chosen, _LEAST_NATS, _MOST_NATS)
            heights = row + rng.uniform(-0.3, 0.3, len(chosen))
            axes.scatter(values, heights, s=14, alpha=0.6, color=colour, marker="o" if exact else "x", label=label)
    for bound in most_nats:
        if bound > 0:
            axes.axvline(bound, color="grey", linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks((0, 1), ("wrong", "right"))
    axes.set_ylim(-0.6, 1.6)
    axes.set_xlabel("negative log-likelihood of the answer in nats (dashed: bound of confident answers)")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.28), ncols=2, fontsize="small", frameon=False)
    return png_of(figure)
