"""The first notes of a MIDI file as a table for the terminal."""

from __future__ import annotations

from fractions import Fraction

from rich.table import Table

from bytesim.formats import midi
from bytesim.formats.midi.bars import (
    FLATS,
    SHARPS,
    bar_and_beat,
    meters_of,
    on_grid,
    pitch_name,
    timed_meta_events,
)
from bytesim.formats.midi.events import KEY_SIGNATURE
from bytesim.formats.midi.notes import TICKS_PER_QUARTER

CHORD_SPREAD_TICKS = 10
"""Notes that begin at most this long after the previous one are shown as one chord, with its position once."""


def notes_table(source: bytes | midi.MidiFile, limit: int = 16) -> Table:
    """A table of the first `limit` notes: bar and beat, pitch, length in quarter notes, velocity.

    The title counts the notes. Raises FormatError for a file that does not parse.
    """
    file = source if isinstance(source, midi.MidiFile) else midi.parse(source)
    notes = midi.notes(file)
    shown = notes[:limit]
    count = f"first {len(shown)} of {len(notes)} notes" if len(shown) < len(notes) else f"{len(notes)} notes"
    table = Table(title=count, title_justify="left")
    table.add_column("bar.beat")
    table.add_column("pitch")
    table.add_column("quarters", justify="right")
    table.add_column("velocity", justify="right")
    meters, names = meters_of(file), FLATS if _has_flats(file) else SHARPS
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


def _has_flats(file: midi.MidiFile) -> bool:
    keys = sorted(timed_meta_events(file, KEY_SIGNATURE))
    return bool(keys) and keys[0][1][0] > 127
