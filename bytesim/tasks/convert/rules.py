"""Conversion by the rules, and comparison of a model's answers with theirs.

Imported only for `--engine rules` and `auto`, `--verify` and `--picture`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import metadata

from bytesim.formats import abc, midi
from bytesim.formats.abc.plain import write_plain
from bytesim.formats.midi.bars import GRID, bar_and_beat, meters_of, on_grid, pitch_name
from bytesim.formats.midi.events import SET_TEMPO
from bytesim.formats.midi.normal import to_model_form
from bytesim.metrics import NoteKey, near_note_f1, note_counts, note_f1
from bytesim.oracles.abcmidi import Rendering, find_tool, midi_to_abc, version_number
from bytesim.oracles.music_rules import render_rules
from bytesim.tasks.convert.direction import RuleAnswer, Verification

NEAR_TICKS = 30
"""A 64th note: how far played notes may be from written ones."""
MAX_REMARKS = 8
"""Most warnings of abc2midi that are shown; a damaged tune may have one for each character."""
MAX_DIFFERENCES = 40
"""Most bars that a comparison lists; the others are only counted."""


def midi_by_rules(abc_text: str) -> RuleAnswer:
    """Convert ABC to MIDI by abc2midi or music21. Raises FormatError and ToolError."""
    rendering = render_rules(abc_text)
    remarks = tuple(f"{rendering.engine}: {message}" for message in rendering.messages[:MAX_REMARKS])
    if len(rendering.messages) > MAX_REMARKS:
        remarks = (*remarks, f"and {len(rendering.messages) - MAX_REMARKS} more remarks")
    return RuleAnswer(data=rendering.midi, engine=rendering.engine, version=rendering.version, remarks=remarks)


def abc_by_rules(data: bytes, title: str | None) -> RuleAnswer:
    """Convert MIDI to ABC by midi2abc. The title is added, as midi2abc ignores it. Raises FormatError and ToolError."""
    first, newline, rest = midi_to_abc(data).partition("\n")
    text = f"{first}{newline}{abc.title_fields(title or '')}{rest}"
    return RuleAnswer(data=text.encode(), engine="midi2abc", version=version_number(find_tool("midi2abc")))


def abc_by_notes(data: bytes, title: str | None, bpm: float | None) -> RuleAnswer | None:
    """The notes of a MIDI file in the model's layout written as they are; None if one voice of ABC cannot have them."""
    text = write_plain(data) if data else None
    if text is None:
        return None
    written = abc.layout(text, title=title, bpm=bpm).encode("utf-8")
    return RuleAnswer(data=written, engine="bytesim", version=metadata.version("bytesim"), as_read=True)


def expected_midi(abc_text: str) -> Rendering:
    """The MIDI file that a model should write for a tune. Raises FormatError and ToolError of the rules."""
    rendering = render_rules(abc_text)
    if rendering.engine == "abc2midi":
        return rendering
    # Other engines begin notes on the beat, but the model has learned abc2midi's delay.
    return replace(rendering, midi=to_model_form(rendering.midi)[0])


def verify_midi(abc_text: str, written: bytes) -> Verification:
    """Compare a model's MIDI with that of the rules for the tune as written. Raises their FormatError and ToolError."""
    expected = expected_midi(abc_text)
    return _compared(expected.midi, written, expected, expected.engine)


def verify_abc(source: bytes, abc_text: str, *, as_read: bool) -> Verification:
    """Compare a MIDI file, in the model's layout, with the rules' rendering of the ABC that a model wrote for it.

    `as_read` says that the file was changed for that layout. Raises FormatError and ToolError of the rules.
    """
    played = expected_midi(abc_text)
    return _compared(source, played.midi, played, "the MIDI file" + (" as the model read it" if as_read else ""))


def _compared(expected: bytes, written: bytes, rendering: Rendering, reference: str) -> Verification:
    theirs, ours = midi.notes(expected), midi.notes(written)
    differences = _differences(note_counts(theirs), note_counts(ours), midi.parse(expected))
    return Verification(
        engine=rendering.engine,
        engine_version=rendering.version,
        reference=reference,
        same=not differences,
        sounds_same=reference != rendering.engine or _audible(expected) == _audible(written),
        note_f1=note_f1(theirs, ours),
        num_expected=len(theirs),
        num_written=len(ours),
        differences=differences,
    )


def closeness(source: bytes, abc_text: str) -> float:
    """Note F1 of a MIDI file and ABC text as the rules play it, within a 64th note. Raises FormatError, ToolError."""
    return near_note_f1(midi.notes(source), midi.notes(expected_midi(abc_text).midi), NEAR_TICKS)


def _audible(data: bytes) -> Counter[tuple[int, int, bytes]]:
    """(tick, status, data) of everything that sounds: notes with their velocities, instruments, controllers, tempo.

    Tempo is compared on a grid, because abc2midi sets it a tick later beside lyrics.
    """
    heard: Counter[tuple[int, int, bytes]] = Counter()
    for track in midi.parse(data).tracks:
        now = 0
        for event in track:
            now += event.delta
            if event.meta is None:
                heard[now, event.status, event.data] += 1
            elif event.meta == SET_TEMPO:
                heard[now // GRID * GRID, event.status, event.data] += 1
    return heard


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
