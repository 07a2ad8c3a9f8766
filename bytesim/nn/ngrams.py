"""A file as a bag of hashed n-grams of its bytes.

Sources: hashed n-grams of bytes, the Byte Latent Transformer, arXiv:2412.09871, section 3.2.1; their mean as what a
classifier sees, fastText, arXiv:1607.01759; leaving some out while it learns, Iyyer et al. 2015,
aclanthology.org/P15-1162.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

PRIME = 1_000_000_007


class NgramBag(nn.Module):
    """Tokens (B, L), padded with 256 -> (B, D): the sum of the vectors of n-grams, over the root of how many."""

    fold: Tensor

    def __init__(
        self,
        buckets: int,
        size: int,
        lengths: Sequence[int],
        *,
        fold_case: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.buckets, self.lengths, self.dropout = buckets, tuple(lengths), dropout
        self.table = nn.EmbeddingBag(buckets + 1, size, mode="sum", padding_idx=buckets)
        nn.init.normal_(self.table.weight, std=0.02)
        fold = torch.arange(VOCAB_SIZE)
        if fold_case:
            fold[ord("A") : ord("Z") + 1] += ord("a") - ord("A")
        self.register_buffer("fold", fold, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        rows = self.rows(tokens)
        return bag_of(some_of(rows, self.dropout) if self.training else rows, self.table)

    def rows(self, tokens: Tensor) -> Tensor:
        """(B, all n-grams) the row of each in the table; those that reach into padding have the last one."""
        folded = self.fold[tokens]
        found = []
        value, real = torch.zeros_like(folded), torch.ones_like(folded, dtype=torch.bool)
        for length in range(1, max(self.lengths) + 1):
            shifted = F.pad(folded[:, : folded.shape[1] - length + 1], (length - 1, 0), value=END_OF_PATCH)
            value = (value * 257 + shifted + 1) % PRIME
            real = real & (shifted != END_OF_PATCH)
            if length in self.lengths:
                mixed = (value * 2654435761 + length * 40503) % PRIME % self.buckets
                found.append(torch.where(real, mixed, self.buckets))
        return torch.cat(found, 1)


def some_of(rows: Tensor, left_out: float) -> Tensor:
    """Rows (B, G) without about so large a share of the columns, drawn anew at every call: what is left out is free."""
    if not left_out:
        return rows
    return rows[:, torch.rand(rows.shape[1], device=rows.device) >= left_out]


def bag_of(rows: Tensor, table: nn.EmbeddingBag) -> Tensor:
    """Rows (B, G) of a table, the last one being none -> (B, D): their sum over the root of how many."""
    count = (rows != table.num_embeddings - 1).sum(1, keepdim=True).clamp(min=1)
    return table(rows) / count.sqrt()
