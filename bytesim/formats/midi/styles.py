"""The same music as other programs write it: other ticks, velocities, note-offs, channels, tracks, running status.

A model that reads the files of one program alone is surprised by every other one; in training, files are rewritten at
random. No torch.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bytesim.errors import FormatError
from bytesim.formats.midi.events import (
    KEY_SIGNATURE,
    META,
    NOTE_OFF,
    NOTE_ON,
    SET_TEMPO,
    TIME_SIGNATURE,
    TRACK_NAME,
    Event,
    meta_event,
    write_event,
    write_number,
)
from bytesim.formats.midi.parse import parse

_DIVISIONS = (24, 48, 96, 120, 192, 240, 256, 384, 480, 480, 960, 1024)
_PROGRAM, _CONTROL = 0xC0, 0xB0
_CONTROLS = (7, 10, 11, 64, 91, 93, 121)
_NAMES = (b"", b"Piano", b"Melody", b"Track 1", b"Flute", b"untitled", b"Violin", b"Lead", b"Acoustic Grand Piano")


@dataclass(frozen=True)
class _Style:
    """How a program writes."""

    division: int
    running: bool
    off: int
    """Status of the end of a note."""
    off_velocity: int
    velocity: int | None
    """Of all notes; None for that of the file."""
    spread: int
    """Most by which a velocity differs from that."""
    shake: int
    """Most ticks by which a note is late."""
    octaves: int
    conductor: bool
    """Whether tempo and signatures have a track of their own."""
    second: bool
    """Whether another track plays along an octave below."""


@dataclass(frozen=True)
class _Timed:
    tick: int
    order: int
    """Of events at the same tick."""
    event: Event


def restyled(data: bytes, rng: np.random.Generator) -> bytes:
    """A MIDI file as another program might write it; one that does not parse, or holds no notes, stays as it is."""
    try:
        return _restyled(data, rng)
    except FormatError:
        return data


def _restyled(data: bytes, rng: np.random.Generator) -> bytes:
    file = parse(data)
    style = _drawn(rng)
    timed = [each for track in file.tracks for each in _timed(track)]
    notes = [each for each in timed if each.event.starts_note or each.event.ends_note]
    if not notes:
        return data
    scale = style.division / file.ticks_per_quarter
    head = _head(timed, scale, rng)
    channel = int(rng.integers(0, 8))
    tracks = [[*_setup(channel, rng), *_played(notes, style, scale, channel, 12 * style.octaves, rng)]]
    if style.second:
        below = _played(notes, style, scale, channel + 1, 12 * style.octaves - 12, rng)
        tracks.append([*_setup(channel + 1, rng), *below])
    if style.conductor:
        tracks.insert(0, head)
    else:
        tracks[0] = head + tracks[0]
    chunks = [_chunk(track, style.running) for track in tracks]
    kind = 0 if len(chunks) == 1 and rng.random() < 0.7 else 1
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(chunks), style.division) + b"".join(chunks)


def _drawn(rng: np.random.Generator) -> _Style:
    return _Style(
        division=int(rng.choice(_DIVISIONS)),
        running=bool(rng.random() < 0.5),
        off=NOTE_ON if rng.random() < 0.5 else NOTE_OFF,
        off_velocity=int(rng.choice((0, 0, 64, 127))),
        velocity=int(rng.integers(40, 128)) if rng.random() < 0.7 else None,
        spread=int(rng.choice((0, 0, 0, 4, 15))),
        shake=int(rng.choice((0, 0, 0, 0, 3))),
        octaves=int(rng.choice((-1, 0, 0, 0, 1))),
        conductor=bool(rng.random() < 0.4),
        second=bool(rng.random() < 0.25),
    )


def _timed(track: Sequence[Event]) -> list[_Timed]:
    tick, found = 0, []
    for event in track:
        tick += event.delta
        found.append(_Timed(tick, 1 if event.starts_note else 0, event))
    return found


def _head(timed: Sequence[_Timed], scale: float, rng: np.random.Generator) -> list[_Timed]:
    """Name, tempo and signatures."""
    kinds = [kind for kind in (TIME_SIGNATURE, KEY_SIGNATURE) if rng.random() < 0.6]
    found = [replace(each, tick=round(each.tick * scale), order=-1) for each in timed if each.event.meta in kinds]
    if rng.random() < 0.9:
        tempo = round(60e6 / int(rng.integers(60, 200)))
        found.insert(0, _Timed(0, -1, meta_event(0, SET_TEMPO, tempo.to_bytes(3, "big"))))
    if rng.random() < 0.6:
        found.insert(0, _Timed(0, -2, meta_event(0, TRACK_NAME, bytes(_NAMES[int(rng.integers(len(_NAMES)))]))))
    return found


def _setup(channel: int, rng: np.random.Generator) -> list[_Timed]:
    """The instrument, and a few controllers."""
    found = []
    if rng.random() < 0.7:
        found.append(_Timed(0, -1, Event(0, _PROGRAM | channel, bytes([int(rng.integers(0, 128))]))))
    for control in _CONTROLS:
        if rng.random() < 0.15:
            found.append(_Timed(0, -1, Event(0, _CONTROL | channel, bytes([control, int(rng.integers(0, 128))]))))
    return found


def _played(
    notes: Sequence[_Timed], style: _Style, scale: float, channel: int, steps: int, rng: np.random.Generator
) -> list[_Timed]:
    found, late = [], dict[int, int]()
    for each in notes:
        pitch = min(127, max(0, each.event.data[0] + steps))
        if each.event.starts_note:
            late[pitch] = int(rng.integers(0, style.shake + 1)) if style.shake else 0
        tick = round(each.tick * scale) + late.get(pitch, 0)
        if each.event.starts_note:
            velocity = each.event.data[1] if style.velocity is None else style.velocity
            velocity += int(rng.integers(-style.spread, style.spread + 1)) if style.spread else 0
            event = Event(0, NOTE_ON | channel, bytes([pitch, min(127, max(1, velocity))]))
        else:
            event = Event(0, style.off | channel, bytes([pitch, 0 if style.off == NOTE_ON else style.off_velocity]))
        found.append(_Timed(tick, each.order, event))
    return found


def _chunk(timed: Sequence[_Timed], running: bool) -> bytes:
    """A track: its events in the order of time, and its end."""
    parts, tick, status = list[bytes](), 0, None
    for each in sorted(timed, key=lambda each: (each.tick, each.order)):
        event = each.event._replace(delta=each.tick - tick)
        tick = each.tick
        if running and event.status == status:
            parts.append(write_number(event.delta) + event.data)
        else:
            parts.append(write_event(event))
        status = None if event.status == META else event.status
    body = b"".join(parts) + b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(body)) + body
