"""Checkpoints: everything a training needs to go on as if it had not stopped. One safetensors file, no pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bytesim.errors import BytesimError, ModelError, OutputError
from bytesim.training.recipe import Recipe, recipe_from_dict
from bytesim.training.sources import own_fields

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(slots=True)
class Progress:
    """Where a training stands. Learning rate and data order follow from `step` and `total_steps`."""

    step: int = 0
    """Steps done."""
    total_steps: int | None = None
    """None until a `minutes` budget has become a number of steps."""
    seconds: float = 0.0
    """Time spent in training, over all runs."""
    bytes_seen: int = 0
    """Scored bytes."""


@dataclass(slots=True)
class Best:
    """The best weights of a training that stops early: those with the least validation loss so far, on the CPU."""

    step: int = 0
    loss_nats: float = float("inf")
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Empty before the first measurement."""

    def offer(self, model: nn.Module, step: int, loss_nats: float) -> None:
        """Keep the weights of the model if its loss is lower. NaN never counts as better."""
        if loss_nats < self.loss_nats:
            self.step, self.loss_nats = step, loss_nats
            self.weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}

    def waited(self, step: int, validate_steps: int) -> int:
        """Measurements since those weights."""
        return (step - self.step) // validate_steps


def save_checkpoint(
    folder: Path,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    progress: Progress,
    recipe: Recipe,
    best: Best,
) -> None:
    """Write the checkpoint whole or not at all. Raises OutputError."""
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
    temporary = folder / f".{CHECKPOINT_FILE}.tmp"  # one name: what a kill leaves behind is written over
    try:
        # Not save_file, which writes under a name of its own: a kill would leave that behind for good.
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
    """Restore model, optimizers, best weights and RNG; None where the folder holds no checkpoint.

    Raises ModelError if the checkpoint is damaged or belongs to another model. Other data than it was trained on
    so far are allowed, and noted.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as stored:
            metadata = stored.metadata()
            # Clones: the file is replaced while the training goes on, which Windows refuses for one that is mapped.
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
        why = " ".join(str(error).split())[:200]
        raise ModelError(f"the checkpoint is damaged ({why}); remove it to start again.", file=str(path)) from error
    if earlier.data != recipe.data:
        on_note(f"{path}: trained on other data, or with other weights of the data, so far.")
    return progress


def _stored_recipe(text: str) -> Recipe:
    """The recipe of a checkpoint. Older checkpoints hold the fields of every task in each source."""
    values = json.loads(text)
    sources = {name: [own_fields(source) for source in values[name]] for name in ("data", "validation")}
    return recipe_from_dict({**values, **sources})


def _check_same(earlier: Recipe, recipe: Recipe) -> None:
    """Raise ModelError where weights or optimizer state of a checkpoint would not fit."""
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
            state[name] = value.to(parameter.device)  # the step count too: a fused AdamW keeps it beside the weights
        if state:
            optimizer.state[parameter] = state


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
