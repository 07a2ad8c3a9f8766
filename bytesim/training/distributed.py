"""Data-parallel training in several processes started by torchrun; each computes its share of every step.

Gradients are summed over all processes, so a step equals that of a single process, up to rounding. Without torchrun
the process is the only worker.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed
from torch import Tensor, nn

from bytesim.errors import ConfigError
from bytesim.training.data.examples import Example

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workers:
    """The rank of this process, and the number of processes that train together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the log, the checkpoints and the model."""
        return self.rank == 0

    def share(self, micro_batches: list[list[Example]]) -> list[list[Example]]:
        """The micro-batches of a step for this rank: dealt in snake order by cost, so that ranks finish together.

        The numbers of micro-batches of two ranks differ by at most one.
        """
        by_cost = sorted(micro_batches, key=cost_of, reverse=True)
        own = []
        for turn, start in enumerate(range(0, len(by_cost), self.size)):
            index = start + (self.rank if turn % 2 == 0 else self.size - 1 - self.rank)
            own += by_cost[index : index + 1]
        return own

    def add_up(self, parameters: Iterable[nn.Parameter], figures: Tensor) -> Tensor:
        """Replace gradients by their sum over all workers; returns the sum of `figures` (any shape, float32).

        A parameter without a gradient on every worker keeps none, as in one process, where the optimizer skips it.
        """
        if self.size == 1:
            return figures
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        present = torch.tensor([float(weight.grad is not None) for weight in trained], device=figures.device)
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in trained]
        flat = torch.cat([figures.flatten(), present, *(gradient.flatten() for gradient in gradients)])
        torch.distributed.all_reduce(flat)
        sizes = [figures.numel(), len(trained), *(gradient.numel() for gradient in gradients)]
        total, counts, *sums = flat.split(sizes)
        for parameter, gradient, count in zip(trained, sums, counts.tolist(), strict=True):
            parameter.grad = gradient.view_as(parameter) if count else None
        return total.view_as(figures)

    def average(self, statistics: Iterable[Tensor]) -> None:
        """Replace running statistics, such as those of batch normalization, by their mean over all workers.

        Counts become the greatest of all workers.
        """
        if self.size == 1:
            return
        for values in statistics:
            if values.is_floating_point():
                torch.distributed.all_reduce(values)
                values /= self.size
            else:
                torch.distributed.all_reduce(values, torch.distributed.ReduceOp.MAX)

    def agree(self, value: int) -> int:
        """The value of rank 0 (broadcast)."""
        return int(self.agreed(value))

    def agreed(self, value: T) -> T:
        """The value of rank 0, of any type (broadcast)."""
        if self.size == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return box[0]

    def all(self, value: T) -> list[T]:
        """The values of all ranks, of any type (all-gather)."""
        if self.size == 1:
            return [value]
        values = [value] * self.size
        torch.distributed.all_gather_object(values, value)
        return values

    def first(self, problem: str) -> str:
        """The problem of the first rank that has one; empty if none has."""
        return next(filter(None, self.all(problem)), "")

    def wait(self) -> None:
        """Return once every worker has called this (barrier)."""
        if self.size > 1:
            torch.distributed.barrier()


def leads_here() -> bool:
    """Whether this process is rank 0, or the only one; known before the workers have joined."""
    return os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"


def join_workers(device: torch.device) -> Workers:
    """Join the other processes that torchrun started, over nccl for GPUs and gloo for CPUs. Raises ConfigError."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Workers()
    if not torch.distributed.is_available():
        raise ConfigError("this torch, built without torch.distributed, cannot train in several processes.")
    if not torch.distributed.is_initialized():
        # The others wait while rank 0 validates or judges a model; a process that ends is noticed by torchrun.
        backend = "nccl" if device.type == "cuda" else "gloo"
        torch.distributed.init_process_group(backend, timeout=timedelta(hours=4))
        atexit.register(_leave)
    return Workers(torch.distributed.get_rank(), torch.distributed.get_world_size())


def _leave() -> None:
    """Close the connections before Python ends: gloo's threads abort the process if they outlive them."""
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def cost_of(micro_batch: list[Example]) -> int:
    """Estimated cost of a micro-batch: predicting a byte costs several times as much as reading one."""
    return sum(example.patches.size + 3 * example.num_bytes for example in micro_batch)
