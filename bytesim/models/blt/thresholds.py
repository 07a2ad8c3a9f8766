"""Fits the threshold of a patcher so that patches have a wanted mean length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bytesim.errors import ConfigError
from bytesim.models.blt.borders import find_borders
from bytesim.models.blt.config import BLTConfig
from bytesim.models.blt.model import BLT

_STEPS = 40
"""Halvings of the interval in which the threshold lies."""
_LARGEST = 1e4
"""Greatest threshold that is tried, in nats; sums of entropies are smaller."""
TOLERANCE = 0.1
"""Greatest relative difference between the wanted mean length and the one that is reached."""


@torch.inference_mode()
def fit_threshold(model: BLT, files: Sequence[Tensor]) -> BLTConfig:
    """The config of a model with the threshold at which the patches of files (T,) have `mean_patch_bytes` bytes.

    For the patcher `rise` it is rise_threshold. Raises ConfigError for a mean that no threshold reaches.
    """
    config = model.config
    rises = config.patcher == "rise"
    found = _Found.of(model, files)
    low, high = (-_LARGEST if rises else 0.0), _LARGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if found.mean(_with_threshold(config, middle)) < config.mean_patch_bytes:
            low = middle
        else:
            high = middle
    fitted = _with_threshold(config, high)
    mean = found.mean(fitted)
    if abs(mean / config.mean_patch_bytes - 1) > TOLERANCE:
        raise ConfigError(
            f"mean_patch_bytes is {config.mean_patch_bytes:g}, but the nearest that any threshold gives is {mean:.2f}. "
            "Choose another length, patcher or max_patch_bytes."
        )
    return fitted


def _with_threshold(config: BLTConfig, value: float) -> BLTConfig:
    if config.patcher == "rise":
        return replace(config, rise_threshold=value)
    return replace(config, threshold=value)


@dataclass(frozen=True, slots=True)
class _Found:
    """Files, padded to one length."""

    tokens: Tensor
    """(B, T)"""
    entropies: Tensor
    """(B, T) of the byte after each token; 0 in the padding."""
    inside: Tensor
    """(B, T) false in the padding."""

    @classmethod
    def of(cls, model: BLT, files: Sequence[Tensor]) -> _Found:
        """The files (T,), with the entropies by the model."""
        lengths = torch.tensor([len(tokens) for tokens in files])
        inside = torch.arange(int(lengths.max())) < lengths[:, None]
        entropies = [model.borders(tokens[None])[1][0] for tokens in files]
        tokens, padded = (pad_sequence(list(each), batch_first=True) for each in (files, entropies))
        return cls(tokens, padded, inside.to(tokens.device))

    def mean(self, config: BLTConfig) -> float:
        """Mean length of the patches under a config."""
        ends = find_borders(config, self.tokens, self.entropies, None).ends & self.inside
        return int(self.inside.sum()) / max(1, int(ends.sum()))
