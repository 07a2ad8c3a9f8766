"""Convolutional stages over a feature map (B, C, rows, columns).

Source: residual networks, He et al. 2015, arXiv:1512.03385. A mask (B, 1, rows, columns) keeps padding at zero, so that
the features of a file do not depend on the other files of the batch.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class NormedConvolution(nn.Module):
    """A convolution followed by batch norm."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.convolution(x))


class ResidualBlock(nn.Module):
    """Two convolutions with a residual connection; the block starts as the identity."""

    def __init__(self, size: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.first = NormedConvolution(size, size, kernel)
        self.second = NormedConvolution(size, size, kernel)
        nn.init.zeros_(self.second.norm.weight)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        inner = masked(F.relu(self.first(x)), mask)
        return masked(F.relu(x + self.second(inner)), mask)


class Stage(nn.Module):
    """A convolution that shrinks the map by `stride`, followed by residual blocks."""

    def __init__(
        self, inputs: int, outputs: int, kernel: tuple[int, int], stride: tuple[int, int], num_blocks: int
    ) -> None:
        super().__init__()
        self.stride = stride
        self.shrink = NormedConvolution(inputs, outputs, kernel, stride)
        self.blocks = nn.ModuleList(ResidualBlock(outputs, kernel) for _ in range(num_blocks))

    def forward(self, x: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        mask = None if mask is None else mask[..., :: self.stride[0], :: self.stride[1]]
        x = masked(F.relu(self.shrink(x)), mask)
        for block in self.blocks:
            x = block(x, mask)
        return x, mask


def masked(x: Tensor, mask: Tensor | None) -> Tensor:
    """x, set to 0 where the mask is False; unchanged without a mask."""
    return x if mask is None else x * mask
