"""A training whose numbers leave the range of floats stops, and nothing of it is written."""

import json

import pytest
import torch
from helpers.tiny_training import RECIPE, write_recipe

from bytesim.errors import ConfigError
from bytesim.tasks.train.train import train_recipe
from bytesim.training.checkpoint_names import CHECKPOINT_FILE
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe


def no_constant(name: str) -> None:
    raise AssertionError(f"the log holds {name}")


@pytest.mark.parametrize("rate", ["1e30", "1e12"])
def test_a_rate_that_is_too_high_stops_the_training_in_one_line(tmp_path, rate):
    recipe = write_recipe(tmp_path, RECIPE.replace("learning_rate = 1e-2", f"learning_rate = {rate}"))
    with pytest.raises(ConfigError, match=r"diverged|at most") as caught:
        train_recipe(recipe, out=tmp_path / "run", device="cpu")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "capitals").exists()
    log = tmp_path / "run" / "log.jsonl"
    for line in log.read_text().splitlines() if log.exists() else []:
        json.loads(line, parse_constant=no_constant)


def made(folder) -> Trainer:
    path = write_recipe(folder)
    return Trainer(load_recipe(path), base=folder, folder=folder / "run", device=torch.device("cpu"))


@pytest.mark.parametrize("what", ["loss", "gradient", "weights", "validation"])
def test_no_checkpoint_has_what_is_not_finite(tmp_path, monkeypatch, what):
    one = made(tmp_path)
    one.run()
    good = (tmp_path / "run" / CHECKPOINT_FILE).read_bytes()
    again = made(tmp_path)
    again.change(steps=40)
    again.progress.total_steps = 40
    weights = next(iter(again.model.parameters()))
    if what == "loss":
        monkeypatch.setattr(again.gradients, "compiled_losses", lambda model, batch: weights.sum() * float("nan"))
    elif what == "gradient":
        weights.register_hook(lambda gradient: gradient * float("inf"))
    elif what == "weights":
        monkeypatch.setattr(again.state.optimizers[0], "step", lambda: weights.data.fill_(float("inf")))
    else:
        monkeypatch.setattr("bytesim.training.validation.bits_per_byte", lambda nats, count: float("nan"))
    with pytest.raises(ConfigError, match="diverged"):
        again.run()
    assert (tmp_path / "run" / CHECKPOINT_FILE).read_bytes() == good or what == "validation"
    assert "NaN" not in (tmp_path / "run" / "log.jsonl").read_text()
