"""What a classifier says of the blocks of a file, by windows that overlap.

Axes: B blocks, W windows, C classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bytesim.formats.extents.reading import Bytes
from bytesim.predictors.classifier import Classifier

Numbers = NDArray[np.float64]

WINDOW = 512
LEAST_STEP = 128
MOST_WINDOWS = 1 << 16
"""Most windows of a file, so the windows of a long one lie farther apart."""
_FLOOR = 1e-3
"""Least probability of a class in a window: no window alone rules one out."""
_GROUP = 1024
"""Windows that are read before the model runs on them."""
END_BYTES = 2048
"""Most bytes of each end of a segment by which the model names it."""


def step_of(num_bytes: int) -> int:
    """Bytes from the start of one window to that of the next."""
    step = LEAST_STEP
    while num_bytes > step * MOST_WINDOWS:
        step *= 2
    return step


def block_evidence(
    data: Bytes, start: int, end: int, step: int, classifier: Classifier, on_bytes: Callable[[int], None]
) -> Numbers:
    """(B, C) log-probabilities of the classes in blocks of `step` bytes: the means over the windows around each.

    They are weighted as if there was one every LEAST_STEP bytes, or, where they lie farther apart than WINDOW, as if
    there was one every LEAST_STEP bytes of each.
    """
    classifier = classifier.for_fragments(WINDOW)
    last = max(start, end - WINDOW)
    starts = [*range(start, last, step), last]
    count = -(-(end - start) // step)
    sums, covered = np.zeros((count, len(classifier.labels))), np.zeros((count, 1))
    for first in range(0, len(starts), _GROUP):
        group = starts[first : first + _GROUP]
        rows = np.log(_FLOOR + _probabilities(classifier, [data[place : min(end, place + WINDOW)] for place in group]))
        for place, row in zip(group, rows, strict=True):
            block = (place - start) // step
            after = max(block + 1, -(-(min(place + WINDOW, end) - start) // step))
            sums[block:after] += row
            covered[block:after] += 1
        on_bytes(min(end, group[-1] + step) - group[0] if group[-1] != last else end - group[0])
    return min(WINDOW, step) / LEAST_STEP * sums / np.maximum(covered, 1)


def named(data: Bytes, start: int, end: int, classifier: Classifier) -> Numbers:
    """(C,) calibrated probabilities of the classes of a segment, by its two ends."""
    half = min(END_BYTES, classifier.most_bytes // 2)
    read = data[start:end] if end - start <= 2 * half else data[start : start + half] + data[end - half : end]
    return np.asarray(_probabilities(classifier, [read])[0], np.float64)


def _probabilities(classifier: Classifier, windows: Sequence[bytes]) -> Numbers:
    """(W, C) calibrated probabilities."""
    return classifier.scaling.probabilities(classifier.logits([classifier.piece(window) for window in windows]))
