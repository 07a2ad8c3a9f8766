"""The clock of MIDI files. Source: Standard MIDI Files 1.0.

Track lengths are passed over: they may be a model's guess. A track ends with its end-of-track event.
"""

from __future__ import annotations

from collections.abc import Generator

_TICKS = 480
_HEADER = 14
_CHUNK_HEAD = 8
_META, _SYSEX = 0xFF, (0xF0, 0xF7)
_END_OF_TRACK, _TIME_SIGNATURE = 0x2F, 0x58
_LONGEST = 4
"""Bytes of the longest number of variable length."""
_TWO_DATA_BYTES = (0x80, 0x90, 0xA0, 0xB0, 0xE0)

_Times = tuple[float, float]


def midi_times() -> Generator[_Times, int, None]:
    """The times of a MIDI file, see `bytesim.clocks`. Bars are counted from the last time signature on."""
    return _MidiTimes().steps()


class _MidiTimes:
    def __init__(self) -> None:
        self.scale = 1.0
        """Ticks of ours to a tick of the file."""
        self.now = 0.0
        self.bar_origin = 0.0
        self.bar = 4.0 * _TICKS

    @property
    def times(self) -> _Times:
        return self.now, (self.now - self.bar_origin) % self.bar

    def steps(self) -> Generator[_Times, int, None]:
        header = yield from self._bytes(_HEADER)
        division = header[12] << 8 | header[13]
        self.scale = _TICKS / division if 0 < division < 0x8000 else 1.0
        while True:
            yield from self._bytes(_CHUNK_HEAD)
            self.now = self.bar_origin = 0.0
            yield from self._track()

    def _track(self) -> Generator[_Times, int, None]:
        status = 0
        while True:
            self.now += (yield from self._number()) * self.scale
            first = yield self.times
            if first < 0x80:  # running status: this is the first data byte
                if status & 0xF0 in _TWO_DATA_BYTES:
                    yield self.times
            elif first == _META:
                kind = yield self.times
                data = yield from self._bytes((yield from self._number()))
                if kind == _END_OF_TRACK:
                    return
                if kind == _TIME_SIGNATURE and len(data) > 1 and data[0] and data[1] < 7:
                    self.bar, self.bar_origin = data[0] * 4.0 * _TICKS / (1 << data[1]), self.now
            elif first in _SYSEX:
                yield from self._bytes((yield from self._number()))
            else:
                status = first
                yield from self._bytes(1 + (status & 0xF0 in _TWO_DATA_BYTES))

    def _bytes(self, count: int) -> Generator[_Times, int, bytes]:
        """The next bytes. The time stands still."""
        read = bytearray()
        for _ in range(count):
            read.append((yield self.times))
        return bytes(read)

    def _number(self) -> Generator[_Times, int, int]:
        """A number of variable length."""
        number = 0
        for _ in range(_LONGEST):
            byte = yield self.times
            number = number << 7 | byte & 0x7F
            if byte < 0x80:
                break
        return number
