"""Numbers in a source as features of its bytes.

A converter between text and binary records has to compute one notation from the other. From a thousand examples a
network learns that by heart for the numbers it has seen; given the value as a feature, it learns where to write it. The
features of a byte depend on the source alone, see `numeral_features`.

Axes: B files, T source bytes, K numbers, H width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn import numeral_features
from bytesim.nn.numbers import begin_as_numbers
from bytesim.nn.numeral_features import DIGITS, NO_VALUE, TABLES, row_starts


class Numerals(nn.Module):
    """The sum of learned vectors for the features of every source byte: (B, T) -> (B, T, H)."""

    starts: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        values = torch.zeros(TABLES, NO_VALUE + 1, size)
        for table in values:
            begin_as_numbers(table, 0.5)
        values[:, NO_VALUE] = 0.0
        digits = torch.randn(sum(DIGITS) * 10, size) * 0.1
        self.vectors = nn.Parameter(torch.cat([values.flatten(0, 1), digits]))
        self.register_buffer("starts", torch.from_numpy(row_starts()), persistent=False)

    def forward(self, source: Tensor) -> Tensor:
        """(B, T, H) for source bytes (B, T), padded with 256."""
        rows = (_rows(source) + self.starts).flatten(0, 1)
        return F.embedding_bag(rows, self.vectors, mode="sum").unflatten(0, source.shape)


@torch.compiler.disable
def _rows(source: Tensor) -> Tensor:
    return torch.from_numpy(numeral_features.numeral_rows(source.cpu().numpy())).to(source.device)


@torch.compiler.disable
def other_notation(source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """`numeral_features.other_notation` of source bytes (B, T): three (B, K), on the device of the source."""
    found = numeral_features.other_notation(source.cpu().numpy())
    numbers, places, channels = (torch.from_numpy(each).to(source.device) for each in found)
    return numbers, places, channels
