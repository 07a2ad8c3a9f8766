"""Augmentations: a file of the same form, of the same class, and another one each time."""

import io
import re
import zipfile

import mido
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bytesim.errors import ConfigError
from bytesim.formats import bmp, wav
from bytesim.formats.midi.notes import notes
from bytesim.formats.midi.parse import parse
from bytesim.formats.midi.styles import restyled
from bytesim.models.encoder.config import EncoderConfig
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.patching import END_OF_PATCH, frame_file
from bytesim.training.data.augment import AUGMENTATIONS, augmented, mixed
from bytesim.training.data.examples import Example
from bytesim.training.data.shards import pack, save_shard
from bytesim.training.data.streams import open_stream
from bytesim.training.sources import ClassifySource, GenerateSource, source_of

RNG = np.random.default_rng(0)
PICTURE = bmp.serialize(bmp.Picture(width=32, height=32, pixels=RNG.integers(0, 256, 3072, np.uint8).tobytes()))
RECORDING = wav.serialize(wav.model_recording(RNG.integers(100, 156, 8000, np.uint8).tobytes()))
OF_PICTURES = [name for name, (skipped, *_) in AUGMENTATIONS.items() if skipped == 54]
OF_RECORDINGS = [name for name, (skipped, *_) in AUGMENTATIONS.items() if skipped == 44]


@pytest.mark.parametrize("name", OF_PICTURES)
def test_a_picture_stays_a_picture_and_is_changed(name):
    made = [augmented(PICTURE, name, np.random.default_rng(seed)) for seed in range(6)]
    assert all(Image.open(io.BytesIO(each)).size == (32, 32) for each in made)
    assert all(each[:54] == PICTURE[:54] and len(each) == len(PICTURE) for each in made)
    assert len(set(made)) > 1


@pytest.mark.parametrize("name", OF_RECORDINGS)
def test_a_recording_stays_one_and_is_changed(name):
    made = [augmented(RECORDING, name, np.random.default_rng(seed)) for seed in range(6)]
    assert all(soundfile.info(io.BytesIO(each)).frames == 8000 for each in made)
    assert all(each[:44] == RECORDING[:44] for each in made)
    assert len(set(made)) > 1


def test_a_flip_is_the_mirror_image():
    seeds = [augmented(PICTURE, "flip", np.random.default_rng(seed)) for seed in range(8)]
    mirrored = Image.open(io.BytesIO(PICTURE)).transpose(Image.Transpose.FLIP_LEFT_RIGHT).tobytes()
    assert {Image.open(io.BytesIO(each)).tobytes() for each in seeds} == {
        Image.open(io.BytesIO(PICTURE)).tobytes(),
        mirrored,
    }


@given(st.binary(max_size=300), st.integers(0, 9))
def test_dropped_bytes_become_blanks_and_nothing_else(data, seed):
    made = augmented(data, "drop", np.random.default_rng(seed))
    assert len(made) == len(data)
    assert all(new == old or new == ord(" ") for new, old in zip(made, data, strict=True))


def archive(names):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name in names:
            made.writestr(name, f"the content of {name}")
    return buffer.getvalue()


def test_members_of_an_archive_are_listed_in_another_order_and_a_few_are_not():
    names = [f"folder/member{number}.xml" for number in range(20)]
    data = archive(names)
    made = [augmented(data, "members", np.random.default_rng(seed)) for seed in range(12)]
    listed = [re.findall(rb"PK\x01\x02.{42}(folder/member\d+\.xml)", each, re.S) for each in made]
    assert any(each == data for each in made)
    assert any(sorted(each) == sorted(name.encode() for name in names) != each for each in listed)
    assert min(map(len, listed)) in range(14, 20)
    assert all(set(each) <= {name.encode() for name in names} and len(set(each)) == len(each) for each in listed)
    contents = data.index(b"PK\1\2")
    assert all(each[:contents] == data[:contents] and each[-22:] == data[-22:] for each in made)


