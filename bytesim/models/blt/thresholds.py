"""Fits the threshold of a patcher so that patches have a wanted mean length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

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
    found = [(tokens[None], model.borders(tokens[None])[1]) for tokens in files]
    low, high = (-_LARGEST if rises else 0.0), _LARGEST
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if _mean(_with_threshold(config, middle), found) < config.mean_patch_bytes:
            low = middle
        else:
            high = middle
    fitted = _with_threshold(config, high)
    mean = _mean(fitted, found)
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


def _mean(config: BLTConfig, found: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Mean length of the patches of files, given tokens and entropies (1, T) of each."""
    patches = sum(int(find_borders(config, tokens, entropies, None).ends.sum()) for tokens, entropies in found)
    return sum(tokens.shape[1] for tokens, _ in found) / max(1, patches)
