"""Rotary position embeddings (RoPE). Source: Su et al. 2021, arXiv:2104.09864."""

from __future__ import annotations

import torch
from torch import Tensor

BASE = 10_000.0


def rotary_table(positions: int, head_dim: int, base: float = BASE) -> Tensor:
    """(2, positions, head_dim): cosines and sines of RoPE with that base, each frequency in both halves of a head."""
    frequencies = base ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.arange(positions).float()[:, None] * frequencies
    angles = torch.cat([angles, angles], -1)
    return torch.stack([angles.cos(), angles.sin()])


def rotate(x: Tensor, table: Tensor) -> Tensor:
    """Rotate queries or keys (..., T, D) by their positions; `table` is (2, ..., T, D), broadcast from the left."""
    cos, sin = table.to(x.dtype)
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat([-second, first], -1) * sin
