"""Checkpoints: the whole state of a training, so that a resumed run equals one never stopped. One safetensors file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bytesim.errors import BytesimError, ModelError, OutputError
from bytesim.models.blt.config import BLTConfig
from bytesim.training.recipe import Recipe, recipe_from_dict
from bytesim.training.sources import own_fields

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(slots=True)
class Progress:
    """The progress of a training. Learning rate and data order depend only on `step` and `total_steps`."""

    step: int = 0
    """Steps done."""
    total_steps: int | None = None
    """None until a budget in minutes has been converted to steps."""
    seconds: float = 0.0
    """Time spent in training, over all runs."""
    bytes_seen: int = 0
    """Scored bytes."""


@dataclass(slots=True)
class Best:
    """For early stopping: the weights with the lowest validation loss so far, on the CPU."""

    step: int = 0
    loss_nats: float = float("inf")
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Empty before the first validation."""

    def offer(self, model: nn.Module, step: int, loss_nats: float) -> None:
        """Copy the weights of the model if its loss is lower. NaN never counts as better."""
        if loss_nats < self.loss_nats:
            self.step, self.loss_nats = step, loss_nats
            self.weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}

    def waited(self, step: int, validate_steps: int) -> int:
        """Number of validations since the best one."""
        return (step - self.step) // validate_steps


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    progress: Progress,
    recipe: Recipe,
    best: Best,
) -> None:
    """Write the checkpoint atomically. Raises OutputError."""
    tensors = {f"model.{name}": value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    for number, optimizer in enumerate(optimizers):
        for index, parameter in enumerate(_parameters(optimizer)):
            for name, value in optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{number}.{index}.{name}"] = torch.as_tensor(value).detach().cpu().contiguous()
    tensors.update({f"best.{name}": value.contiguous() for name, value in best.weights.items()})
    tensors["rng"] = torch.get_rng_state()
    state = {name: getattr(progress, name) for name in Progress.__slots__}
    metadata = {"progress": json.dumps(state), "recipe": json.dumps(recipe.to_dict())}
    if best.weights:
        metadata["best"] = json.dumps({"step": best.step, "loss_nats": best.loss_nats})
    temporary = folder / f".{CHECKPOINT_FILE}.tmp"  # a fixed name: the next save overwrites what a kill leaves
    try:
        # Not save_file, which picks its own temporary name: a kill would leave that file for good.
        temporary.write_bytes(save(tensors, metadata=metadata))
        os.replace(temporary, folder / CHECKPOINT_FILE)
    except (OSError, SafetensorError) as error:
        raise OutputError(f"the checkpoint cannot be written ({error}).", file=str(folder)) from error
    finally:
        temporary.unlink(missing_ok=True)


def load_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    recipe: Recipe,
    best: Best,
    on_note: Callable[[str], None],
) -> Progress | None:
    """Restore model, optimizers, best weights and RNG; None if the folder has no checkpoint.

    Raises ModelError if the checkpoint is damaged or belongs to another model. The data may differ from those that it
    was trained on; `on_note` is then called. A budget of more minutes than before gives more steps.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata()
            # Clones, because Windows does not replace a file that is still mapped, and the training will replace it.
            tensors = {name: stored.get_tensor(name).clone() for name in stored.keys()}  # noqa: SIM118 - no mapping
        progress = Progress(**json.loads(metadata["progress"]))
        earlier = _stored_recipe(metadata["recipe"])
        _check_same(earlier, recipe)
        model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
        for number, optimizer in enumerate(optimizers):
            _restore(optimizer, f"optimizer.{number}.", tensors)
        if "best" in metadata:
            state = json.loads(metadata["best"])
            best.step, best.loss_nats = int(state["step"]), float(state["loss_nats"])
            best.weights = {name: tensors[f"best.{name}"] for name in model.state_dict()}
        torch.set_rng_state(tensors["rng"])
    except BytesimError as error:
        raise error.in_file(str(path)) from error
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"the checkpoint is damaged ({reason}); remove it to start again.", file=str(path)) from error
    if progress.total_steps is not None and recipe.training.minutes > earlier.training.minutes and progress.seconds:
        progress.total_steps = max(progress.total_steps, _steps_in(recipe.training.minutes, progress))
    if earlier.data != recipe.data:
        on_note(f"{path}: so far trained on other data, or with other weights of the data.")
    return progress


def with_stored_threshold(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the threshold that an earlier run fitted to the data, if the run folder has a checkpoint."""
    if not isinstance(recipe.model, BLTConfig) or not recipe.model.mean_patch_bytes:
        return recipe
    earlier = stored_recipe(folder)
    if earlier is None or not isinstance(earlier.model, BLTConfig):
        return recipe
    threshold, rise = earlier.model.threshold, earlier.model.rise_threshold
    return replace(recipe, model=replace(recipe.model, threshold=threshold, rise_threshold=rise))


def stored_recipe(folder: Path) -> Recipe | None:
    """The recipe in the checkpoint of a run folder; None without one, or if it is damaged.

    `load_checkpoint` says what is wrong with a damaged one.
    """
    try:
        with safe_open(folder / CHECKPOINT_FILE, framework="pt") as stored:
            return _stored_recipe(stored.metadata()["recipe"])
    except (OSError, SafetensorError, BytesimError, ValueError, KeyError, TypeError):
        return None


def _stored_recipe(text: str) -> Recipe:
    """The recipe in a checkpoint. In older checkpoints each source has the fields of all tasks."""
    values = json.loads(text)
    sources = {name: [own_fields(source) for source in values[name]] for name in ("data", "validation")}
    return recipe_from_dict({**values, **sources})


def _steps_in(minutes: float, progress: Progress) -> int:
    """Number of steps from the start of a training that fit into `minutes`, at its pace so far."""
    return round(progress.step * 60 * minutes / progress.seconds)


def _check_same(earlier: Recipe, recipe: Recipe) -> None:
    """Raise ModelError if the weights or the optimizer state of a checkpoint do not fit the recipe."""
    if (earlier.model, earlier.labels) != (recipe.model, recipe.labels):
        raise ModelError("the checkpoint is of another model; choose another folder with --out.")
    if (earlier.training.muon_learning_rate > 0) != (recipe.training.muon_learning_rate > 0):
        raise ModelError("the checkpoint was trained with another optimizer; keep muon_learning_rate as it was.")


def _restore(optimizer: torch.optim.Optimizer, prefix: str, tensors: dict[str, Tensor]) -> None:
    for index, parameter in enumerate(_parameters(optimizer)):
        start = f"{prefix}{index}."
        state = {name[len(start) :]: value for name, value in tensors.items() if name.startswith(start)}
        for name, value in state.items():
            if value.ndim and value.shape != parameter.shape:
                raise ValueError(f"{start}{name} has another shape than its weights")
            state[name] = value.to(parameter.device)  # the step count too: fused AdamW needs it on the device
        if state:
            optimizer.state[parameter] = state


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
