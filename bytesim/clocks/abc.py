"""The clock of ABC tunes in canonical form. Source: the ABC standard 2.1, section 4.

While a note is written, the time stands where the note would end if nothing more were said of its length.
"""

from __future__ import annotations

import re
from collections.abc import Generator

_WHOLE = 4 * 480.0
_PITCHES = frozenset(b"ABCDEFGabcdefg")
_TIMED = _PITCHES | frozenset(b"zx")
_SIGNS = frozenset(b"^_=")
_OCTAVES = frozenset(b",'")
_DIGITS = frozenset(b"0123456789")
_FRACTION = re.compile(rb"(\d{1,3})/(\d{1,3})")
_CLOSING = {ord("{"): ord("}"), ord('"'): ord('"')}
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""Notes of a tuplet -> the notes of ordinary time that it lasts; 5, 7 and 9 depend on the metre."""

_Times = tuple[float, float]
_Rest = Generator[_Times, int, int]
"""The rest of a token; returns the first byte after it."""


def abc_times() -> Generator[_Times, int, None]:
    """The times of a tune, see `bytesim.clocks`."""
    return _AbcTimes().steps()


class _AbcTimes:
    def __init__(self) -> None:
        self.now = 0.0
        self.bar_start = 0.0
        self.unit = _WHOLE / 8
        self.compound = False
        """Whether (5, (7 and (9 last as long as three notes; the metre of the head decides, as abc2midi has it."""
        self.onset = 0.0
        """When the last note, rest or chord began."""
        self.next_factor = 1.0
        """What broken rhythm or a fermata makes of the next note."""
        self.tuplet_left = 0
        self.tuplet_factor = 1.0

    @property
    def times(self) -> _Times:
        return self.now, max(0.0, self.now - self.bar_start)

    def steps(self) -> Generator[_Times, int, None]:
        name = yield self.times
        while True:
            value = yield from self._until(ord("\n"))
            self._set_field(name, value, head=True)
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
        if fraction is None or not int(fraction[2]):
            return
        count, unit = int(fraction[1]), int(fraction[2])
        if name == ord("L"):
            self.unit = _WHOLE * count / unit
        elif name == ord("M") and head:
            self.compound = count % 3 == 0

    def _body(self, byte: int) -> Generator[_Times, int, None]:
        while True:
            if byte in _TIMED:
                byte = yield from self._sound()
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
                elif byte == ord("H"):  # abc2midi holds a fermata for twice the length
                    self.next_factor *= 2
                byte = yield self.times

    def _sound(self) -> _Rest:
        """What follows the letter of a note or rest: octave marks and a length."""
        self.onset = self.now
        per_unit = self._take_factor()
        self.now = self.onset + per_unit
        while (byte := (yield self.times)) in _OCTAVES:
            pass
        _, byte = yield from self._length(byte, per_unit)
        return byte

    def _take_factor(self) -> float:
        """Ticks of a unit of length, for the next note, rest or chord."""
        per_unit = self.unit * self.next_factor
        self.next_factor = 1.0
        if self.tuplet_left:
            self.tuplet_left -= 1
            per_unit *= self.tuplet_factor
        return per_unit

    def _length(self, byte: int, per_unit: float) -> Generator[_Times, int, tuple[float, int]]:
        """A length that begins with `byte`, if it is one; its units, and the byte after it."""
        units, number = 1.0, 0
        while byte in _DIGITS:
            number = min(10 * number + byte - ord("0"), 999)
            units = float(number)
            self.now = self.onset + units * per_unit
            byte = yield self.times
        while byte == ord("/"):
            whole, number = units, 0
            units /= 2
            self.now = self.onset + units * per_unit
            while (byte := (yield self.times)) in _DIGITS:
                number = min(10 * number + byte - ord("0"), 999)
                units = whole / max(number, 1)
                self.now = self.onset + units * per_unit
        return units, byte

    def _bracket(self) -> _Rest:
        """A chord, which lasts as long as its first note or as said behind it, or an inline field."""
        byte = yield self.times
        if byte not in _PITCHES and byte not in _SIGNS:
            self._set_field(byte, (yield from self._until(ord("]"))))
            return (yield self.times)
        self.onset = self.now
        per_unit = self._take_factor()
        first: float | None = None
        while byte != ord("]"):
            if byte in _PITCHES:
                while (byte := (yield self.times)) in _OCTAVES:
                    pass
                units, byte = yield from self._length(byte, 0.0)
                first = units if first is None else first
            else:
                byte = yield self.times
        self.now = self.onset + per_unit * (1.0 if first is None else first)
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
        time = time or _TUPLET_TIME.get(notes) or (3 if self.compound else 2)
        self.tuplet_left, self.tuplet_factor = count or notes, time / max(notes, 1)
        return byte

    def _broken(self, sign: int) -> _Rest:
        """`>` makes the note before it longer by half and the next one shorter by as much; each further sign halves."""
        lasted, short = self.now - self.onset, 1.0
        while True:
            short /= 2
            factor = 2 - short if sign == ord(">") else short
            self.now, self.next_factor = self.onset + lasted * factor, 2 - factor
            byte = yield self.times
            if byte != sign:
                return byte
