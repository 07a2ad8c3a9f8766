"""MIDI files: parsed or explained, compared by their notes, mended, named."""

import io
import struct
from contextlib import suppress
from fractions import Fraction

import mido
import pytest
from helpers.midi_files import file_of, keys, tunes
from hypothesis import given, settings
from hypothesis import strategies as st

from bytesim.errors import FormatError
from bytesim.formats import midi
from bytesim.formats.midi.events import Event, read_number, write_number
from bytesim.formats.midi.normal import to_model_form

# abc2midi 4.84, of X:1, M:4/4, L:1/8, K:D, [CE]2 z C>c|
ABC2MIDI = file_of(
    """
    00 ff 01 0a 6e 6f 74 65 20 74 72 61 63 6b
    00 ff 51 03 07 a1 20
    00 ff 59 02 02 00
    00 ff 58 04 04 02 30 08
    01 90 3d 69
    0a 90 40 69
    83 55 80 40 00
    00 80 3d 00
    81 71 90 3d 50
    82 67 80 3d 00
    01 90 49 50
    77 80 49 00
    1a ff 2f 00
    """
)
NOTE = "00 90 3c 50 83 60 80 3c 00"
END = "00 ff 2f 00"
SCALE = file_of("01 90 3c 69 83 5f 80 3c 00 01 90 3e 50 83 5f 80 3e 00 1a ff 2f 00")


# --- parsing -----------------------------------------------------------------------------------


def test_abc2midi_s_file_survives_a_round_trip():
    assert midi.serialize(midi.parse(ABC2MIDI)) == ABC2MIDI


@given(tunes())
@settings(max_examples=50, deadline=None)
def test_files_in_abc2midi_s_layout_survive_a_round_trip(tune):
    data = midi.serialize(tune)
    assert midi.parse(data) == tune
    assert midi.serialize(midi.parse(data)) == data


@given(st.binary(max_size=512))
@settings(deadline=None)
def test_midi_parses_or_explains(data):
    for attempt in (midi.parse, midi.notes, midi.mend_track_lengths, to_model_form, midi.title_and_tempo):
        with suppress(FormatError):
            attempt(data)


@given(tunes(), st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_midi_parses_or_explains(tune, data):
    damaged = bytearray(midi.serialize(tune))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(damaged))) :]
    for attempt in (midi.parse, midi.notes, midi.mend_track_lengths, to_model_form, midi.title_and_tempo):
        with suppress(FormatError):
            attempt(bytes(damaged))
    with suppress(FormatError):
        midi.set_title_and_tempo(bytes(damaged), "Reel", 120)


@given(tunes(), st.integers(0, 2000))
@settings(max_examples=50, deadline=None)
def test_a_file_cut_short_is_refused_with_an_offset(tune, length):
    data = midi.serialize(tune)
    with pytest.raises(FormatError) as caught:
        midi.parse(data[: length % len(data)])
    assert caught.value.offset is not None


@given(tunes())
@settings(max_examples=30, deadline=None)
def test_mido_reads_the_same_messages(tune):
    theirs = [message.bytes() for message in mido.MidiFile(file=io.BytesIO(midi.serialize(tune))).tracks[0]]
    ours = [event_bytes(event) for event in tune.tracks[0]]
    assert theirs == ours


def event_bytes(event: Event) -> list[int]:
    if event.meta is None:
        return [event.status, *event.data]
    return [event.status, event.meta, len(event.data), *event.data]


@pytest.mark.parametrize(
    ("data", "offset", "words"),
    [
        (b"RIFF\x24\0\0\0WAVEfmt ", 0, "WAV"),
        (b"MThd\0\0\0\6\0\0", 10, "14 bytes"),
        (file_of(END).replace(b"\0\0\0\6", b"\6\0\0\0"), 4, "header states"),
        (file_of(END, kind=3), 8, "format 3"),
        (file_of(END, END), 10, "cannot have 2 tracks"),
        (file_of(END, division=0), 12, "resolution is 0"),
        (file_of(END, division=0xE728), 12, "SMPTE"),
        (file_of(END).replace(b"\0\0\0\4", b"\6\0\0\0"), 18, "states 100663296 bytes"),  # a length of 100 MB
        (file_of(END).replace(b"\0\0\0\4", b"\0\0\0\3"), 25, "ends inside an event"),
        (file_of("00 ff 2f 00 00 00"), 26, "continues after"),
        (file_of("00 3c 50" + END), 23, "status byte"),
        (file_of("00 90 3c 90" + END), 25, "above 0x7f"),
        (file_of("00 f4" + END), 23, "does not occur"),
        (file_of("00 f0 ff ff ff 7f" + END), 24, "states 268435455 bytes"),
        (file_of("ff ff ff ff 7f 90 3c 50" + END), 22, "four bytes"),
        (file_of("00 ff 51 02 07 a1" + END), 25, "must hold 3 bytes"),
        (file_of("00 ff 59 02 09 00" + END), 26, "key signature"),
        (file_of(END).replace(b"MTrk", b"MTrj"), 26, "ends before track 1"),
        (file_of(END)[:14] + b"\x80\x01\x02\x03\0\0\0\0", 14, "expected b'MTrk'"),
    ],
)
def test_a_broken_file_is_refused_where_it_breaks(data, offset, words):
    with pytest.raises(FormatError, match=words) as caught:
        midi.parse(data)
    assert caught.value.offset == offset


def test_running_status_and_sysex_are_read_and_written_out_plainly():
    terse = file_of("00 f0 03 43 12 f7 00 90 3c 50 60 3c 00 00 3e 50 60 3e 00" + END)
    plain = file_of("00 f0 03 43 12 f7 00 90 3c 50 60 90 3c 00 00 90 3e 50 60 90 3e 00" + END)
    assert midi.serialize(midi.parse(terse)) == plain


