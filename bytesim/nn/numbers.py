"""Numeric initialisation of byte embeddings: they start as the numbers that bytes stand for, and not at random.

Each row holds the bits, magnitude, logarithm and waves of a byte's value, in which sums, shifts and comparisons are
nearly linear; training continues from there. The remaining columns are random, so that categorical bytes stay
distinguishable.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

_WAVES = (512, 256, 128, 64)
"""Periods of the waves, in byte values."""
_EVEN = math.sqrt(2)
"""Scale that gives waves, and roughly magnitudes, the mean square of bits, which is 1."""


def number_features() -> Tensor:
    """(256, 18): the 8 bits of each byte as -1 and 1, its value, its logarithm, and cosines and sines of 4 waves."""
    values = torch.arange(END_OF_PATCH)
    bits = (values[:, None] >> torch.arange(8) & 1) * 2.0 - 1
    magnitudes = torch.stack([values / 128 - 1, (values + 1).log2() / 4 - 1], 1)
    angles = values[:, None] * (2 * math.pi / torch.tensor(_WAVES))
    return torch.cat([bits, magnitudes * _EVEN, angles.cos() * _EVEN, angles.sin() * _EVEN], 1)


@torch.no_grad()
def begin_as_numbers(weight: Tensor, scale: float) -> None:
    """Initialise a table (257, H) with root mean square `scale`: number features first, random columns after them.

    The last row, END_OF_PATCH, is random.
    """
    width = weight.shape[1]
    features = number_features()[:, :width]
    table = torch.randn(VOCAB_SIZE, width)
    table[:END_OF_PATCH, : features.shape[1]] = features
    weight.copy_(table * scale)
