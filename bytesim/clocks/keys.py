"""Keys: the letters of notes, and the sharps and flats that a key signature gives them. Source: ABC standard 2.1."""

from __future__ import annotations

NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Letter -> semitones above C without an accidental."""
ACCIDENTALS = {"^": 1, "_": -1, "=": 0}
"""Sign before a note -> semitones by which it raises the letter."""
MIDDLE_C = 60
"""MIDI pitch of the note `C`."""

_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
"""Tonic of a major key -> sharps of its signature; negative numbers are flats."""
_MODES = {"": 0, "min": -3, "dor": -2, "phr": -4, "lyd": 1, "mix": -1, "loc": -5}
_SHARPS = "FCGDAEB"


def key_sharps(key: str) -> int:
    """Sharps of the signature of a canonical key such as `D`, `Amin` or `Ebdor`; negative for flats.

    Raises KeyError for a key that is not canonical.
    """
    sign = {"#": 7, "b": -7}.get(key[1:2], 0)
    return _FIFTHS[key[:1]] + sign + _MODES[key[2 if sign else 1 :]]


def signature(sharps: int) -> dict[str, int]:
    """Letter -> semitones by which a key signature of that many sharps, -7 to 7, raises it."""
    if sharps >= 0:
        return dict.fromkeys(_SHARPS[:sharps], 1)
    return dict.fromkeys(_SHARPS[sharps:], -1)
