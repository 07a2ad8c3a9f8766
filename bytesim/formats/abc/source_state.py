"""Where the writer of ABC with given notes is between two tokens, and the lengths that notes can have there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from bytesim.formats.abc.spellings import Accidentals, spell_length

_GRACE = Fraction(1, 4)
"""Length of a grace note in units of `L:`."""


@dataclass(frozen=True, slots=True)
class State:
    """Where the writer is between two tokens. Times are exact, in ticks of the score."""

    unit: Fraction
    """Ticks of one unit of `L:`."""
    key: Accidentals
    bar: Accidentals
    """Accidentals written since the last bar line."""
    now: Fraction = Fraction(0)
    index: int = 0
    """The sound that comes next, or that is tied."""
    left: int = 0
    """Notes that the tuplet still has to come."""
    factor: Fraction = Fraction(1)
    """Factor of the lengths of these notes."""
    tied: bytes = b""
    """Pitch, or notes of a chord with brackets, that is tied into the next one."""
    graces: Fraction = Fraction(0)
    """Ticks that grace notes take from the next note."""
    required: bytes | None = None
    """Length that the next note must have, as text, because of broken rhythm."""
    broken: Fraction = Fraction(1)
    """Factor of broken rhythm on the next note."""
    slurs: int = 0
    """Slurs that are open."""
    opened: bool = False
    """Whether the last token opened a slur."""
    barred: bool = False
    """Whether a bar line stands after the last note."""
    fields: bytes = b""
    """Letters of the fields written since the last note."""

    @property
    def per_unit(self) -> Fraction:
        """Ticks of a note or rest without a written length."""
        return self.unit * self.factor * self.broken if self.left else self.unit * self.broken

    @property
    def grace(self) -> Fraction:
        """Ticks of a grace note without a written length."""
        return self.unit * _GRACE * (self.factor if self.left else 1)

    def after(self, ticks: Fraction, *, index: int, **changes: object) -> State:
        """The state after a note, chord or rest that moves the score on by `ticks`."""
        plain = replace(
            self,
            now=self.now + ticks,
            index=index,
            left=max(0, self.left - 1),
            tied=b"",
            graces=Fraction(0),
            required=None,
            broken=Fraction(1),
            opened=False,
            barred=False,
            fields=b"",
        )
        return replace(plain, **changes)  # type: ignore[arg-type]


def same(a: Fraction | int, b: Fraction | int) -> bool:
    """Whether two times are equal, as abc2midi rounds them to whole ticks."""
    return -1 < a - b < 1


def note_value(ticks: Fraction, per_unit: Fraction) -> Fraction | None:
    """The length of a note in units, if ABC can write it; times that abc2midi rounded are taken as the nearest ones."""
    exact = ticks / per_unit
    if spell_length(exact):
        return exact
    near = Fraction(round(exact * 8), 8)
    return near if spell_length(near) and same(near * per_unit, ticks) else None


@cache
def read_length(text: bytes) -> Fraction:
    """The value of a length that `spell_length` wrote."""
    number, slashes, parts = re.fullmatch(rb"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    return Fraction(int(number or 1), int(parts) if parts else 2 ** len(slashes))
