"""How long a training goes on: converts a budget in minutes to a number of steps. No torch of its own."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING

from bytesim.training.progress import LARGEST_COUNT, Progress
from bytesim.training.recipe import TrainingConfig
from bytesim.training.time_limit import TimeLimit

if TYPE_CHECKING:
    from bytesim.training.distributed import Workers

TIMED_STEPS = 5
"""Fewest steps whose times are used to convert a budget in minutes to steps."""


class Length:
    """The number of steps of a training that has a budget of time.

    The budget is the minutes of its recipe, or the `limit` of its run, which replaces the minutes.

    It is set after the warm-up, which shows how long a step takes. That may change, as on a shared machine, so the
    estimate is repeated whenever a quarter of the remaining steps are done.
    """

    def __init__(self, progress: Progress, workers: Workers) -> None:
        self.progress = progress
        self.workers = workers
        self.limit: TimeLimit | None = None
        self._seconds: list[float] = []
        """Seconds of the training after each step of this run."""
        self._plan()

    def allows_step(self) -> bool:
        """Whether the limit, if there is one, allows another step; rank 0 decides."""
        return self.limit is None or bool(self.workers.agree(int(self.limit.allows_step())))

    def add_step(self, seconds: float) -> None:
        """Note how long a step has taken."""
        if self.limit is not None:
            self.limit.add_step(seconds)

    def update(self, config: TrainingConfig, validation_s: Callable[[], float]) -> bool:
        """Set `total_steps` if an estimate is due. Returns whether it has become known in this call.

        `validation_s` measures a validation, 0 if there is none. Rank 0 decides.
        """
        progress = self.progress
        if config.steps or (progress.total_steps is not None and progress.step < self._next):
            return False
        before = progress.total_steps
        if before is None:
            fitting = self._first_estimate(config, validation_s)
        else:
            fitting = self._steps_in(self._seconds_left(config), self._seconds_per_step())
        progress.total_steps = self.workers.agree(fitting) or None
        self._plan()
        return before is None and progress.total_steps is not None

    def _plan(self) -> None:
        """Set the step of the next estimate, and the step and time from which the seconds per step are measured."""
        progress = self.progress
        self._last = (progress.step, progress.seconds)
        left = (progress.total_steps or 0) - progress.step
        self._next = progress.step + max(TIMED_STEPS, left // 4)

    def _seconds_per_step(self) -> float:
        """The mean over the steps since the last estimate."""
        step, seconds = self._last
        return (self.progress.seconds - seconds) / (self.progress.step - step)

    def _seconds_left(self, config: TrainingConfig) -> float:
        """Seconds left for training."""
        return 60 * config.minutes - self.progress.seconds if self.limit is None else self.limit.left_s()

    def _first_estimate(self, config: TrainingConfig, validation_s: Callable[[], float]) -> int:
        """The last step that fits the budget; 0 while the time of a step is unknown."""
        progress = self.progress
        self._seconds.append(progress.seconds)
        # Still in the warm-up, and in the first tenth of the time?
        early = progress.step < config.warmup_steps and progress.seconds < 6 * config.minutes
        if not self.workers.agree(int(len(self._seconds) > TIMED_STEPS and not early)):
            return 0
        # The median, because compilation makes the first steps much slower than the rest.
        times = [later - earlier for earlier, later in zip(self._seconds, self._seconds[1:], strict=False)]
        step_s = statistics.median(times)
        if config.validate_steps:
            step_s += validation_s() / config.validate_steps
        return self._steps_in(self._seconds_left(config), step_s)

    def _steps_in(self, seconds: float, step_s: float) -> int:
        """The last step that fits so many seconds from now."""
        return min(LARGEST_COUNT, self.progress.step + max(0, round(seconds / max(step_s, 1e-9))))
