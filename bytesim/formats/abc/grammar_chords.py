"""Chord symbols of the ABC grammar: those that abc2midi plays, and fingerings, which are written in the same place."""

from __future__ import annotations

from bytesim.formats.abc.grammar_notes import PITCHES
from bytesim.formats.grammar import Steps, allow, choice

_ACCIDENTALS = ("", "#", "b")
_KINDS = (
    *("", "m", "7", "m7", "maj7", "M7", "6", "m6", "9", "m9", "maj9", "11", "dim", "dim7", "aug", "+", "sus", "sus2"),
    "sus4",
)
_CHORDS = frozenset(f"{sign}{kind}{end}".encode() for sign in _ACCIDENTALS for kind in _KINDS for end in '"/')
"""What may follow the root of a chord symbol: the kind of chord, then the quotation mark or `/` and a bass."""
_BASSES = frozenset(f'{tonic}{sign}"'.encode() for tonic in "ABCDEFGabcdefg" for sign in _ACCIDENTALS)
_FINGER = b"012345"
_FINGERS = frozenset(f'{number}"'.encode() for number in ("", *range(6)))


def spell_chord_symbol() -> Steps:
    """Allow what follows an opening quotation mark: root, kind and bass of a chord, or one or two finger numbers."""
    first = yield allow(PITCHES + _FINGER)
    if first in _FINGER:
        yield from choice(_FINGERS)
    elif (yield from choice(_CHORDS)).endswith(b"/"):
        yield from choice(_BASSES)
