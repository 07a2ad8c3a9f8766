"""Any recording becomes one second of WAV, any picture 32x32 pixels of BMP; everything else one line."""

from __future__ import annotations

import io
import json
import random
import shutil
import struct
import subprocess
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.paths import EXAMPLES
from helpers.programs import needs_shebang, write_program
from helpers.tools import needs_ffmpeg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, InputError, ToolError
from bytesim.formats import bmp, wav
from bytesim.media import audio, ffmpeg
from bytesim.media.forms import model_form
from bytesim.media.image import normalize_image
from bytesim.tasks.normalize import Normalized, normalize

RED, WHITE = (255, 0, 0), (255, 255, 255)


def one(source: Path | str, **options: object) -> Normalized:
    """The only result; its error where there is none."""
    (outcome,) = normalize([source], **options)  # type: ignore[arg-type]
    if outcome.error is not None:
        raise outcome.error
    assert outcome.result is not None
    return outcome.result


def tone(seconds: float, rate: int = 44100, channels: int = 2, hz: float = 440.0) -> np.ndarray:
    """(frames, channels) of a sine at half scale."""
    wave = 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def samples_of(path: Path | str) -> np.ndarray:
    """The 8000 samples written, in -1..1."""
    recording = wav.parse(Path(path).read_bytes())
    assert recording.is_model_form
    return (np.frombuffer(recording.frames, np.uint8).astype(float) - wav.SILENCE) / 128


def image_bytes(image: Image.Image, kind: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def colours(image: Image.Image, kind: str = "PNG", fit: str = "crop", **options: object) -> np.ndarray:
    """(32, 32, 3) of what an image saved as `kind` becomes."""
    picture = normalize_image(image_bytes(image, kind, **options), fit=fit).picture
    assert picture.is_model_form
    return np.frombuffer(picture.pixels, np.uint8).reshape(32, 32, 3)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few dozen bytes that claims any size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


# --- recordings ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "CAF", "AU"])
def test_every_kind_of_sound_becomes_the_same_second(tmp_path, kind):
    source = tmp_path / "sound.anything"
    soundfile.write(source, tone(1.5), 44100, format=kind)
    made = one(source)
    assert (made.kind, made.outputs, made.done) == ("wav", [str(tmp_path / "sound.wav")], "first 1 s")
    assert made.found == "44100 Hz stereo, 1.5 s"
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)
    assert np.abs(samples_of(made.outputs[0]) - expected)[100:7900].max() < 0.05


@needs_ffmpeg
@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac", "opus"])
def test_what_ffmpeg_writes_is_read(tmp_path, suffix):
    source = tmp_path / f"tone.{suffix}"
    make = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=440:duration=2:sample_rate=48000", str(source)]
    subprocess.run(make, check=True, timeout=60)
    made = one(source)
    spectrum = np.abs(np.fft.rfft(samples_of(made.outputs[0])))
    assert abs(int(spectrum.argmax()) - 440) <= 1


# --- by ffmpeg -------------------------------------------------------------------------------


def make_with_ffmpeg(target: Path, *, sound: bool = True, picture: bool = False, seconds: int = 2) -> Path:
    """A file with a tone of 440 Hz, a test picture or both, in the format of its suffix."""
    inputs = ["-f", "lavfi", "-i", f"sine=440:duration={seconds}:sample_rate=48000"] if sound else []
    inputs += ["-f", "lavfi", "-i", f"testsrc=duration={seconds}:size=64x48:rate=5"] if picture else []
    subprocess.run(["ffmpeg", "-v", "error", *inputs, str(target)], check=True, timeout=60)
    return target


@needs_ffmpeg
@pytest.mark.parametrize("name", ["a.m4a", "a.aac", "a.mp4", "a.mkv", "a.avi", "a.mov", "a.ts", "it's [a] -x.mp4"])
def test_the_sound_of_videos_and_aac_is_decoded_by_ffmpeg(tmp_path, name):
    source = make_with_ffmpeg(tmp_path / name, picture=name not in ("a.m4a", "a.aac"))
    made = one(source, output=tmp_path / "x.wav")
    spectrum = np.abs(np.fft.rfft(samples_of(made.outputs[0])))
    assert abs(int(spectrum.argmax()) - 440) <= 1
    assert (made.done, made.found.endswith("Hz by ffmpeg")) == ("first 1 s", True)


