"""The tensors that a checkpoint holds: weights, optimizer state, best weights and the state of the random numbers.

They always have the same names, dtypes and shapes for one recipe, so a file can be compared with them before any of it
is used. Optimizers make their state in the first step; here it is made at once, as they would make it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from bytesim.training.optimizers import Muon
from bytesim.training.sharding import is_sharded, local, spread

Layout = dict[str, tuple[torch.dtype, tuple[int, ...]]]
"""Name -> dtype and shape of a tensor."""
DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8, "I64": torch.int64}
"""Those of the tensors that a training has, by their names in safetensors files."""
RNG = "rng"
"""Name of the state of torch's random numbers on the CPU."""


@dataclass(slots=True)
class Best:
    """For early stopping: the weights with the lowest validation loss so far, on the CPU unless they are sharded."""

    step: int = 0
    loss_nats: float = float("inf")
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Empty before the first validation, and where another worker keeps them."""

    def offer(self, model: nn.Module, step: int, loss_nats: float, *, copy: bool = True) -> None:
        """Take note of the step if its loss is lower, and `copy` the weights. NaN never counts as better."""
        if loss_nats < self.loss_nats:
            self.step, self.loss_nats = step, loss_nats
            weights = model.state_dict() if copy else {}
            self.weights = {name: _beside(value.detach().clone()) for name, value in weights.items()}

    def waited(self, step: int, validate_steps: int) -> int:
        """Number of validations since the best one."""
        return (step - self.step) // validate_steps


@dataclass(frozen=True)
class TrainingState:
    """The tensors of a training, by the names that they have in its checkpoints."""

    model: nn.Module
    optimizers: Sequence[torch.optim.Optimizer]
    best: Best
    sharded: bool = False
    """Whether this process holds only its share of the weights and of the optimizer state."""

    def live(self) -> dict[str, Tensor]:
        """The weights and the optimizer state themselves, without the best weights and the random numbers."""
        tensors = {f"model.{name}": value for name, value in self.model.state_dict().items()}
        for number, optimizer in enumerate(self.optimizers):
            for index, parameter in enumerate(_parameters(optimizer)):
                for name, value in _state_of(optimizer, parameter).items():
                    tensors[f"optimizer.{number}.{index}.{name}"] = value
        return tensors

    def statistics(self) -> list[Tensor]:
        """The running statistics of the model: what it stores besides its weights."""
        weights = {name for name, _ in self.model.named_parameters()}
        return [value for name, value in self.model.state_dict().items() if name not in weights]

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of a checkpoint."""
        best = {f"best.{name}": value for name, value in self.best.weights.items()}
        return {**self.live(), **best, RNG: torch.get_rng_state()}

    def layout(self, *, with_best: bool) -> Layout:
        """The names, dtypes and shapes of a checkpoint with or without best weights."""
        tensors = {**self.live(), RNG: torch.get_rng_state()}
        layout = {name: (value.dtype, tuple(value.shape)) for name, value in tensors.items()}
        if with_best:
            layout |= {
                f"best.{name}": (value.dtype, tuple(value.shape)) for name, value in self.model.state_dict().items()
            }
        return layout

    def empty_best(self) -> dict[str, Tensor]:
        """Tensors for best weights, without values."""
        return {name: _beside(torch.empty_like(value)) for name, value in self.model.state_dict().items()}

    @torch.no_grad()
    def take(self, tensors: Mapping[str, Tensor]) -> None:
        """Copy the whole tensors of a checkpoint into the model and the optimizers, or each process its share."""
        for name, target in self.live().items():
            target.copy_(spread(tensors[name], target))
        weights = self.model.state_dict()
        self.best.weights = {
            name[5:]: spread(value, weights[name[5:]]) for name, value in tensors.items() if name.startswith("best.")
        }
        torch.set_rng_state(tensors[RNG])


def _beside(tensor: Tensor) -> Tensor:
    """A tensor on the CPU, where it takes no memory of a GPU; a sharded one stays where it is."""
    return tensor if is_sharded(tensor) else tensor.cpu()


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """The parameters that the optimizer trains, in order; the numbers in the names count the others too."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _state_of(optimizer: torch.optim.Optimizer, parameter: nn.Parameter) -> dict[str, Tensor]:
    """The optimizer's state of a parameter, made as the optimizer makes it; empty for a frozen one."""
    if not parameter.requires_grad:
        return {}
    state: dict[str, Tensor] = optimizer.state[parameter]
    if not state and isinstance(optimizer, Muon):
        state["momentum_buffer"] = torch.zeros_like(parameter)
    elif not state:
        # The step count lies on the device, where the fused AdamW needs it.
        state["step"] = torch.zeros((), dtype=torch.float32, device=parameter.device)
        state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return state


def problem_of(tensors: Mapping[str, Tensor], steps: int) -> str:
    """What a training of so many steps cannot have made of these tensors; empty if nothing is wrong."""
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(torch.isfinite(local(value)).all()):
            return f"{name} is not finite"
        if name.startswith("optimizer.") and name.endswith(".step") and not 0 <= float(value) <= steps:
            return f"{name} is {float(value):g} after {steps} steps"
    return ""


def digest_of(tensors: Mapping[str, Tensor], texts: Mapping[str, str]) -> str:
    """The sha256, in hexadecimal, of texts and of tensors: their names, dtypes, shapes and bytes."""
    digest = hashlib.sha256(json.dumps(sorted(texts.items())).encode())
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(json.dumps([name, str(value.dtype), list(value.shape)]).encode())
        if value.numel():  # torch cannot view no bytes as bytes
            digest.update(value.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def fit_problem(found: Layout, expected: Layout) -> str:
    """The first difference between the tensors of a file and those of the training; empty without one."""
    for name in sorted(found.keys() | expected.keys()):
        if found.get(name) != expected.get(name):
            return f"{name[:100]} is {_told(found.get(name))}, and should be {_told(expected.get(name))}"
    return ""


def _told(tensor: tuple[torch.dtype, tuple[int, ...]] | None) -> str:
    return "missing" if tensor is None else f"{str(tensor[0]).removeprefix('torch.')} {list(tensor[1])}"