def test_unknown_chunks_and_trailing_bytes_are_passed_over():
    plain = file_of(NOTE + END)
    assert midi.parse(plain[:14] + b"XFIH\0\0\0\3abc" + plain[14:] + b"junk") == midi.parse(plain)


def test_a_huge_file_is_refused_unread():
    with pytest.raises(FormatError, match="at most 1048576"):
        midi.parse(b"MThd" + bytes(1 << 20))


@given(st.integers(0, (1 << 28) - 1))
def test_a_variable_length_number_survives_a_round_trip(value):
    raw = write_number(value)
    assert read_number(raw, 0, len(raw)) == (value, len(raw))


def test_a_number_too_long_for_midi_is_refused():
    with pytest.raises(FormatError, match="28 bits"):
        write_number(1 << 28)


# --- notes -------------------------------------------------------------------------------------


def test_notes_have_exact_times():
    assert keys(ABC2MIDI) == [(1, 61, 479), (11, 64, 469), (721, 61, 359), (1081, 73, 119)]
    third = file_of("20 90 3c 50 20 80 3c 00" + END, division=96)
    assert keys(third) == [(160, 60, 160)]
    seventh = file_of("01 90 3c 50 01 80 3c 00" + END, division=7)
    assert keys(seventh) == [(Fraction(480, 7), 60, Fraction(480, 7))]


def test_notes_say_channel_velocity_and_track():
    two = file_of(NOTE + END, "00 93 40 64 83 60 93 40 00" + END, kind=1)
    assert [(n.channel, n.velocity, n.track) for n in midi.notes(two)] == [(0, 80, 0), (3, 100, 1)]


def test_the_oldest_of_overlapping_notes_ends_first():
    data = file_of("00 90 3c 50 0a 90 3c 51 0a 80 3c 00 0a 80 3c 00" + END)
    assert [(n.onset_ticks480, n.duration_ticks480, n.velocity) for n in midi.notes(data)] == [
        (0, 20, 80),
        (10, 20, 81),
    ]


def test_a_note_without_end_lasts_to_the_end_of_its_track_and_a_lone_note_off_is_passed_over():
    assert keys(file_of("00 80 3c 00 00 90 3c 50 60 ff 2f 00")) == [(0, 60, 96)]


def test_patterns_without_a_common_time_line_have_no_notes():
    with pytest.raises(FormatError, match="format 2"):
        midi.notes(file_of(NOTE + END, kind=2))


# --- mending -----------------------------------------------------------------------------------


@given(tunes(), st.integers(0, (1 << 32) - 1))
@settings(max_examples=50, deadline=None)
def test_a_wrong_track_length_is_mended_and_nothing_else(tune, guess):
    data = midi.serialize(tune)
    guessed = data[:18] + struct.pack(">I", guess) + data[22:]
    mended, changes = midi.mend_track_lengths(guessed)
    assert mended == data
    assert len(changes) == (guessed != data)


def test_every_track_is_mended():
    data = file_of(NOTE + END, NOTE + END, kind=1)
    guessed = data.replace(struct.pack(">I", 13), struct.pack(">I", 999))
    assert midi.mend_track_lengths(guessed) == (
        data,
        ["byte 18: length of track 1 set from 999 to 13", "byte 39: length of track 2 set from 999 to 13"],
    )


def test_a_track_without_end_cannot_be_mended():
    with pytest.raises(FormatError, match="ends inside an event"):
        midi.mend_track_lengths(file_of(NOTE))


# --- title and tempo ---------------------------------------------------------------------------

titles = st.lists(st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20), max_size=3)


@given(tunes(), titles, st.integers(4, 500))
@settings(max_examples=50, deadline=None)
def test_title_and_tempo_are_read_back(tune, lines, bpm):
    named = midi.set_title_and_tempo(midi.serialize(tune), "\n".join(lines), bpm)
    assert midi.title_and_tempo(named) == ("\n".join(lines) or None, bpm)
    assert keys(named) == keys(midi.serialize(tune))


def test_title_and_tempo_stand_where_abc2midi_puts_them():
    head = midi.parse(midi.set_title_and_tempo(ABC2MIDI, "Reel\nJig", 90)).tracks[0][:7]
    assert [event.meta for event in head] == [0x01, 0x51, 0x59, 0x58, 0x03, 0x03, None]
    assert head[1].data == (666_666).to_bytes(3, "big")
    assert (head[4].data, head[5].data) == (b"Reel", b"Jig")


def test_setting_nothing_changes_nothing():
    assert midi.set_title_and_tempo(ABC2MIDI, None, None) == ABC2MIDI
    assert midi.title_and_tempo(ABC2MIDI) == (None, 120)
    assert midi.title_and_tempo(SCALE) == (None, None)


def test_a_latin_1_title_is_read():
    assert midi.title_and_tempo(file_of("00 ff 03 03 43 e9 20" + NOTE + END))[0] == "Cé"


@pytest.mark.parametrize("bpm", [0, -3, 3.5, 1e8, float("nan"), float("inf"), 1e-320])
def test_a_tempo_that_no_file_holds_is_refused(bpm):
    with pytest.raises(FormatError, match="tempo"):
        midi.set_title_and_tempo(SCALE, None, bpm)


def test_track_length_spans_are_found_in_a_file_that_is_cut_short():
    data = file_of(NOTE, NOTE, kind=1)
    spans = list(midi.track_length_spans(data))
    assert [data[span.start - 4 : span.start] for span in spans] == [b"MTrk", b"MTrk"]
    assert [int.from_bytes(data[span], "big") for span in spans] == [len(bytes.fromhex(NOTE))] * 2
    assert list(midi.track_length_spans(data[: spans[1].start + 1])) == spans
