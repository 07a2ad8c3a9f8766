"""What the clocks count in."""

from __future__ import annotations

from collections.abc import Generator

TICKS_PER_QUARTER = 480
TICKS_PER_WHOLE = 4 * TICKS_PER_QUARTER
LATEST = 1 << 22
"""Ticks at which a clock stops: more than an hour at 120 quarter notes a minute."""

Now = tuple[float, float]
"""Ticks since the music began, and since the bar began."""

Steps = Generator[Now, int, None]
"""Yields the ticks after the bytes so far, and is sent the next byte."""
