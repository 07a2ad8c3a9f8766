"""Front ends of an encoder: tokens of a file -> a feature map (B, channels, rows, columns), and its mask or None.

Axes: B files, L tokens, padded with 256.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.constants import QUIETEST, gabor_filters
from bytesim.nn.numbers import begin_as_numbers
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE


class ByteFront(nn.Module):
    """Byte embeddings: (B, L) -> (B, E, 1, L), and the mask (B, 1, 1, L)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.bytes = nn.Embedding(VOCAB_SIZE, size)
        begin_as_numbers(self.bytes.weight, 1.0)
        self.channels = size

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor | None]:
        mask = (tokens != END_OF_PATCH)[:, None, None]
        return self.bytes(tokens).permute(0, 2, 1)[:, :, None] * mask, mask


class PictureFront(nn.Module):
    """Pixel values from -1 to 1: (B, L) -> (B, bytes per pixel, rows, columns). Missing bytes are 0."""

    def __init__(self, rows: int, columns: int, pixel_bytes: int) -> None:
        super().__init__()
        self.shape = (rows, columns, pixel_bytes)
        self.channels = pixel_bytes

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor | None]:
        size = math.prod(self.shape)
        tokens = F.pad(tokens[:, :size], (0, size - min(size, tokens.shape[1])), value=END_OF_PATCH)
        return as_numbers(tokens).unflatten(1, self.shape).permute(0, 3, 1, 2), None


class SoundFront(nn.Module):
    """A bank of filters: (B, L) -> log energies (B, 1, filters, frames), with mean 0 in each file.

    The filters are pairs (cosine, sine) of Gabor filters on the mel scale. They are fixed: trained at the learning rate
    of the other weights, they turned into noise within some hundred steps. Source: Zeghidour et al. 2021,
    arXiv:2101.08596, section 3.1.
    """

    filters: Tensor

    def __init__(self, filters: int, width: int, step: int, samples: int) -> None:
        super().__init__()
        self.step, self.samples = step, samples
        self.register_buffer("filters", _filters(filters, width), persistent=False)
        self.channels = 1

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor | None]:
        tokens = F.pad(tokens[:, : self.samples], (0, self.samples - min(self.samples, tokens.shape[1])), value=256)
        waves = as_numbers(tokens)[:, None]
        filtered = F.conv1d(waves, self.filters.flatten(0, 1)[:, None], stride=self.step)
        energies = filtered.unflatten(1, (-1, 2)).square().sum(2)
        levels = (energies + QUIETEST).log()
        return (levels - levels.mean((1, 2), keepdim=True))[:, None] * 0.5, None


def as_numbers(tokens: Tensor) -> Tensor:
    """Tokens -> numbers from -1 to 1; padding, 256, becomes 0, as do silence and a grey pixel."""
    return torch.where(tokens == END_OF_PATCH, 128, tokens) / 128 - 1


def _filters(count: int, width: int) -> Tensor:
    """(count, 2, width) `gabor_filters`; on the meta device, which checks configs, their shape alone."""
    where = torch.empty(0).device
    return torch.empty(count, 2, width) if where.type == "meta" else torch.from_numpy(gabor_filters(count, width))
