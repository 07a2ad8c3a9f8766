"""Rows of tensors that architectures pick in the same way: scored positions, and files that stay in a session."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def scored(features: Tensor, first: Tensor | None, rows: int | None) -> Tensor:
    """(B, Q, H) of features (B, T, H): those from which the bytes `first + q` of each file are predicted.

    `first` is (B,); without it Q is T, and the first byte that is predicted is byte 1.
    """
    if first is None:
        return features
    assert rows is not None
    picked = first[:, None] - 1 + torch.arange(rows, device=features.device)
    picked = picked.clamp(max=features.shape[1] - 1)
    return features.gather(1, picked[..., None].expand(-1, -1, features.shape[-1]))


def order_without(count: int, rows: Sequence[int]) -> list[int]:
    """The old places of those of `count` files that remain when some leave: the last ones take the free rows."""
    order = list(range(count))
    for row in sorted(rows, reverse=True):
        order[row] = order[-1]
        order.pop()
    return order
