"""Bar and beat of a time, and names of pitches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from bytesim.formats import midi
from bytesim.formats.midi.events import TIME_SIGNATURE
from bytesim.formats.midi.notes import TICKS_PER_QUARTER, to_ticks480

GRID = 24
"""Times are rounded to 1/24 of a quarter note, which hides abc2midi's one tick of delay."""

SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature and where it begins."""

    start: Fraction
    """Quarter notes from the start of the file."""
    bar: int
    """Number of the bar that begins there; the first is 1."""
    beats: int
    unit: int
    """Note value of a beat: 4 for a quarter note."""


def pitch_name(pitch: int, names: tuple[str, ...] = SHARPS) -> str:
    """Letter and octave of a MIDI pitch; 60 is C4."""
    return f"{names[pitch % 12]}{pitch // 12 - 1}"


def bar_and_beat(quarters: Fraction, meters: list[Meter]) -> str:
    """`3.2` for the second beat of the third bar, `3.2+1/2` for halfway to the beat after it."""
    meter = [entry for entry in meters if entry.start <= quarters][-1]
    bars, beat = divmod((quarters - meter.start) * meter.unit / 4, meter.beats)
    rest = beat % 1
    return f"{meter.bar + bars}.{int(beat) + 1}" + (f"+{rest}" if rest else "")


def meters_of(file: midi.MidiFile) -> list[Meter]:
    """The time signatures in order; 4/4 first if the file states none at its start."""
    meters = [Meter(Fraction(0), 1, 4, 4)]
    for ticks, data in sorted(timed_meta_events(file, TIME_SIGNATURE)):
        last, beats, unit = meters[-1], data[0] or 4, 1 << min(data[1], 6)
        start = on_grid(Fraction(to_ticks480(ticks, file.ticks_per_quarter)))
        bars = -((last.start - start) * last.unit // (4 * last.beats))  # a bar cut short counts
        meters.append(Meter(start, last.bar + bars, beats, unit))
    return meters


def timed_meta_events(file: midi.MidiFile, kind: int) -> Iterator[tuple[int, bytes]]:
    """(time in the file's ticks, data) of the meta events of a kind, track by track."""
    for track in file.tracks:
        now = 0
        for event in track:
            now += event.delta
            if event.meta == kind:
                yield now, event.data


def on_grid(ticks480: Fraction) -> Fraction:
    """A time in quarter notes, rounded to 1/GRID."""
    return Fraction(round(ticks480 * GRID / TICKS_PER_QUARTER), GRID)
