"""Transposing a tune moves every note of abc2midi's rendering by the same interval."""

import pytest
from helpers.paths import EXAMPLES

from bytesim.errors import FormatError
from bytesim.formats import abc, midi
from bytesim.formats.abc.transpose import signature, transpose
from bytesim.oracles.abcmidi import render_abc2midi

TUNES = [
    abc.canonical(entry.parse()).text
    for path in sorted(EXAMPLES.glob("*.abc"))
    for entry in abc.split_book(path.read_text())
]
RARE = 'X:1\nM:4/4\nL:1/8\nK:Edor\n"Em"{^f}E=F^G_A|[CE^G]2(3ABc"D/F#"d\'2|[K:Bb]_BE,=E^c|[K:Amin]A^GAB|\n'


def notes(text: str) -> list[tuple[object, ...]]:
    """Onset, pitch and duration of the melody; chord symbols are moved too, but into a range of their own."""
    played = midi.notes(render_abc2midi(text).midi)
    return [(note.onset_ticks480, note.pitch, note.duration_ticks480) for note in played if note.channel == 0]


@pytest.mark.parametrize("text", [*TUNES, RARE])
@pytest.mark.parametrize(("steps", "semitones"), [(1, 2), (-1, -1), (-4, -7), (3, 5), (7, 12)])
def test_every_note_moves_by_the_interval(text, steps, semitones):
    moved = transpose(text, steps, semitones)
    assert notes(moved) == [(onset, pitch + semitones, length) for onset, pitch, length in notes(text)]
    assert abc.canonical(abc.parse(moved)).text == moved
    assert transpose(moved, -steps, -semitones) == text


def test_keys_and_chord_symbols_are_spelled_by_the_interval():
    moved = transpose(RARE, 1, 1)
    assert "K:Fdor" in moved
    assert '"Fm"' in moved
    assert '"Eb/G"' in moved
    assert "[K:Cb]" in moved


@pytest.mark.parametrize(("steps", "semitones"), [(0, 2), (1, 4)])
def test_keys_that_nobody_writes_are_refused(steps, semitones):
    with pytest.raises(FormatError):
        transpose(TUNES[0], steps, semitones)


def test_signatures():
    assert [letter for letter, sign in signature("Dmix").items() if sign] == ["F"]
    assert [letter for letter, sign in signature("Cmin").items() if sign == -1] == ["E", "A", "B"]
    assert sum(signature("C#").values()) == 7
    with pytest.raises(FormatError):
        signature("G#")
