"""A training multiplies in the dtype that its device is fast in, unless the recipe names one."""

import json
from dataclasses import replace

import pytest
import torch

from bytesim.engine import hardware
from bytesim.tasks.train.dtype import with_dtype
from bytesim.tasks.train.train import train_recipe
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe
from tests.helpers.tiny_training import write_classifier, write_recipe

CPU = torch.device("cpu")
SPEEDS = {"bfloat16": {torch.bfloat16: 9.0, torch.float32: 3.0}, "float32": {torch.bfloat16: 1.0, torch.float32: 3.0}}


def _of_speed(monkeypatch, faster):
    monkeypatch.setattr(hardware, "matmul_gflops", lambda dtype, device, rows=0: SPEEDS[faster][dtype])


def _recipe(tmp_path, dtype):
    recipe = load_recipe(write_recipe(tmp_path))
    return replace(recipe, training=recipe.training.replace(dtype=dtype))


@pytest.mark.parametrize("faster", SPEEDS)
def test_auto_is_the_faster_dtype(tmp_path, monkeypatch, faster):
    _of_speed(monkeypatch, faster)
    assert with_dtype(_recipe(tmp_path, "auto"), CPU).training.dtype == faster


@pytest.mark.parametrize("named", SPEEDS)
@pytest.mark.parametrize("faster", SPEEDS)
def test_a_dtype_in_the_recipe_is_kept(tmp_path, monkeypatch, named, faster):
    _of_speed(monkeypatch, faster)
    assert with_dtype(_recipe(tmp_path, named), CPU).training.dtype == named


def test_convolutions_are_in_float32_on_a_cpu(tmp_path, monkeypatch):
    _of_speed(monkeypatch, "bfloat16")
    recipe = load_recipe(write_classifier(tmp_path))
    recipe = replace(recipe, training=recipe.training.replace(dtype="auto"))
    assert with_dtype(recipe, CPU).training.dtype == "float32"
    assert with_dtype(recipe, torch.device("cuda")).training.dtype == "bfloat16"


@pytest.mark.parametrize("faster", SPEEDS)
def test_the_card_says_which_it_was(tmp_path, monkeypatch, faster):
    _of_speed(monkeypatch, faster)
    path = write_recipe(tmp_path)
    text = "".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("dtype"))
    path.write_text(text)
    train_recipe(path, out=tmp_path / "run", steps=2)
    (card,) = (tmp_path / "run").rglob("card.json")
    assert json.loads(card.read_text())["training"]["dtype"] == faster


def test_a_run_that_resumes_keeps_its_dtype(tmp_path, monkeypatch):
    recipe = _recipe(tmp_path, "auto")
    _of_speed(monkeypatch, "bfloat16")
    run = with_dtype(recipe, CPU, tmp_path / "run")
    Trainer(run, base=tmp_path, folder=tmp_path / "run", device=CPU).run()
    _of_speed(monkeypatch, "float32")
    assert with_dtype(recipe, CPU, tmp_path / "run").training.dtype == "bfloat16"
    assert with_dtype(recipe, CPU, tmp_path / "other").training.dtype == "float32"
    assert with_dtype(recipe, CPU, tmp_path / "other", chosen="bfloat16").training.dtype == "bfloat16"


def test_a_trainer_never_has_auto(tmp_path):
    trainer = Trainer(_recipe(tmp_path, "auto"), base=tmp_path, folder=tmp_path / "run", device=CPU)
    assert trainer.recipe.training.dtype == trainer.config.dtype == "float32"
