"""The grammar of MIDI files, for models that write them byte by byte. Track lengths are free: they are mended later.

It is narrower than the specification: no running status, no SysEx, formats 0 and 1 only, no note-off without its
note-on, no track that ends while a note sounds. All files of abc2midi fit it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from functools import cache

from bytesim.formats.grammar import ANY_BYTE, END, Allowed, Ending, Grammar, Steps, allow, literal
from bytesim.formats.midi.events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    META,
    NOTE_OFF,
    NOTE_ON,
    SET_TEMPO,
    TIME_SIGNATURE,
)

_SEVEN_BITS = allow(range(128))
_NOT_ZERO = allow(range(1, 256))
_SHARPS = allow((*range(8), *range(249, 256)))
_FIXED_META = {SET_TEMPO: 3, TIME_SIGNATURE: 4, KEY_SIGNATURE: 2}
_TEXTS = range(1, 8)
_CHANNEL_KINDS = (0xA0, 0xB0, 0xC0, 0xD0, 0xE0)
_ONE_DATA_BYTE = (0xC0, 0xD0)
_MAX_TRACKS = 16

Sounding = Counter[tuple[int, int]]
"""(channel, pitch) -> the number of its notes that sound."""


def midi_grammar() -> Grammar:
    """A grammar at the start of a MIDI file."""
    ending = Ending()
    return Grammar(_file(ending), ending)


def _file(ending: Ending) -> Steps:
    yield from literal(b"MThd\0\0\0\x06\0")
    kind = yield allow((0, 1))
    yield from literal(b"\0")
    num_tracks = yield allow(range(1, _MAX_TRACKS + 1) if kind else (1,))
    high = yield _SEVEN_BITS
    yield ANY_BYTE if high else _NOT_ZERO
    for _ in range(num_tracks):
        yield from _track(ending)
    yield END


def _track(ending: Ending) -> Steps:
    yield from literal(b"MTrk")
    for _ in range(4):
        yield ANY_BYTE
    sounding: Sounding = Counter()
    while True:
        yield from _number(ending)
        channels = frozenset(channel for channel, _ in sounding)
        status = yield _closing_statuses(channels) if ending.wanted else _statuses(channels)
        if status == META:
            if (yield from _meta(ends=not sounding, goes_on=not (ending.wanted and not sounding))):
                return
        else:
            yield from _channel_message(status, sounding)


def _number(ending: Ending) -> Steps:
    """Allow a variable-length number of at most four bytes, or only 0 if the track must end."""
    if ending.wanted:
        yield allow((0,))
        return
    for _ in range(3):
        if (yield ANY_BYTE) < 0x80:
            return
    yield _SEVEN_BITS


@cache
def _statuses(sounding_channels: frozenset[int]) -> Allowed:
    free = (NOTE_ON, *_CHANNEL_KINDS)
    statuses = [kind | channel for kind in free for channel in range(16)]
    return allow((*statuses, *(NOTE_OFF | channel for channel in sounding_channels), META))


@cache
def _closing_statuses(sounding_channels: frozenset[int]) -> Allowed:
    return allow(tuple(NOTE_OFF | channel for channel in sounding_channels) or (META,))


@cache
def _metas(ends: bool, goes_on: bool) -> Allowed:
    return allow((*((*_TEXTS, *_FIXED_META) if goes_on else ()), *((END_OF_TRACK,) if ends else ())))


def _meta(*, ends: bool, goes_on: bool) -> Generator[Allowed, int, bool]:
    """Allow a meta event after its FF byte. Returns whether it ended the track."""
    kind = yield _metas(ends, goes_on)
    if kind == END_OF_TRACK:
        yield from literal(b"\0")
        return True
    size = _FIXED_META.get(kind)
    if size is None:
        size = yield _SEVEN_BITS
        for _ in range(size):
            yield ANY_BYTE
        return False
    yield from literal(bytes([size]))
    if kind == KEY_SIGNATURE:
        yield _SHARPS
        yield allow((0, 1))
    elif kind == TIME_SIGNATURE:
        yield _NOT_ZERO
        yield allow(range(8))
        yield ANY_BYTE
        yield ANY_BYTE
    else:
        high = yield ANY_BYTE
        middle = yield ANY_BYTE
        yield ANY_BYTE if high or middle else _NOT_ZERO
    return False


def _channel_message(status: int, sounding: Sounding) -> Steps:
    kind, channel = status & 0xF0, status & 0x0F
    if kind == NOTE_OFF:
        pitch = yield allow(frozenset(pitch for note_channel, pitch in sounding if note_channel == channel))
        yield _SEVEN_BITS
        sounding[channel, pitch] -= 1
        if not sounding[channel, pitch]:
            del sounding[channel, pitch]
    elif kind == NOTE_ON:
        pitch = yield _SEVEN_BITS
        yield allow(range(1, 128))
        sounding[channel, pitch] += 1
    else:
        yield _SEVEN_BITS
        if kind not in _ONE_DATA_BYTE:
            yield _SEVEN_BITS
