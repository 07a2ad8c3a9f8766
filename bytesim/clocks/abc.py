"""The clock of ABC tunes in canonical form: note lengths as abc2midi plays them. Source: ABC standard 2.1, section 4.

While a note is being written, the time is where the note would end if its length ended here; inside a chord, it is
where the chord begins.
"""

from __future__ import annotations

import re
from collections.abc import Generator

from bytesim.clocks.notation import abc_notation
from bytesim.clocks.ticks import LATEST, TICKS_PER_WHOLE, Steps

_PITCHES = frozenset(b"ABCDEFGabcdefg")
_TIMED = _PITCHES | frozenset(b"zx")
_BARS_OF_REST = frozenset(b"ZX")
_OCTAVES = frozenset(b",'")
_DIGITS = frozenset(b"0123456789")
_FIELDS = frozenset(b"KLM")
_FRACTION = re.compile(rb"(\d{1,3})/(\d{1,3})")
_CLOSING = {ord("{"): ord("}"), ord('"'): ord('"')}
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""Number of notes of a tuplet -> number of ordinary notes whose time they take; for 5, 7 and 9 the meter decides."""

_Times = tuple[float, float]
_Ticking = Generator[_Times, int, None]
_Rest = Generator[_Times, int, int]
"""Reads the rest of a token; returns the first byte after it."""


def abc_times() -> Steps:
    """What the clock of a tune shows, see `bytesim.clocks`."""
    times, notation = _AbcTimes().steps(), abc_notation()
    (now, in_bar), said = next(times), next(notation)
    while True:
        byte = yield (now, in_bar, *said)
        (now, in_bar), said = times.send(byte), notation.send(byte)


class _AbcTimes:
    def __init__(self) -> None:
        self.now = 0.0
        self.bar_start = 0.0
        self.unit = TICKS_PER_WHOLE / 8
        self.bar = float(TICKS_PER_WHOLE)
        self.triple = False
        """Whether (5, (7 and (9 last as long as three notes; as in abc2midi, the meter of the header decides."""
        self.onset = 0.0
        """When the last note, rest or chord began."""
        self.broken = 1.0
        """The factor that broken rhythm applies to the next note."""
        self.held = False
        """Whether the next note has a fermata, which doubles its length in abc2midi."""
        self.tuplet_left = 0
        self.tuplet_factor = 1.0

    @property
    def times(self) -> _Times:
        return self.now, max(0.0, self.now - self.bar_start)

    def _last_for(self, ticks: float) -> None:
        """Set the time to `ticks` after `onset`, the start of the last note, rest or chord."""
        self.now = min(self.onset + ticks, LATEST)

    def steps(self) -> _Ticking:
        name = yield self.times
        while True:
            self._set_field(name, (yield from self._until(ord("\n"))), head=True)
            body = name == ord("K")
            name = yield self.times
            if body:
                break
        yield from self._body(name)

    def _until(self, last: int) -> Generator[_Times, int, bytes]:
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

    def _body(self, byte: int) -> _Ticking:
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
        """Read what follows the letter of a note or rest: octave marks and a length."""
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
        """The ticks of one unit of length for the next note, rest or chord."""
        per_unit = self.unit * self.broken * (2 if self.held else 1)
        self.broken, self.held = 1.0, False
        if self.tuplet_left:
            self.tuplet_left -= 1
            per_unit *= self.tuplet_factor
        return per_unit

    def _length(self, byte: int, per_unit: float) -> Generator[_Times, int, tuple[float, int]]:
        """Read a length that begins with `byte`, if one does. Returns it in units, and the byte after it."""
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
        """Read an inline field, or a chord: the length of its first note times the length after its bracket."""
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
        """Read a tuplet, `(3`, `(3:2` or `(3:2:3`, or a slur, which has no number."""
        numbers = [0, 0, 0]
        byte = yield self.times
        if byte not in _DIGITS:
            return byte
        part = 0
        while byte in _DIGITS or (byte == ord(":") and part < 2):
            if byte == ord(":"):
                part += 1
            else:
                numbers[part] = min(10 * numbers[part] + byte - ord("0"), 99)
            byte = yield self.times
        notes, time, count = numbers
        time = time or _TUPLET_TIME.get(notes) or (3 if self.triple else 2)
        self.tuplet_left, self.tuplet_factor = count or notes, time / max(notes, 1)
        return byte

    def _broken(self, sign: int) -> _Rest:
        """Read `>`, which lengthens the note before it by half and shortens the next one by as much, or `<`.

        Each further sign halves the shorter note again.
        """
        lasted, short = self.now - self.onset, 1.0
        while True:
            short /= 2
            factor = 2 - short if sign == ord(">") else short
            self._last_for(lasted * factor)
            self.broken = 2 - factor
            byte = yield self.times
            if byte != sign:
                return byte