@needs_ffmpeg
def test_all_seconds_of_a_video_and_a_video_in_memory(tmp_path):
    video = make_with_ffmpeg(tmp_path / "a.mp4", picture=True, seconds=3)
    assert len(one(video, segment="all", output=f"{tmp_path}/all/").outputs) >= 3
    result = CliRunner().invoke(app, ["normalize", "-", "-o", str(tmp_path / "x.wav")], input=video.read_bytes())
    assert result.exit_code == 0, result.output
    data, done = model_form(io.BytesIO(video.read_bytes()), "wav")
    assert len(data) == wav.MODEL_BYTES
    assert done.endswith("by ffmpeg -> first 1 s")


@needs_ffmpeg
def test_a_video_without_sound_and_a_damaged_one_are_one_line(tmp_path):
    with pytest.raises(InputError, match="the video has no sound"):
        one(make_with_ffmpeg(tmp_path / "a.mkv", sound=False, picture=True))
    (tmp_path / "cut.mp4").write_bytes(make_with_ffmpeg(tmp_path / "a.mp4").read_bytes()[:2000])
    with pytest.raises(InputError, match="ffmpeg finds no sound in it that it can decode") as raised:
        one(tmp_path / "cut.mp4")
    assert "\n" not in str(raised.value)


@needs_ffmpeg
def test_a_playlist_makes_ffmpeg_open_no_other_file(tmp_path):
    secret = make_with_ffmpeg(tmp_path / "secret.ts")
    playlists = (f"#EXTM3U\n#EXTINF:2,\n{secret}\n", f"ffconcat version 1.0\nfile {secret}\n")
    for text in playlists:
        (tmp_path / "list.mp4").write_text(text)
        with pytest.raises(InputError, match="neither a recording nor a picture"):
            one(tmp_path / "list.mp4")
        with pytest.raises(InputError, match="no sound in it"), ffmpeg.decoded(io.BytesIO(text.encode())):
            pass


def test_without_ffmpeg_a_video_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(200))
    with pytest.raises(ToolError, match=r"needs ffmpeg, which is not installed\. Install it"):
        one(tmp_path / "a.mp4")


@needs_shebang
def test_an_ffmpeg_that_does_not_end_or_writes_without_end_is_stopped(tmp_path, monkeypatch):
    source = tmp_path / "a.mp4"
    source.write_bytes(b"\0\0\0\x20ftypisom" + bytes(200))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(ffmpeg, "TIMEOUT_S", 0.3)
    write_program(tmp_path / "bin" / "ffmpeg", "import time; time.sleep(60)")
    with pytest.raises(ToolError, match=r"stopped after 0\.3 s"):
        one(source)
    monkeypatch.setattr(ffmpeg, "TIMEOUT_S", 60.0)
    monkeypatch.setattr(ffmpeg, "MAX_OUTPUT_BYTES", 1000)
    endless = "import sys, time; open(sys.argv[-1], 'wb').write(bytes(9999)); time.sleep(60)"
    write_program(tmp_path / "bin" / "ffmpeg", endless)
    with pytest.raises(ToolError, match="too long to decode"):
        one(source)


def test_pictures_and_other_files_are_not_given_to_ffmpeg():
    for head in (b"\0\0\0\x20ftypavif", b"\0\0\0\x20ftypheic", b"RIFF\0\0\0\0WAVE", b"text", b"", b"\x89PNG"):
        assert not ffmpeg.holds_other_sound(head.ljust(16, b"\0"))


# --- names -----------------------------------------------------------------------------------


def test_inputs_that_differ_in_their_suffix_only_are_named_apart(tmp_path):
    for name in ("song.flac", "song.wav", "other.wav"):
        soundfile.write(tmp_path / name, tone(1.0), 8000)
    shutil.copy(EXAMPLES / "sunset.png", tmp_path / "song.png")
    words = [str(tmp_path / name) for name in ("song.flac", "song.wav", "song.png", "other.wav")]
    result = CliRunner().invoke(app, ["normalize", *words, "-o", str(tmp_path / "small")])
    assert result.exit_code == 0
    made = sorted(path.name for path in (tmp_path / "small").iterdir())
    assert made == ["other.wav", "song.bmp", "song.flac.wav", "song.wav.wav"]
    example = f"{words[0]} -> {tmp_path / 'small' / 'song.flac.wav'}"
    assert result.stderr == f"inputs that differ in their suffix only keep their whole names: {example}\n"


