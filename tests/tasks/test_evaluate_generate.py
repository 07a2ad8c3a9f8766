"""evaluate generate: what it counts, on files that are known."""

import json
from pathlib import Path

import pytest
from helpers.music_models import MUSIC, answering, make_model
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.errors import DecodeError, InputError, OutputError
from bytesim.tasks.evaluate import generate as task
from bytesim.training.data.shards import pack, save_shard

BODIES = {0: b"DFAdfdAF|", 1: b"GBAGFAD2|", 2: b"D8|"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "music"))


def tune(seed: int) -> bytes:
    return b"X:1\nM:4/4\nL:1/8\nK:D\n" + BODIES[seed] + b"\n"


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bulk, "decode", answering(lambda request: tune(request.sampling.seed)))


def test_tunes_are_opened_and_looked_for_among_the_training_rows(model):
    save_shard(Path("one.npz"), pack([(b"", tune(1)), (b"", b"another")]))
    save_shard(Path("two.npz"), pack([(tune(0), b"")]))
    seen = task.evaluate_generate(model=model, count=3, against=["one.npz", "two.npz"])
    assert (seen.written, seen.opened, seen.opens_in, seen.alike) == (3, 3, "music21", 0)
    assert (seen.copies, seen.training_rows) == (2, 3)  # a model may have been shown either side of a pair
    assert seen.reasons == ()


def test_what_does_not_open_is_counted_with_its_reason(model, monkeypatch):
    def opens(data: bytes) -> None:
        if b"D8" in data:
            raise ValueError("no tune of mine")

    monkeypatch.setitem(task.OPENERS, "abc", ("a test", opens))
    done = CliRunner().invoke(app, ["evaluate", "generate", "--model", model, "-n", "3"])
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "| .abc files by the model music | of 3 |"
    assert "| open in a test | 2 |" in lines
    assert "| equal to a training row | not compared |" in lines
    assert lines[-1] == "seed 2: ValueError: no tune of mine"


def test_the_files_are_kept_where_a_new_folder_is_named(model):
    done = CliRunner().invoke(app, ["evaluate", "generate", "--model", model, "-n", "2", "-o", "kept", "--json"])
    assert json.loads(done.stdout)["num_bytes"] == sum(path.stat().st_size for path in Path("kept").iterdir())
    with pytest.raises(OutputError, match="not empty"):
        task.evaluate_generate(model=model, count=2, output="kept")


@pytest.mark.parametrize(
    ("suffix", "good", "bad"),
    [("txt", "Maß".encode(), b"\xff"), ("bmp", None, b"BM"), ("wav", None, b"RIFF"), ("abc", tune(0), b"X:1\nK:C\n")],
)
def test_every_opener_tells_good_from_bad(suffix, good, bad):
    from bytesim.formats import bmp, wav

    made = {
        "bmp": bmp.serialize(bmp.Picture(width=1, height=1, pixels=b"abc")),
        "wav": wav.serialize(wav.model_recording(b"abc")),
    }
    _, opens = task.OPENERS[suffix]
    opens(good or made[suffix])
    with pytest.raises(Exception):  # noqa: B017, PT011 - each package raises kinds of its own
        opens(bad)


def test_a_missing_shard_and_a_model_that_writes_nothing_are_errors(model, monkeypatch, tmp_path):
    with pytest.raises(InputError, match="no such shard"):
        task.evaluate_generate(model=model, count=1, against=["none.npz"])
    other = str(make_model(tmp_path / "other", MUSIC.replace('= "abc"\n', '= "xyz"\n')))
    monkeypatch.setattr(bulk, "decode", answering(lambda request: None))
    with pytest.raises(DecodeError, match="wrote no valid file"):
        task.evaluate_generate(model=other, suffix="xyz", count=1)
