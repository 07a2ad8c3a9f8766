"""Chooses tokens on the device of a model, as `sampling.choose` does on the host.

Axes: B running files, N rows, S bytes of a stride, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bytesim.engine.sampling import Logits
from bytesim.patching import VOCAB_SIZE
from bytesim.requests import Sampling


class DeviceChoice:
    """A choice of tokens for a whole stride; its tensors stay where they are, so that CUDA graphs can read them."""

    def __init__(self, rows: int, stride: int, device: torch.device) -> None:
        self.noise = torch.zeros(rows, stride, VOCAB_SIZE, device=device)
        """(N, S, V) Gumbel noise, zero for greedy files."""
        self.settings = torch.ones(3, rows, 1, device=device)
        """(3, N, 1) temperature, top-k and top-p of each row."""
        self.kind = "greedy"
        """What `__call__` does, which is fixed in a graph: `greedy`, `sampled`, or `narrowed` by top-k or top-p."""

    def prepare(self, samplings: Sequence[Sampling], noise: Logits | None) -> None:
        """Set the samplings of the first rows, and their noise (B, S, V) in the next stride, None if all are greedy."""
        if noise is None:
            self.kind = "greedy"
            return
        drawn = [sampling if sampling.temperature > 0 else Sampling(temperature=1.0) for sampling in samplings]
        narrowed = any(sampling.top_k or sampling.top_p < 1.0 for sampling in drawn)
        self.kind = "narrowed" if narrowed else "sampled"
        count = len(drawn)
        settings = [(each.temperature, each.top_k or VOCAB_SIZE, each.top_p) for each in drawn]
        self.settings[:, :count, 0] = torch.tensor(settings).T.to(self.settings.device)
        self.noise[:count] = torch.from_numpy(noise).to(self.noise.device)

    def __call__(self, logits: Tensor, offset: int) -> Tensor:
        """Tokens (B,) from logits (B, V), for the byte at this offset of the stride."""
        if self.kind == "greedy":
            return logits.argmax(-1)
        temperatures, top_k, top_p = self.settings[:, : len(logits)]
        scaled = logits / temperatures
        if self.kind == "narrowed":
            scaled = _narrowed(scaled, top_k, top_p)
        return (scaled + self.noise[: len(logits), offset]).argmax(-1)


def _narrowed(logits: Tensor, top_k: Tensor, top_p: Tensor) -> Tensor:
    """Logits (B, V) with minus infinity for the tokens that `top_k` (B, 1) and `top_p` (B, 1) exclude."""
    ordered, order = torch.sort(logits, dim=-1, descending=True, stable=True)
    smallest = ordered.gather(1, top_k.long().clamp(max=VOCAB_SIZE) - 1)
    ordered = ordered.masked_fill(ordered < smallest, float("-inf"))
    shares = ordered.softmax(-1)
    before = shares.cumsum(-1) - shares  # 0 for the most likely token, so it is always kept
    excluded = (before >= top_p) & (top_p < 1)
    return torch.empty_like(logits).scatter_(1, order, ordered.masked_fill(excluded, float("-inf")))
