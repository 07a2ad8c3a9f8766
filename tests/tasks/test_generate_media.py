"""generate, for pictures, sound and text: valid by construction, prompts kept, sheets, and what stands beside tunes."""

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers.music_models import MUSIC, answering, make_model
from helpers.paths import EXAMPLES
from helpers.tools import needs_abcm2ps
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.engine.decode import decode
from bytesim.errors import ConfigError, ContextError, InputError, OutputError, ToolError
from bytesim.formats import bmp, midi, wav
from bytesim.formats.media_grammar import BMP_HEADER, WAV_HEADER
from bytesim.media.image import normalize_image
from bytesim.models.store import known_aliases
from bytesim.oracles.abcmidi import find_tool, version_number
from bytesim.pictures.sheet import MAX_SHOWN, sheet
from bytesim.requests import Request
from bytesim.tasks.generate import draw as generate_draw
from bytesim.tasks.generate import generate as task

TUNE = b"X:1\nM:4/4\nL:1/8\nK:D\nDFAdfdAF|GBAGFAD2|\n"
KINDS = {"bmp": 200, "wav": 510, "txt": 8}
"""Suffix -> max_patches of its tiny model."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny random model for every kind."""
    root = tmp_path_factory.mktemp("models")
    made = {}
    for suffix, max_patches in KINDS.items():
        recipe = f'name = "x"\n[[data]]\npath = "none.npz"\ntask = "generate"\ntarget_suffix = "{suffix}"\n'
        shape = {"patch_size": 16, "hidden_size": 16, "byte_hidden_size": 16, "source_attention": False}
        made[suffix] = str(make_model(root / f"my{suffix}", recipe, max_patches=max_patches, **shape))
    return made


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "music"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(outcomes) -> list[bytes]:
    return [Path(outcome.result.output).read_bytes() for outcome in outcomes]


def run(*words: str | Path):
    return CliRunner().invoke(app, ["generate", *map(str, words)])


def test_a_picture_is_completed_from_its_lower_part(models):
    drawn = task.generate(
        model=models["bmp"], prompt_file=EXAMPLES / "sunset.png", keep=0.875, count=3, seed=1, tries=1, output="new"
    )
    with open(EXAMPLES / "sunset.png", "rb") as file:
        whole = normalize_image(file).picture
    for data in files_of(drawn):
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.size, picture.mode) == ((32, 32), "RGB")
            pixels = picture.tobytes()
        assert pixels[4 * 96 :] == whole.pixels[4 * 96 :]
        assert pixels[: 4 * 96] != whole.pixels[: 4 * 96]
    assert len(set(files_of(drawn))) == 3


def test_a_picture_from_nothing_is_valid_and_its_header_costs_no_step(models, monkeypatch):
    asked: list[Request] = []

    def spy(model, requests, **options):
        asked.extend(requests)
        return decode(model, requests, **options)

    monkeypatch.setattr(bulk, "decode", spy)
    drawn = task.generate(model=models["bmp"], temperature=4.0, seed=1, tries=1)
    (data,) = files_of(drawn)
    assert (len(data), data[:54]) == (3126, BMP_HEADER)
    Image.open(io.BytesIO(data)).load()
    assert len(asked[0].history) == 1 + 54 // 16
    assert asked[0].prefix == BMP_HEADER[48:]


def test_a_recording_is_completed_from_its_beginning(models):
    tone = (np.sin(np.arange(44100) / 20) * 0.5).astype(np.float32)
    soundfile.write("tone.flac", np.stack([tone, tone], 1), 44100)
    drawn = task.generate(
        model=models["wav"], prompt_file="tone.flac", keep=0.97, count=2, seed=1, tries=1, output="new"
    )
    first, second = files_of(drawn)
    assert first[: 44 + 7760] == second[: 44 + 7760]
    assert first != second
    for data in (first, second):
        samples, rate = soundfile.read(io.BytesIO(data))
        assert (len(samples), rate, data[:44]) == (8000, 8000, WAV_HEADER)
        assert np.abs(samples[:7760]).max() > 0.3


