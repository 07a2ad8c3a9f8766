"""WAV files survive a round trip, and broken ones are explained."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import pytest
import soundfile
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import FormatError
from bytesim.formats import wav

BELL = wav.serialize(wav.model_recording(bytes(range(256)) * 31))


@st.composite
def recordings(draw: st.DrawFn) -> wav.Recording:
    form, channels = draw(st.sampled_from(wav.SampleFormat)), draw(st.integers(1, 6))
    width = channels * form.num_bytes
    frames = draw(st.binary(max_size=200))
    return wav.Recording(
        sample_rate_hz=draw(st.integers(1, 200_000)),
        num_channels=channels,
        sample_format=form,
        frames=frames[: len(frames) // width * width],
    )


def place_of_fault(data: bytes) -> int | None:
    """Where the parser finds the first fault; 0 for a sound file, None for an error without an offset."""
    try:
        wav.parse(data)
    except FormatError as error:
        return error.offset
    return 0


def test_the_example_survives_a_round_trip():
    original = (EXAMPLES / "bell.wav").read_bytes()
    recording = wav.parse(original)
    assert wav.serialize(recording) == original
    assert len(original) == wav.MODEL_BYTES == 8044
    assert recording.is_model_form


@given(recordings())
def test_every_recording_survives_a_round_trip(recording):
    data = wav.serialize(recording)
    assert wav.parse(data) == recording
    assert wav.serialize(wav.parse(data)) == data


@given(recordings())
def test_libsndfile_reads_what_we_write(recording):
    info = soundfile.info(io.BytesIO(wav.serialize(recording)))
    assert (info.samplerate, info.channels) == (recording.sample_rate_hz, recording.num_channels)
    assert info.frames == recording.num_frames


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_we_read_what_libsndfile_writes(kind, subtype):
    file = io.BytesIO()
    soundfile.write(file, [[0.5, -0.5], [0.25, 0.0], [0.0, 0.125]], 22050, subtype, format=kind)
    recording = wav.parse(file.getvalue())
    assert (recording.sample_rate_hz, recording.num_channels, recording.num_frames) == (22050, 2, 3)
    if subtype == "PCM_16":
        assert struct.unpack("<6h", recording.frames) == (16384, -16384, 8192, 0, 0, 4096)


@given(st.binary(max_size=512))
def test_any_bytes_parse_or_explain(data):
    with suppress(FormatError):
        wav.parse(data)


@given(st.integers(0, 60), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_parses_or_explains_where(offset, damage):
    data = BELL[:offset] + damage + BELL[offset + len(damage) :]
    assert place_of_fault(data) in range(len(data) + 1)


@given(st.integers(0, len(BELL) - 1))
def test_a_file_cut_short_is_refused(length):
    with pytest.raises(FormatError):
        wav.parse(BELL[:length])


@pytest.mark.parametrize(
    ("offset", "field", "says"),
    [
        (0, b"RIFX", "not a WAV file"),
        (4, b"\xff\xff\xff\xff", "cut short"),
        (20, b"\x06\x00", "not uncompressed"),  # A-law
        (22, b"\x00\x00", "no channel"),
        (24, b"\x00\x00\x00\x00", "rate of 0"),
        (28, b"\x41\x1f\x00\x00", "bytes per second"),
        (32, b"\x02\x00", "bytes per frame"),
        (40, b"\xff\xff\xff\x7f", "claims 2147483647 bytes"),
    ],
)
def test_a_header_that_lies_is_refused_at_the_field(offset, field, says):
    data = BELL[:offset] + field + BELL[offset + len(field) :]
    with pytest.raises(FormatError, match=says) as caught:
        wav.parse(data)
    assert caught.value.offset is not None
    assert abs(caught.value.offset - offset) <= 12


def test_other_chunks_are_passed_over_and_odd_ones_padded():
    note = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    data = BELL[:12] + note + BELL[12:]
    data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    assert wav.parse(data) == wav.parse(BELL)


def test_samples_before_their_description_are_refused():
    fmt, samples = BELL[12:36], BELL[36:]
    with pytest.raises(FormatError, match="before the `fmt ` chunk"):
        wav.parse(BELL[:12] + samples + fmt)


def test_the_model_form_is_one_second_padded_with_silence():
    recording = wav.model_recording(b"\x00\xff")
    assert recording.frames == b"\x00\xff" + b"\x80" * 7998
    assert recording.duration_s == 1.0


@pytest.mark.parametrize(("channels", "rate", "frames"), [(0, 1, b""), (1, 0, b""), (2, 1, b"a"), (65535, 65538, b"")])
def test_an_impossible_recording_is_refused(channels, rate, frames):
    with pytest.raises(FormatError):
        wav.Recording(sample_rate_hz=rate, num_channels=channels, sample_format=wav.SampleFormat.U8, frames=frames)
