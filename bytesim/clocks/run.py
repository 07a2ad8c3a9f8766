"""Clocks on their way through a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks.abc import abc_times
from bytesim.clocks.midi import midi_times
from bytesim.clocks.ticks import Steps

Times = NDArray[np.int32]
"""(..., 2) ticks, 480 to the quarter note: since the music began, and since the bar began."""

_MAKERS: dict[str, Callable[[], Steps]] = {"abc": abc_times, "mid": midi_times, "midi": midi_times}


class Clock:
    """A clock on its way through one file; one for a file without music stands still."""

    def __init__(self, steps: Steps | None) -> None:
        self._steps = steps
        self.now = (0, 0)
        """Ticks since the music began, and since the bar began."""
        if steps is not None:
            next(steps)

    @property
    def stands_still(self) -> bool:
        """Whether no byte can move it."""
        return self._steps is None

    def advance(self, byte: int) -> None:
        """Take note of the next byte."""
        if self._steps is not None:
            music, bar = self._steps.send(byte)
            self.now = (round(music), round(bar))

    def follow(self, data: bytes) -> Times:
        """Take note of the next bytes; (n + 1, 2), the times before each of them and after the last one."""
        times = np.empty((len(data) + 1, 2), np.int32)
        times[:] = self.now
        if self._steps is not None and data:
            send = self._steps.send
            times[1:] = np.rint([send(byte) for byte in data])
            self.now = (int(times[-1, 0]), int(times[-1, 1]))
        return times


def make_clock(suffix: str, begun: bytes = b"") -> Clock:
    """A clock for files of a suffix, after the bytes of a file that is begun."""
    clock = Clock(_MAKERS[suffix]() if suffix in _MAKERS else None)
    clock.follow(begun)
    return clock


def clock_of(data: bytes, suffix: str) -> Times:
    """(n + 1, 2): the times before each byte of a file, and after the last one."""
    return make_clock(suffix).follow(data)


def clock_patches(times: Times, patch_size: int) -> Times:
    """(P, S, 2): times before each byte of the patches of a file, extension and closing patch included.

    `times` is (n + 1, 2), from `clock_of`. In the extension patch no time has passed; padding stands at the end.
    """
    count = -(-(len(times) - 1) // patch_size)
    patches = np.zeros((count + 2, patch_size, 2), np.int32)
    patches[1:] = times[-1]
    patches[1 : count + 1].reshape(-1, 2)[: len(times) - 1] = times[:-1]
    return patches


def padded_times(files: Sequence[Times | None], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """(B, *shape, 2): the times of several files, padded with zeros; zeros alone for a file without."""
    padded = np.zeros((len(files), *shape, 2), np.int64)
    for row, times in zip(padded, files, strict=True):
        if times is not None:
            row[: len(times)] = times
    return padded
