"""Where the writer of ABC with given notes is between two tokens, and the lengths that notes can have there."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache, lru_cache
from typing import NamedTuple

from bytesim.formats.abc.heard import TICK
from bytesim.formats.abc.spellings import Accidentals, spell_length

_GRACE = Fraction(1, 4)
"""Length of a grace note in units of `L:`."""


class State(NamedTuple):
    """Where the writer is between two tokens. Times are exact, in parts of a tick (`heard.TICK`)."""

    unit: int
    """Time of one unit of `L:`."""
    key: Accidentals
    bar: Accidentals
    """Accidentals written since the last bar line."""
    now: int = 0
    sound_index: int = 0
    """The sound that comes next, or that is tied."""
    left: int = 0
    """Notes that the tuplet still has to come."""
    factor: Fraction = Fraction(1)
    """Factor of the lengths of these notes."""
    slurs: int = 0
    """Slurs that are open."""
    tied: bytes = b""
    """Pitch, or notes of a chord with brackets, that is tied into the next one."""
    graces: int = 0
    """Time that grace notes take from the next note."""
    required: bytes | None = None
    """Length that the next note must have, as text, because of broken rhythm."""
    broken: Fraction = Fraction(1)
    """Factor of broken rhythm on the next note."""
    opened: bool = False
    """Whether the last token opened a slur."""
    barred: bool = False
    """Whether a bar line stands after the last note."""
    fields: bytes = b""
    """Letters of the fields written since the last note."""

    @property
    def plain_unit(self) -> int:
        """Time of one unit in the tuplet, if there is one, without broken rhythm."""
        return scaled(self.unit, self.factor) if self.left else self.unit

    @property
    def per_unit(self) -> int:
        """Time of a note or rest without a written length."""
        return scaled(self.plain_unit, self.broken)

    @property
    def grace(self) -> int:
        """Time of a grace note without a written length."""
        return scaled(self.plain_unit, _GRACE)

    def after(self, time: int, *, index: int, broken: Fraction = Fraction(1)) -> State:
        """The state after a note, chord or rest that moves the score on by `time`."""
        left = self.left - 1 if self.left else 0
        now = self.now + time
        return State(self.unit, self.key, self.bar, now, index, left, self.factor, self.slurs, broken=broken)


def scaled(time: int, factor: Fraction) -> int:
    """The time multiplied; the product is whole for all lengths that notes can have (`heard.TICK`)."""
    return time * factor.numerator // factor.denominator


def same(a: int, b: int) -> bool:
    """Whether two times are equal, as abc2midi rounds them to whole ticks."""
    return -TICK < a - b < TICK


class Length(NamedTuple):
    """A length that a note can have."""

    time: int
    texts: tuple[bytes, ...]
    """The ways to write it."""
    parts: int
    """Denominator of the length in units."""


@lru_cache(maxsize=1 << 14)
def length_of(time: int, per_unit: int) -> Length | None:
    """The length of a note, if ABC can write it; times that abc2midi rounded are taken as the nearest ones."""
    exact = Fraction(time, per_unit)
    value = exact if spell_length(exact) else Fraction(round(exact * 8), 8)
    nearest, texts = scaled(per_unit, value), spell_length(value)
    return Length(nearest, texts, value.denominator) if texts and same(nearest, time) else None


@cache
def read_length(text: bytes) -> Fraction:
    """The value of a length that `spell_length` wrote."""
    number, slashes, parts = re.fullmatch(rb"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    return Fraction(int(number or 1), int(parts) if parts else 2 ** len(slashes))
