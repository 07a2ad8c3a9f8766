"""Reads of a patch: learned queries fetch single bytes of it, and one wide feed-forward layer works on what they fetch.

A function of a few bytes of a patch, such as the result of an instruction from the operands that it names, is then a
matter of one attention over the bytes and one layer; a decoder that sees the joined bytes of the patch has to undo the
joining first. Attention pooling: Lee et al. 2019, arXiv:1810.00825.

Axes: ... any, S bytes per patch, K reads, D width of a read, H hidden.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.numbers import begin_as_numbers
from bytesim.nn.parts import make_output
from bytesim.patching import VOCAB_SIZE

READ_SIZE = 64
"""Width of a read."""


class PatchReads(nn.Module):
    """Patches (..., S) -> vectors (..., H), which are zero before training."""

    def __init__(self, patch_size: int, reads: int, inner_size: int, hidden_size: int) -> None:
        super().__init__()
        self.reads = reads
        self.bytes = nn.Embedding(VOCAB_SIZE, READ_SIZE)
        begin_as_numbers(self.bytes.weight, 1.0)
        self.keys = nn.Parameter(torch.randn(patch_size, READ_SIZE))
        self.query = nn.Linear(patch_size * READ_SIZE, reads * READ_SIZE)
        self.join = nn.Linear(reads * READ_SIZE, hidden_size)
        self.up = nn.Linear(hidden_size, inner_size)
        self.down = make_output(inner_size, hidden_size, "modern")
        self.out = make_output(hidden_size, hidden_size, "modern")
        self.result = nn.Linear(hidden_size, READ_SIZE)
        self.result_head = nn.Linear(READ_SIZE, VOCAB_SIZE, bias=False)
        begin_as_numbers(self.result_head.weight, (3 * READ_SIZE) ** -0.5)

    def forward(self, patches: Tensor) -> Tensor:
        return self.out(self._work(patches))

    def results(self, patches: Tensor) -> Tensor:
        """Logits (..., V) of the one byte that the reads are to give: an auxiliary head, for training alone."""
        return self.result_head(_normed(self.result(self._work(patches))))

    def _work(self, patches: Tensor) -> Tensor:
        """(..., H): what the feed-forward layer makes of the bytes that are read."""
        embedded = self.bytes(patches)
        queries = self.query(embedded.flatten(-2)).unflatten(-1, (self.reads, READ_SIZE))
        weights = (queries @ self.keys.T / READ_SIZE**0.5).softmax(-1)
        x = _normed(self.join((weights @ embedded).flatten(-2)))
        return _normed(x + self.down(F.relu(self.up(x)).square()))


def _normed(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))
