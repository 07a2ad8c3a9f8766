"""What stands out in the surprise along a file: windows that do not fit, and edges between parts. No torch.

Axes: n bytes, W windows, B blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bytesim.predictors.surprise import Surprise

Numbers = NDArray[np.float64]

WINDOW_BYTES = 16
MOST_ANOMALIES = 20
SIGNIFICANT = 0.01
"""Greatest p-value, corrected for the number of windows, of an anomaly."""
UNLIKE_THE_REST = 4.0
"""Fewest deviations from the median of the file's windows, each as large as the usual one, of an anomaly."""
_MOST_BLOCKS = 1500
_LEAST_BLOCK = 32
_PENALTY = 2.0
"""Of an edge, times the logarithm of the number of blocks; chosen on texts, traces of the CPU and mixed files."""
_LEAST_SPREAD = 0.1
"""Bits per byte by which blocks of one segment differ at the least."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Anomaly:
    """A window that the reader did not expect, and that is unlike the rest of the file."""

    start: int
    end: int
    bits_per_byte: float
    expected_bits_per_byte: float
    file_bits_per_byte: float
    """Median over the windows of the file."""
    p_value: float
    """Bound of the probability of so much evidence in any window of the file, if the reader expects rightly."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """A place where the level of surprise changes."""

    offset: int
    before: float
    """Mean bits per byte from the edge before it, or the start."""
    after: float
    """Mean bits per byte up to the next edge, or the end."""


def window_sums(values: NDArray[np.float32], window: int) -> Numbers:
    """(W,) sums over windows, each of which begins half a window after the one before it; the last may be shorter."""
    step = max(1, window // 2)
    starts = np.arange(0, max(1, len(values) - window + step), step)
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    return total[np.minimum(starts + window, len(values))] - total[starts]


def ranked_windows(surprise: Surprise, window: int = WINDOW_BYTES) -> list[int]:
    """The starts of the windows, the one with the most evidence first; of two that overlap the better one alone."""
    evidence, step = window_sums(surprise.evidence, window), max(1, window // 2)
    taken, ranked = np.zeros(len(evidence), np.bool_), list[int]()
    for place in np.argsort(-evidence, kind="stable").tolist():
        if not taken[place]:
            taken[max(0, place - 1) : place + 2] = True
            ranked.append(place * step)
    return ranked


def anomalies(surprise: Surprise, window: int = WINDOW_BYTES) -> tuple[Anomaly, ...]:
    """The windows that stand out, the least likely first, none of which overlap; at most MOST_ANOMALIES.

    A window stands out if its evidence, less the median evidence of all windows of the file, is too much for chance,
    and if it is far from that median, measured by how far the windows are from it usually: a file of a kind that the
    reader does not know is full of evidence.
    """
    count = len(surprise.bits)
    if count < 2 * window:
        return ()
    step = max(1, window // 2)
    evidence, bits = window_sums(surprise.evidence, window), window_sums(surprise.bits, window)
    expected = window_sums(surprise.expected, window)
    middle = float(np.median(evidence))
    above = evidence - max(0.0, middle)
    usual = 1.4826 * float(np.median(np.abs(evidence - middle)))  # the standard deviation, if they were normal
    least = max(math.log(len(above) / SIGNIFICANT), UNLIKE_THE_REST * usual)
    found: list[Anomaly] = []
    for start in ranked_windows(surprise, window):
        place = start // step
        if above[place] < least or len(found) == MOST_ANOMALIES:
            break
        end = min(start + window, count)
        found.append(
            Anomaly(
                start=start,
                end=end,
                bits_per_byte=float(bits[place]) / (end - start),
                expected_bits_per_byte=float(expected[place]) / (end - start),
                file_bits_per_byte=float(np.median(bits)) / window,
                p_value=min(1.0, len(above) * math.exp(-min(700.0, float(above[place])))),
            )
        )
    return tuple(found)


def edges(bits: NDArray[np.float32]) -> tuple[Edge, ...]:
    """The edges of a file: its blocks cut into the segments that are most probable if each has a level and a spread.

    Optimal partitioning: Jackson et al. 2005, arXiv:math/0309285; the cost of a normal distribution of unknown mean and
    variance.
    """
    size = max(_LEAST_BLOCK, -(-len(bits) // _MOST_BLOCKS))
    starts = np.arange(0, len(bits), size)
    if len(starts) < 4:
        return ()
    lengths = np.minimum(size, len(bits) - starts)
    means = np.add.reduceat(bits.astype(np.float64), starts) / lengths
    spreads = np.add.reduceat(bits.astype(np.float64) ** 2, starts) / lengths - means**2
    cuts = _partition(means, np.maximum(spreads, 0.0) / lengths, _PENALTY * math.log(len(means)))
    offsets = [int(starts[cut]) for cut in cuts]
    ends = [0, *offsets, len(bits)]
    levels = [float(bits[first:last].mean(dtype=np.float64)) for first, last in pairwise(ends)]
    return tuple(
        Edge(offset=offset, before=before, after=after)
        for offset, (before, after) in zip(offsets, pairwise(levels), strict=True)
    )


def _partition(values: Numbers, noise: Numbers, penalty: float) -> list[int]:
    """The blocks at which new segments begin, for the least sum of costs and penalties.

    `noise` (B,) is the variance of each value by chance: it adds to that between the values of a segment.
    """
    chance = np.concatenate([[0.0], np.cumsum(noise)])
    sums = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    best = np.zeros(len(values) + 1)
    best[0] = -penalty
    last = np.zeros(len(values) + 1, np.int64)
    for end in range(1, len(values) + 1):
        starts = np.arange(end)
        errors = squares[end] - squares[:end] - (sums[end] - sums[:end]) ** 2 / (end - starts)
        counts = end - starts
        variance = (np.maximum(errors, 0.0) + chance[end] - chance[:end]) / counts + _LEAST_SPREAD**2
        costs = best[:end] + counts * np.log(variance) + penalty
        last[end] = int(costs.argmin())
        best[end] = costs[last[end]]
    cuts: list[int] = []
    place = int(last[-1])
    while place > 0:
        cuts.append(place)
        place = int(last[place])
    return cuts[::-1]
