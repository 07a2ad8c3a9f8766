"""A piano roll of a MIDI file: time to the right, pitch upwards, with bar lines."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from matplotlib.axes import Axes

from bytesim.formats import midi
from bytesim.formats.midi.bars import meters_of, on_grid, pitch_name
from bytesim.formats.midi.notes import TICKS_PER_QUARTER
from bytesim.metrics import NoteKey, note_counts
from bytesim.pictures.canvas import new_figure, png_of

QUARTERS_PER_ROW = 32
"""Quarter notes in a row of the picture."""
MAX_ROWS = 24
"""Most rows that are drawn; the title counts the rest."""
_MARGIN = 0.1
"""Quarter notes left and right of a row."""
_ROW_HEIGHT, _WIDTH = 1.9, 13.0
_COLOURS = {"right": "tab:blue", "missing": "tab:red", "surplus": "tab:orange"}

Key = tuple[Fraction, int, Fraction]
"""Onset in quarter notes, pitch, length in quarter notes."""


def piano_roll(written: bytes, expected: bytes | None = None) -> bytes:
    """A PNG of the notes of a MIDI file; with `expected`, missing and surplus notes have colours of their own.

    Raises FormatError for a file that does not parse.
    """
    file = midi.parse(written)
    kinds = _kinds(note_counts(midi.notes(file)), None if expected is None else note_counts(midi.notes(expected)))
    every = [key for keys in kinds.values() for key in keys]
    end = max((onset + length for onset, _, length in every), default=Fraction(4))
    num_rows = max(1, math.ceil(end / QUARTERS_PER_ROW))
    shown = min(num_rows, MAX_ROWS)
    figure = new_figure(_WIDTH, _ROW_HEIGHT * shown + 0.6)
    pitches = [pitch for _, pitch, _ in every] or [60]
    low, high = min(pitches) - 2, max(pitches) + 2
    bars = list(_bars(file, min(end, Fraction(shown * QUARTERS_PER_ROW))))
    for index, axes in enumerate(figure.subplots(shown, 1, squeeze=False)[:, 0]):
        start = index * QUARTERS_PER_ROW
        _draw_frame(axes, start, low, high, bars)
        for kind, keys in kinds.items():
            _draw_notes(axes, _in_row(keys, start), _COLOURS[kind])
    figure.suptitle(_title(kinds, expected is not None, num_rows - shown), fontsize="medium")
    return png_of(figure, dots_per_inch=100)


def _kinds(written: Counter[NoteKey], expected: Counter[NoteKey] | None) -> dict[str, list[Key]]:
    if expected is None:
        return {"right": _in_quarters(written)}
    kinds = {"right": written & expected, "missing": expected - written, "surplus": written - expected}
    return {kind: _in_quarters(keys) for kind, keys in kinds.items()}


def _in_quarters(keys: Counter[NoteKey]) -> list[Key]:
    every = sorted(keys.elements())
    return [(onset / TICKS_PER_QUARTER, pitch, length / TICKS_PER_QUARTER) for onset, pitch, length in every]


def _bars(file: midi.MidiFile, end: Fraction) -> Iterator[tuple[Fraction, int]]:
    """(start in quarter notes, number) of every bar."""
    meters = meters_of(file)
    for meter, following in zip(meters, [*meters[1:], None], strict=True):
        start, number = meter.start, meter.bar
        while start < (min(end, following.start) if following else end):
            yield start, number
            start, number = start + Fraction(4 * meter.beats, meter.unit), number + 1


def _draw_frame(axes: Axes, start: int, low: int, high: int, bars: list[tuple[Fraction, int]]) -> None:
    end = start + QUARTERS_PER_ROW
    shown_bars = [
        (float(start_of_bar), number)
        for start_of_bar, number in bars
        if start <= on_grid(start_of_bar * TICKS_PER_QUARTER) < end
    ]
    axes.set_xlim(start - _MARGIN, end + _MARGIN)
    axes.set_ylim(low - 0.5, high + 0.5)
    axes.set_xticks(
        [start_of_bar for start_of_bar, _ in shown_bars], [str(number) for _, number in shown_bars], fontsize="small"
    )
    octaves = [pitch for pitch in range(low, high + 1) if pitch % 12 == 0]
    fifths = [pitch for pitch in range(low, high + 1) if pitch % 12 == 7]
    axes.set_yticks([*octaves, *fifths], [pitch_name(pitch) for pitch in (*octaves, *fifths)], fontsize="small")
    axes.grid(axis="x", color="0.8")
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    axes.tick_params(length=0)


def _in_row(keys: list[Key], start: int) -> list[Key]:
    """The notes that sound in a row, or in the margin beside it."""
    first, last = start - _MARGIN, start + QUARTERS_PER_ROW + _MARGIN
    return [(onset, pitch, length) for onset, pitch, length in keys if onset <= last and onset + length >= first]


def _draw_notes(axes: Axes, keys: list[Key], colour: str) -> None:
    by_pitch: dict[int, list[tuple[float, float]]] = {}
    for onset, pitch, length in keys:
        by_pitch.setdefault(pitch, []).append((float(onset), max(float(length), 0.03)))
    for pitch, spans in by_pitch.items():
        axes.broken_barh(spans, (pitch - 0.42, 0.84), facecolors=colour, edgecolors="white", linewidth=0.6)


def _title(kinds: dict[str, list[Key]], compared: bool, rows_left: int) -> str:
    count = {kind: len(keys) for kind, keys in kinds.items()}
    if compared:
        wrong = f"{count['missing']} missing (red), {count['surplus']} surplus (orange)"
        text = f"{count['right']} notes right (blue), {wrong}"
    else:
        text = f"{count['right']} notes; bars are numbered"
    return text + (f"; the last {rows_left * QUARTERS_PER_ROW} quarter notes are not drawn" if rows_left else "")
