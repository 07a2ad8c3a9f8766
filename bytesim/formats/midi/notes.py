"""The notes of a MIDI file: pitch, onset and duration, by which files are compared."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from fractions import Fraction

from bytesim.errors import FormatError
from bytesim.formats.midi.parse import MidiFile, Track, parse

TICKS_PER_QUARTER = 480

Ticks480 = int | Fraction
"""A time in 1/480 of a quarter note, exact: a Fraction if it is not a whole number."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note as it sounds."""

    onset_ticks480: Ticks480
    pitch: int
    """0..127; 60 is middle C."""
    duration_ticks480: Ticks480
    channel: int
    """0..15."""
    velocity: int
    """1..127."""
    track: int
    """0 is the first track of the file."""

    @property
    def end_ticks480(self) -> Ticks480:
        return self.onset_ticks480 + self.duration_ticks480


def notes(source: bytes | MidiFile) -> list[Note]:
    """The notes of a file by onset, then pitch.

    A note-off ends the oldest sounding note of its track, channel and pitch; if there is none, it is ignored. A
    note that still sounds at the end of its track ends there. So every note-on gives one note. Raises
    FormatError, also for a format 2 file, whose tracks do not share a time line.
    """
    file = source if isinstance(source, MidiFile) else parse(source)
    if file.format == 2:
        raise FormatError(
            "the patterns of a format 2 file do not share a time line. Save it as format 0 or 1.", offset=8
        )
    unsorted = [note for index, track in enumerate(file.tracks) for note in _track_notes(track, index, file)]
    return sorted(unsorted, key=lambda note: (note.onset_ticks480, note.pitch, note.duration_ticks480, note.track))


def to_ticks480(ticks: int, ticks_per_quarter: int) -> Ticks480:
    """Convert a time from a file's own ticks to 1/480 of a quarter note, without rounding."""
    scaled = ticks * TICKS_PER_QUARTER
    return Fraction(scaled, ticks_per_quarter) if scaled % ticks_per_quarter else scaled // ticks_per_quarter


def _track_notes(track: Track, index: int, file: MidiFile) -> list[Note]:
    finished: list[Note] = []
    sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
    now = 0

    def close(channel: int, pitch: int, start: int, velocity: int) -> None:
        onset = to_ticks480(start, file.ticks_per_quarter)
        duration = to_ticks480(now - start, file.ticks_per_quarter)
        finished.append(Note(onset, pitch, duration, channel, velocity, index))

    for event in track:
        now += event.delta
        channel = event.status & 0x0F
        if event.starts_note:
            sounding[channel, event.data[0]].append((now, event.data[1]))
        elif event.ends_note and sounding[channel, event.data[0]]:
            close(channel, event.data[0], *sounding[channel, event.data[0]].popleft())
    for (channel, pitch), starts in sounding.items():
        for start, velocity in starts:
            close(channel, pitch, start, velocity)
    return finished