def test_half_of_a_whole_file_is_kept_and_all_of_a_begun_one(models, monkeypatch):
    begun: list[int] = []

    def answer(request: Request) -> bytes:
        begun.append(16 * (len(request.history) - 1) + len(request.prefix))
        return request.prefix.ljust(3126 - 16 * (len(request.history) - 1), b"\7")

    monkeypatch.setattr(bulk, "decode", answering(answer))
    picture = bmp.serialize(bmp.Picture(width=32, height=32, pixels=bytes(range(256)) * 12))
    for data, keep in ((picture, None), (picture, 0.25), (picture[:1000], None), (picture[:20], None)):
        Path("prompt.bmp").write_bytes(data)
        task.generate(model=models["bmp"], prompt_file="prompt.bmp", keep=keep, output="out.bmp", force=True)
    assert begun == [54 + 1536, 54 + 768, 1000, 54]


def test_texts_are_utf_8_whatever_the_model_prefers(models):
    prompt = "Übung macht den M€"
    drawn = task.generate(model=models["txt"], prompt=prompt, count=12, temperature=5.0, seed=1, tries=1, output="new")
    texts = [data.decode("utf-8") for data in files_of(drawn)]
    assert all(text.startswith(prompt) and "\0" not in text for text in texts)
    assert len(set(texts)) == 12
    assert all(len(data) <= 7 * 16 - 1 for data in files_of(drawn))
    assert any(outcome.result.truncated for outcome in drawn)


def test_max_bytes_ends_texts_at_a_character(models):
    for longest in (8, 9, 31, 32, 33, 48):
        drawn = task.generate(
            model=models["txt"], max_bytes=longest, prompt="abcd", count=6, seed=3, tries=1, output=f"to{longest}"
        )
        for data in files_of(drawn):
            data.decode("utf-8")
            assert 4 <= len(data) <= longest


def test_a_prompt_that_ends_inside_a_character_is_gone_on_with(models):
    Path("prompt").write_bytes("ab😀".encode()[:4])
    drawn = task.generate(model=models["txt"], prompt_file="prompt", count=4, seed=3, tries=1, output="new")
    for data in files_of(drawn):
        assert data[:4] == "ab😀".encode()[:4]
        data.decode("utf-8")


def test_a_share_of_a_text_is_cut_at_a_character(models, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: request.prefix + b"."))
    Path("prompt.txt").write_text("aaéé", encoding="utf-8")
    task.generate(model=models["txt"], prompt_file="prompt.txt", keep=0.5, output="out.txt")
    assert Path("out.txt").read_text() == "aa."


def test_the_same_seed_gives_the_same_file_in_any_batch(models, monkeypatch):
    first = task.generate(model=models["txt"], count=5, seed=7, output="many")
    monkeypatch.setattr(generate_draw, "SLOTS", 2)
    again = task.generate(model=models["txt"], count=5, seed=7, output="few")
    alone = task.generate(model=models["txt"], seed=first[3].result.seed, output="one.txt")
    assert files_of(first) == files_of(again)
    assert files_of(alone) == files_of(first)[3:4]


@pytest.mark.parametrize(
    ("suffix", "prompt", "offset"),
    [("txt", b"ab\xff", 2), ("txt", b"a\xed\xa0\x80", 2), ("txt", b"a\0", 1), ("abc", b"X:2\nno tune", 2)],
)
def test_a_prompt_that_begins_no_valid_file_is_refused_with_its_offset(models, music, here, suffix, prompt, offset):
    Path("prompt").write_bytes(prompt)
    with pytest.raises(InputError, match=f"no .{suffix} file can begin like this") as caught:
        task.generate(model={**models, "abc": music}[suffix], prompt_file="prompt")
    assert (caught.value.file, caught.value.offset) == ("prompt", offset)
    assert [path.name for path in here.iterdir()] == ["prompt"]


def test_a_text_prompt_of_a_picture_and_a_file_that_is_none_are_refused(models):
    with pytest.raises(
        InputError, match=r"the prompt, byte 0: no \.bmp file can begin like this: b'h' is not allowed here"
    ):
        task.generate(model=models["bmp"], prompt="hello")
    Path("notes.txt").write_text("no picture, no sound")
    for suffix, words in (("bmp", "notes.txt: not a picture"), ("wav", "notes.txt: not a recording")):
        with pytest.raises(InputError, match=words):
            task.generate(model=models[suffix], prompt_file="notes.txt")


