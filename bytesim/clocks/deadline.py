"""Deadlines of answers, in bytes or in musical time. Once one has passed, the grammar of the answer forces an end."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.clocks.run import Clock, Times, make_clock
from bytesim.clocks.ticks import TICKS_PER_WHOLE

GRACE_TICKS = TICKS_PER_WHOLE
"""Grace period: how many ticks an answer may run past its source before its grammar forces an end."""


@dataclass(slots=True)
class ByteDeadline:
    """Passed once `limit` bytes are written, prefix included."""

    limit: int
    written: int = 0

    @property
    def passed(self) -> bool:
        """Whether the limit is reached."""
        return self.written >= self.limit

    def advance(self, byte: int) -> None:
        """Count a byte."""
        self.written += 1


@dataclass(slots=True)
class MusicDeadline:
    """Passed once the music of an answer is longer than `latest` ticks."""

    clock: Clock
    latest: int

    @property
    def passed(self) -> bool:
        """Whether the music is past the latest time."""
        return self.clock.now[0] > self.latest

    def advance(self, byte: int) -> None:
        """Read a byte of the answer."""
        self.clock.advance(byte)


Deadline = ByteDeadline | MusicDeadline


def music_deadline(latest: int, suffix: str) -> MusicDeadline:
    """The deadline of an answer with that suffix whose music must end within `latest` ticks."""
    return MusicDeadline(make_clock(suffix), latest)


def latest_time(source_times: Times) -> int | None:
    """Latest end in ticks of the answer to a source with these times (n + 1, CLOCK_WIDTH); None if no time passes."""
    return int(source_times[:, 0].max()) + GRACE_TICKS if source_times.any() else None
