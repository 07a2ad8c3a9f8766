"""Byte tables that begin as the numbers bytes stand for, and not at random.

A table whose rows are bits, magnitude, logarithm and waves of a byte's value starts where sums, shifts and comparisons
are nearly linear; training goes on from there. The remaining columns are random, so that bytes that are names and
not numbers can be told apart as well.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

_WAVES = (512, 256, 128, 64)
"""Periods, in values of a byte."""
_EVEN = math.sqrt(2)
"""Makes the mean square of a wave, and about that of a magnitude, the 1 that bits have."""


def number_features() -> Tensor:
    """(256, 18): of each byte its 8 bits as -1 and 1, its value and its logarithm, and 4 waves, sine and cosine."""
    values = torch.arange(END_OF_PATCH)
    bits = (values[:, None] >> torch.arange(8) & 1) * 2.0 - 1
    magnitudes = torch.stack([values / 128 - 1, (values + 1).log2() / 4 - 1], 1)
    angles = values[:, None] * (2 * math.pi / torch.tensor(_WAVES))
    return torch.cat([bits, magnitudes * _EVEN, angles.cos() * _EVEN, angles.sin() * _EVEN], 1)


@torch.no_grad()
def begin_as_numbers(weight: Tensor, scale: float) -> None:
    """Set a table (257, H), of root mean square `scale`: number features, then random columns; a random last row."""
    width = weight.shape[1]
    features = number_features()[:, :width]
    table = torch.randn(VOCAB_SIZE, width)
    table[:END_OF_PATCH, : features.shape[1]] = features
    weight.copy_(table * scale)
