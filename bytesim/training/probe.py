"""Finds the size of micro-batches that a device trains on fastest, by trying several."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from bytesim.training.loop import Trainer

PROBED_SHARES = (0.0, 0.5, 1.0)
"""Shares of the training from whose mixtures of data the micro-batches of a trial are drawn."""
MEMORY_SHARE = 0.8
"""Greatest share of a GPU's memory that a size may need; the rest is for shapes that the trial has not met."""
GAIN = 1.03
"""A larger size must be faster by this factor to be taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One size of micro-batches, tried."""

    micro_bytes: int
    num_bytes: int
    """Scored bytes of the micro-batches of the trial."""
    seconds: float
    """Time of their forward and backward passes; infinity if the size does not fit the memory."""
    memory_bytes: int
    """Most memory allocated on the GPU; 0 on a CPU."""

    @property
    def bytes_per_s(self) -> float:
        """Scored bytes per second; 0 if the size does not fit."""
        return self.num_bytes / self.seconds

    @property
    def micro_seconds(self) -> float:
        """Mean time of a micro-batch."""
        return self.seconds / len(PROBED_SHARES)


def probe_sizes(trainer: Trainer, sizes: Sequence[int], seconds: float) -> list[Trial]:
    """Try sizes of micro-batches in bytes, ascending, for at most about `seconds`; the first one in any case.

    Ends early at a size that does not fit the memory. Weights, optimizers and the state of torch's random numbers are
    left as they were.
    """
    end = time.monotonic() + seconds
    device = trainer.device
    random_state = torch.get_rng_state()
    trials: list[Trial] = []
    for size in sizes:
        if trials and time.monotonic() + _expected_s(trials[-1], size) > end:
            break
        trials.append(_trial(trainer, size))
        trainer.model.zero_grad(set_to_none=True)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        if trials[-1].seconds == float("inf"):
            break
    torch.set_rng_state(random_state)
    return trials


def fastest(trials: Sequence[Trial], *, most_micro_seconds: float = float("inf"), always_bytes: int = 0) -> Trial:
    """The trial with the most bytes per second; of nearly equal ones the smallest.

    `most_micro_seconds` is the most time of a micro-batch of more than `always_bytes`, so that a short training has
    enough steps; the first trial is taken if all others take longer.
    """
    best = trials[0]
    for trial in trials[1:]:
        short = trial.micro_seconds <= most_micro_seconds or trial.micro_bytes <= always_bytes
        if short and trial.bytes_per_s > GAIN * best.bytes_per_s:
            best = trial
    return best


def _expected_s(last: Trial, size: int) -> float:
    """Seconds that the trial of a size takes at the speed of the last one: two passes over the data."""
    return 2.0 * last.seconds * size / last.micro_bytes


def _trial(trainer: Trainer, size: int) -> Trial:
    batches = [trainer.mixture.batch(step, done, size, size) for step, done in enumerate(PROBED_SHARES)]
    prepared = [trainer.feed.prepare(batch) for batch in batches]
    cuda = trainer.device.type == "cuda"
    seconds = 0.0
    if cuda:
        torch.cuda.reset_peak_memory_stats(trainer.device)
    try:
        for _ in ("warm-up", "measured"):  # the first pass pays for allocation, and its time is overwritten
            started = time.monotonic()
            for data in prepared:
                trainer.gradients.accumulate(data)  # reads the loss back, so the device has finished
            seconds = time.monotonic() - started
    except torch.OutOfMemoryError:
        seconds = float("inf")
    memory = torch.cuda.max_memory_allocated(trainer.device) if cuda else 0
    if cuda and memory > MEMORY_SHARE * torch.cuda.get_device_properties(trainer.device).total_memory:
        seconds = float("inf")
    return Trial(
        micro_bytes=size,
        num_bytes=sum(data.num_bytes for data in prepared),
        seconds=seconds,
        memory_bytes=memory,
    )
