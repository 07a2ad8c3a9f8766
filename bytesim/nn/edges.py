"""The two ends of a file, read place by place: where formats put their signatures."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.numbers import begin_as_numbers
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

BYTE_SIZE = 16
"""Width of a byte."""


class EdgeReader(nn.Module):
    """Tokens (B, L), padded with 256 -> (B, H): one layer over the first `count` bytes and the last.

    A byte at a place has weights of its own, which convolutions and bags of n-grams, the same everywhere, have not.
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
        """(B, 2 count) the first tokens and the last real ones; 256 where a file has not so many."""
        padded = F.pad(tokens, (self.count, self.count), value=END_OF_PATCH)
        real = (tokens != END_OF_PATCH).sum(1, keepdim=True)
        places = torch.arange(self.count, device=tokens.device)
        return torch.cat([padded[:, self.count : 2 * self.count], padded.gather(1, real + places)], 1)
