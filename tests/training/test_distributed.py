"""Several processes that train one model make of each step what one process makes of it."""

import json
import os
import subprocess
import sys

import pytest
import torch
from helpers.tiny_training import losses, pairs, tiny_recipe, write_recipe
from safetensors.torch import load_file

from bytesim.errors import ModelError
from bytesim.tasks.train.train import train_recipe
from bytesim.training.data.shards import pack
from bytesim.training.data.streams import ConvertStream
from bytesim.training.distributed import Workers

needs_workers = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is built without workers")


def micro_batches(count: int):
    stream = ConvertStream(tiny_recipe().data[0], pack(pairs()), tiny_recipe().model)
    return [[stream.example(index) for index in range(start, start + 2)] for start in range(count)]


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 4, 7])
def test_every_micro_batch_is_computed_once(size, count):
    batches = micro_batches(count)
    dealt = [batch for rank in range(size) for batch in Workers(rank, size).share(batches)]
    assert sorted(map(id, dealt)) == sorted(map(id, batches))


@pytest.mark.slow
@needs_workers
def test_two_workers_learn_what_one_learns(tmp_path):
    recipe = write_recipe(tmp_path)
    train_recipe(recipe, out=tmp_path / "one", device="cpu")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0"]
    command += ["--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0", "-m", "bytesim", "train", str(recipe)]
    command += ["--device", "cpu", "--out", str(tmp_path / "two"), "--json"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["steps"] == 20  # one process speaks, and once
    one, two = (losses(tmp_path / name) for name in ("one", "two"))
    assert [row[:2] for row in one] == [row[:2] for row in two]
    for first, second in zip(one, two, strict=True):
        assert second[2] == pytest.approx(first[2], rel=1e-3), (first, second)
    weights = [load_file(tmp_path / name / "capitals" / "model.safetensors") for name in ("one", "two")]
    for name, tensor in weights[0].items():
        torch.testing.assert_close(weights[1][name], tensor, rtol=0.05, atol=5e-3)


def test_a_training_starts_from_another_models_weights(tmp_path):
    recipe = write_recipe(tmp_path)
    first = train_recipe(recipe, out=tmp_path / "first", device="cpu")
    recipe.write_text('start_from = "first/capitals"\n' + recipe.read_text())
    second = train_recipe(recipe, out=tmp_path / "second", device="cpu", steps=2)
    begun = next(value for _, name, value in losses(second.folder) if name == "loss_nats")
    ended = [value for _, name, value in losses(first.folder) if name == "loss_nats"][-5:]
    assert begun < 1.2 * max(ended)


def test_the_weights_saved_may_be_mixed_with_those_it_started_from(tmp_path):
    recipe = write_recipe(tmp_path)
    train_recipe(recipe, out=tmp_path / "first", device="cpu", steps=2)
    recipe.write_text('start_from = "first/capitals"\n' + recipe.read_text())
    train_recipe(recipe, out=tmp_path / "last", device="cpu", steps=6)
    recipe.write_text(recipe.read_text().replace("[training]", "[training]\nstart_share = 0.25"))
    mixed = train_recipe(recipe, out=tmp_path / "mixed", device="cpu", steps=6)
    first, last, made = (
        load_file(tmp_path / name / "capitals" / "model.safetensors") for name in ("first", "last", "mixed")
    )
    for name, tensor in made.items():
        torch.testing.assert_close(tensor, 0.25 * first[name] + 0.75 * last[name], rtol=0.02, atol=1e-3)
    shown = [json.loads(line) for line in (tmp_path / "mixed" / "log.jsonl").read_text().splitlines()]
    assert mixed.validation == [line["validation"] for line in shown if "validation" in line][-1]


def test_weights_that_do_not_fit_start_at_random_and_are_named(tmp_path):
    recipe = write_recipe(tmp_path)
    train_recipe(recipe, out=tmp_path / "first", device="cpu", steps=2)
    notes: list[str] = []
    deeper = recipe.read_text().replace("\nnum_layers = 2", "\nnum_layers = 3")
    recipe.write_text('start_from = "first/capitals"\n' + deeper)
    train_recipe(recipe, out=tmp_path / "deeper", device="cpu", steps=2, on_note=notes.append)
    (said,) = [note for note in notes if "start at random" in note]
    assert "patch_decoder.blocks.2.attention.qkv.weight" in said
    assert "blocks.1" not in said
    recipe.write_text(recipe.read_text().replace("\nhead_size = 8", "\nhead_size = 4"))
    with pytest.raises(ModelError, match="another head_size"):
        train_recipe(recipe, out=tmp_path / "narrow", device="cpu", steps=2)
