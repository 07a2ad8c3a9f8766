"""convert files: answers are checked, and written or refused by the confidence that the model's card gives."""

import json
from pathlib import Path

import pytest
from helpers.confidence import ANYTHING, tell_confidence
from helpers.music_models import answering, make_model
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.errors import ConfigError, ModelError
from bytesim.tasks.convert.files import convert_files

RECIPE = """name = "rows"
[[data]]
path = "pairs"
task = "convert"
source_suffix = "csv"
target_suffix = "json"
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tell_confidence(make_model(tmp_path_factory.mktemp("models") / "rows", RECIPE), "csv to json"))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to a source is its text after the colon; its nats are the number before it."""
    reply = answering(
        lambda request: request.source.split(b":", 1)[1], nats=lambda request: float(request.source.split(b":")[0])
    )
    monkeypatch.setattr(bulk, "decode", reply)


def run(*words: str | Path):
    return CliRunner().invoke(app, ["convert", "files", *map(str, words)])


def rows(folder: Path, *texts: str) -> list[Path]:
    """Files 0.csv, 1.csv, ... with these texts."""
    paths = [folder / f"{index}.csv" for index in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


@pytest.mark.usefixtures("answers")
def test_an_answer_that_is_not_valid_is_refused_with_its_place(tmp_path, model):
    good, bad = rows(tmp_path, "0:[1]", "0:[1, 87.4.]")
    done = run(good, bad, "--model", model)
    assert done.exit_code == 1
    assert f"error: {bad}: the model's answer is not valid at byte 8 of 10: expecting ',' delimiter." in done.stderr
    assert good.with_suffix(".json").exists()
    assert not bad.with_suffix(".json").exists()


@pytest.mark.usefixtures("answers")
def test_the_error_of_an_input_unlike_the_training_says_so(tmp_path):
    inputs = [b"0:[%d]\n" % number for number in range(100)]
    folder = tell_confidence(
        make_model(tmp_path / "rows", RECIPE), "csv to json", inputs, most_surprise=(*ANYTHING[:-1], 0.0)
    )
    usual, odd = rows(tmp_path, "0:[,]\n", "0:[7\n")
    said = run(usual, odd, "--model", str(folder)).stderr.splitlines()
    assert all("not valid at byte" in line for line in said)
    assert said[0].endswith("use --check none.")
    assert said[1].endswith("unlike those that the model has learned from: its [ ] are not in pairs.")


@pytest.mark.usefixtures("answers")
def test_the_check_can_be_chosen_or_left_out(tmp_path, model, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules_of_mine.py").write_text("def no_two(data):\n    return b'2' not in data\n")
    (path,) = rows(tmp_path, "0:2.")
    for check, code in (("json", 1), ("none", 0), ("utf8", 0), ("python:rules_of_mine:no_two", 1)):
        assert run(path, "--model", model, "--check", check, "--force").exit_code == code
    with pytest.raises(ConfigError, match="check 'yaml' is unknown"):
        convert_files([path], model=model, check="yaml")


@pytest.mark.usefixtures("answers")
def test_an_answer_that_is_not_confident_is_written_with_a_warning(tmp_path, model):
    sure, unsure = rows(tmp_path, "0.5:1", "0.6:2")
    done = run(sure, unsure, "--model", model, "--json")
    assert done.exit_code == 0
    assert [row["result"]["confident"] for row in json.loads(done.stdout)] == [True, False]
    assert done.stderr.splitlines() == [
        f"warning: {unsure}: the answer is not confident: the model finds other answers likely too; look at it"
    ]
    assert unsure.with_suffix(".json").read_bytes() == b"2"


@pytest.mark.usefixtures("answers")
def test_only_confident_refuses_the_others(tmp_path, model):
    sure, unsure = rows(tmp_path, "0.5:1", "0.6:2")
    done = run(sure, unsure, "--model", model, "--only-confident")
    assert done.exit_code == 1
    assert (
        f"error: {unsure}: the answer is not confident: the model finds other answers likely too. Nothing"
        in done.stderr
    )
    assert sure.with_suffix(".json").exists()
    assert not unsure.with_suffix(".json").exists()


@pytest.mark.usefixtures("answers")
def test_only_confident_needs_a_card_that_tells(tmp_path):
    plain = make_model(tmp_path / "plain", RECIPE)
    (path,) = rows(tmp_path, "0:1")
    with pytest.raises(ModelError, match="does not tell which answers are confident"):
        convert_files([path], model=str(plain), only_confident=True)
    (outcome,) = convert_files([path], model=str(plain))
    assert outcome.result is not None
    assert outcome.result.confident is None


@pytest.mark.slow
def test_two_processes_write_what_one_writes(tmp_path, model):
    paths = rows(tmp_path, *(f"a{index},b" for index in range(6)))
    one, two = (
        convert_files(paths, model=model, output=tmp_path / str(jobs), check="none", jobs=jobs, device="cpu")
        for jobs in (1, 2)
    )
    assert [str(outcome.error) for outcome in one] == [str(outcome.error) for outcome in two]
    written = [{path.name: path.read_bytes() for path in (tmp_path / name).glob("*")} for name in ("1", "2")]
    assert written[0] == written[1]


def test_an_answer_that_does_not_end_is_given_up_when_it_is_too_long(tmp_path):
    folder = make_model(tmp_path / "rows", RECIPE)
    tell_confidence(folder, "csv to json", longest_answer=4, growth=1.0)
    (tmp_path / "a.csv").write_bytes(b"abcdefgh")
    (outcome,) = convert_files(tmp_path / "a.csv", model=str(folder), check="none")
    assert outcome.error is not None
    assert "the answer did not end after 88 bytes" in outcome.error.message
