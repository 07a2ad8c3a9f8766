"""A file as a bag of hashed byte n-grams.

Sources: hashed byte n-grams, the Byte Latent Transformer, arXiv:2412.09871, section 3.2.1; a classifier on a bag of
n-grams, fastText, arXiv:1607.01759; dropping some of them in training, Iyyer et al. 2015, aclanthology.org/P15-1162.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

PRIME = 1_000_000_007
_LONGEST_WORD = 48
"""Letters of a word whose places count; of longer words the rest counts as a set."""


class Bag(nn.Module, ABC):
    """Tokens (B, L), padded with 256 -> (B, D): the sum of the vectors of its n-grams over the root of their number.

    `dropout` is the share of the n-grams that are dropped in training.
    """

    def __init__(self, buckets: int, size: int, dropout: float) -> None:
        super().__init__()
        self.buckets, self.dropout = buckets, dropout
        self.table = nn.EmbeddingBag(buckets + 1, size, mode="sum", padding_idx=buckets)
        nn.init.normal_(self.table.weight, std=0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        rows = self.rows(tokens)
        if self.training and self.dropout:  # whole columns, so that dropped n-grams cost no time
            rows = rows[:, torch.rand(rows.shape[1], device=rows.device) >= self.dropout]
        count = (rows != self.buckets).sum(1, keepdim=True).clamp(min=1)
        return self.table(rows) / count.sqrt()

    @abstractmethod
    def rows(self, tokens: Tensor) -> Tensor:
        """(B, all n-grams): the table row of each; the last row, `buckets`, is for padding and always zero."""


class NgramBag(Bag):
    """The n-grams of a file, whatever their position: of its bytes, and of its words if `words` has lengths."""

    fold: Tensor

    def __init__(
        self,
        buckets: int,
        size: int,
        lengths: Sequence[int],
        *,
        words: Sequence[int] = (),
        fold_case: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__(buckets, size, dropout)
        self.lengths, self.words = tuple(lengths), tuple(words)
        fold = torch.arange(VOCAB_SIZE)
        if fold_case:
            fold[ord("A") : ord("Z") + 1] += ord("a") - ord("A")
        self.register_buffer("fold", fold, persistent=False)

    def rows(self, tokens: Tensor) -> Tensor:
        """(B, all n-grams): the table row of each; the last row for those that reach into padding."""
        folded = self.fold[tokens]
        rows = []
        value, real = torch.zeros_like(folded), torch.ones_like(folded, dtype=torch.bool)
        for length in range(1, max(self.lengths) + 1):
            shifted = F.pad(folded[:, : folded.shape[1] - length + 1], (length - 1, 0), value=END_OF_PATCH)
            value = (value * 257 + shifted + 1) % PRIME
            real = real & (shifted != END_OF_PATCH)
            if length in self.lengths:
                mixed = (value * 2654435761 + length * 40503) % PRIME % self.buckets
                rows.append(torch.where(real, mixed, self.buckets))
        return torch.cat([*rows, *self._word_rows(folded)], 1)

    def _word_rows(self, folded: Tensor) -> list[Tensor]:
        """(B, W) table rows of the n-grams of words, for each length of `words`."""
        if not self.words:
            return []
        hashes, real = word_hashes(folded)
        rows = []
        value = torch.zeros_like(hashes)
        whole = torch.ones_like(real)
        for length in range(1, max(self.words) + 1):
            shifted = F.pad(hashes[:, : hashes.shape[1] - length + 1], (length - 1, 0))
            value = (value * 1_000_003 + shifted) % PRIME
            whole = whole & F.pad(real[:, : real.shape[1] - length + 1], (length - 1, 0))
            if length in self.words:
                mixed = (value * 2654435761 + (length + 16) * 40503) % PRIME % self.buckets
                rows.append(torch.where(whole, mixed, self.buckets))
        return rows


def word_hashes(tokens: Tensor) -> tuple[Tensor, Tensor]:
    """(B, W) hashes of the words of tokens (B, L), in order, and where there is one.

    A word is a run of ASCII letters, digits and bytes from 128 on; hyphens and apostrophes separate words.
    """
    kind = torch.zeros(VOCAB_SIZE, dtype=torch.bool, device=tokens.device)
    for first, last in ((48, 57), (65, 90), (97, 122), (128, 255)):
        kind[first : last + 1] = True
    inside = kind[tokens]
    starts = inside & ~F.pad(inside[:, :-1], (1, 0))
    places = torch.arange(tokens.shape[1], device=tokens.device)
    since = places - torch.where(starts, places, 0).cummax(1).values
    powers = torch.tensor([pow(VOCAB_SIZE, exponent, PRIME) for exponent in range(_LONGEST_WORD)], device=tokens.device)
    number = starts.cumsum(1)
    count = max(1, int(number.max()) if number.numel() else 0)
    letters = torch.where(inside, (tokens + 1) * powers[since.clamp(max=_LONGEST_WORD - 1)], 0)
    hashes = torch.zeros(len(tokens), count + 1, dtype=torch.long, device=tokens.device)
    hashes.scatter_add_(1, torch.where(inside, number, 0), letters)
    return hashes[:, 1:] % PRIME, torch.arange(1, count + 1, device=tokens.device) <= number[:, -1:]
