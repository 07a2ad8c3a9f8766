"""Running a clock over a file, and the times of whole files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks.abc import abc_times
from bytesim.clocks.cpu import cpu_times
from bytesim.clocks.midi import midi_times
from bytesim.clocks.ticks import CLOCK_WIDTH, PITCH, Now, Steps
from bytesim.patching import header_patches

Times = NDArray[np.int32]
"""(..., CLOCK_WIDTH): ticks since the start of the music and since the start of the bar, 480 to the quarter note; then
what the notation says (`bytesim.clocks.notation`). For CPU files, see `bytesim.clocks.cpu`.
"""

Shown = tuple[int, int, int, int, int]
STILL: Shown = (0, 0, 0, 0, 0)
"""What a clock that stands still shows."""
_OCTAVE_MARKS = b",'"

_MAKERS: dict[str, Callable[[], Steps]] = {
    "abc": abc_times,
    "mid": midi_times,
    "midi": midi_times,
}
ByOffset = Callable[[int, int], Times]
"""Called with an offset and a number n; returns the times (n, CLOCK_WIDTH) of the n bytes from there on."""
_BY_OFFSET: dict[str, ByOffset] = {"bin": cpu_times}
"""Suffix -> times that depend on the offset of a byte alone."""


class Clock:
    """The clock of one file, driven by its bytes (`steps`) or their offsets (`by_offset`), else always 0."""

    def __init__(self, steps: Steps | None, by_offset: ByOffset | None = None) -> None:
        self._steps = steps
        self._by_offset = by_offset
        self._offset = 0
        self.now = STILL
        """The times of the next byte."""
        if steps is not None:
            next(steps)
        elif by_offset is not None:
            self.now = _shown(by_offset(0, 1)[0])

    @property
    def stands_still(self) -> bool:
        """Whether the times never change."""
        return self._steps is None and self._by_offset is None

    def advance(self, byte: int) -> None:
        """Move past the next byte."""
        self._offset += 1
        if self._steps is not None:
            self.now = _rounded(self._steps.send(byte))
        elif self._by_offset is not None:
            self.now = _shown(self._by_offset(self._offset, 1)[0])

    def follow(self, data: bytes) -> Times:
        """Move past the next n bytes. Returns the times (n + 1, CLOCK_WIDTH) before each of them and after the last."""
        times = self._coming(len(data) + 1)
        self._offset += len(data)
        if self._steps is not None and data:
            send = self._steps.send
            times[1:] = np.rint([send(byte) for byte in data])
        self.now = _shown(times[-1])
        return times

    def ahead(self, count: int) -> Times | None:
        """(count, CLOCK_WIDTH): the times before the next bytes; None if they depend on the values of these bytes."""
        return None if self._steps is not None else self._coming(count)

    def _coming(self, count: int) -> Times:
        if self._by_offset is not None:
            return self._by_offset(self._offset, count)
        times = np.empty((count, CLOCK_WIDTH), np.int32)
        times[:] = self.now
        return times


def _rounded(now: Now) -> Shown:
    return round(now[0]), round(now[1]), *now[2:]


def _shown(row: Times) -> Shown:
    return tuple(row.tolist())


def make_clock(suffix: str, begun: bytes = b"") -> Clock:
    """A clock for files of a suffix, moved past the bytes of `begun`."""
    clock = Clock(_MAKERS[suffix]() if suffix in _MAKERS else None, _BY_OFFSET.get(suffix))
    clock.follow(begun)
    return clock


def clock_of(data: bytes, suffix: str) -> Times:
    """(n + 1, CLOCK_WIDTH): the times before each byte of a file, and after the last one."""
    return make_clock(suffix).follow(data)


def source_times(data: bytes, times: Times) -> Times:
    """(n, CLOCK_WIDTH): `times` (n + 1, CLOCK_WIDTH), from `clock_of`, before each byte of a file that is known whole.

    Unlike in a file that is being written, the byte that names a note has its pitch, octave marks included.
    """
    moved = times[:-1].copy()
    pitches = times[1:, PITCH].copy()
    marks = np.isin(np.frombuffer(data, np.uint8), np.frombuffer(_OCTAVE_MARKS, np.uint8))
    named = pitches > 0
    for place in np.flatnonzero(marks[1:] & named[1:] & named[:-1])[::-1]:
        pitches[place], pitches[place + 1] = pitches[place + 1], 0
    moved[:, PITCH] = pitches
    return moved


def clock_patches(times: Times, patch_size: int) -> Times:
    """(P, S, CLOCK_WIDTH): times before each byte of the patches of a file, extension and closing patch included.

    `times` is (n + 1, CLOCK_WIDTH), from `clock_of`. The times of the extension patch are 0; those of padding are the
    last ones.
    """
    header, count = header_patches(patch_size), -(-(len(times) - 1) // patch_size)
    patches = np.zeros((header + count + 1, patch_size, CLOCK_WIDTH), np.int32)
    patches[header:] = times[-1]
    patches[header : header + count].reshape(-1, CLOCK_WIDTH)[: len(times) - 1] = times[:-1]
    return patches


def padded_times(files: Sequence[Times | None], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """(B, *shape, CLOCK_WIDTH): the times of several files, padded with zeros; all zeros for a file without times."""
    padded = np.zeros((len(files), *shape, CLOCK_WIDTH), np.int64)
    for row, times in zip(padded, files, strict=True):
        if times is not None:
            row[: len(times)] = times
    return padded