def test_beside_their_sources_they_are_named_apart_as_well_and_no_source_is_replaced(tmp_path):
    soundfile.write(tmp_path / "song.flac", tone(1.0), 8000)
    soundfile.write(tmp_path / "song.wav", tone(1.0), 8000)
    before = (tmp_path / "song.wav").read_bytes()
    normalize([tmp_path / "song.flac", tmp_path / "song.wav"], force=True)
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["song.flac", "song.flac.wav", "song.wav", "song.wav.wav"]
    assert (tmp_path / "song.wav").read_bytes() == before


def test_the_same_stem_in_two_subfolders_needs_no_other_name(tmp_path):
    for place in ("cat/1.wav", "dog/1.flac"):
        (tmp_path / "in" / place).parent.mkdir(parents=True)
        soundfile.write(tmp_path / "in" / place, tone(1.0), 8000)
    outcomes = normalize(tmp_path / "in", output=tmp_path / "out")
    assert [Path(outcome.result.outputs[0]).name for outcome in outcomes] == ["1.wav", "1.wav"]


def test_a_file_in_the_model_form_passes_unchanged(tmp_path):
    made = one(EXAMPLES / "bell.wav", output=tmp_path / "same.wav")
    assert (tmp_path / "same.wav").read_bytes() == (EXAMPLES / "bell.wav").read_bytes()
    assert made.done == "unchanged"


def test_an_mp3_is_decoded_in_blocks_as_it_is_in_one_piece():
    file = io.BytesIO()  # of varying bit rate, so that frames lend each other bits
    soundfile.write(file, tone(5), 44100, format="MP3")
    file.seek(0)
    blocks = list(audio.Sound(audio.SoundFileLike(file)).blocks())
    assert len(blocks) > 5
    assert np.abs(np.concatenate(blocks) - tone(5, 8000, 1)[:, 0])[50:-50].max() < 0.05


@given(st.binary(min_size=1, max_size=64))
def test_eight_bit_samples_keep_their_value(data):
    floats = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    assert wav.parse(audio.model_wav(floats)) == wav.model_recording(data)


def test_a_short_recording_is_padded_with_silence(tmp_path):
    soundfile.write(tmp_path / "short.flac", tone(0.25, 8000, 1), 8000)
    made = one(tmp_path / "short.flac")
    assert made.done == "padded to 1 s"
    assert not samples_of(made.outputs[0])[2000:].any()


def test_the_loudest_second_is_found_where_it_is(tmp_path):
    sound = np.concatenate([tone(3.07) * 0.1, tone(1), tone(2) * 0.1])
    soundfile.write(tmp_path / "late.wav", sound, 44100)
    made = one(tmp_path / "late.wav", segment="loudest", output=tmp_path / "loud.wav")
    assert made.done == "loudest 1 s, from 3.07 s"
    assert samples_of(made.outputs[0])[:7900].std() > 0.3


def test_all_seconds_are_numbered(tmp_path):
    soundfile.write(tmp_path / "long.wav", tone(2.5, 8000, 1), 8000)
    made = one(tmp_path / "long.wav", segment="all")
    assert made.outputs == [str(tmp_path / f"long-00{n}.wav") for n in (1, 2, 3)]
    assert made.done == "3 pieces of 1 s, the last padded"
    joined = np.concatenate([samples_of(path) for path in made.outputs])
    assert np.abs(joined[:20000] - tone(2.5, 8000, 1)[:, 0]).max() < 0.01


def test_no_piece_is_written_where_one_of_them_exists(tmp_path):
    soundfile.write(tmp_path / "long.wav", tone(2.5, 8000, 1), 8000)
    (tmp_path / "long-002.wav").touch()
    with pytest.raises(BytesimError, match=r"long-002\.wav: exists"):
        one(tmp_path / "long.wav", segment="all")
    assert not (tmp_path / "long-001.wav").exists()


