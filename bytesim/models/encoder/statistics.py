"""The branch that reads how often bytes occur in a file, and how they follow each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.constants import LAGS, STATISTICS, VALUES
from bytesim.patching import END_OF_PATCH


class StatisticsReader(nn.Module):
    """Tokens (B, L), padded with 256 -> (B, D): one layer over `byte_statistics`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(STATISTICS, size)

    def forward(self, tokens: Tensor) -> Tensor:
        return F.relu(self.layer(byte_statistics(tokens).to(self.layer.weight.dtype)))


def byte_statistics(tokens: Tensor) -> Tensor:
    """(B, STATISTICS) of tokens (B, L), padded with 256, in float32; zeros for an empty file.

    They are: the roots of the shares of all byte values, and of all differences between neighbours modulo 256; for
    each distance up to LAGS the share of bytes that equal the one so far back; the entropies of both distributions, in
    parts of 8 bits; the logarithm of chi squared against uniform bytes; and the logarithm of the length.
    """
    real = tokens != END_OF_PATCH
    bytes_of = _shares(tokens, real)
    pairs = real[:, 1:] & real[:, :-1]
    differences = _shares((tokens[:, 1:] - tokens[:, :-1]) % VALUES, pairs)
    repeats = [
        ((tokens[:, lag:] == tokens[:, :-lag]) & real[:, lag:]).float().sum(1) / real[:, lag:].sum(1).clamp(min=1)
        if tokens.shape[1] > lag
        else torch.zeros(len(tokens), device=tokens.device)
        for lag in range(1, LAGS + 1)
    ]
    count = real.sum(1).float()
    chi_squared = count * VALUES * (bytes_of - 1 / VALUES).square().sum(1)
    scalars = [_entropy(bytes_of), _entropy(differences), torch.log1p(chi_squared) / 8, torch.log1p(count) / 8]
    return torch.cat([bytes_of.sqrt() * 4, differences.sqrt() * 4, torch.stack([*repeats, *scalars], 1)], 1)


def _shares(values: Tensor, real: Tensor) -> Tensor:
    """(B, VALUES): the share of each value among those of `values` (B, L) where `real` is True."""
    places = torch.where(real, values, VALUES)
    counts = torch.zeros(len(values), VALUES + 1, device=values.device)
    counts.scatter_add_(1, places, torch.ones_like(places, dtype=counts.dtype))
    return counts[:, :VALUES] / real.sum(1, keepdim=True).clamp(min=1)


def _entropy(shares: Tensor) -> Tensor:
    return -torch.special.xlogy(shares, shares).sum(1) / torch.log(torch.tensor(float(VALUES)))
