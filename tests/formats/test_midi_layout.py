"""The layout the music model knows: kept where it is there, made where it is not, refused where it cannot be."""

import pytest
from helpers.midi_files import by_sequencer, file_of, keys, scores, tunes
from hypothesis import given, settings
from hypothesis import strategies as st

from bytesim.errors import FormatError
from bytesim.formats import midi
from bytesim.formats.midi.layout import render
from bytesim.formats.midi.normal import to_model_form

END = "00 ff 2f 00"


def velocities(source: bytes) -> list[int]:
    return [note.velocity for note in midi.notes(source)]


@given(tunes())
@settings(max_examples=50, deadline=None)
def test_a_file_in_the_layout_passes_through(tune):
    data = midi.serialize(tune)
    assert to_model_form(data) == (data, [])


@given(tunes(), st.integers(4, 500))
@settings(max_examples=50, deadline=None)
def test_title_and_tempo_are_all_that_a_named_tune_loses(tune, bpm):
    data = midi.serialize(tune)
    plain, changes = to_model_form(midi.set_title_and_tempo(data, "Reel", bpm))
    assert plain == data
    assert "dropped track names (1)" in changes


@given(scores(), st.sampled_from([24, 96, 480, 960, 10080]), st.integers(0, 8))
@settings(max_examples=100, deadline=None)
def test_a_sequencer_s_file_becomes_what_abc2midi_would_write(score, division, channel):
    normal, changes = to_model_form(by_sequencer(score, division, channel), stress=True)
    assert normal == midi.serialize(render(*score, stress=True))
    assert any("lyrics" in line for line in changes)
    assert any("instrument changes" in line for line in changes)
    assert to_model_form(normal) == (normal, [])


@given(scores())
@settings(max_examples=30, deadline=None)
def test_without_stress_every_velocity_is_80(score):
    normal, _ = to_model_form(by_sequencer(score, 480, 0))
    assert set(velocities(normal)) == {80}


def test_running_status_is_written_out():
    tune = file_of(
        "00 ff 01 0a 6e 6f 74 65 20 74 72 61 63 6b 00 ff 51 03 07 a1 20 00 ff 59 02 00 00 00 ff 58 04 04 02 30 08"
        "01 90 3c 69 83 5f 80 3c 00 01 90 3e 50 0a 40 50 83 5f 80 40 00 00 3e 00 1a ff 2f 00"
    )
    plain, changes = to_model_form(tune)
    assert len(plain) == len(tune) + 2
    assert changes == ["events written without running status, unknown chunks left out"]


def test_missing_signatures_are_written_and_said():
    normal, changes = to_model_form(file_of("00 90 3c 50 83 60 80 3c 00" + END))
    kinds = [event.meta for event in midi.parse(normal).tracks[0][:4]]
    assert kinds == [0x01, 0x51, 0x59, 0x58]
    assert "no key signature at the start: no sharps or flats written" in changes
    assert "no time signature at the start: 4/4 written" in changes


def test_a_change_of_metre_stays_where_it_is_and_restarts_the_bar():
    two = file_of(
        "00 ff 59 02 00 00 00 ff 58 04 03 02 18 08 00 91 3c 50 83 60 81 3c 00"
        "00 ff 58 04 02 02 18 08 00 91 3c 50 83 60 81 3c 00" + END
    )
    normal, _ = to_model_form(two, stress=True)
    assert velocities(normal) == [105, 105]
    assert [event.data[0] for event in midi.parse(normal).tracks[0] if event.meta == 0x58] == [3, 2]


def test_notes_that_overlap_are_cut_and_counted():
    overlap = file_of("00 91 3c 50 60 91 3e 50 60 81 3c 00 60 81 3e 00" + END, division=96)
    normal, changes = to_model_form(overlap)
    assert keys(normal) == [(1, 60, 479), (481, 62, 959)]
    assert "notes cut where the next one begins, because one voice holds no overlap (1)" in changes


def test_the_gap_a_sequencer_leaves_between_notes_is_closed():
    detached = file_of("00 91 3c 50 83 47 81 3c 00 19 91 3e 50 83 60 81 3e 00" + END)  # 455 ticks of 480
    normal, changes = to_model_form(detached)
    assert keys(normal) == [(1, 60, 479), (481, 62, 479)]
    assert any("made longer" in line for line in changes)


def test_a_rest_is_no_gap():
    staccato = file_of("00 91 3c 50 81 70 81 3c 00 81 70 91 3e 50 83 60 81 3e 00" + END)
    assert keys(to_model_form(staccato)[0]) == [(1, 60, 239), (481, 62, 479)]


def test_times_played_by_hand_go_to_the_nearest_64th():
    by_hand = file_of("07 91 3c 50 83 5b 81 3c 00 05 91 3e 50 83 65 81 3e 00 78 91 40 50 83 60 81 40 00" + END)
    normal, changes = to_model_form(by_hand)
    assert [onset for onset, _, _ in keys(normal)] == [1, 481, 1081]
    assert any("played by hand" in line for line in changes)


def test_a_unison_of_two_tracks_is_one_note():
    note = "00 91 3c 50 83 60 81 3c 00" + END
    normal, changes = to_model_form(file_of(note, note, kind=1))
    assert keys(normal) == [(1, 60, 479)]
    assert "notes merged with another of the same pitch and onset (1)" in changes


def test_drums_are_left_out_and_said():
    normal, changes = to_model_form(file_of("00 91 3c 50 00 99 23 50 83 60 81 3c 00 00 89 23 00" + END))
    assert keys(normal) == [(1, 60, 479)]
    assert "dropped drum notes on channel 10 (1)" in changes


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (file_of(END), "no notes"),
        (file_of("00 99 23 50 60 89 23 00" + END), "drums"),
        (file_of("00 91 3c 50 00 81 3c 00" + END), "no note long enough"),
        (file_of("".join(f"00 91 {p:02x} 50" for p in range(60, 65)) + "60 ff 2f 00"), "5 notes sound at once"),
        (file_of("00 91 3c 50 60 81 3c 00" + END, kind=2), "format 2"),
        (file_of("00 91 3c 50 60 81 3c 00" + END, division=0xE728), "SMPTE"),
    ],
)
def test_what_one_voice_cannot_hold_is_refused(data, words):
    with pytest.raises(FormatError, match=words):
        to_model_form(data)
