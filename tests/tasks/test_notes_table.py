"""The table of notes that the terminal shows."""

import io
from fractions import Fraction

import pytest
from helpers.midi_files import file_of
from rich.console import Console

from bytesim.errors import FormatError
from bytesim.formats import midi
from bytesim.formats.midi.bars import pitch_name
from bytesim.formats.midi.layout import Chord, Signature, meter, render
from bytesim.tasks.convert.notes_table import notes_table


def cells(source: bytes | midi.MidiFile, limit: int = 16) -> list[list[str]]:
    table = notes_table(source, limit)
    return [list(row) for row in zip(*(column.cells for column in table.columns), strict=True)]


def tune(*chords: Chord, key: int = 0, beats: int = 4, unit: int = 4) -> midi.MidiFile:
    signatures = [Signature(0, 0x59, bytes([key % 256, 0])), Signature(0, 0x58, meter(beats, unit))]
    return render(chords, signatures, stress=True)


def test_bars_and_beats_are_counted_from_one():
    notes = [Chord(at, ((60, at + 240),)) for at in (0, 480, 720, 1920, 3840)]
    assert [row[0] for row in cells(tune(*notes))] == ["1.1", "1.2", "1.2+1/2", "2.1", "3.1"]


def test_beats_follow_the_time_signature():
    notes = [Chord(at, ((60, at + 240),)) for at in (0, 240, 1440, 1680)]
    assert [row[0] for row in cells(tune(*notes, beats=6, unit=8))] == ["1.1", "1.2", "2.1", "2.2"]


def test_bars_go_on_after_a_change_of_metre():
    both = file_of(
        "00 ff 58 04 03 02 18 08 00 90 3c 50 8b 20 80 3c 00 00 ff 58 04 02 02 18 08"
        "00 90 3c 50 87 40 80 3c 00 00 90 3c 50 60 80 3c 00 00 ff 2f 00"
    )
    assert [row[0] for row in cells(both)] == ["1.1", "2.1", "3.1"]


def test_a_chord_states_its_place_once():
    chord = Chord(480, ((60, 960), (64, 960), (67, 960)))
    assert cells(tune(chord)) == [["1.2", "C4", "1", "80"], ["", "E4", "1", "80"], ["", "G4", "1", "80"]]


def test_accidentals_follow_the_key():
    note = Chord(0, ((70, 480),))
    assert cells(tune(note, key=2))[0][1] == "A#4"
    assert cells(tune(note, key=-2))[0][1] == "Bb4"
    assert (pitch_name(0), pitch_name(127)) == ("C-1", "G9")


def test_only_the_first_notes_are_shown_and_all_are_counted():
    notes = [Chord(at * 480, ((60, at * 480 + 480),)) for at in range(20)]
    assert len(cells(tune(*notes), limit=5)) == 5
    assert notes_table(tune(*notes), limit=5).title == "first 5 of 20 notes"


def test_a_triplet_lasts_a_third():
    assert cells(tune(Chord(0, ((60, 160),))))[0][2] == str(Fraction(1, 3))


def test_a_file_without_notes_is_an_empty_table():
    console = Console(width=60, record=True, file=io.StringIO())
    console.print(notes_table(file_of("00 ff 2f 00")))
    assert "0 notes" in console.export_text()


def test_what_is_no_midi_is_refused():
    with pytest.raises(FormatError, match="MThd"):
        notes_table(b"X:1")
