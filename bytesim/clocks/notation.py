"""What the notation of an ABC tune in canonical form says at each byte: pitch, accidentals in force, chord symbol.

Source: ABC standard 2.1, section 4, as abc2midi reads it: an accidental counts in all octaves until the bar line, and a
tie carries it over one. No torch.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from bytesim.clocks.keys import ACCIDENTALS, MIDDLE_C, NATURALS, key_sharps, signature

LETTERS = tuple(NATURALS)
CHORD_KINDS = (
    "", "m", "7", "m7", "maj7", "M7", "6", "m6", "9", "m9", "maj9", "11",
    "dim", "dim7", "aug", "+", "sus", "sus2", "sus4",
)  # fmt: skip
"""Kinds of chord symbols; every other one counts as one more kind."""
ALTERATIONS = 5
"""Alterations of a letter: two flats to two sharps, as numbers modulo 5."""
TONES = 12
"""Semitones of an octave."""

Notation = tuple[int, int, int]
"""Pitch of the note that has just been named, from 1; letters' alterations in force; chord symbol; 0 for none.

The alterations are the digits in base ALTERATIONS of one number, that of C the lowest. A chord symbol is 1 + (root *
(len(CHORD_KINDS) + 1) + kind) * TONES + bass, with root and bass in semitones above C.
"""

_SIGNS = {ord(sign): raised for sign, raised in ACCIDENTALS.items()}
_NAMES = {ord(name): letter for letter in LETTERS for name in (letter, letter.lower())}
_OCTAVES = {ord("'"): 12, ord(","): -12}
_CHORD = re.compile(r"([A-G])([#b]?)([^/]*)(?:/([A-Ga-g])([#b]?))?")
_SHARP = {"": 0, "#": 1, "b": -1}
_HIGHEST = 127


def abc_notation() -> Generator[Notation, int, None]:
    """Yields what the notation says after the bytes so far, and is sent the next byte."""
    return _Notation().steps()


class _Notation:
    def __init__(self) -> None:
        self.pitch = 0
        self.chord = 0
        self.key: dict[str, int] = {}
        self.bar: dict[str, int] = {}
        """Accidentals written since the last bar line."""
        self.tied: dict[str, int] = {}
        """Alterations that ties carry to the next note or chord."""
        self.named: dict[str, int] = {}
        """Alterations of the last note or chord."""
        self.in_chord = False
        self.in_force = 0

    @property
    def now(self) -> Notation:
        return self.pitch, self.in_force, self.chord

    def steps(self) -> Generator[Notation, int, None]:
        """Read the fields of the header up to `K:`, then the body."""
        name = yield self.now
        while True:
            value = yield from self._until(ord("\n"))
            if name == ord("K"):
                break
            name = yield self.now
        self._set_key(value)
        yield from self._body()

    def _body(self) -> Generator[Notation, int, None]:
        byte = yield self.now
        while True:
            if byte in _SIGNS or byte in _NAMES:
                byte = yield from self._note(byte)
                continue
            if byte == ord('"'):
                self._set_chord((yield from self._until(byte)))
            elif byte == ord("["):
                byte = yield from self._bracket()
                continue
            elif byte == ord("]"):
                self.in_chord, self.tied = False, {}
                self._show()
            elif byte == ord("-"):
                self.tied = dict(self.named)
                self._show()
            elif byte == ord("|"):
                self.bar = {}
                self._show()
            byte = yield self.now

    def _until(self, last: int) -> Generator[Notation, int, bytes]:
        read = bytearray()
        while (byte := (yield self.now)) != last:
            read.append(byte)
        return bytes(read)

    def _bracket(self) -> Generator[Notation, int, int]:
        """Read an inline field, or the bracket that opens a chord. Returns the next byte."""
        byte = yield self.now
        if byte not in b"KLM":
            self.in_chord, self.named = True, {}
            return byte
        value = yield from self._until(ord("]"))
        if byte == ord("K"):
            self._set_key(value)
        return (yield self.now)

    def _note(self, byte: int) -> Generator[Notation, int, int]:
        """Read accidentals, letter and octave marks. Returns the next byte."""
        raised: int | None = None
        while byte in _SIGNS:
            raised = max(-2, min((raised or 0) + _SIGNS[byte], 2))
            byte = yield self.now
        if byte not in _NAMES:
            return byte
        letter = _NAMES[byte]
        if raised is None:
            raised = self.tied.get(letter, self.bar.get(letter, self.key.get(letter, 0)))
        else:
            self.bar[letter] = raised
        if not self.in_chord:
            self.tied, self.named = {}, {}
        self.named[letter] = raised
        self._show()
        octave = 12 if byte >= ord("a") else 0
        while True:
            self.pitch = max(1, min(MIDDLE_C + NATURALS[letter] + raised + octave, _HIGHEST))
            byte = yield self.now
            if byte not in _OCTAVES:
                self.pitch = 0
                return byte
            octave += _OCTAVES[byte]

    def _show(self) -> None:
        """Bring `in_force` up to date."""
        number = 0
        for letter in reversed(LETTERS):
            raised = self.tied.get(letter, self.bar.get(letter, self.key.get(letter, 0)))
            number = number * ALTERATIONS + raised % ALTERATIONS
        self.in_force = number

    def _set_key(self, value: bytes) -> None:
        """Take the key of a field `K:`, whose letter has been read; one that is not canonical is C."""
        try:
            sharps = key_sharps(value.lstrip(b":").decode("latin-1"))
        except KeyError:
            sharps = 0
        self.key = signature(max(-7, min(sharps, 7)))
        self.bar = {}
        self._show()

    def _set_chord(self, text: bytes) -> None:
        """Take a chord symbol; other quoted text changes nothing."""
        match = _CHORD.fullmatch(text.decode("latin-1"))
        if match is None:
            return
        root = (NATURALS[match[1]] + _SHARP[match[2]]) % TONES
        bass = (NATURALS[match[4].upper()] + _SHARP[match[5]]) % TONES if match[4] else root
        kind = CHORD_KINDS.index(match[3]) if match[3] in CHORD_KINDS else len(CHORD_KINDS)
        self.chord = 1 + (root * (len(CHORD_KINDS) + 1) + kind) * TONES + bass
