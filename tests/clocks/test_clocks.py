"""Clocks: against what abc2midi plays and our MIDI reader reads, and on files that are none."""

import random
import re

import pytest
from helpers.midi_files import file_of, scores
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

from bytesim.clocks import CLOCK_WIDTH, clock_of, clock_patches, make_clock
from bytesim.clocks.ticks import LATEST
from bytesim.datasets.music.compose import compose
from bytesim.formats import abc, midi
from bytesim.formats.midi.layout import render
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.patching import frame_file, header_patches

HEAD = "X:1\nM:6/8\nL:1/8\nK:G\n"
TUNES = ["ah_vous_dirai_je", "greensleeves", "irish_washerwoman", "ode_to_joy"]


def end_of_music(text: str) -> int:
    return int(clock_of(text.encode(), "abc")[-1, 0])


def end_of_notes(text: str) -> int:
    """When abc2midi ends the last note of a tune, in ticks."""
    return round(max(note.onset_ticks480 + note.duration_ticks480 for note in midi.notes(render_abc2midi(text).midi)))


@pytest.mark.parametrize("name", TUNES)
def test_tunes_last_as_long_as_abc2midi_plays_them(name):
    text = abc.canonical(abc.parse((EXAMPLES / f"{name}.abc").read_text())).text
    assert end_of_music(text) == end_of_notes(text) > 0


@pytest.mark.parametrize(
    "body",
    [
        "A2B3/2c/ d//e3/|", "A>B c<d e>>f|", "(3ABc (2AB (4ABcd (5ABcde c|", "(3:2:4ABcd (3::2AB c|", "[CE]2[G2B2]/|",
        "{ab}c2 {d}e|", '"Am"A2 "G7"B>c|', "A2-A B|[L:1/4]A B|[M:4/4](5ABcde c|", ".A (AB) ~c T.d He2 f|", "z2 A x3 B|",
        "^f2 __e _b'2 =B,,|", "A>[CE] [CE]<B|", "A>(B c)|", "HA2B c|", "[M:9/8](5ABcde|",
        "HHA2B|", "HzA|", '["Am"CE]2G|', "[(CE)]2G|", "A2|Z2|B2|", "(3HABc d|",
    ],
)  # fmt: skip
def test_every_construct_lasts_as_long_as_abc2midi_plays_it(body):
    text = f"{HEAD}{body.replace(' ', '')}\n"
    assert abs(end_of_music(text) - end_of_notes(text)) <= 1


ENDING_EARLY = re.compile(r"(\.[A-Ga-g^_=,'\d/]*|z[\d/]*)\|*$")
"""A rest or a staccato note at the end, whose sound stops before the music does."""


@pytest.mark.parametrize("seed", [each for each in range(30) if not ENDING_EARLY.search(compose(random.Random(each)))])
def test_composed_tunes_last_as_long_as_abc2midi_plays_them(seed):
    text = compose(random.Random(seed))
    assert abs(end_of_music(text) - end_of_notes(text)) <= 1


def test_a_note_lasts_as_far_as_it_is_written():
    body = b"A3/2B|c"
    times = clock_of(HEAD.encode() + body, "abc")[len(HEAD) :, :2].tolist()
    assert times == [[0, 0], [240, 240], [720, 720], [360, 360], [360, 360], [600, 600], [600, 0], [840, 240]]


def test_midi_time_is_that_of_the_track_and_bars_are_those_of_its_signature():
    first = "00 FF 58 04 03 02 18 08  00 FF 2F 00"
    second = "00 90 3C 50  83 60 80 3C 00  8B 20 90 3E 50  83 60 3E 00  00 FF 2F 00"  # running status in the end
    data = file_of(first, second, kind=1)
    times = clock_of(data, "mid")[:, :2].tolist()
    start = data.index(b"\x00\x90\x3c\x50")
    assert times[start + 4 + 2] == [480, 480]
    assert times[start + 4 + 2 + 3 + 2] == [480 + 1440, 480]
    assert times[-1] == [480 + 1440 + 480, 960]
    assert times[start - 1] == [0, 0]
    assert clock_of(file_of(second, division=240), "mid")[-1, 0] == 2 * times[-1][0]


@given(scores())
def test_midi_ends_when_its_last_note_does_or_later(score):
    data = midi.serialize(render(*score, stress=False))
    ends = [note.onset_ticks480 + note.duration_ticks480 for note in midi.notes(data)]
    times = clock_of(data, "mid")
    assert max(ends) <= times[-1, 0]


@given(st.binary(max_size=300), st.sampled_from(["abc", "mid", "wav"]))
def test_any_bytes_have_times_and_begun_files_have_the_same(data, suffix):
    times = clock_of(data, suffix)
    assert times.shape == (len(data) + 1, CLOCK_WIDTH)
    assert (times >= 0).all()
    middle = len(data) // 2
    assert (make_clock(suffix, data[:middle]).follow(data[middle:]) == times[middle:]).all()
    clock = make_clock(suffix)
    for byte in data:
        clock.advance(byte)
    assert clock.now == tuple(times[-1])
    assert suffix != "wav" or not times.any()


@given(st.text("ABc[](){}<>/|:-23\"'^zHKLM\n", max_size=120))
def test_any_body_has_times(body):
    times = clock_of(f"{HEAD}{body}".encode(), "abc")
    assert (times >= 0).all()


@pytest.mark.parametrize("body", [b"H" * 2000 + b"A>B", b"A>|" * 3000, b"A999" * 3000, b"z" * 40_000])
def test_no_music_lasts_longer_than_the_clock_runs(body):
    clock = make_clock("abc", HEAD.encode())
    times = make_clock("abc", HEAD.encode()).follow(body)
    for byte in body:
        clock.advance(byte)
    assert clock.now == tuple(times[-1])
    assert 0 < times[-1, 0] <= LATEST
    assert (times >= 0).all()


@pytest.mark.parametrize("division", [25, 100, 110, 220, 1000])
def test_bars_begin_on_the_beat_in_every_resolution(division):
    quarter = f"{0x80 | division >> 7:02x}{division & 127:02x} 90 3c 50 00 3c 00 "
    times = clock_of(file_of(quarter * 8 + "00 ff 2f 00", division=division), "mid")
    assert times[-1, :2].tolist() == [8 * 480, 0]


@given(st.binary(max_size=60), st.integers(1, 9))
def test_patches_hold_the_times_before_their_bytes(data, patch_size):
    times = clock_of(HEAD.encode() + data, "abc")
    patches = clock_patches(times, patch_size)
    assert len(patches) == len(frame_file(HEAD.encode() + data, "abc", patch_size))
    header = header_patches(patch_size)
    assert not patches[:header].any()
    assert (patches[header:].reshape(-1, CLOCK_WIDTH)[: len(times)] == times).all()
    assert (patches[-1] == times[-1]).all()
