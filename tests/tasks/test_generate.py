"""generate: valid files only, and the same again for the same seed."""

import json
from pathlib import Path

import pytest
from helpers.music_models import MUSIC, answering, make_model
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.errors import BytesimError, ConfigError, ContextError
from bytesim.formats import abc
from bytesim.requests import Request
from bytesim.tasks.generate import generate as task

TUNE = b"X:1\nM:4/4\nL:1/8\nK:D\nDFAdfdAF|GBAGFAD2|\n"
OTHER = b"X:1\nM:4/4\nL:1/8\nK:D\nD4A4|\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "music", max_patches=12))


@pytest.fixture(scope="module")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A random model of files that bytesim does not know, so that any bytes are valid."""
    recipe = MUSIC.replace('task = "generate"\ntarget_suffix = "abc"', 'task = "generate"\ntarget_suffix = "xyz"')
    return str(make_model(tmp_path_factory.mktemp("models") / "other", recipe, max_patches=12))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str | Path, **options):
    return CliRunner().invoke(app, ["generate", *map(str, words)], **options)


def test_a_tune_is_written_in_readable_form(model, monkeypatch, here):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: TUNE))
    done = run("--model", model, "--seed", 5)
    assert done.exit_code == 0, done.output
    assert (here / "music-5.abc").read_text() == "X:1\nM:4/4\nL:1/8\nK:D\nDF Ad fd AF|GB AG FA D2|]\n"
    assert done.stdout == "music-5.abc: 46 bytes by the model music, seed 5\n"


def test_what_does_not_parse_is_drawn_again_with_the_next_seed(model, monkeypatch, here):
    monkeypatch.setattr(
        bulk, "decode", answering(lambda request: {4: TUNE, 8: OTHER}.get(request.sampling.seed, b"no tune"))
    )
    done = run("--model", model, "--seed", 3, "-n", 2, "-o", here / "tunes", "--json")
    first, second = [row["result"] for row in json.loads(done.stdout)]
    assert [(first["seed"], first["tries"]), (second["seed"], second["tries"])] == [(8, 5), (4, 1)]
    assert sorted(path.name for path in (here / "tunes").iterdir()) == ["music-4.abc", "music-8.abc"]


def test_no_valid_file_is_one_line_and_nothing_is_written(model, here):
    done = run("--model", model, "--seed", 1, "--tries", 2, "--any-form")
    assert done.exit_code == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: file 1: no valid .abc file in 2 tries; the last try: ")
    assert not list(here.iterdir())


def test_the_same_seed_gives_the_same_file_alone_and_among_others(text_model, here):
    drawn = task.generate(model=text_model, seed=10, count=3, output="all", allow_truncated=True)
    seed = drawn[2].result.seed
    again = task.generate(model=text_model, seed=seed, output="one.xyz", allow_truncated=True)
    assert Path("one.xyz").read_bytes() == Path(drawn[2].result.output).read_bytes()
    assert again[0].result.seed == seed
    assert len({Path(each.result.output).read_bytes() for each in drawn}) == 3


def test_max_bytes_cuts_and_says_so(text_model):
    (outcome,) = task.generate(model=text_model, seed=2, max_bytes=13, prompt="abcdefghij", output="short.xyz")
    written = Path("short.xyz").read_bytes()
    assert written.startswith(b"abcdefghij")
    assert len(written) <= 13
    assert outcome.result.truncated == (len(written) == 13)


def test_a_file_goes_on_from_its_prompt(text_model):
    for length in (0, 1, 7, 8, 9, 16, 20):
        prompt = bytes(range(65, 65 + length))
        Path("prompt").write_bytes(prompt or b"?")
        source = {"prompt_file": "prompt"} if prompt else {}
        task.generate(model=text_model, seed=2, output="long.xyz", max_bytes=24, force=True, **source)
        assert Path("long.xyz").read_bytes().startswith(prompt)


def test_a_begun_tune_is_given_to_the_model_in_canonical_form(model, monkeypatch):
    asked: list[Request] = []

    def answer(request: Request) -> bytes:
        asked.append(request)
        return request.prefix + b"E8|\n"

    monkeypatch.setattr(bulk, "decode", answering(answer))
    task.generate(model=model, prompt="X:1\nT:Mine\nM:4/4\nK:D\nDF A2 d4 | E2", output="tune.abc", seed=0)
    written = abc.parse(Path("tune.abc").read_text())
    assert written.title == "Mine"
    assert abc.canonical(written).text == "X:1\nM:4/4\nL:1/8\nK:D\nDFA2d4|E2E8|\n"
    assert asked[0].prefix == b"X:1\nM:4/4\nL:1/8\nK:D\nDFA2d4|E2"[24:]


def test_a_tune_is_valid_at_the_first_try_by_construction(model, here):
    drawn = task.generate(model=model, seed=1, count=4, tries=1, output="tunes")
    for outcome in drawn:
        made = outcome.result
        abc.canonical(abc.parse(Path(made.output).read_text()))
        assert (made.tries, made.truncated) == (1, True)  # a history of 96 bytes brings each to an end


def test_stdout_takes_one_file(model, monkeypatch):
    monkeypatch.setattr(bulk, "decode", answering(lambda request: TUNE))
    done = run("--model", model, "-o", "-", "--seed", 1)
    assert done.stdout.startswith("X:1\nM:4/4")
    assert done.stderr == "-: 46 bytes by the model music, seed 1\n"
    assert run("--model", model, "-o", "-", "-n", 2).exit_code == 1
    assert run("--model", model, "-o", "-", "--json").exit_code == 2


def test_an_existing_file_is_refused_before_the_work(model, monkeypatch, here):
    monkeypatch.setattr(bulk, "decode", lambda *_, **__: pytest.fail("the output was not checked first"))
    (here / "tune.abc").write_text("mine")
    done = run("--model", model, "-o", "tune.abc")
    assert isinstance(done.exception, BytesimError)
    assert "exists already" in str(done.exception)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"count": 0}, "count"),
        ({"tries": 0}, "tries"),
        ({"max_bytes": 0}, "max-bytes"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_p": 0.0}, "top-p"),
        ({"jobs": 0}, "jobs"),
        ({"prompt": "a", "prompt_file": "b"}, "not both"),
        ({"keep": 0.5}, "prompt file"),
        ({"keep": 0.0, "prompt_file": "b"}, "keep 0.0"),
        ({"count": 2, "temperature": 0.0}, "same file every time"),
        ({"prompt": "X:1", "max_bytes": 3}, "leaves nothing to write"),
        ({"engine": "organ", "midi": True}, "organ"),
        ({"sheet": "all.png"}, "not .abc files"),
        ({"suffix": "mp3"}, "writes .abc, not .mp3"),
        ({"device": "abacus"}, "abacus"),
        ({"dtype": "int4"}, "int4"),
    ],
)
def test_settings_that_make_no_sense_are_refused(model, settings, words):
    with pytest.raises(ConfigError, match=words):
        task.generate(model=model, **settings)


def test_a_prompt_that_fills_the_history_is_refused(model):
    with pytest.raises(ContextError, match="fills the model's history"):
        task.generate(model=model, prompt="X:1\nM:4/4\nL:1/8\nK:C\n" + 50 * "CDEFGABc|")


def test_a_model_that_writes_several_kinds_asks_which(tmp_path):
    recipe = MUSIC + '[[data]]\npath = "none.npz"\ntask = "generate"\ntarget_suffix = "xyz"\n'
    both = str(make_model(tmp_path / "both", recipe))
    with pytest.raises(ConfigError, match="--suffix"):
        task.generate(model=both)
    (outcome,) = task.generate(model=both, suffix=".XYZ", max_bytes=8, seed=0)
    assert outcome.result.output == "both-0.xyz"
