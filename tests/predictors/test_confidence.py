"""Which answers of a model are confident: calibrated on tunes it was not trained on, kept in its card, used by auto."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.music_models import BOOK, REEL, answering, make_model
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.errors import ModelError
from bytesim.oracles.abcmidi import render_abc2midi
from bytesim.predictors import confidence
from bytesim.predictors.confidence import AnswerBound, fit_answer_bound, keep_answer_bound, nll_nats, read_answer_bound
from bytesim.requests import Request
from bytesim.tasks.convert import tunes as convert
from bytesim.tasks.evaluate.convert import evaluate_convert
from bytesim.training.data.shards import pack, save_shard

BOUND = AnswerBound(most_nats=0.5, confident=99, right=98, files=200, split="dev", split_sha256="0" * 64)
HEAD = "X:1\nM:4/4\nL:1/8\nK:D\n"


@pytest.fixture(scope="module")
def plain_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "music")


@pytest.fixture
def model(plain_model: Path, tmp_path: Path) -> str:
    """A model whose card says when it is confident."""
    folder = Path(shutil.copytree(plain_model, tmp_path / "music"))
    for direction in ("abc to mid", "mid to abc"):
        keep_answer_bound(folder, direction, BOUND)
    return str(folder)


def right_answer(request: Request) -> bytes:
    return render_abc2midi(request.source.decode()).midi


def decode_with(monkeypatch: pytest.MonkeyPatch, nats: float, answer=right_answer) -> None:
    monkeypatch.setattr(bulk, "decode", answering(answer, lambda request: nats))


def write(folder: Path, text: str = REEL) -> Path:
    path = folder / "tune.abc"
    path.write_text(text)
    return path


def test_guessed_track_lengths_do_not_count_in_the_likelihood():
    data = b"MThd" + bytes(10) + b"MTrk" + bytes(4) + b"rest"
    nats = np.zeros(len(data) + 1, np.float32)
    nats[[3, 18, 21, 22, -1]] = 1, 10, 10, 2, 4
    assert nll_nats(data, nats, "mid") == 7
    assert nll_nats(data, nats, "abc") == 27


def test_the_bound_is_the_largest_with_nearly_all_right():
    judged = [(0.01 * place, place != 60) for place in range(500)]
    judged += [(6.0 + place, False) for place in range(50)]
    made = fit_answer_bound(judged[::-1], split="dev", split_sha256="x")
    assert made is not None
    assert (made.confident, made.right, made.files) == (500, 499, 550)  # two wrong ones would take 628 answers
    assert made.most_nats == 4.99
    assert fit_answer_bound([(0.1, True)] * 298, split="dev", split_sha256="x") is None
    assert fit_answer_bound([(0.1, True)] * 299, split="dev", split_sha256="x") is not None
    assert fit_answer_bound([(0.1, False)] * 500, split="dev", split_sha256="x") is None
    assert (
        fit_answer_bound([(0.1, index % 2 == 0) for index in range(90_000)][::-1], split="dev", split_sha256="x")
        is None
    )


def test_a_calibration_stands_in_the_card_beside_the_others(model, plain_model):
    assert read_answer_bound(Path(model), "abc to mid") == BOUND
    assert read_answer_bound(plain_model, "abc to mid") is None
    card = Path(model) / "card.json"
    assert json.loads(card.read_text())["purpose"] == "tests"
    card.write_text(card.read_text().replace('"most_nats": 0.5', '"most_nats": "much"'))
    with pytest.raises(ModelError, match="the field confidence is not valid for"):
        read_answer_bound(Path(model), "abc to mid")


@pytest.mark.parametrize(("nats", "confident"), [(0.5, True), (0.6, False)])
def test_a_result_says_whether_the_model_is_confident(model, tmp_path, monkeypatch, nats, confident):
    decode_with(monkeypatch, nats)
    (outcome,) = convert.abc2midi([write(tmp_path)], model=model, engine="model")
    assert outcome.result.confident is confident
    assert outcome.result.nll_nats == pytest.approx(nats)
    words = ["convert", "abc2midi", str(tmp_path / "tune.abc"), "--model", model, "--engine", "model", "--force"]
    said = CliRunner().invoke(app, words)
    assert (", confident\n" if confident else ", not confident\n") in said.stdout


def test_without_a_calibration_a_result_does_not_say(plain_model, tmp_path, monkeypatch):
    decode_with(monkeypatch, 0.1)
    (outcome,) = convert.abc2midi([write(tmp_path)], model=str(plain_model), engine="model")
    assert outcome.result.confident is None


@pytest.mark.parametrize(
    ("nats", "answer", "engine"),
    [(0.1, right_answer, "model"), (0.9, right_answer, "model"), (0.1, lambda request: None, "abc2midi")],
)
def test_auto_takes_an_answer_that_sounds_right_however_likely(model, tmp_path, monkeypatch, nats, answer, engine):
    decode_with(monkeypatch, nats, answer)
    (outcome,) = convert.abc2midi([write(tmp_path)], model=model, engine="auto")
    assert outcome.result.engine == engine
    assert bool(outcome.result.asked_rules) == (engine != "model")
    assert (tmp_path / "tune.mid").stat().st_size == outcome.result.num_bytes


def test_auto_gives_the_rules_what_no_model_can_read(model, tmp_path, monkeypatch):
    decode_with(monkeypatch, 0.1)
    outcomes = convert.abc2midi([write(tmp_path, BOOK)], model=model, engine="auto", output=tmp_path / "out")
    assert [outcome.result.engine for outcome in outcomes] == ["model", "abc2midi", "model"]
    assert "voices" in outcomes[1].result.asked_rules


def test_evaluate_calibrates_on_the_whole_rows_of_a_shard(plain_model, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(plain_model, tmp_path / "music"))
    texts = [f"{HEAD}{first}2{second}2|\n" for first in "CDEFGAB" for second in "cdefgab"]
    save_shard(tmp_path / "dev.npz", pack([(text.encode(), b"") for text in [*texts, HEAD + "C8|\n"]], [0] * 49 + [1]))
    decode_with(monkeypatch, 0.3)
    monkeypatch.setattr(confidence, "SIGNIFICANCE", 0.7)
    seen = evaluate_convert(tmp_path / "dev.npz", model=str(folder), calibrate=True)
    assert seen.num_files == 49
    assert seen.calibration == read_answer_bound(folder, "abc to mid")
    assert (seen.calibration.confident, seen.calibration.right, seen.confident) == (49, 49, None)
    again = evaluate_convert(tmp_path / "dev.npz", model=str(folder), limit=5, details=tmp_path / "each.jsonl")
    assert (again.confident, again.confident_right) == (5, 5)
    rows = [json.loads(line)["id"] for line in (tmp_path / "each.jsonl").read_text().splitlines()]
    assert rows == ["0", "9", "18", "27", "36"]


def test_a_calibration_that_fails_takes_the_former_one_away(model, tmp_path, monkeypatch):
    decode_with(monkeypatch, 0.3)
    (tmp_path / "dev").mkdir()
    write(tmp_path / "dev")
    words = ["evaluate", "convert", str(tmp_path / "dev"), "--model", model, "--calibrate"]
    done = CliRunner().invoke(app, words)
    assert "calibration: too few answers are right" in done.stdout, done.output
    assert read_answer_bound(Path(model), "abc to mid") is None
    assert read_answer_bound(Path(model), "mid to abc") == BOUND
    monkeypatch.setattr(confidence, "SIGNIFICANCE", 1.0)
    assert "1 of 1 answers are confident, 1 of them right" in CliRunner().invoke(app, words).stdout
