"""Makes what a training works with: its data, and its model with optimizers, new or from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bytesim.errors import ConfigError
from bytesim.models.blt.config import BLTConfig
from bytesim.training.building import build, check_sizes
from bytesim.training.checkpoint import Checkpoints
from bytesim.training.checkpoint_names import has_checkpoint
from bytesim.training.compiled import compile_or_eager
from bytesim.training.data.epochs import open_mixture
from bytesim.training.data.streams import AnyStream, Mixture, open_streams
from bytesim.training.distributed import Workers
from bytesim.training.flops import FlopCount
from bytesim.training.gradients import Gradients, Losses
from bytesim.training.loss import class_losses, token_losses
from bytesim.training.optimizers import make_optimizers
from bytesim.training.parallelize import is_sharded, shard
from bytesim.training.progress import Progress
from bytesim.training.recipe import Recipe, TrainingConfig
from bytesim.training.start import start_weights, with_fitted_threshold
from bytesim.training.state import Best, TrainingState
from bytesim.training.stored import with_stored_threshold

if TYPE_CHECKING:
    from bytesim.models.registry import Model

CPU = torch.device("cpu")
BLT_SAMPLES = 8
"""Micro-batches of a shape whose operations are counted, for a BLT."""

OnNote = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Made:
    """A model with its optimizers, at the step that its training goes on from."""

    recipe: Recipe
    """With the threshold that was fitted to the data, if it asks for one."""
    model: Model
    state: TrainingState
    checkpoints: Checkpoints
    progress: Progress


def agreed_recipe(recipe: Recipe, folder: Path, workers: Workers) -> Recipe:
    """The recipe that all workers train: with the dtype of rank 0 and the threshold of an earlier run in the folder.

    Workers that measured may have found different dtypes; it is never `auto`. Raises ConfigError without a length.
    """
    in_bfloat16 = workers.agree(int(recipe.training.dtype == "bfloat16"))
    recipe = replace(recipe, training=recipe.training.replace(dtype="bfloat16" if in_bfloat16 else "float32"))
    recipe = with_stored_threshold(recipe, folder)
    if not recipe.training.steps and not recipe.training.minutes:
        raise ConfigError("the training has no length: give minutes or steps.")
    return recipe


def open_data(recipe: Recipe, base: Path) -> tuple[Mixture, list[AnyStream]]:
    """The data of a recipe, for training and for validation. Raises BytesimError."""
    training, number = recipe.training, len(recipe.data)
    streams = open_streams((*recipe.data, *recipe.validation), recipe.model, base, recipe.labels)
    mixture = open_mixture(streams[:number], training.seed, training.sampling)
    if training.buckets == "coarse":
        for stream in streams:
            stream.coarsen()
    return mixture, streams[number:]


def make(
    recipe: Recipe,
    mixture: Mixture,
    workers: Workers,
    *,
    base: Path,
    folder: Path,
    device: torch.device,
    on_note: OnNote,
) -> Made:
    """The model and the optimizers of a recipe, as its checkpoint in the folder has them, or new. Raises BytesimError.

    Seeds torch's random numbers.
    """
    parameters = check_sizes(recipe.model, device, shards=workers.size)
    sharded = is_sharded(recipe, parameters, device, workers)
    torch.manual_seed(recipe.training.seed)
    # A model that is sharded is made on the CPU, because a GPU need not hold the whole of it.
    model = build(recipe.model, CPU, weights_only=True) if sharded else build(recipe.model, device)
    fresh = not workers.agree(int(has_checkpoint(folder)))
    if fresh:
        start_weights(model, recipe, base, on_note)
        recipe = with_fitted_threshold(model, recipe, mixture.streams, on_note)
    if sharded:
        shard(model, device, workers)
    state = TrainingState(model, _optimizers(model, recipe.training), Best(), sharded)
    checkpoints = Checkpoints(folder, workers)
    progress = (None if fresh else checkpoints.load(state, recipe, on_note)) or Progress()
    progress.total_steps = recipe.training.steps or progress.total_steps
    return Made(recipe, model, state, checkpoints, progress)


def _optimizers(model: Model, training: TrainingConfig) -> list[torch.optim.Optimizer]:
    return make_optimizers(
        model,
        learning_rate=training.learning_rate,
        muon_learning_rate=training.muon_learning_rate,
        weight_decay=training.weight_decay,
        betas=(training.beta1, training.beta2),
        dtype=getattr(torch, training.dtype),
    )


def gradients_of(
    made: Made, workers: Workers, device: torch.device, on_note: OnNote, *, count_flops: bool = False
) -> Gradients:
    """The gradients of a model by the losses of its recipe, which are compiled if it asks for that."""
    recipe, sharded = made.recipe, made.state.sharded
    training = recipe.training
    losses: Losses = token_losses
    if recipe.labels:
        losses = partial(class_losses, smoothing=training.label_smoothing)
    autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=training.dtype == "bfloat16")
    # The operations of a BLT also depend on its patches.
    samples = BLT_SAMPLES if isinstance(recipe.model, BLTConfig) else 1
    flops = FlopCount(samples=samples) if count_flops else None
    gradients = Gradients(made.model, losses, autocast, workers=workers, device=device, sharded=sharded, flops=flops)
    if training.compile and sharded:
        on_note("training without torch.compile: parallel = fsdp gathers weights between the operations.")
    elif training.compile:
        gradients.compiled_losses = compile_or_eager(losses, device, on_note)
    return gradients
