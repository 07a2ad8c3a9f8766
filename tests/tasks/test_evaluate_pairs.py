"""evaluate convert on pairs of files, by a model whose answers are known; evaluate bpb of a converter."""

import csv
import json
import math
from pathlib import Path

import pytest
from helpers.confidence import tell_confidence
from helpers.music_models import answering, make_model
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.engine import bulk
from bytesim.engine.score import score_file
from bytesim.errors import ConfigError, InputError, ModelError
from bytesim.predictors.writer import load_writer
from bytesim.requests import Asked
from bytesim.tasks.evaluate.bpb import evaluate_bpb
from bytesim.tasks.evaluate.pair_split import load_pairs
from bytesim.tasks.evaluate.pairs import evaluate_pairs
from bytesim.training.data.folders import read_pairs
from bytesim.training.sources import ConvertSource

RECIPE = """name = "rows"
[[data]]
path = "pairs"
task = "convert"
source_suffix = "csv"
target_suffix = "json"
"""
PAIRS = {
    "a": ("0.1:[1]", "[1]"),
    "b": ("0.2:[2]", "[3]"),
    "c": ("9:[4]", "[4]"),
    "d": ("9:[5", "[5]"),
    "long": ("0:" + "1" * 2000, "[6]"),
    "folder/e": ("0.5:[10, 12]", "[10, 12]"),
}
"""Stem -> (the nats of the answer and the answer, the right answer)."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "rows"
    return str(tell_confidence(make_model(folder, RECIPE, max_source_bytes=512), "csv to json"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    folder = tmp_path / "pairs"
    (folder / "folder").mkdir(parents=True)
    for stem, (source, target) in PAIRS.items():
        (folder / f"{stem}.csv").write_text(source)
        (folder / f"{stem}.json").write_text(target)
    (folder / "alone.csv").write_text("0:[7]")
    (folder / "empty.csv").write_text("0:[8]")
    (folder / "empty.json").touch()
    return folder


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> None:
    reply = answering(
        lambda request: request.source.split(b":", 1)[1], nats=lambda request: float(request.source.split(b":")[0])
    )
    monkeypatch.setattr(bulk, "decode", reply)


def run(*words: str | Path):
    return CliRunner().invoke(app, ["evaluate", *map(str, words)])


def test_exact_confident_refused_and_failed_are_counted(model, pairs):
    result = evaluate_pairs(pairs, model=model)
    assert (result.num_files, result.answers.right, result.refused, result.failed) == (6, 3, 1, 1)
    assert (result.confident.files, result.confident.right) == (3, 2)
    assert (result.not_confident.files, result.not_confident.right) == (1, 1)
    assert [file.edit_distance for file in result.files] == [0, pytest.approx(1 / 3), 0, 1, 0, 1]
    assert result.mean_edit_distance == pytest.approx((1 / 3 + 2) / 6)
    assert result.answers.low < 0.5 < result.answers.high
    assert [wrong.source_name for wrong in result.wrong] == ["b.csv", "d.csv", "long.csv"]


def test_the_folder_has_the_hash_that_a_training_on_it_would_state(pairs):
    listing = read_pairs(pairs, ConvertSource(path="-", source_suffix="csv", target_suffix="json"))
    assert load_pairs(pairs, "csv", "json").sha256 == listing.sha256


def test_the_table_shows_shares_and_where_answers_are_wrong(model, pairs):
    done = run("convert", pairs, "--model", model)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert any(line.startswith("| all | 6 | 3 | 50.0% | 11.8% to 88.2% |") for line in lines)
    assert any(line.startswith("| confident | 3 | 2 | 66.7% |") for line in lines)
    assert "66.7% of the exact answers are confident" in lines
    at = lines.index("wrong: b.csv")
    assert lines[at + 2 : at + 5] == ["  expected  [3]", "  answer    [2]", "             ^"]
    assert "no answer the model's answer is not valid at byte 2 of 2" in done.stdout
    assert "1 too long for the model and 1 failed, which count as wrong" in done.stdout


def test_json_and_csv_have_a_row_for_each_pair(model, pairs, tmp_path):
    table = tmp_path / "table.csv"
    done = run("convert", pairs, "--model", model, "--json", "--csv", table, "--limit", "5")
    files = json.loads(done.stdout)["files"]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["source"] for row in rows] == ["a.csv", "b.csv", "c.csv", "d.csv", "folder/e.csv"]
    assert [row["exact"] == "true" for row in rows] == [file["exact"] for file in files]
    assert [row["confident"] for row in rows] == ["true", "true", "false", "", "true"]
    assert float(rows[1]["nll_nats"]) == pytest.approx(files[1]["nll_nats"])
    assert "exists already" in str(run("convert", pairs, "--model", model, "--csv", table).exception)


def test_without_a_check_what_is_not_valid_is_compared(model, pairs):
    result = evaluate_pairs(pairs, model=model, check="none")
    assert result.failed == 0
    assert result.files[3].edit_distance == pytest.approx(1 / 3)


def test_a_card_without_a_bound_tells_nothing_of_confidence(pairs, tmp_path):
    plain = make_model(tmp_path / "plain", RECIPE)
    result = evaluate_pairs(pairs, model=str(plain))
    assert result.confident is None
    assert {file.confident for file in result.files} == {None}
    assert "the model's card does not tell" in run("convert", pairs, "--model", plain).stdout


def test_the_suffixes_are_asked_for_where_the_card_names_several(tmp_path, pairs):
    more = RECIPE + RECIPE.split("\n", 1)[1].replace('"json"', '"toml"')
    both = str(make_model(tmp_path / "both", more))
    with pytest.raises(ConfigError, match=r"converts .csv to .json, .csv to .toml. Say which with --from and --to"):
        evaluate_pairs(pairs, model=both)
    assert evaluate_pairs(pairs, model=both, target_suffix=".JSON").answers.right == 3
    with pytest.raises(ModelError, match="was not trained to convert"):
        evaluate_pairs(pairs, model=both, source_suffix="json", target_suffix="csv")


def test_what_holds_no_pairs_is_refused(model, pairs):
    for place, words in ((pairs / "a.csv", "not a folder"), (pairs.parent / "none", "not a folder")):
        with pytest.raises(InputError, match=words):
            evaluate_pairs(place, model=model)
    with pytest.raises(InputError, match=r"holds no pairs: NAME.csv with NAME.toml"):
        load_pairs(pairs, "csv", "toml")


@pytest.mark.parametrize("option", [["--direction", "abc2midi"], ["--baseline"], ["--details", "x"], ["--calibrate"]])
def test_options_for_tunes_are_refused(model, pairs, option):
    done = run("convert", pairs, "--model", model, *option)
    assert done.exit_code == 2
    assert "is for tunes" in done.stderr


def test_options_for_pairs_are_refused_with_tunes(tmp_path):
    music = make_model(tmp_path / "music")
    assert run("convert", tmp_path, "--model", music, "--csv", tmp_path / "x.csv").exit_code == 2


# --- bits per byte of a converter ----------------------------------------------------------------


def test_a_pair_is_scored_as_the_target_given_the_source(model, pairs):
    given_source, given_target = evaluate_bpb([pairs / "c.csv", pairs / "c.json"], model=model)
    writer = load_writer(model)
    request = writer.model.frame(Asked(suffix="json", source=b"9:[4]", source_suffix="csv"))
    expected = score_file(writer.model, request, b"[4]").nats / math.log(2) / 3
    assert given_source.result.bits_per_byte == given_target.result.bits_per_byte == pytest.approx(expected)
    assert "c.json given its source" in run("bpb", pairs / "c.csv", "--model", model).stdout


def test_the_sources_of_a_folder_are_scored(model, pairs):
    names = {Path(outcome.source).name for outcome in evaluate_bpb([pairs], model=model)}
    assert names == {"a.csv", "b.csv", "c.csv", "d.csv", "long.csv", "e.csv", "alone.csv", "empty.csv"}


def test_a_file_that_a_converter_does_not_know_is_not_scored_as_if_generated(model, pairs):
    (pairs / "note.txt").write_text("a note")
    outcomes = evaluate_bpb([pairs / name for name in ("alone.csv", "note.txt", "long.csv")], model=model)
    alone, note, long = (str(outcome.error) for outcome in outcomes)
    assert "alone.json must stand beside it" in alone
    assert "bytesim evaluate convert" in alone
    assert "converts .csv to .json, and has not learned .txt files" in note
    assert "512" in long
