"""Several processes that train one model, started by torchrun; each takes its share of every step.

Gradients are added up over all of them, so a step is what one process would have made of it, up to rounding. By
itself, or without torchrun, a process is the only worker.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.distributed
from torch import Tensor, nn

from bytesim.training.data.examples import Example


@dataclass(frozen=True, slots=True)
class Workers:
    """The place of this process among those that train together."""

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the log, the checkpoints and the model."""
        return self.rank == 0

    def share(self, micros: list[list[Example]]) -> list[list[Example]]:
        """The micro-batches of a step that this process computes: much work and little work dealt out in turn."""
        ranked = sorted(micros, key=_work, reverse=True)
        dealt = []
        for turn, start in enumerate(range(0, len(ranked), self.size)):
            place = start + (self.rank if turn % 2 == 0 else self.size - 1 - self.rank)
            dealt += ranked[place : place + 1]
        return dealt

    def add_up(self, parameters: Iterable[nn.Parameter], figures: Tensor) -> Tensor:
        """Replace gradients by their sum over all workers, and return the sum of `figures` (any shape, float32)."""
        if self.size == 1:
            return figures
        trained = [each for each in parameters if each.requires_grad]
        gradients = [torch.zeros_like(each) if each.grad is None else each.grad for each in trained]
        flat = torch.cat([figures.flatten(), *(each.flatten() for each in gradients)])
        torch.distributed.all_reduce(flat)
        total, *sums = flat.split([figures.numel(), *(each.numel() for each in gradients)])
        for parameter, gradient in zip(trained, sums, strict=True):
            parameter.grad = gradient.view_as(parameter)
        return total.view_as(figures)

    def agree(self, value: int) -> int:
        """The value that the leading process has."""
        if self.size == 1:
            return value
        box = [value]
        torch.distributed.broadcast_object_list(box, src=0)
        return int(box[0])

    def wait(self) -> None:
        """Return when every worker has come here."""
        if self.size > 1:
            torch.distributed.barrier()


def join_workers(device: torch.device) -> Workers:
    """Meet the other processes that torchrun started, over nccl for GPUs and gloo for CPUs."""
    if not torch.distributed.is_available() or int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Workers()
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return Workers(torch.distributed.get_rank(), torch.distributed.get_world_size())


def _work(micro: list[Example]) -> int:
    """About how long a micro-batch takes: bytes that are spelled cost several times what bytes that are read cost."""
    return sum(each.patches.size + 3 * each.num_bytes for each in micro)
