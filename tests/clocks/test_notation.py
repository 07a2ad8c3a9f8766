"""What a clock shows of the notation: against the notes that abc2midi plays, and on text that is not a tune."""

import random
import re

import numpy as np
import pytest
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

from bytesim.clocks import clock_of, make_clock, source_times
from bytesim.clocks.notation import ALTERATIONS, CHORD_KINDS, LETTERS, TONES
from bytesim.clocks.ticks import ALTERED, CHORD, PITCH
from bytesim.datasets.music.compose import compose
from bytesim.formats import abc, midi
from bytesim.formats.abc.spellings import KINDS
from bytesim.oracles.abcmidi import render_abc2midi

HEAD = "X:1\nM:4/4\nL:1/8\nK:D\n"
GRACES = re.compile(r"\{[^}]*\}")
TUNES = ["ah_vous_dirai_je", "greensleeves", "irish_washerwoman", "ode_to_joy"]


def named(data: bytes, suffix: str) -> list[int]:
    """The pitches of a file's notes, as its bytes name them."""
    pitches = source_times(data, clock_of(data, suffix))[:, PITCH]
    return pitches[pitches > 0].tolist()


def altered(number: int) -> dict[str, int]:
    digits = [number // ALTERATIONS**index % ALTERATIONS for index in range(len(LETTERS))]
    return {letter: (digit + 2) % ALTERATIONS - 2 for letter, digit in zip(LETTERS, digits, strict=True) if digit}


def after(body: str, head: str = HEAD) -> np.ndarray:
    return clock_of((head + body).encode(), "abc")[-1]


@pytest.mark.parametrize("name", TUNES)
def test_the_notes_of_a_tune_have_the_pitches_that_abc2midi_plays(name):
    text = abc.canonical(abc.parse((EXAMPLES / f"{name}.abc").read_text())).text
    played = [note.pitch for note in midi.notes(render_abc2midi(text).midi)]
    assert named(text.encode(), "abc") == played


@pytest.mark.parametrize("seed", range(40))
def test_composed_tunes_name_the_pitches_that_abc2midi_plays(seed):
    text = GRACES.sub("", compose(random.Random(seed)))  # some grace notes have no time to sound
    played = {note.pitch for note in midi.notes(render_abc2midi(text).midi)}
    assert set(named(text.encode(), "abc")) <= played


@pytest.mark.parametrize(
    ("body", "pitches"),
    [
        ("FcF", [66, 73, 66]), ("=FfF|F", [65, 77, 65, 66]), ("^^C__B", [62, 69]), ("C,,c''C'", [37, 97, 73]),
        ("=F-|FF|", [65, 65, 66]), ("[^GB]G|[=GB]-|[GB]G", [68, 71, 68, 67, 71, 67, 71, 67]),
        ("[K:F]BF[K:G]BF", [70, 65, 71, 66]),
        ("{^g}aG|", [80, 81, 68]), ('"Gm"^A', [70]), ("^zA", [69]),
    ],
)  # fmt: skip
def test_accidentals_last_to_the_bar_line_and_ties_carry_them_over_it(body, pitches):
    text = f"{HEAD}{body}\n"
    assert named(text.encode(), "abc") == pitches
    if "z" not in body and '"' not in body:
        assert {note.pitch for note in midi.notes(render_abc2midi(text).midi)} == set(pitches)


def test_while_a_tune_is_written_the_pitch_stands_behind_its_letter():
    shown = clock_of(f"{HEAD}F'2c|".encode(), "abc")[len(HEAD) :, PITCH].tolist()
    assert shown == [0, 66, 78, 0, 73, 0]
    known = source_times(f"{HEAD}F'2c|".encode(), clock_of(f"{HEAD}F'2c|".encode(), "abc"))
    assert known[len(HEAD) :, PITCH].tolist() == [78, 0, 0, 73, 0]


def test_the_accidentals_in_force_are_those_of_the_key_the_bar_and_the_tie():
    assert altered(after("", "X:1\nK:Ebmin\n")[ALTERED]) == dict.fromkeys("BEADGC", -1)
    assert altered(after("_B=F")[ALTERED]) == {"B": -1, "C": 1}
    assert altered(after("_B=F|")[ALTERED]) == {"F": 1, "C": 1}
    assert altered(after("_B-|")[ALTERED]) == {"B": -1, "F": 1, "C": 1}
    assert altered(after("_B-|B")[ALTERED]) == {"F": 1, "C": 1}
    assert altered(after("^G[K:Gmin]")[ALTERED]) == {"B": -1, "E": -1}
    assert altered(after("", "X:1\nK:nonsense\n")[ALTERED]) == {}


def test_a_chord_symbol_holds_until_the_next_one():
    def symbol(root: int, kind: str, bass: int) -> int:
        kinds = [*CHORD_KINDS, "another"]
        return 1 + (root * len(kinds) + kinds.index(kind)) * TONES + bass

    assert after("A")[CHORD] == 0
    assert after('"Am"A2B|c')[CHORD] == symbol(9, "m", 9)
    assert after('"Am"A"F#m7/e"B')[CHORD] == symbol(6, "m7", 4)
    assert after('"Am"A"^slowly"B')[CHORD] == symbol(9, "m", 9)
    assert after('"Bb13"A')[CHORD] == symbol(10, "another", 10)
    assert after('"Cb"A')[CHORD] == symbol(11, "", 11)


def test_the_kinds_of_chords_are_those_that_abc2midi_knows():
    assert set(CHORD_KINDS) == set(KINDS)


def test_midi_names_a_note_with_the_pitch_of_its_event():
    tune = render_abc2midi(f"{HEAD}A,,C'c[ce]|\n").midi
    notes = [note.pitch for note in midi.notes(tune)]
    assert named(tune, "mid") == notes
    running = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\x0f\0\x90\x27\x40\x10\x2c\x40\x10\x80\x27\0\0\xff\x2f\0"
    shown = source_times(running, clock_of(running, "mid"))[:, PITCH]
    assert shown[shown > 0].tolist() == [0x27, 0x2C]
    assert [running[place] for place in np.flatnonzero(shown)] == [0x27, 0x2C]


@given(st.text("ABCDEFGabcdefg^_=,'[]{}|-\"KLM:#zZ/:\n", max_size=120))
def test_any_body_is_read_and_goes_on_from_any_place(body):
    data = f"{HEAD}{body}".encode()
    shown = clock_of(data, "abc")
    middle = (len(data) + len(HEAD)) // 2
    assert (make_clock("abc", data[:middle]).follow(data[middle:]) == shown[middle:]).all()
    assert ((shown[:, PITCH] >= 0) & (shown[:, PITCH] < 128)).all()
    assert (shown[:, ALTERED] < ALTERATIONS ** len(LETTERS)).all()
    assert (shown[:, CHORD] <= TONES * (len(CHORD_KINDS) + 1) * TONES).all()