@pytest.mark.parametrize(
    ("suffix", "settings", "words"),
    [
        ("bmp", {"max_bytes": 3125}, "3,126 bytes"),
        ("bmp", {"prompt_file": EXAMPLES / "sunset.png", "keep": 1.0}, "leaves nothing to write"),
        ("txt", {"sheet": "sheet.png"}, "not .txt files"),
        ("txt", {"midi": True}, "tunes"),
        ("wav", {"score": True}, "tunes"),
    ],
)
def test_settings_that_do_not_fit_the_kind_are_refused(models, suffix, settings, words):
    with pytest.raises(ConfigError, match=words):
        task.generate(model=models[suffix], **settings)


def test_a_model_whose_history_is_too_short_for_a_file_is_refused(tmp_path):
    short = str(make_model(tmp_path / "short", MUSIC.replace('"abc"', '"bmp"')))
    with pytest.raises(ContextError, match="3,126 bytes; the model's history holds 2,039"):
        task.generate(model=short, suffix="bmp")


def test_a_file_like_an_earlier_one_is_drawn_again(models, monkeypatch):
    monkeypatch.setattr(
        bulk, "decode", answering(lambda request: b"same" if request.sampling.seed in (0, 1, 3) else b"new")
    )
    drawn = task.generate(model=models["txt"], count=2, seed=0, output="new")
    assert [(each.result.seed, each.result.tries) for each in drawn] == [(0, 1), (2, 2)]
    assert files_of(drawn) == [b"same", b"new"]


def test_a_model_of_other_files_is_left_free(models, monkeypatch):
    asked: list[Request] = []
    small = bmp.serialize(bmp.Picture(width=2, height=1, pixels=b"abcdef"))

    def answer(request: Request) -> bytes:
        asked.append(request)
        return small

    monkeypatch.setattr(bulk, "decode", answering(answer))
    drawn = task.generate(model=models["bmp"], any_form=True, output="small.bmp")
    assert files_of(drawn) == [small]
    assert (asked[0].grammar, asked[0].prefix, len(asked[0].history)) == (None, b"", 1)


def test_processes_are_given_requests_that_can_be_sent(models, monkeypatch):
    sent: list[int] = []

    def in_processes(start, work, items, *, jobs):
        state = pickle.loads(pickle.dumps(start))()
        sent.append(jobs)
        for number, item in enumerate(pickle.loads(pickle.dumps(items))):
            yield number, work(state, item)

    alone = task.generate(model=models["txt"], count=4, seed=7, output="one")
    monkeypatch.setattr("bytesim.processes.map_in_processes", in_processes)
    shared = task.generate(model=models["txt"], count=4, seed=7, output="two", jobs=3)
    assert sent == [3]
    assert files_of(shared) == files_of(alone)


def pictures(count: int) -> list[tuple[str, bytes]]:
    colours = [bytes([25 * index, 0, 255 - 25 * index]) for index in range(count)]
    return [
        (str(index), bmp.serialize(bmp.Picture(width=32, height=32, pixels=colour * 1024)))
        for index, colour in enumerate(colours)
    ]


def test_a_sheet_shows_every_picture_enlarged():
    with Image.open(io.BytesIO(sheet(pictures(6), "bmp"))) as drawn:
        counts = {colour: count for count, colour in drawn.getcolors(1 << 20)}
    assert all(counts[25 * index, 0, 255 - 25 * index] == 128 * 128 for index in range(6))


def test_a_sheet_shows_the_height_of_a_wave():
    def drawn(samples: bytes) -> int:
        with Image.open(io.BytesIO(sheet([("7", wav.serialize(wav.model_recording(samples)))], "wav"))) as picture:
            return {colour: count for count, colour in picture.getcolors(1 << 20)}.get((31, 119, 180), 0)

    quiet, loud = drawn(bytes([128]) * 8000), drawn(bytes([10, 246]) * 4000)
    assert 300 <= quiet <= 320
    assert loud > 50 * quiet


def test_a_sheet_of_very_many_files_says_how_many_more_there_are():
    one = pictures(1)
    few, many = (Image.open(io.BytesIO(sheet(one * count, "bmp"))) for count in (MAX_SHOWN, MAX_SHOWN + 5))
    assert many.width == few.width
    assert many.height == few.height + 14


