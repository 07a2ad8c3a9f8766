"""Where patches begin in a file, by the rules of the architectures. No torch.

Axes: n bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.predictors.surprise import Surprise

PATCHERS = ("fixed", "entropy", "space")
"""Patches of one size (bGPT), patches that begin at bytes that are hard to predict, and words (both BLT)."""

Borders = NDArray[np.bool_]


def borders(data: bytes, surprise: Surprise, rule: str, size: int) -> Borders:
    """(n,) true where a patch begins, by a rule of PATCHERS.

    `fixed` patches have `size` bytes; those of `entropy` begin where the reader expected more bits than a threshold, at
    which they have `size` bytes on average. Source: BLT, arXiv:2412.09871, section 2.
    """
    starts = np.zeros(len(data), np.bool_)
    if not len(data):
        return starts
    if rule == "fixed":
        starts[::size] = True
    elif rule == "entropy":
        threshold = np.quantile(surprise.expected, 1.0 - 1.0 / size)
        starts = surprise.expected > threshold
    else:
        ends = _ends_words()[np.frombuffer(data, np.uint8)]
        starts[1:] = ends[:-1] & ~ends[1:]
    starts[0] = True
    return starts


def _ends_words() -> Borders:
    """(256,) true for bytes that are not of a word: neither letters and digits nor parts of UTF-8 characters."""
    return np.array([not (chr(byte).isalnum() and byte < 128) and byte < 128 for byte in range(256)])
