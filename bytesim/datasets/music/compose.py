"""Random tunes in canonical ABC, with many of the signs that are rare in real tunes. No torch.

These are tuplets, broken rhythm, grace notes, rolls and other ornaments, ties over one or more bar lines, chords, chord
symbols, accidentals that last to the end of a bar, pickup bars, and changes of key, meter and unit length. abc2midi
makes the MIDI of these tunes, as of all others.
"""

from __future__ import annotations

import random
from fractions import Fraction

from bytesim.datasets.music.rows import KEYS, METERS, UNITS
from bytesim.formats.abc.canonical import canonical
from bytesim.formats.abc.transpose import pitch_name
from bytesim.formats.abc.tune import parse

_LOWEST, _HIGHEST = -5, 16
"""Lowest and highest note, counted in letters from middle C: from the E below it to the e above the staff."""
_LENGTHS = [
    *[Fraction(1)] * 8,
    *[Fraction(2)] * 5,
    *[Fraction(1, 2)] * 2,
    *(Fraction(3), Fraction(4), Fraction(6), Fraction(8), Fraction(3, 2), Fraction(3, 4), Fraction(1, 4)),
]
_CHORD_NAMES = (
    *("C", "Dm", "Em", "F", "G", "G7", "Am", "Bb", "D", "D7"),
    *("A", "A7", "E", "Bm", "F#m", "Gm", "C/E", "D/F#"),
)
_HABITS = ("tuplet", "broken", "grace", "tie", "chord", "rest", "accidental", "ornament", "change", "symbol")
_TUPLETS = {2: 3, 3: 2, 4: 3, 6: 2}
"""Number of notes of a tuplet -> number of ordinary notes whose time they take."""
_ORNAMENTS = "~~T.H"
_SHARES = (0.0, 0.0, 0.02, 0.1, 0.25)


def compose(rng: random.Random) -> str:
    """A tune of 2 to 16 bars in canonical form."""
    return _Composer(rng).tune()


class _Composer:
    """Composes one tune. `shares` says how often it uses each sign: every tune has a few habits, as real ones do."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.shares = {name: rng.choice(_SHARES) for name in _HABITS}
        self.fields = {"M": rng.choice(METERS), "L": rng.choice(UNITS), "K": rng.choice(KEYS)}
        self.position = rng.randrange(8)
        self.tied = False
        """Whether the next note is tied to the one before."""

    def tune(self) -> str:
        head = "".join(f"{letter}:{value}\n" for letter, value in self.fields.items())
        count = self.rng.choice((2, 4, 4, 8, 8, 16))
        body = "".join(self._bar(number) for number in range(count)).rstrip("|").removesuffix("-")
        return canonical(parse(f"X:1\n{head}{body}\n")).text

    def _does(self, name: str) -> bool:
        return self.rng.random() < self.shares[name]

    def _bar(self, number: int) -> str:
        rng, text = self.rng, ""
        if number and self._does("change"):
            letter = rng.choice("MLK")
            self.fields[letter] = rng.choice({"M": METERS, "L": UNITS, "K": KEYS}[letter])
            text = f"[{letter}:{self.fields[letter]}]"
        if self._does("symbol") or (self.shares["symbol"] and not number):
            text += f'"{rng.choice(_CHORD_NAMES)}"'
        left = Fraction(self.fields["M"]) / Fraction(self.fields["L"])
        if not number and rng.random() < 0.25:  # a pickup
            left = min(left, Fraction(rng.choice((1, 2, 3))))
        while left > 0:
            group, length = self._note_group(left)
            text, left = text + group, left - length
        return text + ("||" if number % 8 == 7 else "|")

    def _note_group(self, left: Fraction) -> tuple[str, Fraction]:
        """A note, or a few that belong together, and their length in units, which is at most `left`."""
        if self.tied:
            length = self._length(left)
            self.tied = self._does("tie")
            return pitch_name(self.position) + _written(length) + ("-" if self.tied else ""), length
        count = self.rng.choice((3, 3, 3, 3, *_TUPLETS))
        if left >= _TUPLETS[count] and self._does("tuplet"):
            return f"({count}" + "".join(self._note() for _ in range(count)), Fraction(_TUPLETS[count])
        if left >= 2 and self._does("broken"):
            return f"{self._note()}{self.rng.choice('><')}{self._note()}", Fraction(2)
        length = self._length(left)
        if self._does("rest"):
            return f"z{_written(length)}", length
        if self._does("chord"):
            return self._grace() + self._chord() + _written(length), length
        grace = self._grace()
        ornament = self.rng.choice(_ORNAMENTS) if not grace and self._does("ornament") else ""
        note = ornament + self._note() + _written(length)
        self.tied = note[0] not in f"^_={_ORNAMENTS}" and self._does("tie")
        return grace + note + ("-" if self.tied else ""), length

    def _length(self, left: Fraction) -> Fraction:
        return self.rng.choice([length for length in _LENGTHS if length <= left] or [left])

    def _note(self) -> str:
        """The next note of a melody that mostly moves by steps."""
        step = self.rng.choice((-4, -2, -2, -1, -1, -1, 0, 1, 1, 1, 2, 2, 3, 5))
        self.position = min(_HIGHEST, max(_LOWEST, self.position + step))
        sign = self.rng.choice("^_=") if self._does("accidental") else ""
        return sign + pitch_name(self.position)

    def _chord(self) -> str:
        low = min(self.position, _HIGHEST - 4)
        return "[" + "".join(pitch_name(low + up) for up in self.rng.choice(((0, 2), (0, 4), (0, 2, 4)))) + "]"

    def _grace(self) -> str:
        if not self._does("grace"):
            return ""
        return (
            "{" + "".join(pitch_name(self.position + up) for up in self.rng.choice(((1,), (-1,), (1, 0), (2, 1)))) + "}"
        )


def _written(length: Fraction) -> str:
    """A length in units as ABC writes it: empty for 1, `3/2`, `/2` for 1/2."""
    top = "" if length.numerator == 1 else str(length.numerator)
    return top + ("" if length.denominator == 1 else f"/{length.denominator}")
