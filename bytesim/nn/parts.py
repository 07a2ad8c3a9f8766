"""Norms and feed-forward layers of the two families of parts, `published` and `modern`.

published: LayerNorm, gelu_new, biases. Source: GPT-2 as bGPT uses it, arXiv:2402.19155.
modern: RMSNorm without weight, ReLU squared (Primer, arXiv:2109.08668), no biases, residual outputs start at zero.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Parts = Literal["published", "modern"]


def make_norm(size: int, parts: Parts) -> nn.Module:
    """The norm of a family over the last axis, of width `size`."""
    if parts == "published":
        return nn.LayerNorm(size, eps=1e-5)
    return nn.RMSNorm(size, eps=1e-6, elementwise_affine=False)


def make_output(inputs: int, outputs: int, parts: Parts) -> nn.Linear:
    """The last linear map of a residual branch; a modern one starts at zero, so that its block is the identity."""
    layer = nn.Linear(inputs, outputs, bias=parts == "published")
    if parts == "modern":
        nn.init.zeros_(layer.weight)
    return layer


class FeedForward(nn.Module):
    """The feed-forward layer (..., H) -> (..., H), with an inner width of 4 H."""

    def __init__(self, hidden_size: int, parts: Parts) -> None:
        super().__init__()
        self.parts = parts
        self.up = nn.Linear(hidden_size, 4 * hidden_size, bias=parts == "published")
        self.down = make_output(4 * hidden_size, hidden_size, parts)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(x)
        x = F.gelu(x, approximate="tanh") if self.parts == "published" else F.relu(x).square()
        return self.down(x)