@given(st.binary(max_size=300), st.integers(0, 9))
def test_a_file_that_is_not_an_archive_keeps_its_members(data, seed):
    assert augmented(data, "members", np.random.default_rng(seed)) == data or data.count(b"PK\1\2") > 1


TEXT = "".join(f"line {number} of a file\n" for number in range(150)).encode()


def test_lines_are_kept_whole_and_in_order_from_the_first_one_or_the_middle():
    made = [augmented(TEXT, "lines", np.random.default_rng(seed)) for seed in range(200)]
    shorter = [each for each in made if each != TEXT]
    assert all(each.endswith(b"\n") and each.startswith(b"line ") and each in TEXT for each in made)
    assert 60 < len(shorter) < 140
    assert 15 < sum(not TEXT.startswith(each) for each in shorter) < 60
    assert sum(len(each) < 256 for each in shorter) > len(shorter) / 4


@given(st.binary(max_size=300), st.integers(0, 9))
def test_a_file_with_zeros_or_with_a_single_line_keeps_its_lines(data, seed):
    for whole in (data + b"\0\n\n", data.replace(b"\n", b" ") + b"\n"):
        assert augmented(whole, "lines", np.random.default_rng(seed)) == whole


def test_styles_keep_the_music():
    midi = render_abc2midi("X:1\nL:1/8\nM:6/8\nK:G\nGAB c2d|[Bd]3 G3|\n").midi
    known, changed = notes(midi), 0
    rng = np.random.default_rng(3)
    for _ in range(40):
        file = augmented(midi, "styles", rng)
        changed += file != midi
        played = notes(file)
        assert len(played) in (len(known), 2 * len(known))
        assert mido.MidiFile(file=io.BytesIO(file)).ticks_per_beat == parse(file).ticks_per_quarter
        if len(played) == len(known):
            steps = {one.pitch - other.pitch for one, other in zip(played, known, strict=True)}
            assert len(steps) == 1
            assert steps <= {-12, 0, 12}
    assert 5 < changed < 35


@given(st.binary(max_size=200))
def test_what_is_not_midi_keeps_its_bytes(data):
    assert restyled(data, np.random.default_rng(0)) == data


def test_the_same_draw_gives_the_same_file():
    names = "speed shift gain noise mask tone"
    first, again = (augmented(RECORDING, names, np.random.default_rng(3)) for _ in range(2))
    assert first == again


def test_files_are_mixed_byte_by_byte_and_know_whose_they_are():
    files = [bytes([value]) * 20 for value in (0, 100, 200)]
    examples = [Example(frame_file(each, "wav", 16), 1, b"", label, 20) for label, each in enumerate(files)]
    for each in mixed(examples, 0.5, np.random.default_rng(1)):
        own, partner = 100 * each.label, 100 * each.mix_label
        wanted = round(each.mix_weight * own + (1 - each.mix_weight) * partner)
        assert 0.5 <= each.mix_weight <= 1
        assert np.array_equal(each.patches[-1], np.full(16, END_OF_PATCH))
        assert each.patches[1].tolist() == [wanted] * 16


def test_files_of_another_form_are_refused_and_not_cut(tmp_path):
    small = bmp.serialize(bmp.Picture(width=8, height=4, pixels=bytes(96)))
    save_shard(tmp_path / "rows.npz", pack([(b"", small)] * 2, labels=[0, 1]))
    source = ClassifySource(path="rows.npz", target_suffix="bmp", augment="flip")
    with pytest.raises(ConfigError, match="3,126 bytes"):
        open_stream(source, EncoderConfig(), tmp_path, ("up", "down"))


def test_pairs_are_not_augmented_and_only_files_with_a_class_are_mixed():
    pairs = {"task": "convert", "source_suffix": "abc", "target_suffix": "mid"}
    with pytest.raises(ConfigError, match="generate or classify"):
        source_of({"path": "x", "augment": "drop", **pairs})
    with pytest.raises(ConfigError, match="classify"):
        source_of({"path": "x", "mixup": 0.2})
    assert GenerateSource(path="x", augment="flip").augment == "flip"
