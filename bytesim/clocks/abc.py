"""The clock of ABC tunes in canonical form: note lengths as abc2midi plays them. Source: ABC standard 2.1, section 4.

While a note is written, the time stands where the note would end if nothing more were said of its length; while a chord
is, where it begins.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from bytesim.clocks.ticks import LATEST, TICKS_PER_WHOLE, Now, Steps

_PITCHES = frozenset(b"ABCDEFGabcdefg")
_TIMED = _PITCHES | frozenset(b"zx")
_BARS_OF_REST = frozenset(b"ZX")
_OCTAVES = frozenset(b",'")
_DIGITS = frozenset(b"0123456789")
_FIELDS = frozenset(b"KLM")
_FRACTION = re.compile(rb"(\d{1,3})/(\d{1,3})")
_CLOSING = {ord("{"): ord("}"), ord('"'): ord('"')}
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""Notes of a tuplet -> the notes of ordinary time that it lasts; 5, 7 and 9 depend on the metre."""

_Rest = Generator[Now, int, int]
"""The rest of a token; returns the first byte after it."""


def abc_times() -> Steps:
    """The times of a tune, see `bytesim.clocks`."""
    return _AbcTimes().steps()


class _AbcTimes:
    def __init__(self) -> None:
        self.now = 0.0
        self.bar_start = 0.0
        self.unit = TICKS_PER_WHOLE / 8
        self.bar = float(TICKS_PER_WHOLE)
        self.triple = False
        """Whether (5, (7 and (9 last as long as three notes; the metre of the head decides, as abc2midi has it."""
        self.onset = 0.0
        """When the last note, rest or chord began."""
        self.broken = 1.0
        """What broken rhythm makes of the next note."""
        self.held = False
        """Whether a fermata, which abc2midi plays at twice the length, stands before the next note."""
        self.tuplet_left = 0
        self.tuplet_factor = 1.0

    @property
    def times(self) -> Now:
        return self.now, max(0.0, self.now - self.bar_start)

    def _last_for(self, ticks: float) -> None:
        """Let the note, rest or chord that began at `onset` last for some ticks."""
        self.now = min(self.onset + ticks, LATEST)

    def steps(self) -> Steps:
        name = yield self.times
        while True:
            self._set_field(name, (yield from self._until(ord("\n"))), head=True)
            body = name == ord("K")
            name = yield self.times
            if body:
                break
        yield from self._body(name)

    def _until(self, last: int) -> Generator[Now, int, bytes]:
        read = bytearray()
        while (byte := (yield self.times)) != last:
            read.append(byte)
        return bytes(read)

    def _set_field(self, name: int, value: bytes, *, head: bool = False) -> None:
        fraction = _FRACTION.search(value)
        if fraction is None or not int(fraction[1]) or not int(fraction[2]):
            return
        count, unit = int(fraction[1]), int(fraction[2])
        if name == ord("L"):
            self.unit = TICKS_PER_WHOLE * count / unit
        elif name == ord("M"):
            self.bar = TICKS_PER_WHOLE * count / unit
            self.triple = count % 3 == 0 if head else self.triple

    def _body(self, byte: int) -> Steps:
        while True:
            if byte in _TIMED:
                byte = yield from self._sound()
            elif byte in _BARS_OF_REST:
                byte = yield from self._bars_of_rest()
            elif byte in _CLOSING:
                yield from self._until(_CLOSING[byte])
                byte = yield self.times
            elif byte == ord("["):
                byte = yield from self._bracket()
            elif byte == ord("("):
                byte = yield from self._tuplet()
            elif byte in b"<>":
                byte = yield from self._broken(byte)
            else:
                if byte == ord("|"):
                    self.bar_start = self.now
                elif byte == ord("H"):
                    self.held = True
                byte = yield self.times

    def _sound(self) -> _Rest:
        """What follows the letter of a note or rest: octave marks and a length."""
        self.onset = self.now
        per_unit = self._take_unit()
        self._last_for(per_unit)
        while (byte := (yield self.times)) in _OCTAVES:
            pass
        _, byte = yield from self._length(byte, per_unit)
        return byte

    def _bars_of_rest(self) -> _Rest:
        self.onset = self.now
        self._last_for(self.bar)
        _, byte = yield from self._length((yield self.times), self.bar)
        return byte

    def _take_unit(self) -> float:
        """Ticks of a unit of length, for the next note, rest or chord."""
        per_unit = self.unit * self.broken * (2 if self.held else 1)
        self.broken, self.held = 1.0, False
        if self.tuplet_left:
            self.tuplet_left -= 1
            per_unit *= self.tuplet_factor
        return per_unit

    def _length(self, byte: int, per_unit: float) -> Generator[Now, int, tuple[float, int]]:
        """A length that begins with `byte`, if it is one; its units, and the byte after it."""
        units, number = 1.0, 0
        while byte in _DIGITS:
            number = min(10 * number + byte - ord("0"), 999)
            units = float(number)
            self._last_for(units * per_unit)
            byte = yield self.times
        while byte == ord("/"):
            whole, number = units, 0
            units /= 2
            self._last_for(units * per_unit)
            while (byte := (yield self.times)) in _DIGITS:
                number = min(10 * number + byte - ord("0"), 999)
                units = whole / max(number, 1)
                self._last_for(units * per_unit)
        return units, byte

    def _bracket(self) -> _Rest:
        """A chord, which lasts as long as its first note or as said behind it, or an inline field."""
        byte = yield self.times
        if byte in _FIELDS:
            self._set_field(byte, (yield from self._until(ord("]"))))
            return (yield self.times)
        self.onset = self.now
        per_unit = self._take_unit()
        first: float | None = None
        while byte != ord("]"):
            if byte in _PITCHES:
                while (byte := (yield self.times)) in _OCTAVES:
                    pass
                units, byte = yield from self._length(byte, 0.0)
                first = units if first is None else first
            else:
                if byte == ord('"'):
                    yield from self._until(byte)
                byte = yield self.times
        self._last_for(per_unit * (1.0 if first is None else first))
        _, byte = yield from self._length((yield self.times), per_unit)
        return byte

    def _tuplet(self) -> _Rest:
        """`(3`, `(3:2`, `(3:2:3`; without a number, a slur."""
        numbers = [0, 0, 0]
        byte = yield self.times
        if byte not in _DIGITS:
            return byte
        place = 0
        while byte in _DIGITS or (byte == ord(":") and place < 2):
            if byte == ord(":"):
                place += 1
            else:
                numbers[place] = min(10 * numbers[place] + byte - ord("0"), 99)
            byte = yield self.times
        notes, time, count = numbers
        time = time or _TUPLET_TIME.get(notes) or (3 if self.triple else 2)
        self.tuplet_left, self.tuplet_factor = count or notes, time / max(notes, 1)
        return byte

    def _broken(self, sign: int) -> _Rest:
        """`>` makes the note before it longer by half, the next one shorter by as much; each further sign halves."""
        lasted, short = self.now - self.onset, 1.0
        while True:
            short /= 2
            factor = 2 - short if sign == ord(">") else short
            self._last_for(lasted * factor)
            self.broken = 2 - factor
            byte = yield self.times
            if byte != sign:
                return byte
