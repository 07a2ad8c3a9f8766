"""Conversion by the rules, and comparison of a model's answers with theirs.

Imported only for `--engine rules` and `auto`, `--verify` and `--picture`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from bytesim.formats import abc, midi
from bytesim.formats.midi.bars import bar_and_beat, meters_of, on_grid, pitch_name
from bytesim.formats.midi.normal import to_model_form
from bytesim.metrics import NoteKey, note_counts, note_f1
from bytesim.oracles.music_rules import midi_to_abc_rules, render_rules

MAX_DIFFERENCES = 40
"""Most bars that a comparison lists; the others are only counted."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A comparison of a model's notes with the expected ones."""

    engine: str
    """The program that rendered the ABC text: abc2midi, or music21 if abc2midi is not installed."""
    reference: str
    """Origin of the expected notes: the engine, or `the MIDI file` that was converted."""
    same: bool
    note_f1: float
    num_expected: int
    num_written: int
    differences: tuple[str, ...]
    """Bar by bar, such as `bar 3: missing D5 at 3.1 (1/2); surplus E5 at 3.1 (1/2)`."""


def midi_by_rules(abc_text: str) -> tuple[bytes, str, tuple[str, ...]]:
    """Convert ABC to MIDI; returns (MIDI file, engine, its remarks)."""
    rendering = render_rules(abc_text)
    return rendering.midi, rendering.engine, rendering.messages


def abc_by_rules(data: bytes, title: str | None) -> tuple[bytes, str, tuple[str, ...]]:
    """Convert MIDI to ABC; returns (ABC text, engine, its remarks). The title is added, as midi2abc ignores it."""
    first, newline, rest = midi_to_abc_rules(data).partition("\n")
    return f"{first}{newline}{abc.title_fields(title or '')}{rest}".encode(), "midi2abc", ()


def expected_midi(abc_text: str) -> tuple[bytes, str]:
    """(the MIDI file that a model should write for a tune, engine). Raises FormatError and ToolError of the rules."""
    rendering = render_rules(abc_text)
    if rendering.engine == "abc2midi":
        return rendering.midi, rendering.engine
    # Other engines begin notes on the beat, but the model has learned abc2midi's delay.
    return to_model_form(rendering.midi)[0], rendering.engine


def verify_midi(abc_text: str, written: bytes) -> Verification:
    """Compare a model's MIDI with that of the rules for the tune as written. Raises their FormatError and ToolError."""
    expected, engine = expected_midi(abc_text)
    return _compared(expected, written, engine, engine)


def verify_abc(source: bytes, abc_text: str, *, as_read: bool) -> Verification:
    """Compare a MIDI file, in the model's layout, with the rules' rendering of the ABC that a model wrote for it.

    `as_read` says that the file was changed for that layout. Raises FormatError and ToolError of the rules.
    """
    played, engine = expected_midi(abc_text)
    return _compared(source, played, engine, "the MIDI file" + (" as the model read it" if as_read else ""))


def _compared(expected: bytes, written: bytes, engine: str, reference: str) -> Verification:
    theirs, ours = midi.notes(expected), midi.notes(written)
    differences = _differences(note_counts(theirs), note_counts(ours), midi.parse(expected))
    return Verification(
        engine=engine,
        reference=reference,
        same=not differences,
        note_f1=note_f1(theirs, ours),
        num_expected=len(theirs),
        num_written=len(ours),
        differences=differences,
    )


def _differences(expected: Counter[NoteKey], written: Counter[NoteKey], file: midi.MidiFile) -> tuple[str, ...]:
    meters = meters_of(file)
    bars: dict[int, list[str]] = {}
    for kind, notes in (("missing", expected - written), ("surplus", written - expected)):
        for onset, pitch, length in sorted(notes.elements()):
            position = bar_and_beat(on_grid(onset), meters)
            text = f"{kind} {pitch_name(pitch)} at {position} ({on_grid(onset + length) - on_grid(onset)})"
            bars.setdefault(int(position.partition(".")[0]), []).append(text)
    lines = [f"bar {bar}: {'; '.join(bars[bar])}" for bar in sorted(bars)]
    more = len(lines) - MAX_DIFFERENCES
    return (*lines[:MAX_DIFFERENCES], *([f"and {more} more bars"] if more > 0 else []))
