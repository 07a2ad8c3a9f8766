"""Changes of a MIDI file that leave it well formed, so that what follows the parser is reached."""

from __future__ import annotations

import random
from collections.abc import Callable

from bytesim.errors import FormatError
from bytesim.formats import midi
from bytesim.formats.midi.events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    NOTE_OFF,
    NOTE_ON,
    SET_TEMPO,
    TIME_SIGNATURE,
    meta_event,
)

_Track = list[midi.Event]
_DELTAS = (0, 0, 1, 2, 59, 60, 61, 119, 120, 127, 128, 160, 239, 240, 480, 481, 1920, 40_000, 1 << 20, (1 << 28) - 1)
_LEVELS = (0, 1, 63, 64, 127)
_TICKS = (1, 3, 24, 96, 120, 384, 480, 960, 1000, 32767)
_TEMPOS = (0, 1, 1000, 300_000, 500_000, (1 << 24) - 1)
_CONTROLS = (0, 1, 7, 10, 32, 64, 66, 98, 99, 120, 121, 123)
_MOST_EVENTS = 3000


def change_events(rng: random.Random, data: bytes) -> bytes | None:
    """The file with some events changed, added, moved or left out; None if it is not well formed before."""
    try:
        file = midi.parse(data)
    except FormatError:
        return None
    tracks = [list(track[:-1]) for track in file.tracks]
    kind, ticks = file.format, file.ticks_per_quarter
    for _ in range(rng.choice((1, 1, 2, 4, 12))):
        track = rng.choice(tracks) if tracks else []
        rng.choice(_CHANGES)(rng, track)
        del track[_MOST_EVENTS:]
    if rng.random() < 0.1:
        ticks = rng.choice(_TICKS)
    if tracks and rng.random() < 0.1:
        kind, tracks = 1, [*tracks, list(rng.choice(tracks))]
    if len(tracks) > 1 and rng.random() < 0.1:
        kind, tracks = rng.choice((1, 2)), tracks[: rng.randrange(1, len(tracks))]
    ended = tuple((*track, meta_event(rng.choice((0, 0, 480)), END_OF_TRACK, b"")) for track in tracks)
    return midi.serialize(midi.MidiFile(format=kind, ticks_per_quarter=ticks, tracks=ended))


def _retime(rng: random.Random, track: _Track) -> None:
    at = rng.randrange(len(track))
    track[at] = track[at]._replace(delta=rng.choice((*_DELTAS, rng.randrange(2000))))


def _revalue(rng: random.Random, track: _Track) -> None:
    """Change a data byte of a channel message, or its channel."""
    at = rng.randrange(len(track))
    event = track[at]
    if event.status >= 0xF0:
        return
    values = bytearray(event.data)
    values[rng.randrange(len(values))] = rng.choice((*_LEVELS, rng.randrange(128)))
    channel = rng.choice((event.status & 15, event.status & 15, 9, rng.randrange(16)))
    track[at] = event._replace(data=bytes(values), status=event.kind | channel)


def _drop(rng: random.Random, track: _Track) -> None:
    at = rng.randrange(len(track))
    del track[at : at + rng.choice((1, 1, 2, 10))]


def _repeat(rng: random.Random, track: _Track) -> None:
    at = rng.randrange(len(track))
    track[at:at] = track[at : at + rng.choice((1, 2, 8))] * rng.choice((1, 2, 30))


def _move(rng: random.Random, track: _Track) -> None:
    event = track.pop(rng.randrange(len(track)))
    track.insert(rng.randrange(len(track) + 1), event)


def _add_note(rng: random.Random, track: _Track) -> None:
    """A note, also of no length, or one that never ends."""
    pitch, channel = rng.choice((*_LEVELS, rng.randrange(128))), rng.choice((0, 0, 1, 9, 15))
    on = midi.Event(rng.choice(_DELTAS[:14]), NOTE_ON | channel, bytes((pitch, rng.choice(_LEVELS[1:]))))
    off = midi.Event(rng.choice(_DELTAS[:17]), rng.choice((NOTE_ON, NOTE_OFF)) | channel, bytes((pitch, 0)))
    at = rng.randrange(len(track) + 1)
    track[at:at] = [on, off][: rng.choice((1, 2, 2, 2))]


def _add_signature(rng: random.Random, track: _Track) -> None:
    tempo = rng.choice(_TEMPOS).to_bytes(3, "big")
    meter = bytes((rng.choice((0, 1, 4, 7, 12, 255)), rng.choice((0, 1, 2, 3, 5, 7, 255)), 24, 8))
    key = bytes((rng.randrange(-7, 8) % 256, rng.randrange(2)))
    kind, payload = rng.choice(((SET_TEMPO, tempo), (TIME_SIGNATURE, meter), (KEY_SIGNATURE, key)))
    track.insert(rng.randrange(len(track) + 1), meta_event(rng.choice(_DELTAS[:14]), kind, payload))


def _add_other(rng: random.Random, track: _Track) -> None:
    """A text, a message of a synthesizer, or a controller."""
    text = rng.choice((b"", b"a", b"\xff\xfe", b"\0", b"X:1\nK:C\n", "é♭".encode(), b"w" * 300))
    delta = rng.choice(_DELTAS[:14])
    added = (
        meta_event(delta, rng.choice((*range(1, 10), 0x20, 0x21, 0x54, 0x7F, 0x60)), text),
        midi.Event(delta, rng.choice((0xF0, 0xF7)), text),
        midi.Event(delta, 0xB0 | rng.randrange(16), bytes((rng.choice(_CONTROLS), rng.choice(_LEVELS)))),
        midi.Event(delta, 0xC0 | rng.randrange(16), bytes((rng.randrange(128),))),
        midi.Event(delta, 0xE0 | rng.randrange(16), bytes((rng.randrange(128), rng.choice(_LEVELS)))),
    )
    track.insert(rng.randrange(len(track) + 1), rng.choice(added))


def _of_some(change: Callable[[random.Random, _Track], None]) -> Callable[[random.Random, _Track], None]:
    """The change, which an empty track is spared."""
    return lambda rng, track: change(rng, track) if track else None


_OF_SOME = (_retime, _retime, _revalue, _revalue, _drop, _repeat, _move)
_CHANGES = (*map(_of_some, _OF_SOME), _add_note, _add_signature, _add_other)
