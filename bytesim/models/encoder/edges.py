"""The branches that read the two ends of a file by position, because formats have their signatures there."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.constants import BYTE_SIZE, EDGE_NGRAMS
from bytesim.nn.ngrams import PRIME, Bag
from bytesim.nn.numbers import begin_as_numbers
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE


class EdgeReader(nn.Module):
    """Tokens (B, L), padded with 256 -> (B, H): one layer over the first and the last `count` bytes.

    Every position has its own weights; convolutions and n-gram bags share theirs.
    """

    def __init__(self, count: int, hidden_size: int) -> None:
        super().__init__()
        self.count = count
        self.bytes = nn.Embedding(VOCAB_SIZE, BYTE_SIZE)
        begin_as_numbers(self.bytes.weight, 1.0)
        self.layer = nn.Linear(2 * count * BYTE_SIZE, hidden_size)

    def forward(self, tokens: Tensor) -> Tensor:
        return F.relu(self.layer(self.bytes(self.edges(tokens)).flatten(1)))

    def edges(self, tokens: Tensor) -> Tensor:
        """(B, 2 count): the first tokens and the last ones before padding; 256 where a file is shorter."""
        return torch.cat(edges_of(tokens, self.count), 1)


class EdgeBag(Bag):
    """A bag of the n-grams of both ends of a file, each hashed with its position.

    A signature maps to a few table rows, so a few files suffice to learn it.
    """

    def __init__(self, count: int, buckets: int, size: int, *, dropout: float = 0.0) -> None:
        super().__init__(buckets, size, dropout)
        self.count = count

    def rows(self, tokens: Tensor) -> Tensor:
        """(B, 2 count len(EDGE_NGRAMS)): the table row of each n-gram; the last row beyond the end of the file."""
        positions = torch.arange(self.count, device=tokens.device)
        rows = []
        for side, edge in enumerate(edges_of(tokens, self.count)):
            value, real = torch.zeros_like(edge), torch.ones_like(edge, dtype=torch.bool)
            for length in range(1, max(EDGE_NGRAMS) + 1):
                shifted = F.pad(edge[:, length - 1 :], (0, length - 1), value=END_OF_PATCH)
                value = (value * 257 + shifted + 1) % PRIME
                real = real & (shifted != END_OF_PATCH)
                if length in EDGE_NGRAMS:
                    key = (value + (positions * 2 + side) * 1_000_003 + length * 40_503) % PRIME
                    rows.append(torch.where(real, key * 2_654_435_761 % PRIME % self.buckets, self.buckets))
        return torch.cat(rows, 1)


def edges_of(tokens: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Tokens (B, L) -> (B, count) twice: the first ones and the last ones before padding; 256 in a shorter file."""
    padded = F.pad(tokens, (count, count), value=END_OF_PATCH)
    real = (tokens != END_OF_PATCH).sum(1, keepdim=True)
    positions = torch.arange(count, device=tokens.device)
    return padded[:, count : 2 * count], padded.gather(1, real + positions)
