"""The first notes of a MIDI file as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from rich.table import Table

from bytesim.formats import midi
from bytesim.formats.midi.events import KEY_SIGNATURE, TIME_SIGNATURE
from bytesim.formats.midi.notes import TICKS_PER_QUARTER, to_ticks480

CHORD_SPREAD_TICKS = 10
"""Notes that begin this close after the one before are shown as one chord, its position written once."""
GRID = 24
"""Positions are shown to 1/24 of a quarter note, which hides abc2midi's one tick of delay."""

_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class _Meter:
    """A time signature and where it stands."""

    start: Fraction
    """Quarter notes from the start of the file."""
    bar: int
    """Number of the bar that begins there; the first is 1."""
    beats: int
    unit: int


def notes_table(source: bytes | midi.MidiFile, limit: int = 16) -> Table:
    """A table of the first `limit` notes: bar and beat, pitch, length in quarter notes, velocity.

    The title counts the notes. Raises FormatError for a file that does not parse.
    """
    file = source if isinstance(source, midi.MidiFile) else midi.parse(source)
    found = midi.notes(file)
    shown = found[:limit]
    count = f"first {len(shown)} of {len(found)} notes" if len(shown) < len(found) else f"{len(found)} notes"
    table = Table(title=count, title_justify="left")
    table.add_column("bar.beat")
    table.add_column("pitch")
    table.add_column("quarters", justify="right")
    table.add_column("velocity", justify="right")
    meters, names = meters_of(file), _FLATS if _has_flats(file) else _SHARPS
    start = previous = Fraction(-TICKS_PER_QUARTER)
    for note in shown:
        onset, end = Fraction(note.onset_ticks480), on_grid(Fraction(note.end_ticks480))
        position = ""
        if onset - previous > CHORD_SPREAD_TICKS:
            start = on_grid(onset)
            position = bar_and_beat(start, meters)
        table.add_row(position, pitch_name(note.pitch, names), str(end - start), str(note.velocity))
        previous = onset
    return table


def pitch_name(pitch: int, names: tuple[str, ...] = _SHARPS) -> str:
    """Letter and octave of a MIDI pitch; 60 is C4."""
    return f"{names[pitch % 12]}{pitch // 12 - 1}"


def bar_and_beat(quarters: Fraction, meters: list[_Meter]) -> str:
    """`3.2` for the second beat of the third bar, `3.2+1/2` for halfway to the beat after it."""
    meter = [entry for entry in meters if entry.start <= quarters][-1]
    bars, beat = divmod((quarters - meter.start) * meter.unit / 4, meter.beats)
    rest = beat % 1
    return f"{meter.bar + bars}.{int(beat) + 1}" + (f"+{rest}" if rest else "")


def meters_of(file: midi.MidiFile) -> list[_Meter]:
    """Time signatures in order; 4/4 where the file states none at its start."""
    meters = [_Meter(Fraction(0), 1, 4, 4)]
    for ticks, data in sorted(_timed(file, TIME_SIGNATURE)):
        last, beats, unit = meters[-1], data[0] or 4, 1 << min(data[1], 6)
        start = on_grid(Fraction(to_ticks480(ticks, file.ticks_per_quarter)))
        bars = -((last.start - start) * last.unit // (4 * last.beats))  # a bar cut short counts
        meters.append(_Meter(start, last.bar + bars, beats, unit))
    return meters


def _has_flats(file: midi.MidiFile) -> bool:
    keys = sorted(_timed(file, KEY_SIGNATURE))
    return bool(keys) and keys[0][1][0] > 127


def _timed(file: midi.MidiFile, kind: int) -> Iterator[tuple[int, bytes]]:
    for track in file.tracks:
        now = 0
        for event in track:
            now += event.delta
            if event.meta == kind:
                yield now, event.data


def on_grid(ticks480: Fraction) -> Fraction:
    """A time in quarter notes, to the nearest 1/GRID."""
    return Fraction(round(ticks480 * GRID / TICKS_PER_QUARTER), GRID)
