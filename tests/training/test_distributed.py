"""Several processes that train one model make of each step what one process makes of it."""

import json
import os
import signal
import sys

import pytest
import torch
from helpers.processes import children_of
from helpers.tiny_training import RECIPE, losses, pairs, tiny_recipe, write_recipe
from helpers.torchrun import assert_alike, run_torchrun, start_torchrun
from helpers.training_runs import wait_for_lines
from safetensors.torch import load_file

from bytesim.errors import ModelError
from bytesim.tasks.train.train import train_recipe
from bytesim.training.data.feed import Feed
from bytesim.training.data.shards import pack
from bytesim.training.data.streams import ConvertStream, Mixture
from bytesim.training.distributed import Workers
from bytesim.training.loss import arrays_of

CPU = torch.device("cpu")
SMALL_STEPS = RECIPE.replace("micro_bytes = 128", "micro_bytes = 64")
"""Four micro-batches a step."""

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


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_example_of_a_step_is_computed_once_whatever_the_number_of_workers(size):
    recipe = tiny_recipe(RECIPE.replace("micro_bytes = 128", "micro_bytes = 32"))
    stream = ConvertStream(recipe.data[0], pack(pairs()), recipe.model)
    for step in range(20):
        drawn = Mixture([stream], seed=3).batch(step, step / 20, 256, 32)
        feeds = [Feed(Mixture([stream], seed=3), recipe, Workers(rank, size), CPU) for rank in range(size)]
        shares = [feed.draw(step, 20) for feed in feeds]
        expected = [files_of(arrays_of(examples, recipe.model)) for examples in drawn]
        dealt = [files_of(arrays) for share in shares for arrays in share.micro_batches]
        assert sorted(dealt) == sorted(expected)
        assert len({(share.scored, share.num_bytes) for share in shares}) == 1


def files_of(arrays) -> bytes:
    return arrays["patches"].tobytes()


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("count", [1, 3, 8])
def test_workers_that_share_a_model_compute_equally_many_micro_batches(size, count):
    recipe = tiny_recipe()
    batches = micro_batches(count)
    feeds = [Feed(None, recipe, Workers(rank, size), CPU, even=True) for rank in range(size)]
    shares = [feed.prepare(batches) for feed in feeds]
    assert {len(share.micro_batches) for share in shares} == {-(-count // size)}
    assert sum(len(share.micro_batches) - share.fillers for share in shares) == count


def test_a_weight_without_a_gradient_anywhere_keeps_none(monkeypatch):
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda flat: flat.mul_(2))
    used, unused = (torch.nn.Parameter(torch.ones(3)) for _ in range(2))
    used.grad = torch.full((3,), 2.0)
    figures = Workers(0, 2).add_up([used, unused], torch.tensor([1.0, 5.0]))
    assert (figures.tolist(), used.grad.tolist(), unused.grad) == ([2.0, 10.0], [4.0] * 3, None)


@pytest.mark.slow
@needs_workers
@pytest.mark.parametrize("processes", [2, 4])
def test_several_workers_learn_what_one_learns(tmp_path, processes):
    recipe = write_recipe(tmp_path, SMALL_STEPS)
    train_recipe(recipe, out=tmp_path / "one", device="cpu")
    stdout, _ = run_torchrun(processes, recipe, tmp_path / "many", "--json")
    assert json.loads(stdout)["steps"] == 20  # one process speaks, and once
    assert_alike(tmp_path / "many", tmp_path / "one")
    assert (tmp_path / "many" / "checkpoint.safetensors").is_file()


@pytest.mark.slow
@needs_workers
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc lists the processes")
def test_a_killed_worker_ends_all_and_the_next_run_goes_on(tmp_path):
    recipe = write_recipe(tmp_path, SMALL_STEPS.replace("steps = 20", "steps = 60"))
    train_recipe(recipe, out=tmp_path / "one", device="cpu")
    process = start_torchrun(2, recipe, tmp_path / "many")
    wait_for_lines(tmp_path / "many", 8, process)
    os.kill(int(children_of(process.pid, 2)[1]), signal.SIGKILL)
    _, said = process.communicate(timeout=100)
    assert process.returncode != 0, said
    assert "resuming at step" in run_torchrun(2, recipe, tmp_path / "many")[1]
    assert_alike(tmp_path / "many", tmp_path / "one")


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