def test_generate_draws_a_sheet_with_the_seeds(models, monkeypatch, here):
    made = {seed: data for seed, (_, data) in enumerate(pictures(4))}
    monkeypatch.setattr(bulk, "decode", answering(lambda request: made[request.sampling.seed][48:]))
    done = run("--model", models["bmp"], "-n", 4, "--seed", 0, "-o", "new", "--sheet", "sheet.png")
    assert done.exit_code == 0, done.output
    assert done.stderr == "sheet.png: 4 on one sheet\n"
    assert (here / "sheet.png").read_bytes() == sheet([(str(seed), made[seed]) for seed in made], "bmp")


def test_what_cannot_be_written_beside_is_said_before_the_work(models, music, monkeypatch, here):
    monkeypatch.setattr(bulk, "decode", lambda *_, **__: pytest.fail("the outputs were not checked first"))
    Path("there.png").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        task.generate(model=models["bmp"], sheet="there.png")
    Path("tune.mid").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        task.generate(model=music, midi=True, output="tune.abc")
    with pytest.raises(OutputError, match="stdout"):
        task.generate(model=music, midi=True, output="-")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="apt-get install abcm2ps"):
        task.generate(model=music, score=True)
    assert sorted(path.name for path in here.iterdir()) == ["there.png", "tune.mid"]


def test_the_midi_of_a_tune_stands_beside_it_and_names_what_made_it(music, monkeypatch, here):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: TUNE))
    done = run("--model", music, "--seed", 5, "--midi")
    assert done.exit_code == 0, done.output
    assert done.stdout == "music-5.abc: 46 bytes by the model music, seed 5; music-5.mid by abc2midi\n"
    done = run("--model", music, "--seed", 5, "--midi", "--force", "--json")
    (made,) = json.loads(done.stdout)
    version = version_number(find_tool("abc2midi"))
    assert (made["result"]["midi_engine"], made["result"]["midi_engine_version"]) == ("abc2midi", version)
    assert len(midi.notes((here / "music-5.mid").read_bytes())) == 15


def test_a_tune_without_its_midi_is_an_error_that_says_so(music, monkeypatch, here):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: TUNE))
    (outcome,) = task.generate(model=music, seed=5, midi=True, engine="model")  # its MIDI does not fit the history
    assert str(outcome.error).startswith("music-5.abc: the tune is written, but has no MIDI: ")
    assert [path.name for path in here.iterdir()] == ["music-5.abc"]


@needs_abcm2ps
def test_the_score_of_a_tune_stands_beside_it(music, monkeypatch, here):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: TUNE))
    (outcome,) = task.generate(model=music, seed=5, score=True, prompt="X:1\nT:Mine\nM:4/4\nK:D\nD")
    drawn = (here / "music-5.svg").read_text()
    assert outcome.result.score == "music-5.svg"
    assert drawn.startswith("<?xml")
    assert ">Mine</text>" in drawn
    assert "<!--" not in drawn


def test_abc_means_the_tunes_of_music_unless_a_model_is_called_so(monkeypatch, tmp_path):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "store"))
    both = MUSIC + '[[data]]\npath = "none.npz"\ntask = "generate"\ntarget_suffix = "txt"\n'
    make_model(tmp_path / "store" / "music", both, {"aliases": {"abc": {"suffix": "abc"}}})
    monkeypatch.setattr(bulk, "decode", answering(lambda request: TUNE))
    (outcome,) = task.generate(model="abc", seed=5)
    assert (outcome.result.model, outcome.result.output) == ("music", "music-5.abc")
    listed = CliRunner().invoke(app, ["models", "list"]).stdout.splitlines()
    assert [line.endswith("(also called abc)") for line in listed if line.startswith("music")] == [True]
    make_model(tmp_path / "store" / "abc")
    (outcome,) = task.generate(model="abc", seed=5)
    assert (outcome.result.model, outcome.result.output) == ("abc", "abc-5.abc")
    assert "also called" not in CliRunner().invoke(app, ["models", "list"]).stdout


def test_the_help_names_every_shipped_alias(monkeypatch, tmp_path):
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "store"))
    assert known_aliases().keys() == {"abc"}
    text = CliRunner().invoke(app, ["generate", "--help"], env={"COLUMNS": "200"}).stdout
    assert all(f"{name} (tunes of the model {alias.model})" in text for name, alias in known_aliases().items())
