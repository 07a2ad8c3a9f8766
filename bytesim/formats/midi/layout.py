"""The layout of the MIDI files of abc2midi 4.84, the only one that the music model was trained on.

Its rules were derived from the files of some nine hundred tunes; abc2midi's guide names the three velocities under
`%%MIDI beatstring`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bytesim.formats.midi.events import (
    END_OF_TRACK,
    KEY_SIGNATURE,
    NOTE_OFF,
    NOTE_ON,
    SET_TEMPO,
    TEXT,
    TIME_SIGNATURE,
    Event,
    meta_event,
)
from bytesim.formats.midi.notes import TICKS_PER_QUARTER
from bytesim.formats.midi.parse import MidiFile, Track

NOTE_TRACK, CHORD_TRACK = b"note track", b"gchord track"
TEMPO = (500_000).to_bytes(3, "big")
"""120 quarter notes a minute: the tempo of a tune without `Q:`."""
DOWNBEAT, STRONG, WEAK = 105, 95, 80
"""Velocity of a note on the first beat, on the first beat of another group, and anywhere else."""
ONSET_DELAY = 1
"""Ticks. Every note begins this late, so that a repeated note sounds twice."""
STRUM_TICKS = 10
"""Ticks between the onsets of the notes of a chord."""
TAIL_TICKS = 26
"""Ticks from the end of the last note to the end of the track."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A key or time signature and when it begins."""

    tick: int
    kind: int
    """KEY_SIGNATURE or TIME_SIGNATURE."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Chord:
    """Notes that begin together; one note is a chord of one."""

    start: int
    """Tick of the onset in the score; the note-on comes ONSET_DELAY ticks later."""
    members: tuple[tuple[int, int], ...]
    """(pitch, tick of the note-off), lowest first."""


def meter(beats: int, unit: int) -> bytes:
    """Data of a time signature, with abc2midi's clocks per click: half a bar if the beats are even, else a quarter."""
    clocks = 24 * beats * (1 if beats % 2 else 2) // unit
    return bytes([beats, unit.bit_length() - 1, clocks & 0xFF, 8])


def render(chords: Sequence[Chord], signatures: Sequence[Signature], *, stress: bool) -> MidiFile:
    """The tune as abc2midi would write it. `signatures` are in order of time, key before time at tick 0.

    With `stress` each note has the velocity of its position in the bar, counted from the last time
    signature; otherwise all velocities are WEAK.
    """
    timed: list[tuple[int, int, Event]] = []
    for signature in signatures:
        timed.append((signature.tick, 1, meta_event(0, signature.kind, signature.data)))
    velocity_at = _stress_at(signatures)
    for chord in chords:
        velocity = velocity_at(chord.start) if stress else WEAK
        for index, (pitch, end) in enumerate(chord.members):
            begin = min(chord.start + ONSET_DELAY + STRUM_TICKS * index, end - 1)
            timed.append((begin, 2, Event(0, NOTE_ON, bytes([pitch, velocity]))))
        for pitch, end in reversed(chord.members):
            timed.append((end, 0, Event(0, NOTE_OFF, bytes([pitch, 0]))))
    timed.sort(key=lambda entry: entry[:2])
    last = max(end for chord in chords for _, end in chord.members)
    timed.append((last + TAIL_TICKS, 3, meta_event(0, END_OF_TRACK, b"")))
    head = (meta_event(0, TEXT, NOTE_TRACK), meta_event(0, SET_TEMPO, TEMPO))
    return MidiFile(format=0, ticks_per_quarter=TICKS_PER_QUARTER, tracks=((*head, *with_deltas(timed)),))


def with_deltas(timed: Sequence[tuple[int, int, Event]]) -> Track:
    """The events of (tick, rank, event), which are in order of time, with their delta times set."""
    ticks = [0, *(tick for tick, _, _ in timed)]
    return tuple(event._replace(delta=ticks[i + 1] - ticks[i]) for i, (_, _, event) in enumerate(timed))


def is_model_layout(file: MidiFile) -> bool:
    """Whether every event is one that abc2midi writes for a single voice, with or without chord symbols."""
    if file.ticks_per_quarter != TICKS_PER_QUARTER or not _has_head(file.tracks[0]):
        return False
    if file.format == 0:
        return _holds_melody(file.tracks[0][4:])
    if file.format != 1 or len(file.tracks) != 3:
        return False
    conductor, melody, accompaniment = file.tracks
    return (
        all(map(_is_signature, conductor[4:-1]))
        and melody[0] == meta_event(0, TEXT, NOTE_TRACK)
        and _holds_melody(melody[1:])
        and accompaniment[0] == meta_event(0, TEXT, CHORD_TRACK)
        and all(_is_signature(event) or _is_note(event, (1, 2)) for event in accompaniment[1:-1])
    )


def _has_head(track: Track) -> bool:
    if len(track) < 5 or any(event.delta for event in track[:4]):
        return False
    text, tempo, key, time = track[:4]
    named = text.meta == TEXT and text.data == NOTE_TRACK and tempo.meta == SET_TEMPO and tempo.data == TEMPO
    return named and key.meta == KEY_SIGNATURE and time.meta == TIME_SIGNATURE and _is_signature(time)


def _holds_melody(events: Sequence[Event]) -> bool:
    """Whether events are signatures and one or more notes of channel 1 with the three velocities, then end of track."""
    body = events[:-1]
    fits = all(_is_signature(e) or (_is_note(e, (0,)) and e.data[1] in (0, WEAK, STRONG, DOWNBEAT)) for e in body)
    return fits and any(event.kind == NOTE_ON for event in body)


def _is_signature(event: Event) -> bool:
    if event.meta == TIME_SIGNATURE:
        return event.data[1] < 8 and event.data == meter(event.data[0], 1 << event.data[1])
    return event.meta == KEY_SIGNATURE


def _is_note(event: Event, channels: tuple[int, ...]) -> bool:
    loud = event.kind == NOTE_ON and event.data[1] > 0
    silent = event.kind == NOTE_OFF and event.data[1] == 0
    return (loud or silent) and event.status & 0x0F in channels


def _stress_at(signatures: Sequence[Signature]) -> Callable[[int], int]:
    """A function from a tick to abc2midi's velocity: beats form groups of three, else of two, else one group a bar."""
    meters = [signature for signature in signatures if signature.kind == TIME_SIGNATURE]
    begins = [signature.tick for signature in meters]

    def velocity(tick: int) -> int:
        current = meters[bisect_right(begins, tick) - 1]
        beats, unit = current.data[0], 1 << current.data[1]
        beat, off_beat = divmod((tick - current.tick) * unit, 4 * TICKS_PER_QUARTER)
        group = next((size for size in (3, 2) if beats % size == 0), beats)
        if off_beat or beat % beats % group:
            return WEAK
        return STRONG if beat % beats else DOWNBEAT

    return velocity
