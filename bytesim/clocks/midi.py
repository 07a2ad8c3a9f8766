"""The clock of MIDI files. Source: Standard MIDI Files 1.0.

Track lengths are ignored, because a model can only guess them. A track ends with its end-of-track event.
"""

from __future__ import annotations

from collections.abc import Generator

from bytesim.clocks.ticks import LATEST, TICKS_PER_QUARTER, TICKS_PER_WHOLE, Now, Steps

_HEADER = 14
_CHUNK_HEAD = 8
_META, _SYSEX = 0xFF, (0xF0, 0xF7)
_END_OF_TRACK, _TIME_SIGNATURE = 0x2F, 0x58
_LONGEST = 4
"""Most bytes of a variable-length number."""
_NOTE_ON = 0x90
_TWO_DATA_BYTES = (_NOTE_ON, 0x80, 0xA0, 0xB0, 0xE0)


def midi_times() -> Steps:
    """The times of a MIDI file, see `bytesim.clocks`.

    Bars are counted from the start of the track and again from each time signature.
    """
    return _MidiTimes().steps()


class _MidiTimes:
    def __init__(self) -> None:
        self.division = TICKS_PER_QUARTER
        """Ticks of the file to the quarter note."""
        self.ticks = 0
        """Ticks of the file since the track began."""
        self.now = 0
        self.bar_origin = 0
        self.bar = TICKS_PER_WHOLE
        self.pitch = 0
        """Pitch of a note-on event whose velocity comes next, else 0."""

    @property
    def times(self) -> Now:
        return self.now, (self.now - self.bar_origin) % self.bar, self.pitch, 0, 0

    def steps(self) -> Steps:
        header = yield from self._bytes(_HEADER)
        division = header[12] << 8 | header[13]
        self.division = division if 0 < division < 0x8000 else TICKS_PER_QUARTER
        while True:
            yield from self._bytes(_CHUNK_HEAD)
            self.ticks = self.now = self.bar_origin = 0
            yield from self._track()

    def _track(self) -> Steps:
        status = 0
        while True:
            self.ticks += yield from self._number()
            self.now = min(round(self.ticks * TICKS_PER_QUARTER / self.division), LATEST)
            first = yield self.times
            if first < 0x80:  # running status: this is the first data byte
                if status & 0xF0 in _TWO_DATA_BYTES:
                    yield from self._second(status, first)
            elif first == _META:
                kind = yield self.times
                data = yield from self._bytes((yield from self._number()))
                if kind == _END_OF_TRACK:
                    return
                if kind == _TIME_SIGNATURE and len(data) > 1 and data[0] and data[1] < 7:
                    self.bar, self.bar_origin = data[0] * TICKS_PER_WHOLE >> data[1], self.now
            elif first in _SYSEX:
                yield from self._bytes((yield from self._number()))
            else:
                status = first
                value = yield self.times
                if status & 0xF0 in _TWO_DATA_BYTES:
                    yield from self._second(status, value)

    def _second(self, status: int, first: int) -> Steps:
        """Read the second data byte of an event."""
        self.pitch = first & 0x7F if status & 0xF0 == _NOTE_ON else 0
        yield self.times
        self.pitch = 0

    def _bytes(self, count: int) -> Generator[Now, int, bytes]:
        """Read the next bytes, during which the time does not change."""
        read = bytearray()
        for _ in range(count):
            read.append((yield self.times))
        return bytes(read)

    def _number(self) -> Generator[Now, int, int]:
        """Read a variable-length number."""
        number = 0
        for _ in range(_LONGEST):
            byte = yield self.times
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                break
        return number
