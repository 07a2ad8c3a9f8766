"""Decides how many threads compute a training on a CPU: all that torch has, or one where that is faster.

Threads wait for each other after every operation. On a computer that is busy otherwise that can make a step of a small
model 60 times as slow.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

_TRIED = ("all", "all", "one", "all", "one")
"""With which threads the first steps of a run are computed; the first of them warms up and does not count."""
_GAIN = 1.2
"""One thread must be faster by this factor."""


class Threads:
    """The number of threads of the steps of one run.

    A number that the user has set (OMP_NUM_THREADS) stays, and so does that of steps which may not be `tried`, as each
    number has to be compiled or takes time that is limited. `on_note` is told when one thread is taken.
    """

    def __init__(self, device: torch.device, on_note: Callable[[str], None], *, tried: bool = True) -> None:
        self.most = torch.get_num_threads()
        self.on_note = on_note
        fixed = not tried or device.type != "cpu" or self.most == 1 or "OMP_NUM_THREADS" in os.environ
        self._left = [] if fixed else list(_TRIED)
        self._seconds = {"all": 0.0, "one": 0.0}
        self._bytes = {"all": 0, "one": 0}

    def begin_step(self) -> None:
        """Set the threads of the next step."""
        if self._left:
            torch.set_num_threads(self.most if self._left[0] == "all" else 1)

    def end_step(self, seconds: float, num_bytes: int) -> None:
        """Take note of the time of the step and its scored bytes, and decide after the last trial."""
        if not self._left:
            return
        tried = self._left.pop(0)
        if len(self._left) < len(_TRIED) - 1:
            self._seconds[tried] += max(seconds, 1e-9)  # some clocks tick 60 times a second
            self._bytes[tried] += num_bytes
        if not self._left:
            self._decide()

    def _decide(self) -> None:
        rates = {tried: self._bytes[tried] / self._seconds[tried] for tried in self._seconds}
        if rates["one"] > _GAIN * rates["all"]:
            torch.set_num_threads(1)
            times = rates["one"] / rates["all"]
            self.on_note(f"one thread trains {times:.1f} times as fast here as {self.most}, and is used.")
        else:
            torch.set_num_threads(self.most)

    def end(self) -> None:
        """Give torch its threads back."""
        if torch.get_num_threads() != self.most:
            torch.set_num_threads(self.most)
