"""The periods by which models read times, in ticks, 480 to the quarter note. No torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks.notation import ALTERATIONS, CHORD_KINDS, LETTERS, TONES

_BINARY = [60 << step for step in range(13)]
_TERNARY = [90 << step for step in range(11)]
_WRITTEN = [128 << step for step in range(11)]
"""Periods of the digits of MIDI's variable-length numbers, which are in base 128."""
MUSIC_PERIODS = _BINARY + _TERNARY + _WRITTEN
"""Of the time since the start of the music."""
BAR_PERIODS = _BINARY[:7] + _TERNARY[:6]
"""Of the time since the start of the bar."""

PITCHES = 127
"""Pitches of MIDI that a note can name, from 1."""
NOTATION_SIZES = [1 + PITCHES, 1 + TONES, *[ALTERATIONS] * len(LETTERS), *[1 + TONES] * 2, 2 + len(CHORD_KINDS)]
"""Values of each number that the notation says: pitch, tone, accidental of each letter, and root, bass and kind of the
chord."""

NUM_HANDS = 16
"""Number of periods by which cross-attention to the source compares times."""
_SHORTEST, _LONGEST = 120.0, 245_760.0


def hand_periods() -> NDArray[np.float32]:
    """(NUM_HANDS,) these periods, each a constant factor above the one before."""
    steps = np.arange(NUM_HANDS) / (NUM_HANDS - 1)
    return (_SHORTEST * (_LONGEST / _SHORTEST) ** steps).astype(np.float32)
