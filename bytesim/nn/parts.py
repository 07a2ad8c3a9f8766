"""Norms and feed-forward layers of the three families of parts, `published`, `modern` and `llama`.

published: LayerNorm, gelu_new, biases. Source: GPT-2 as bGPT uses it, arXiv:2402.19155.
modern: RMSNorm without weight, ReLU squared (Primer, arXiv:2109.08668), no biases, residual outputs start at zero.
llama: RMSNorm with weight, SwiGLU (arXiv:2002.05202), no biases, no QK-norm; residual outputs start at zero. Source:
Llama as BLT uses it, arXiv:2412.09871, section 4.8.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Parts = Literal["published", "modern", "llama"]


def make_norm(size: int, parts: Parts) -> nn.Module:
    """The norm of a family over the last axis, of width `size`."""
    if parts == "published":
        return nn.LayerNorm(size, eps=1e-5)
    if parts == "llama":
        return nn.RMSNorm(size, eps=1e-5)
    return nn.RMSNorm(size, eps=1e-6, elementwise_affine=False)


def make_output(inputs: int, outputs: int, parts: Parts) -> nn.Linear:
    """The last linear map of a residual branch; unless published it starts at zero: its block is the identity."""
    layer = nn.Linear(inputs, outputs, bias=parts == "published")
    if parts != "published":
        nn.init.zeros_(layer.weight)
    return layer


class FeedForward(nn.Module):
    """The feed-forward layer (..., H) -> (..., H).

    Its inner width is by default 4 H; with the gate of llama parts 8/3 H, which is as many weights.
    """

    def __init__(self, hidden_size: int, parts: Parts, inner_size: int = 0) -> None:
        super().__init__()
        self.parts = parts
        inner_size = inner_size or (8 * hidden_size // 3 if parts == "llama" else 4 * hidden_size)
        self.up = nn.Linear(hidden_size, inner_size, bias=parts == "published")
        self.gate = nn.Linear(hidden_size, inner_size, bias=False) if parts == "llama" else None
        self.down = make_output(inner_size, hidden_size, parts)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.up(x)
        if self.gate is not None:
            inner = F.silu(self.gate(x)) * inner
        elif self.parts == "published":
            inner = F.gelu(inner, approximate="tanh")
        else:
            inner = F.relu(inner).square()
        return self.down(inner)
