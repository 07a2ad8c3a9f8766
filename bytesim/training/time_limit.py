"""A time at which a training must have ended and its results must be written. No torch."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class TimeLimit:
    """The end of a training, results included, and the time that is kept for them."""

    end: float
    """Time of the end, on the clock of time.monotonic()."""
    reserve_s: float = 0.0
    """Seconds kept for what comes after the last step: checkpoint, validation and model folder."""
    longest_step_s: float = field(default=0.0, init=False)
    """Seconds of the longest of the last steps; older ones count less and less."""

    def left_s(self) -> float:
        """Seconds left for training; negative once they are over."""
        return self.end - self.reserve_s - time.monotonic()

    def add_step(self, seconds: float) -> None:
        """Note how long a step has taken."""
        self.longest_step_s = max(seconds, 0.9 * self.longest_step_s)

    def allows_step(self) -> bool:
        """Whether another step, as long as the longest of the last ones, ends in time."""
        return self.left_s() > self.longest_step_s
