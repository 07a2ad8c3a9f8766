"""The data of each step: drawn, framed and padded; for a GPU, loader processes prepare several steps ahead.

The data of a step depend only on the seed, the step and the length of the training, so they are the same with and
without loader processes. Where the length is estimated while the training runs, the data that are prepared already
keep the earlier estimate.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset

from bytesim.training.data.examples import Example
from bytesim.training.data.streams import Mixture
from bytesim.training.distributed import Workers, cost_of
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
    fillers: int = 0
    """Number of micro-batches, at the end, that do not count: workers that share a model compute equally many."""

    def batches(self, device: torch.device) -> Iterator[Batch]:
        """The micro-batches on a device, one at a time."""
        return (Batch.of(arrays).to(device) for arrays in self.micro_batches)


class Feed:
    """The data of a recipe's steps; they are fastest when asked for in order.

    `processes` is the number of loader processes; None for as many as suit the device, which are none on a CPU. If
    `even`, all workers get equally many micro-batches; some may be fillers.
    """

    def __init__(
        self,
        mixture: Mixture,
        recipe: Recipe,
        workers: Workers,
        device: torch.device,
        processes: int | None = None,
        *,
        even: bool = False,
    ) -> None:
        self.even = even
        self.mixture = mixture
        self.recipe = recipe
        self.workers = workers
        self.device = device
        self.processes = _processes(device) if processes is None else processes
        self._total = multiprocessing.Value("q", 0, lock=False)  # one process writes it
        """Length of the training in steps, which the loader processes read; 0 while it is unknown."""
        self._ahead: Iterator[StepData] | None = None
        self._next = -1
        """The next step that `_ahead` yields."""

    def step(self, step: int, total_steps: int | None) -> StepData:
        """The data of a step. `total_steps` is the length of the training; None while it is unknown."""
        if not self.processes:
            return self.draw(step, total_steps)
        self._total.value = total_steps or 0
        if self._ahead is None or self._next != step:
            self.close()
            self._ahead = self._work_ahead(step)
        self._next = step + 1
        data = next(self._ahead)
        if step + 1 == total_steps:
            self.close()
        return data

    def close(self) -> None:
        """End the loader processes; the next step starts new ones."""
        self._ahead = None  # the processes end with the iterator

    def draw(self, step: int, total_steps: int | None) -> StepData:
        """The same, prepared in this process."""
        training = self.recipe.training
        done = min(1.0, step / total_steps) if total_steps else 0.0
        return self.prepare(self.mixture.batch(step, done, training.batch_bytes, training.micro_bytes))

    def draw_ahead(self, step: int) -> StepData:
        """The same in a loader process, which reads the length of the training from the training process."""
        return self.draw(step, int(self._total.value) or None)

    def prepare(self, micro_batches: list[list[Example]]) -> StepData:
        """The step of these micro-batches; this worker's share of them as arrays."""
        model, labels, coarse = self.recipe.model, self.recipe.labels, self.recipe.training.buckets == "coarse"
        own = self.workers.share(micro_batches)
        fillers = -(-len(micro_batches) // self.workers.size) - len(own) if self.even else 0
        own += [min(micro_batches, key=cost_of)] * fillers
        return StepData(
            micro_batches=[arrays_of(examples, model, coarse=coarse) for examples in own],
            fillers=fillers,
            scored=sum(count_targets(examples, labels) for examples in micro_batches),
            num_bytes=sum(example.num_bytes for examples in micro_batches for example in examples),
        )

    def _work_ahead(self, step: int) -> Iterator[StepData]:
        loader: DataLoader[StepData] = DataLoader(
            _Steps(self),
            batch_size=None,
            sampler=itertools.count(step),
            num_workers=self.processes,
            prefetch_factor=STEPS_AHEAD,
            # The thread that would pin memory receives the data from the processes while the GPU works.
            pin_memory=self.device.type == "cuda",
            worker_init_fn=_ignore_interrupts,
        )
        return iter(loader)


class _Steps(Dataset[StepData]):
    """The data of the steps of a training, by step number."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def __getitem__(self, step: int) -> StepData:
        return self.feed.draw_ahead(step)


def _ignore_interrupts(number: int) -> None:
    """Leave Ctrl-C and SIGTERM to the training process, which ends its loader processes."""
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)


def _processes(device: torch.device) -> int:
    """Number of loader processes: 0 for training on a CPU, which gains nothing; several for a GPU, which would wait."""
    if device.type == "cpu":
        return 0
    return min(MOST_PROCESSES, (os.cpu_count() or 1) // 2)
