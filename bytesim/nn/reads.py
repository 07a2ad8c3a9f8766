"""Reads of a patch: learned queries fetch single bytes of it, and one wide feed-forward layer works on what they fetch.

A function of a few bytes of a patch, such as the result of an instruction from the operands that it names, is then a
matter of one attention over the bytes and one layer. The byte-level decoder adds the logits of the result to its own
wherever a gate opens, so it has to learn where the result goes and not what it is. Attention pooling: Lee et al. 2019,
arXiv:1810.00825.

Axes: ... any, S bytes per patch, K reads, D width of a read, H hidden, Hb hidden of the byte-level decoder, V tokens.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.constants import READ_SIZE
from bytesim.nn.numbers import begin_as_numbers
from bytesim.nn.parts import make_output
from bytesim.patching import VOCAB_SIZE

_CLOSED = -3.0
"""Bias of the gate before training, which leaves it nearly closed."""


class PatchReads(nn.Module):
    """Patches (..., S) -> vectors (..., H): what the feed-forward layer makes of the bytes that are read.

    The bytes at the places `ask`, by default all, decide which bytes are read. A `hard` read is exactly one byte: what
    the layer makes of it then depends on no other. Its gradient is that of the soft one (straight-through estimator,
    Bengio et al. 2013, arXiv:1308.3432).
    """

    ask: Tensor

    def __init__(
        self,
        patch_size: int,
        reads: int,
        inner_size: int,
        hidden_size: int,
        *,
        ask: tuple[int, ...] = (),
        hard: bool = False,
    ) -> None:
        super().__init__()
        self.reads = reads
        self.register_buffer("ask", torch.tensor(ask or range(patch_size)), persistent=False)
        self.hard = hard
        self.bytes = nn.Embedding(VOCAB_SIZE, READ_SIZE)
        begin_as_numbers(self.bytes.weight, 1.0)
        self.keys = nn.Parameter(torch.randn(patch_size, READ_SIZE))
        self.query = nn.Linear(len(self.ask) * READ_SIZE, reads * READ_SIZE)
        self.join = nn.Linear(reads * READ_SIZE, hidden_size)
        self.up = nn.Linear(hidden_size, inner_size)
        self.down = make_output(inner_size, hidden_size, "modern")

    def forward(self, patches: Tensor) -> Tensor:
        embedded = self.bytes(patches)
        queries = self.query(embedded.index_select(-2, self.ask).flatten(-2)).unflatten(-1, (self.reads, READ_SIZE))
        weights = (queries @ self.keys.T / READ_SIZE**0.5).softmax(-1)
        if self.hard:
            chosen = torch.zeros_like(weights).scatter(-1, weights.argmax(-1, keepdim=True), 1.0)
            weights = chosen + (weights - weights.detach()) if self.training else chosen
        x = _normed(self.join((weights @ embedded).flatten(-2)))
        return _normed(x + self.down(F.relu(self.up(x)).square()))


class ResultHead(nn.Module):
    """Vectors of `PatchReads` (..., H) -> logits (..., V) of the byte that they amount to, and where it is written."""

    def __init__(self, hidden_size: int, byte_hidden_size: int) -> None:
        super().__init__()
        self.join = nn.Linear(hidden_size, READ_SIZE)
        self.head = nn.Linear(READ_SIZE, VOCAB_SIZE, bias=False)
        begin_as_numbers(self.head.weight, (3 * READ_SIZE) ** -0.5)
        self.gate = nn.Linear(byte_hidden_size, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, _CLOSED)

    def forward(self, vectors: Tensor) -> Tensor:
        return self.head(_normed(self.join(vectors)))

    def gated(self, vectors: Tensor, x: Tensor) -> Tensor:
        """(B, Q, n, V) to add to the logits of the byte-level decoder, whose last features are x (B, Q, n, Hb)."""
        return F.softplus(self.gate(x)) * self(vectors)[:, :, None]


def _normed(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))
