"""The data of each step: drawn, framed and padded; for a GPU, loader processes prepare several steps ahead.

The data of a step depend only on the seed and the step, so they are the same with and without loader processes.
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
"""Most loader processes."""
STEPS_AHEAD = 4
"""Steps that each loader process prepares ahead."""


@dataclass(frozen=True, slots=True)
class StepData:
    """This worker's micro-batches of a step, and the size of the whole step."""

    micro_batches: list[Arrays]
    scored: int
    """Number of targets of all workers; the loss is a mean over them."""
    num_bytes: int
    """Scored bytes of all workers."""

    def batches(self, device: torch.device) -> Iterator[Batch]:
        """The micro-batches on a device, one at a time."""
        return (Batch.of(arrays).to(device) for arrays in self.micro_batches)


class Feed:
    """The data of a recipe's steps; they are fastest when asked for in order."""

    def __init__(self, mixture: Mixture, recipe: Recipe, workers: Workers, device: torch.device) -> None:
        self.mixture = mixture
        self.recipe = recipe
        self.workers = workers
        self.processes = _processes(device)
        self._ahead: Iterator[StepData] | None = None
        self._ahead_of = (-1, -1)
        """The next step that `_ahead` yields, and the `total_steps` for which it was started."""

    def step(self, step: int, total_steps: int | None) -> StepData:
        """The data of a step. `total_steps` is the length of the training; None while it is unknown."""
        if not self.processes or total_steps is None:
            return self.draw(step, total_steps)
        if self._ahead is None or self._ahead_of != (step, total_steps):
            self._ahead = self._work_ahead(step, total_steps)
        self._ahead_of = (step + 1, total_steps)
        data = next(self._ahead)
        if step + 1 == total_steps:  # the processes end with the iterator, and not only when it is collected
            next(self._ahead, None)
            self._ahead = None
        return data

    def draw(self, step: int, total_steps: int | None) -> StepData:
        """The same, prepared in this process."""
        training = self.recipe.training
        done = step / total_steps if total_steps else 0.0
        return self.prepare(self.mixture.batch(step, done, training.batch_bytes, training.micro_bytes))

    def prepare(self, micro_batches: list[list[Example]]) -> StepData:
        """The step of these micro-batches; this worker's share of them as arrays."""
        model, labels = self.recipe.model, self.recipe.labels
        return StepData(
            micro_batches=[arrays_of(examples, model) for examples in self.workers.share(micro_batches)],
            scored=sum(count_targets(examples, labels) for examples in micro_batches),
            num_bytes=sum(example.num_bytes for examples in micro_batches for example in examples),
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
    """The data of the steps of a training, by step number."""

    def __init__(self, feed: Feed, total_steps: int) -> None:
        self.feed = feed
        self.total_steps = total_steps

    def __getitem__(self, step: int) -> StepData:
        return self.feed.draw(step, self.total_steps)


def _ignore_interrupts(number: int) -> None:
    """Leave Ctrl-C to the training process, which ends its loader processes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _processes(device: torch.device) -> int:
    """Number of loader processes: 0 for training on a CPU, which gains nothing; several for a GPU, which would wait."""
    if device.type == "cpu":
        return 0
    return min(MOST_PROCESSES, (os.cpu_count() or 1) // 2)
