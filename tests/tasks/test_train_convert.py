"""`train convert`: a folder of pairs to a converter that is measured, and tells which of its answers are confident."""

import json
import random
import string
from pathlib import Path

import pytest
from helpers.tiny_training import pairs
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.models.folder import read_card
from bytesim.predictors.converter import read_confidence
from bytesim.tasks.convert.files import convert_files
from bytesim.tasks.models import verify_model
from bytesim.tasks.train.curve import CurvePoint, expected_with_twice
from bytesim.tasks.train.folders import convert_recipe
from bytesim.tasks.train.train import train_convert
from bytesim.training.data.streams import open_streams

PICTURES = ("confidence.png", "loss.png")


def write_pairs(folder: Path, count: int = 60) -> Path:
    """A folder of words in small letters, NAME.low, and in capitals, NAME.up."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, (low, up) in enumerate(pairs(count)):
        (folder / f"{index}.low").write_bytes(low)
        (folder / f"{index}.up").write_bytes(up)
    return folder


def recipe(tmp_path: Path, count: int, *, both: bool = False):
    data = write_pairs(tmp_path / "pairs", count)
    return convert_recipe([data], tmp_path / "run", "low", "up", "tiny", both=both)


def rows(stream) -> set[tuple[bytes, bytes]]:
    return {stream.row(int(row)) for row in stream.rows}


def test_the_command_tells_how_good_the_converter_is_and_how_to_use_it(tmp_path):
    data = write_pairs(tmp_path / "pairs")
    words = ["train", "convert", str(data), "--from", "low", "--to", "up", "--size", "tiny", "--steps", "2"]
    said = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run")])
    assert said.exit_code == 0
    card = read_card(tmp_path / "run" / "run")
    (result,) = card["results"]["conversions"]
    held_out, exact = result["held_out_pairs"], result["exact"]
    assert held_out + result["training_pairs"] == 60
    assert f"{exact} of {held_out} held-out pairs converted exactly" in said.stdout
    assert f"{result['confident']} answers are confident" in said.stdout
    assert said.stdout.count("  expected  ") == 2
    assert "more minutes would help most" in said.stdout
    assert f"use it: bytesim convert files FILE.low --model {tmp_path}" in said.stdout
    assert all((tmp_path / "run" / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)
    verify_model(str(tmp_path / "run" / "run"))
    assert "inputs.npz" in card["files"]


def test_an_answer_to_an_unfamiliar_input_is_not_confident(tmp_path):
    data = write_pairs(tmp_path / "pairs")
    trained = train_convert(data, source_suffix="low", target_suffix="up", out=tmp_path / "run", size="tiny", steps=2)
    (judged,) = trained.converters
    assert judged.conversion == "low to up"
    confidence = read_confidence(trained.model_folder, "low to up")
    assert confidence is not None
    assert confidence.bound == judged.bound
    assert confidence.is_familiar(b"abcdabc")
    assert not confidence.is_familiar("абв".encode())
    (tmp_path / "odd.low").write_bytes("абв".encode())
    (outcome,) = convert_files(tmp_path / "odd.low", model=str(trained.model_folder), only_confident=True)
    assert outcome.error is not None


@pytest.mark.slow
def test_it_learns_to_write_capitals_exactly_and_says_so(tmp_path):
    rng = random.Random(0)
    (tmp_path / "pairs").mkdir()
    for index in range(400):
        word = "".join(rng.sample(string.ascii_lowercase, rng.randint(4, 9)))
        (tmp_path / "pairs" / f"{index}.low").write_text(word)
        (tmp_path / "pairs" / f"{index}.up").write_text(word.upper())
    options = {"source_suffix": "low", "target_suffix": "up", "size": "tiny", "steps": 120}
    trained = train_convert(tmp_path / "pairs", out=tmp_path / "run", **options)
    (judged,) = trained.converters
    assert judged.bound.exact > 0.9 * judged.bound.files > 20
    assert judged.bound.right == judged.bound.confident > 0.8 * judged.bound.files
    (tmp_path / "new.low").write_bytes(b"xyzabc")
    (outcome,) = convert_files(tmp_path / "new.low", model=str(trained.model_folder))
    assert Path(outcome.result.output).read_bytes() == b"XYZABC"
    assert outcome.result.confident


def test_a_tenth_is_held_out_and_of_many_pairs_a_smaller_share(tmp_path):
    for count, one_in in ((60, 10), (5_000, 25)):
        sources = (*recipe(tmp_path / str(count), count).data, *recipe(tmp_path / str(count), count).validation)
        assert {source.dev_one_in for source in sources} == {one_in}


def test_a_smaller_share_of_the_pairs_is_part_of_a_larger_one_and_what_is_held_out_stays(tmp_path):
    made = recipe(tmp_path, 300)
    shares = [
        tuple(source.replace(train_share=share) for source in (*made.data, *made.validation))
        for share in (0.25, 0.5, 1.0)
    ]
    opened = [open_streams(sources, made.model, tmp_path / "run", made.labels) for sources in shares]
    quarter, half, whole = (rows(train) for train, _ in opened)
    assert quarter < half < whole
    sizes = [len(train) for train, _ in opened]
    assert sizes[:2] == [round(sizes[2] / 4), round(sizes[2] / 2)]
    assert len({frozenset(rows(held_out)) for _, held_out in opened}) == 1


def test_the_learning_curve_tells_what_fewer_pairs_give(tmp_path):
    data = write_pairs(tmp_path / "pairs", 120)
    words = ["train", "convert", str(data), "--from", "low", "--to", "up", "--size", "tiny", "--steps", "2", "--curve"]
    said = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run")])
    assert said.exit_code == 0
    (line,) = [line for line in said.stdout.splitlines() if line.startswith("learning curve")]
    (result,) = read_card(tmp_path / "run" / "run")["results"]["conversions"]
    trained = result["training_pairs"]
    assert all(f"after {round(share * trained)} pairs" in line for share in (0.25, 0.5, 1.0))
    again = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run"), "--json"])
    curve = json.loads(again.stdout)["curve"]
    assert [point["pairs"] for point in curve] == [round(share * trained) for share in (0.25, 0.5, 1.0)]
    assert curve[-1]["exact"] == result["exact"]


def test_twice_the_pairs_are_expected_to_halve_the_errors_again():
    def points(*exact: int) -> tuple[CurvePoint, ...]:
        return tuple(
            CurvePoint(conversion="a to b", pairs=100 << index, files=199, exact=right)
            for index, right in enumerate(exact)
        )

    assert expected_with_twice(points(50, 159, 179)) == pytest.approx(1 - 20**2 / 40 / 199)
    assert expected_with_twice(points(150, 179, 159)) == pytest.approx(1 - 40 / 199)
    assert expected_with_twice(points(190, 199, 199)) == 1
    assert expected_with_twice(points(190, 199, 197)) == pytest.approx(197 / 199)
    assert expected_with_twice(points(0, 0, 0)) == 0


def test_both_directions_hold_out_the_same_pairs(tmp_path):
    made = recipe(tmp_path, 300, both=True)
    there, back, held_there, held_back = open_streams(
        (*made.data, *made.validation), made.model, tmp_path / "run", made.labels
    )
    assert (back.source.source_suffix, back.source.target_suffix) == ("up", "low")
    assert {pair[::-1] for pair in rows(there)} == rows(back)
    assert {pair[::-1] for pair in rows(held_there)} == rows(held_back)
    assert not rows(there) & rows(held_there)


def test_a_model_of_both_directions_is_measured_in_both(tmp_path):
    data = write_pairs(tmp_path / "pairs")
    words = ["train", "convert", str(data), "--from", "low", "--to", "up", "--size", "tiny", "--steps", "2", "--both"]
    said = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "run"), "--json"])
    assert said.exit_code == 0
    assert [one["conversion"] for one in json.loads(said.stdout)["converters"]] == ["low to up", "up to low"]
