"""The steps of the optimizers: learning rate and data before each, update of the weights and report after it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import torch

from bytesim.training.data.feed import Feed, StepData
from bytesim.training.divergence import check_finite
from bytesim.training.gradients import Gradients
from bytesim.training.optimizers import rate_factor
from bytesim.training.progress import Progress
from bytesim.training.recipe import TrainingConfig
from bytesim.training.sharding import whole
from bytesim.training.state import TrainingState


@dataclass(frozen=True, slots=True)
class StepReport:
    """One line of the log."""

    step: int
    loss_nats: float
    """Mean over the tokens of the step, padding included; for a classifier over its files."""
    learning_rate: float
    num_bytes: int
    """Scored bytes of the step."""
    seconds: float
    total_steps: int | None
    waited_s: float = 0.0
    """Seconds of `seconds` in which the step waited for its data."""
    flops: int = 0
    """Floating-point operations of the step in matrix products; 0 if the trainer does not count them."""


@dataclass(frozen=True, slots=True)
class BegunStep:
    """A step whose gradients are to be computed."""

    data: StepData
    learning_rate: float
    started: float
    """On the clock of time.monotonic()."""
    waited_s: float
    counted_flops: int
    """Operations that had been counted before the step."""


class Steps:
    """The steps of a training, each begun and finished; between these, its gradients are computed."""

    def __init__(
        self, state: TrainingState, gradients: Gradients, progress: Progress, training: TrainingConfig, folder: Path
    ) -> None:
        self.state = state
        self.gradients = gradients
        self.progress = progress
        self.training = training
        self.folder = folder
        self._statistics = state.statistics()

    def begin(self, feed: Feed) -> BegunStep:
        """Set the learning rates of the next step and get its data. It may be begun again if it is not finished."""
        step, total_steps = self.progress.step, self.progress.total_steps
        factor = rate_factor(step, total_steps, self.training.warmup_steps, self.training.decay_share)
        for optimizer in self.state.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * factor
        started = time.monotonic()
        data = feed.step(step, total_steps)
        waited_s = time.monotonic() - started
        rate = self.training.learning_rate * factor
        return BegunStep(data, rate, started, waited_s, self.gradients.counted_flops)

    def finish(self, begun: BegunStep, loss_nats: float) -> StepReport:
        """Update weights and progress. Raises ConfigError if the loss or a gradient is not finite."""
        self._update(loss_nats)
        self.progress.step += 1
        self.progress.bytes_seen += begun.data.num_bytes
        return StepReport(
            step=self.progress.step,
            loss_nats=loss_nats,
            learning_rate=begun.learning_rate,
            num_bytes=begun.data.num_bytes,
            seconds=time.monotonic() - begun.started,
            total_steps=self.progress.total_steps,
            waited_s=begun.waited_s,
            flops=self.gradients.counted_flops - begun.counted_flops,
        )

    def _update(self, loss_nats: float) -> None:
        """Update the weights by their gradients, which are clipped and then removed, and the running statistics."""
        norm = torch.nn.utils.clip_grad_norm_(self.state.model.parameters(), self.training.clip_norm)
        self._check_finite("loss", loss_nats)
        self._check_finite("norm of the gradient", float(whole(norm)))
        for optimizer in self.state.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.gradients.workers.average(self._statistics)

    def _check_finite(self, what: str, value: float) -> None:
        what = f"{what} of step {self.progress.step + 1}"
        check_finite(what, (value,), self.training.learning_rate, self.folder)