def sparse_wav(path: Path, seconds: int) -> Path:
    """A WAV of 8000 Hz mono 8-bit whose samples take no room on disk."""
    header = wav.serialize(wav.model_recording(b""))[:44]
    size = seconds * 8000
    with open(path, "wb") as file:
        file.write(header[:4] + struct.pack("<I", size + 36) + header[8:40] + struct.pack("<I", size))
        file.truncate(size + 44)
    return path


def test_three_hours_are_not_read_for_their_first_second(tmp_path):
    read: list[int] = []
    with open(sparse_wav(tmp_path / "long.wav", 3 * 3600), "rb") as file:
        sound = audio.Sound(audio.SoundFileLike(file, read.append))
        assert len(audio.first_second(sound.blocks())) == 8000
    assert sum(read) < 1_000_000
    assert one(tmp_path / "long.wav", output=tmp_path / "x.wav").found == "8000 Hz mono, 3 h 0 min"


@pytest.mark.parametrize("pick", [audio.loudest_second, lambda blocks: sum(map(len, audio.every_second(blocks)))])
def test_memory_does_not_grow_with_the_recording(pick):
    tracemalloc.start()
    pick(np.full(65536, 0.1, np.float32) for _ in range(200))  # 27 minutes, 52 MB
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


@pytest.mark.parametrize("segment", ["loudest", "all"])
def test_endless_recordings_are_refused_before_the_work(tmp_path, segment):
    source = sparse_wav(tmp_path / "years.wav", 49 * 3600)
    with pytest.raises(InputError, match="48 hours"):
        one(source, segment=segment, output=tmp_path / "x.wav")


def test_floats_out_of_range_are_clipped_and_nan_is_silence(tmp_path):
    soundfile.write(tmp_path / "odd.wav", np.array([np.nan, np.inf, -np.inf, 7.0, 0.0]), 8000, subtype="FLOAT")
    samples = samples_of(one(tmp_path / "odd.wav", output=tmp_path / "x.wav").outputs[0])
    assert samples[:5].tolist() == [0, 127 / 128, -1, 127 / 128, 0]


def test_a_recording_without_sound_is_refused(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 8000)
    with pytest.raises(InputError, match="holds no sound"):
        one(tmp_path / "none.wav", output=tmp_path / "x.wav")


def test_a_sample_rate_no_recording_has_is_refused(tmp_path):
    data = (EXAMPLES / "bell.wav").read_bytes()
    (tmp_path / "odd.wav").write_bytes(data[:24] + struct.pack("<II", 3, 3) + data[32:])
    with pytest.raises(InputError, match="sample rate of 3 Hz"):
        one(tmp_path / "odd.wav", output=tmp_path / "x.wav")


# --- pictures --------------------------------------------------------------------------------


def test_a_picture_is_judged_by_content_not_by_name(tmp_path):
    shutil.copy(EXAMPLES / "sunset.png", tmp_path / "song.mp3")
    made = one(tmp_path / "song.mp3")
    assert (made.kind, made.found, made.done) == ("bmp", "PNG 96x64", "middle square, 32x32")
    assert bmp.parse((tmp_path / "song.bmp").read_bytes()).is_model_form


def test_a_picture_of_32x32_keeps_its_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    assert (colours(Image.fromarray(pixels), fit="crop") == pixels).all()
    assert (colours(Image.fromarray(pixels), fit="pad") == pixels).all()


