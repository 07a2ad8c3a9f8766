"""Remove from a MIDI file what a tune in ABC does not have (names, lyrics, instruments, tempo), and count it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from bytesim.formats.midi.events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    META,
    SET_TEMPO,
    SYSEX,
    TEXT,
    TIME_SIGNATURE,
    Event,
)
from bytesim.formats.midi.layout import CHORD_TRACK, NOTE_TRACK, TEMPO, with_deltas
from bytesim.formats.midi.parse import MidiFile, Track

_CHANNEL_NAMES = {0xA0: "key pressures", 0xB0: "controllers", 0xC0: "instrument changes", 0xD0: "pressures"}
_META_NAMES = {
    0x01: "texts",
    0x02: "copyright notices",
    0x03: "track names",
    0x04: "instrument names",
    0x05: "lyrics",
    0x06: "markers",
    0x07: "cue points",
}


def tidy(file: MidiFile) -> tuple[MidiFile, list[str]]:
    """The file with its notes, signatures and abc2midi's track texts alone, at tempo 120, and a list of the changes."""
    dropped: Counter[str] = Counter()
    tempos: list[bytes] = []
    tracks = tuple(_tidy_track(track, index, dropped, tempos) for index, track in enumerate(file.tracks))
    changes = [f"dropped {name} ({count})" for name, count in sorted(dropped.items())]
    if any(tempo != TEMPO for tempo in tempos):
        bpm = 60_000_000 / (int.from_bytes(tempos[0], "big") or 1)
        changes.append(f"tempo set from {bpm:.4g} to 120 quarter notes a minute")
    return replace(file, tracks=tracks), changes


def _tidy_track(track: Track, index: int, dropped: Counter[str], tempos: list[bytes]) -> Track:
    remaining: list[tuple[int, int, Event]] = []
    now = 0
    for event in track:
        now += event.delta
        if event.meta == SET_TEMPO:
            if index == 0 and not tempos and now == 0:
                remaining.append((now, 0, event._replace(data=TEMPO)))
            tempos.append(event.data)
        elif _belongs(event, now):
            remaining.append((now, 0, event))
        else:
            dropped[_name(event)] += 1
    return with_deltas(remaining)


def _belongs(event: Event, now: int) -> bool:
    if event.meta == TEXT:
        return now == 0 and event.data in (NOTE_TRACK, CHORD_TRACK)
    return event.meta in (KEY_SIGNATURE, TIME_SIGNATURE, END_OF_TRACK) or event.starts_note or event.ends_note


def _name(event: Event) -> str:
    if event.status == META:
        return _META_NAMES.get(event.meta or 0, "other meta events")
    return "SysEx messages" if event.status in SYSEX else _CHANNEL_NAMES.get(event.kind, "pitch bends")
