"""Where the content of a file changes: the best path of labels through its blocks, and the exact byte. No torch.

Axes: B blocks, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

_SWITCH = 22.0
"""Nats that a change of the label costs."""
_SIGNED = 10.0
"""Nats that a change gains where the signature of the new label stands."""
_AROUND = 384
"""Bytes before and after a border among which the exact place is sought."""
LEARNED = 8192
"""Most bytes of each side of a border that are compared."""
_LEAST_COMPARED = 128
_NEW_LINE = 6.0
"""Nats that a place gains between two texts if a line ends there."""


def best_path(evidence: Numbers, signed: Mapping[int, Sequence[int]]) -> list[tuple[int, int, int]]:
    """The runs (first block, block after the last, class) of the most probable labels of (B, C) log-probabilities.

    `signed` names the classes whose signatures begin in a block. Source: the algorithm of Viterbi 1967, in which all
    changes cost the same.
    """
    count, classes = evidence.shape
    best, back = np.zeros(classes), np.zeros((count, classes), np.int16)
    for block, row in enumerate(evidence):
        before = int(best.argmax())
        change = np.full(classes, best[before] - _SWITCH if block else 0.0)
        change[list(signed.get(block, ()))] += _SIGNED
        back[block] = np.where(best >= change, np.arange(classes), before)
        best = np.maximum(best, change) + row
    path = [int(best.argmax())]
    for block in range(count - 1, 0, -1):
        path.append(int(back[block, path[-1]]))
    runs, first = [], 0
    for label, run in groupby(reversed(path)):
        end = first + len(list(run))
        runs.append((first, end, label))
        first = end
    return runs


def exact_border(left: bytes, around: bytes, right: bytes, *, lines: bool) -> int:
    """The place in `around` where what resembles `left` ends and what resembles `right` begins.

    Each side is described by the frequencies of its pairs of bytes. With `lines` both are texts, and the place is
    probably the start of a line.
    """
    zone = np.frombuffer(around, np.uint8).astype(np.int64)
    if len(zone) < 2:
        return 0
    gain = _pair_costs(right, zone) - _pair_costs(left, zone)
    total = np.concatenate([[0.0], np.cumsum(gain)])  # total[cut]: what the left side gains by the bytes before cut
    if lines:
        total[1:] += _NEW_LINE * (zone == ord("\n"))
    return int(total.argmax())


def unlikeness(left: bytes, right: bytes) -> float:
    """Bits per byte that each side costs more by the pairs of bytes of the other side than by those of its own.

    Two halves of each side are compared, so it is about 0 for one kind of content. It is infinite for sides that are
    too short to tell.
    """
    half = min(len(left), len(right)) // 2
    if half < _LEAST_COMPARED:
        return math.inf

    def cost(known: bytes, read: bytes) -> float:
        return float(_pair_costs(known, np.frombuffer(read, np.uint8).astype(np.int64)).mean()) / math.log(2)

    far, near = left[-2 * half : -half], left[-half:]
    after, last = right[:half], right[half : 2 * half]
    return (cost(far, last) - cost(after, last) + cost(last, far) - cost(near, far)) / 2


def _pair_costs(known: bytes, zone: NDArray[np.int64]) -> Numbers:
    """(n,) nats of each byte given the one before it, by the frequencies of pairs in the known bytes."""
    source = np.frombuffer(known, np.uint8).astype(np.int64)
    singles = np.bincount(source, minlength=256) + 0.05
    singles /= singles.sum()
    pairs = np.bincount(source[:-1] << 8 | source[1:], minlength=65536).reshape(256, 256)
    before = np.concatenate([zone[:1], zone[:-1]])
    seen = pairs[before].sum(1)
    return np.asarray(-np.log((pairs[before, zone] + 2.0 * singles[zone]) / (seen + 2.0)), np.float64)


def sides(border: int, start: int, end: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """The places (start, end) of the left side, of what is around, and of the right side of a border.

    `start` and `end` are those of the two segments together.
    """
    first, last = max(start + 1, border - _AROUND), min(end - 1, border + _AROUND)
    first, last = min(first, border), max(last, border)
    return (max(start, first - LEARNED), first), (first, last), (last, min(end, last + LEARNED))