def test_the_three_fits_differ_as_they_say():
    halves = Image.new("RGB", (128, 64), "red")
    halves.paste("blue", (32, 0, 96, 64))
    assert (colours(halves, fit="crop")[:, 4:28] == (0, 0, 255)).all()
    padded = colours(halves, fit="pad")
    assert (padded[:8] == WHITE).all()
    assert (padded[24:] == WHITE).all()
    assert (padded[9:23, 0] == RED).all()
    stretched = colours(halves, fit="stretch")
    assert (stretched[:, 0] == RED).all()
    assert (stretched[:, 16] == (0, 0, 255)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(mode):
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 64, 32))
    small = colours(image.convert(mode) if mode != "P" else image.quantize(4))
    assert (small[:12] == (0, 0, 0)).all()
    assert (small[20:] == WHITE).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation):
    image = Image.new("RGB", (64, 64), "white")
    image.paste("red", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = orientation
    small = colours(image, "PNG", exif=exif)
    row, column = [(0, 0), (0, 0), (0, 31), (31, 31), (31, 0), (0, 0), (0, 31), (31, 31), (31, 0)][orientation]
    assert small[row, column].tolist() == list(RED)
    assert small[31 - row, 31 - column].tolist() == list(WHITE)


def test_greys_of_sixteen_bits_and_floats_keep_their_brightness():
    ramp = np.linspace(0, 1, 32)[None, :].repeat(32, axis=0)
    expected = np.rint(ramp * 255)
    for grey, kind in [((ramp * 65535).astype(np.uint16), "PNG"), (ramp.astype(np.float32), "TIFF")]:
        small = colours(Image.fromarray(grey), kind).astype(int)
        assert np.abs(small - expected[..., None]).max() <= 1
    assert (
        np.abs(colours(Image.fromarray(np.rint(ramp * 255).astype(np.uint8))).astype(int)[..., 0] - expected).max() == 0
    )
    wide = colours(Image.fromarray((ramp * 1e6 - 5e5).astype(np.int32)), "TIFF").astype(int)
    assert np.abs(wide - expected[..., None]).max() <= 1


@pytest.mark.parametrize("mode", ["1", "P", "CMYK", "L"])
def test_other_colour_modes_come_out_right(mode):
    kind = "TIFF" if mode == "CMYK" else "PNG"
    assert colours(Image.new("RGB", (40, 40), "white").convert(mode), kind).min() >= 254


def test_the_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "lime")]
    for kind in ("GIF", "WEBP"):
        small = colours(frames[0], kind, save_all=True, append_images=frames[1:])
        assert np.abs(small.astype(int) - RED).max() < 8


def test_a_large_jpeg_is_decoded_at_a_fraction():
    image = Image.new("L", (9000, 9000), 200)  # 81 million pixels, over the limit before the fraction is taken
    assert np.abs(colours(image, "JPEG").astype(int) - 200).max() <= 1
    with pytest.raises(InputError, match="81,000,000 pixels"):
        colours(image, "JPEG", progressive=True)


