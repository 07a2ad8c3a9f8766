"""The units of the clocks."""

from __future__ import annotations

from collections.abc import Generator

TICKS_PER_QUARTER = 480
TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER
LATEST = 1 << 22
"""Greatest time in ticks, where a clock stops: more than an hour at 120 quarter notes a minute."""

Now = tuple[float, float, int, int, int]
"""Ticks since the start of the music and since the start of the bar; pitch, alterations and chord symbol."""
CLOCK_WIDTH = 5
"""What a clock shows: two times, and three numbers of `bytesim.clocks.notation`."""
PITCH, ALTERED, CHORD = 2, 3, 4
"""Where these three stand."""

Steps = Generator[Now, int, None]
"""Yields what the clock shows after the bytes so far, and is sent the next byte."""
