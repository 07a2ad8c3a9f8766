"""Hashed n-gram embeddings: each byte gets the vectors of the n-grams that end with it.

Source: BLT, arXiv:2412.09871, section 3.2.1; the hash is that of bytelatent, so that its weights mean the same.

Axes: B files, T tokens, H hidden.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.models.blt.hashes import PRIMES, power


class NgramEmbedding(nn.Module):
    """The sum of the embeddings of n-grams of several lengths, by hash; ids (B, T) -> (B, T, H)."""

    def __init__(self, buckets: int, size: int, lengths: tuple[int, ...], functions: int) -> None:
        super().__init__()
        self.buckets = buckets
        self.lengths = lengths
        self.functions = functions
        self.table = nn.Embedding(buckets * len(lengths) * functions, size)
        nn.init.normal_(self.table.weight, std=0.02)

    @property
    def reach(self) -> int:
        """Number of ids before each one that its n-grams have."""
        return max(self.lengths, default=1) - 1

    def forward(self, ids: Tensor, before: Tensor | None = None) -> Tensor:
        """Ids (B, T) after those `before` (B, reach), or after zeros, -> (B, T, H)."""
        length, reach = ids.shape[1], self.reach
        ids = F.pad(ids, (reach, 0)) if before is None else torch.cat([before, ids], 1)
        total = ids.new_zeros((*ids.shape[:1], length, self.table.weight.shape[1]), dtype=self.table.weight.dtype)
        table = 0
        for function in range(self.functions):
            for size in self.lengths:
                hashes = torch.zeros_like(ids[:, :length])
                for place in range(size):
                    start = reach - size + 1 + place
                    hashes = hashes + ids[:, start : start + length] * power(PRIMES[function], place)
                total = total + self.table(hashes % self.buckets + table * self.buckets)
                table += 1
        return total