@pytest.mark.parametrize("size", [(50_000, 50_000), (9_000, 9_000), (2**31 - 1, 2**31 - 1)])
def test_image_bombs_are_refused_before_they_are_decoded(tmp_path, size):
    (tmp_path / "bomb.png").write_bytes(png_claiming(*size))
    tracemalloc.start()
    with pytest.raises(InputError, match=r"more .*pixels|pixels, more"):
        one(tmp_path / "bomb.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50_000_000
    assert [path.name for path in tmp_path.iterdir()] == ["bomb.png"]


def test_a_jpeg_of_endless_scans_is_refused():
    data = image_bytes(Image.new("L", (4000, 4000)), "JPEG", progressive=True).getvalue()
    with pytest.raises(InputError, match="too many scans"):
        normalize_image(io.BytesIO(data + b"\xff\xda" * 1000))


def test_a_program_is_not_started_for_postscript(tmp_path):
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n")
    with pytest.raises(InputError, match="neither"):
        one(tmp_path / "page.eps")


# --- anything --------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.sampled_from([b"", b"ID3", b"\xff\xfb", b"fLaC", b"OggS", b"RIFF", b"GIF89a", b"II*\0", b"\xf0\x7e\0\1"]),
    tail=st.binary(),
)
def test_any_bytes_become_a_file_or_one_line(tmp_path, capfd, head, tail):
    (tmp_path / "any").write_bytes(head + tail)
    (outcome,) = normalize([tmp_path / "any"], force=True)
    assert (outcome.error is None) != (outcome.result is None)
    assert "\n" not in str(outcome.error)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_a_damaged_file_becomes_a_file_or_one_line(tmp_path, capfd, kind):
    file = io.BytesIO()
    if kind in {"WAV", "FLAC", "OGG", "MP3"}:
        soundfile.write(file, tone(0.3, 16000, 1), 16000, format=kind)
    else:
        Image.effect_noise((48, 40), 80).convert("RGB").save(file, kind)
    dice = random.Random(kind)
    for _ in range(25):
        data = bytearray(file.getvalue()[: dice.randrange(1, len(file.getvalue()) + 1)])
        for _ in range(dice.randrange(6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        (tmp_path / "any").write_bytes(data)
        (outcome,) = normalize([tmp_path / "any"], force=True)
        assert (outcome.error is None) != (outcome.result is None)
    assert capfd.readouterr() == ("", "")


def test_an_unknown_choice_is_refused():
    for options in ({"to": "png"}, {"segment": "last"}, {"fit": "bend"}):
        with pytest.raises(ConfigError, match="is unknown; choose one of"):
            normalize(["x"], **options)


def test_the_kind_expected_is_insisted_on(tmp_path):
    with pytest.raises(InputError, match="not a picture"):
        one(EXAMPLES / "bell.wav", to="bmp", output=tmp_path / "x.bmp")
    with pytest.raises(InputError, match="not a recording"):
        one(EXAMPLES / "sunset.png", to="wav", output=tmp_path / "x.wav")
    with pytest.raises(BytesimError, match=r"a \.wav file"):
        one(EXAMPLES / "bell.wav", output=tmp_path / "x.bmp")


def test_a_folder_is_walked_and_its_tree_kept(tmp_path):
    for place in ("cat/1.wav", "dog/1.wav", "dog/notes.txt"):
        (tmp_path / "in" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLES / "bell.wav", tmp_path / "in" / place)
    outcomes = normalize([tmp_path / "in"], output=tmp_path / "out")
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.wav"))
    assert written == ["cat/1.wav", "dog/1.wav"]
    assert all(outcome.error is None for outcome in outcomes)


def test_progress_counts_every_byte_once(tmp_path):
    calls: list[tuple[int, int]] = []
    sources = [EXAMPLES / "bell.wav", EXAMPLES / "sunset.png"]
    normalize(sources, output=tmp_path, on_progress=lambda done, total: calls.append((done, total)))
    total = sum(source.stat().st_size for source in sources)
    assert calls[-1] == (total, total)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


# --- the command -----------------------------------------------------------------------------


def test_the_command_says_what_it_wrote_and_what_it_changed(tmp_path):
    soundfile.write(tmp_path / "[red] song.flac", tone(3.2), 44100)
    target = tmp_path / "out.wav"
    result = CliRunner().invoke(app, ["normalize", str(tmp_path / "[red] song.flac"), "-o", str(target)])
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"{tmp_path / '[red] song.flac'} -> {target}: 44100 Hz stereo, 3.2 s -> first 1 s\n"


def test_the_command_does_the_good_ones_and_reports_the_bad_ones(tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"garbage")
    (tmp_path / "empty.png").touch()
    sources = [
        str(tmp_path / "bad.wav"),
        str(EXAMPLES / "sunset.png"),
        str(tmp_path / "empty.png"),
        str(tmp_path / "no"),
    ]
    result = CliRunner().invoke(app, ["normalize", *sources, "-o", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["sunset.bmp"]
    errors = result.stderr.splitlines()
    assert [line.split(": ")[0] for line in errors] == ["error"] * 3
    assert len(result.stdout.splitlines()) == 1


def test_the_command_prints_json(tmp_path):
    result = CliRunner().invoke(app, ["normalize", str(EXAMPLES / "bell.wav"), "-o", f"{tmp_path}/new/", "--json"])
    (row,) = json.loads(result.stdout)
    assert row["result"]["outputs"] == [str(tmp_path / "new" / "bell.wav")]
    assert row["error"] is None


def test_the_command_reads_stdin_and_writes_stdout():
    result = CliRunner().invoke(app, ["normalize", "-"], input=(EXAMPLES / "sunset.png").read_bytes())
    assert result.exit_code == 0
    assert bmp.parse(result.stdout_bytes).is_model_form
    assert result.stderr == "- -> -: PNG 96x64 -> middle square, 32x32\n"


def test_json_and_the_file_cannot_both_go_to_stdout():
    assert CliRunner().invoke(app, ["normalize", "-", "--json"], input=b"x").exit_code == 2


def test_a_second_run_asks_for_force(tmp_path):
    command = ["normalize", str(EXAMPLES / "bell.wav"), "-o", str(tmp_path / "x.wav")]
    assert [CliRunner().invoke(app, command).exit_code for _ in range(2)] == [0, 1]
    assert CliRunner().invoke(app, [*command, "--force"]).exit_code == 0
