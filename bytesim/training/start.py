"""The weights that a training begins with, and the threshold of a BLT's patcher."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bytesim.models.blt.config import BLTConfig
from bytesim.models.weights import load_fitting_weights
from bytesim.training.recipe import Recipe

if TYPE_CHECKING:
    from bytesim.models.registry import Model
    from bytesim.training.data.streams import AnyStream

FITTED_FILES = 64
"""Files of all data sources, of evenly spread lengths, to which a threshold is fitted."""

OnNote = Callable[[str], None]


def start_weights(model: Model, recipe: Recipe, base: Path, on_note: OnNote) -> None:
    """Copy the weights that the recipe names to a new model. Raises ModelError."""
    if recipe.start_from:
        fresh = load_fitting_weights(base / recipe.start_from, model, recipe.model.to_dict())
        if fresh:
            on_note(f"{recipe.start_from} has no weights that fit these; they start at random: {', '.join(fresh)}.")
    if not isinstance(recipe.model, BLTConfig):
        return
    from bytesim.models.blt.model import BLT
    from bytesim.models.blt.start import start_part

    assert isinstance(model, BLT)
    for part, folder in recipe.start_parts.items():
        on_note(f"{folder}: {start_part(model, part, base / folder)} starts from its weights.")
    if recipe.model.needs_entropy and not recipe.start_from and "entropy" not in recipe.start_parts:
        on_note("the entropy model has random weights, so borders are arbitrary; name a trained one in start_parts.")


def interpolate_with(model: Model, recipe: Recipe, base: Path) -> None:
    """Move the weights of a trained model towards those of `start_from`, by the share `start_share`. Raises ModelError.

    The mean of a model before and after fine-tuning is often better than either. Source: Wortsman et al. 2021,
    arXiv:2109.01903 (WiSE-FT).
    """
    last = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    load_fitting_weights(base / recipe.start_from, model, recipe.model.to_dict())
    for name, tensor in model.state_dict().items():
        tensor.lerp_(last[name], 1 - recipe.training.start_share)


def with_fitted_threshold(model: Model, recipe: Recipe, streams: Sequence[AnyStream], on_note: OnNote) -> Recipe:
    """The recipe with the threshold of its BLT fitted to the training data, if it asks for a mean length of patches.

    The config of the model changes too. Raises ConfigError for a mean that no threshold reaches.
    """
    config = recipe.model
    if not isinstance(config, BLTConfig) or not config.mean_patch_bytes:
        return recipe
    from bytesim.models.blt.model import BLT
    from bytesim.models.blt.thresholds import fit_threshold

    assert isinstance(model, BLT)
    files = []
    for stream in streams:
        count = max(1, min(FITTED_FILES // len(streams), len(stream)))
        indices = [round(number * (len(stream) - 1) / max(1, count - 1)) for number in range(count)]
        files += [torch.from_numpy(stream.example(index).patches[:, 0].astype("int64")) for index in indices]
    device = model.decoder.head.weight.device
    on_note(f"fitting the threshold for patches of {config.mean_patch_bytes:g} bytes")
    fitted = fit_threshold(model, [tokens.to(device) for tokens in files])
    model.config = fitted
    on_note(f"patches of {config.mean_patch_bytes:g} bytes: threshold {_told(fitted)}")
    return replace(recipe, model=fitted)


def _told(config: BLTConfig) -> str:
    value = config.rise_threshold if config.patcher == "rise" else config.threshold
    return f"{value:.4f}"
