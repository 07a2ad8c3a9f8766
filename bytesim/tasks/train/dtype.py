"""Decides in which dtype a training multiplies, where its recipe leaves that to the device."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from bytesim.engine.hardware import faster_dtype
from bytesim.models.encoder.config import EncoderConfig
from bytesim.training.recipe import Recipe
from bytesim.training.stored import stored_recipe


def with_dtype(recipe: Recipe, device: torch.device, folder: Path | None = None, *, chosen: str = "auto") -> Recipe:
    """The recipe with bfloat16 or float32 in place of `auto`: on a GPU bfloat16, on a CPU the faster of both.

    A run that resumes in its `folder` keeps its dtype; else, unless it is `auto`, `chosen` is taken.

    On a CPU it is measured, which draws random numbers of torch; convolutions are in float32 there, because the
    measured products say nothing about those, and they are slow in bfloat16.
    """
    if recipe.training.dtype != "auto":
        return recipe
    earlier = None if folder is None else stored_recipe(folder)
    if earlier is not None and earlier.training.dtype != "auto":
        chosen = earlier.training.dtype
    if chosen != "auto":
        return replace(recipe, training=recipe.training.replace(dtype=chosen))
    if device.type == "cpu" and isinstance(recipe.model, EncoderConfig):
        dtype = torch.float32
    else:
        dtype = torch.bfloat16 if device.type == "cuda" else faster_dtype(device)
    return replace(recipe, training=recipe.training.replace(dtype=str(dtype).removeprefix("torch.")))
