"""`bytesim evaluate compare`: recipes at equal operations."""

import json
from pathlib import Path

import pytest
from helpers.tiny_training import CLASSIFIER, TINY_BLT, pairs
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError
from bytesim.tasks.evaluate.compare import evaluate_compare
from bytesim.tasks.train.train import train_recipe
from bytesim.training.data.shards import pack, save_shard

BGPT = """
name = "patches"
[model]
parts = "modern"
patch_size = 4
max_patches = 32
hidden_size = 16
num_layers = 1
head_size = 8
byte_hidden_size = 16
byte_num_layers = 1
byte_head_size = 8
"""
BLT = f"""
name = "spaces"
[model]
{TINY_BLT}patcher = "static"
patch_bytes = 3
"""
TRAINING = """
[training]
learning_rate = 1e-2
warmup_steps = 3
batch_bytes = 512
micro_bytes = 256
steps = 5
dtype = "float32"
validate_steps = 10

[[data]]
path = "pairs.npz"
task = "generate"
target_suffix = "up"

[[validation]]
path = "pairs.npz"
task = "generate"
target_suffix = "up"
"""


@pytest.fixture
def recipes(tmp_path) -> list[Path]:
    save_shard(tmp_path / "pairs.npz", pack(pairs()))
    paths = []
    for name, model in (("bgpt", BGPT), ("blt", BLT)):
        paths.append(tmp_path / f"{name}.toml")
        paths[-1].write_text(model + TRAINING)
    return paths


def test_recipes_are_trained_with_equal_operations_and_measured(recipes, tmp_path):
    arguments = ["evaluate", "compare", *map(str, recipes), "--tflops", "0.001", "--out", str(tmp_path / "out")]
    arguments += ["--picture", str(tmp_path / "curves.png"), "--device", "cpu"]
    said = CliRunner().invoke(app, [*arguments, "--json"])
    assert said.exit_code == 0, said.output
    rows = {row["name"]: row for row in json.loads(said.stdout)["rows"]}
    assert (rows["patches"]["architecture"], rows["spaces"]["architecture"]) == ("bgpt", "blt")
    for row in rows.values():
        assert row["tflops"] == pytest.approx(0.001, rel=0.25)
        assert 0 < row["bits_per_byte"]["pairs.npz"] < 9
        assert row["train_bytes_per_s"] > 0
        assert row["decode_bytes_per_s"] > 0
        assert row["peak_memory_bytes"] > 50e6
        assert len(row["curve"]) >= 2
        assert row["curve"][-1][0] == pytest.approx(row["tflops"])
    assert rows["patches"]["steps"] != rows["spaces"]["steps"]
    assert rows["patches"]["mean_patch_bytes"] == 4
    assert 2 < rows["spaces"]["mean_patch_bytes"] <= 3
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    again = CliRunner().invoke(app, [*arguments, "--force"])
    assert again.exit_code == 0, again.output
    assert "| patches | 0.0" in again.stdout
    checkpoint = tmp_path / "out" / "patches" / "checkpoint.safetensors"
    trained = checkpoint.read_bytes()
    recipes[0].write_text(recipes[0].read_text().replace("learning_rate = 1e-2", "learning_rate = 1e-3"))
    anew = CliRunner().invoke(app, [*arguments, "--force", "--json"])
    assert anew.exit_code == 0, anew.output
    assert json.loads(anew.stdout)["rows"][0]["bits_per_byte"] != rows["patches"]["bits_per_byte"]
    assert checkpoint.read_bytes() != trained
    assert json.loads((tmp_path / "out" / "spaces" / "compared.json").read_text())["steps"] == rows["spaces"]["steps"]


@pytest.mark.parametrize(
    ("change", "tflops", "message"),
    [
        (("spaces", "patches"), 1.0, "the same name"),
        (
            ('[[validation]]\npath = "pairs.npz"', '[[validation]]\nmax_bytes = 9\npath = "pairs.npz"'),
            1.0,
            "same files",
        ),
        (("", ""), 0.0, "more than 0"),
        (("", ""), float("inf"), "tflops is inf"),
        (("", ""), 1e-6, "a comparison needs 20"),
    ],
)
def test_what_cannot_be_compared_is_refused(recipes, tmp_path, change, tflops, message):
    recipes[1].write_text(recipes[1].read_text().replace(*change))
    with pytest.raises(BytesimError, match=message):
        evaluate_compare(recipes, tflops=tflops, out=tmp_path / "out", device="cpu")


def test_classifiers_and_nothing_are_refused(recipes, tmp_path):
    recipes[0].write_text(CLASSIFIER)
    with pytest.raises(ConfigError, match="write files"):
        evaluate_compare(recipes[:1], tflops=1.0, out=tmp_path / "out")
    with pytest.raises(ConfigError, match="name the recipes"):
        evaluate_compare([], tflops=1.0, out=tmp_path / "out")


def test_a_training_of_something_else_in_its_folder_is_left_alone(recipes, tmp_path):
    train_recipe(recipes[0], out=tmp_path / "out" / "patches", device="cpu")
    with pytest.raises(BytesimError, match="not of a comparison"):
        evaluate_compare(recipes[:1], tflops=0.001, out=tmp_path / "out", device="cpu")
