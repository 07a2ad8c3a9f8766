"""Weights stored as int8 with a scale for each row, half the size of bfloat16. They are expanded when they are loaded.

Only matrices are stored so; a row is everything under one index of the first axis. Source: vector-wise quantization,
Dettmers et al. 2022, arXiv:2208.07339, section 2.1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bytesim.nn.attention import CrossAttention

LARGEST = 127


def is_matrix(tensor: Tensor) -> bool:
    """Whether a weight is stored as int8: it has rows of several numbers."""
    return tensor.is_floating_point() and tensor.dim() >= 2 and tensor[0].numel() > 1


def to_int8(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """A matrix (R, ...) as int8 of the same shape, and the scale of each row (R,), float32."""
    rows = tensor.detach().float().flatten(1)
    scales = rows.abs().amax(1) / LARGEST
    steps = rows / scales.clamp(min=torch.finfo(torch.float32).tiny)[:, None]
    return steps.round().clamp(-LARGEST, LARGEST).to(torch.int8).view_as(tensor), scales


def from_int8(steps: Tensor, scales: Tensor) -> Tensor:
    """The matrix that int8 steps (R, ...) and scales (R,) stand for, float32."""
    return (steps.flatten(1).float() * scales[:, None]).view_as(steps)


@torch.no_grad()
def round_as_native(model: nn.Module) -> None:
    """Compute with the numbers of the native engine with `in_bytes`, all stored in float32.

    The weights of linear maps are rounded to int8, and from now on keys and values of a source to bfloat16.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            module.weight.copy_(from_int8(*to_int8(module.weight)))
        if isinstance(module, CrossAttention):
            module.rounds_source = True
