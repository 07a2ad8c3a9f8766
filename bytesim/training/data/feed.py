"""The data of each step: drawn, framed and padded, for a GPU by processes of their own that work ahead of it.

What a step gets depends on the seed and the step alone, so it is the same with and without such processes.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from bytesim.training.data.examples import Example
from bytesim.training.data.streams import Mixture
from bytesim.training.distributed import Workers
from bytesim.training.loss import Arrays, Batch, arrays_of, count_targets
from bytesim.training.recipe import Recipe

MOST_PROCESSES = 4
STEPS_AHEAD = 4
"""Steps that each process has ready."""


@dataclass(frozen=True, slots=True)
class StepData:
    """What this worker computes of a step, and what the step holds for all workers together."""

    micros: list[Arrays]
    scored: int
    """Targets of all workers, which the loss is a mean over."""
    num_bytes: int
    """Scored bytes of all workers."""

    def batches(self, device: torch.device) -> Iterator[Batch]:
        """The micro-batches on a device, one at a time."""
        return (Batch.of(micro).to(device) for micro in self.micros)


class Feed:
    """The steps of a recipe, in order from any one on."""

    def __init__(self, mixture: Mixture, recipe: Recipe, workers: Workers, device: torch.device) -> None:
        self.mixture = mixture
        self.recipe = recipe
        self.workers = workers
        self.processes = _processes(device)
        self._ahead: Iterator[StepData] | None = None
        self._ahead_of = (-1, -1)
        """The step that comes next from `_ahead`, and the length of the training it was made for."""

    def step(self, step: int, total_steps: int | None) -> StepData:
        """The data of a step of a training of so many steps; None before its length is known."""
        if not self.processes or total_steps is None:
            return self.draw(step, total_steps)
        if self._ahead is None or self._ahead_of != (step, total_steps):
            self._ahead = self._work_ahead(step, total_steps)
        self._ahead_of = (step + 1, total_steps)
        return next(self._ahead)

    def draw(self, step: int, total_steps: int | None) -> StepData:
        """`step`, made here and now."""
        training = self.recipe.training
        done = step / total_steps if total_steps else 0.0
        return self.prepare(self.mixture.batch(step, done, training.batch_bytes, training.micro_bytes))

    def prepare(self, micros: list[list[Example]]) -> StepData:
        """Micro-batches as arrays: those that this worker computes."""
        model, labels = self.recipe.model, self.recipe.labels
        return StepData(
            micros=[arrays_of(micro, model) for micro in self.workers.share(micros)],
            scored=sum(count_targets(micro, labels) for micro in micros),
            num_bytes=sum(example.num_bytes for micro in micros for example in micro),
        )

    def _work_ahead(self, step: int, total_steps: int) -> Iterator[StepData]:
        loader: DataLoader[StepData] = DataLoader(
            _Steps(self, total_steps),
            batch_size=None,
            sampler=range(step, total_steps),
            num_workers=self.processes,
            prefetch_factor=STEPS_AHEAD,
            worker_init_fn=_ignore_interrupts,
        )
        return iter(loader)


class _Steps(Dataset[StepData]):
    """The steps of a training by their number."""

    def __init__(self, feed: Feed, total_steps: int) -> None:
        self.feed = feed
        self.total_steps = total_steps

    def __getitem__(self, step: int) -> StepData:
        return self.feed.draw(step, self.total_steps)


def _ignore_interrupts(number: int) -> None:
    """Leave Ctrl-C to the process that trains: it ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processes(device: torch.device) -> int:
    """None beside a CPU, which would compute no faster; so many beside a GPU, which would wait."""
    if device.type == "cpu":
        return 0
    return min(MOST_PROCESSES, (os.cpu_count() or 1) // 2)
