"""Reading and writing one MIDI event: delta time, status, data.

Source: Standard MIDI Files 1.0 (RP-001), sections "MTrk chunks" and "Meta-Events".
"""

from __future__ import annotations

from typing import NamedTuple

from bytesim.errors import FormatError

META = 0xFF
SYSEX = (0xF0, 0xF7)
NOTE_OFF, NOTE_ON = 0x80, 0x90

TEXT, TRACK_NAME, END_OF_TRACK = 0x01, 0x03, 0x2F
SET_TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x51, 0x58, 0x59

_DATA_BYTES = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}
_META_SIZES = {END_OF_TRACK: 0, SET_TEMPO: 3, TIME_SIGNATURE: 4, KEY_SIGNATURE: 2}
"""Meta events whose length is fixed; others may hold any number of bytes."""


class Event(NamedTuple):
    """One event of a track."""

    delta: int
    """Ticks since the event before it, 0..2**28 - 1."""
    status: int
    """0x80..0xEF for a channel message (kind and channel), 0xF0 or 0xF7 for SysEx, 0xFF for a meta event."""
    data: bytes
    """One or two data bytes of a channel message; the payload of a SysEx or meta event."""
    meta: int | None = None
    """Kind of a meta event, such as TRACK_NAME; None for every other event."""

    @property
    def kind(self) -> int:
        """The status without its channel, so NOTE_ON for 0x90..0x9F; unchanged for SysEx and meta events."""
        return self.status & 0xF0 if self.status < 0xF0 else self.status

    @property
    def starts_note(self) -> bool:
        """Whether this is a note-on; with velocity 0 it counts as a note-off, by the rules of MIDI."""
        return self.kind == NOTE_ON and self.data[1] > 0

    @property
    def ends_note(self) -> bool:
        return self.kind == NOTE_OFF or (self.kind == NOTE_ON and self.data[1] == 0)


def meta_event(delta: int, kind: int, data: bytes) -> Event:
    """A meta event, such as `meta_event(0, TRACK_NAME, b"Reel")`."""
    return Event(delta, META, data, kind)


def read_event(data: bytes, at: int, end: int, running: int | None) -> tuple[Event, int]:
    """The event that begins at byte `at` with its delta time, and the offset after it.

    `running` is the status of the last channel message, which is used if the status byte is left out.
    Nothing at or after `end` is read, so a wrong length field costs no memory. Raises FormatError.
    """
    delta, at = read_number(data, at, end)
    status = _byte(data, at, end)
    if status < 0x80:
        if running is None:
            raise FormatError(f"expected a status byte, found {status:#04x}; the track is damaged here.", offset=at)
        status = running
    else:
        at += 1
    if status < 0xF0:
        return _channel_message(data, at, end, delta, status)
    if status != META and status not in SYSEX:
        raise FormatError(f"status byte {status:#04x} does not occur in MIDI files.", offset=at - 1)
    kind = None
    if status == META:
        kind = _byte(data, at, end)
        at += 1
    start = at
    length, at = read_number(data, at, end)
    if length > end - at:
        raise FormatError(f"an event states {length} bytes, but {end - at} are left in the track.", offset=start)
    payload = data[at : at + length]
    if kind is not None:
        _check_meta(kind, payload, start)
    return Event(delta, status, payload, kind), at + length


def write_event(event: Event) -> bytes:
    """The bytes of an event, delta time first, without running status and with the shortest form of each number."""
    head = write_number(event.delta) + bytes([event.status])
    if event.status < 0xF0:
        return head + event.data
    if event.meta is not None:
        head += bytes([event.meta])
    return head + write_number(len(event.data)) + event.data


def read_number(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A variable-length number of one to four bytes, seven bits each, and the offset after it."""
    value = 0
    for index in range(at, at + 4):
        byte = _byte(data, index, end)
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, index + 1
    raise FormatError("a variable-length number has more than four bytes; the track is damaged here.", offset=at)


def write_number(value: int) -> bytes:
    """`value`, 0..2**28 - 1, as a variable-length number. Raises FormatError beyond that."""
    if not 0 <= value < 1 << 28:
        raise FormatError(f"{value} does not fit the 28 bits of a MIDI number; the tune is too long for a MIDI file.")
    septets = [value & 0x7F]
    while value := value >> 7:
        septets.append(value & 0x7F | 0x80)
    return bytes(reversed(septets))


def _channel_message(data: bytes, at: int, end: int, delta: int, status: int) -> tuple[Event, int]:
    stop = at + _DATA_BYTES[status & 0xF0]
    if stop > end:
        raise FormatError("the track ends inside an event; the file is cut short or a length is wrong.", offset=at)
    body = data[at:stop]
    for index, value in enumerate(body):
        if value > 0x7F:
            raise FormatError(f"data byte {value:#04x} is above 0x7f; the track is damaged here.", offset=at + index)
    return Event(delta, status, body), stop


def _check_meta(kind: int, payload: bytes, at: int) -> None:
    size = _META_SIZES.get(kind)
    if size is not None and len(payload) != size:
        raise FormatError(f"meta event {kind:#04x} must hold {size} bytes, not {len(payload)}.", offset=at)
    if kind == KEY_SIGNATURE and not (payload[0] in (*range(8), *range(249, 256)) and payload[1] < 2):
        raise FormatError(f"the bytes {payload.hex(' ')} are not a key signature.", offset=at + 1)


def _byte(data: bytes, at: int, end: int) -> int:
    if at >= end:
        raise FormatError("the track ends inside an event; the file is cut short or a length is wrong.", offset=at)
    return data[at]
