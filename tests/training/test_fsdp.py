"""Several processes that share a model (FSDP) learn what one learns, and go on from each other's checkpoints."""

import json
import os
import shutil
import signal
import sys
from dataclasses import replace

import pytest
import torch
from helpers.processes import children_of
from helpers.tiny_training import CLASSIFIER, RECIPE, losses, tiny_recipe, write_classifier, write_recipe
from helpers.torchrun import assert_alike, run_torchrun, start_torchrun
from helpers.training_runs import wait_for_lines
from safetensors.torch import load_file

from bytesim.errors import ConfigError
from bytesim.tasks.models import verify_model
from bytesim.tasks.train.train import train_recipe
from bytesim.training import parallelize
from bytesim.training.data.shards import load_shard, save_shard
from bytesim.training.distributed import Workers
from bytesim.training.parallelize import is_sharded
from bytesim.training.sharding import is_sharded as is_sharded_tensor
from bytesim.training.sharding import local, spread, whole

needs_workers = pytest.mark.skipif(not torch.distributed.is_available(), reason="this torch is built without workers")
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc lists the processes")
CPU = torch.device("cpu")
FSDP = RECIPE.replace("[training]", '[training]\nparallel = "fsdp"').replace("micro_bytes = 128", "micro_bytes = 64")


@pytest.mark.slow
@needs_workers
@pytest.mark.parametrize("processes", [2, 3, 4])
def test_several_processes_that_share_a_model_learn_what_one_learns(tmp_path, processes):
    recipe = write_recipe(tmp_path, FSDP)
    train_recipe(recipe, out=tmp_path / "one", device="cpu")
    stdout, _ = run_torchrun(processes, recipe, tmp_path / "many", "--json")
    assert json.loads(stdout)["steps"] == 20
    assert_alike(tmp_path / "many", tmp_path / "one")
    assert verify_model(tmp_path / "many" / "capitals")
    files = sorted(path.name for path in (tmp_path / "many" / "checkpoint").iterdir())
    assert files == ["index.json", *(f"rank-{rank}.safetensors" for rank in range(processes))]


@pytest.mark.slow
@needs_workers
@on_linux
def test_any_number_of_processes_goes_on_where_four_were_stopped(tmp_path):
    text = FSDP.replace("checkpoint_minutes = 0.001", "checkpoint_minutes = 9.0").replace("steps = 20", "steps = 60")
    recipe = write_recipe(tmp_path, text)
    train_recipe(recipe, out=tmp_path / "whole", device="cpu")
    stopped = tmp_path / "four"
    process = start_torchrun(4, recipe, stopped)
    wait_for_lines(stopped, 9, process)
    os.kill(int(children_of(process.pid, 4)[2]), signal.SIGTERM)
    _, said = process.communicate(timeout=100)
    assert process.returncode != 0
    assert "bytesim/training" not in said, "torchrun reports the exit of its processes, and nothing else is a traceback"
    assert sorted(path.name for path in stopped.iterdir()) == ["checkpoint", "log.jsonl"]
    for processes in (1, 2):
        out = tmp_path / f"by{processes}"
        shutil.copytree(stopped, out)
        if processes == 1:
            assert train_recipe(recipe, out=out, device="cpu").resumed_at >= 8
        else:
            assert "resuming at step" in run_torchrun(processes, recipe, out)[1]
        assert_alike(out, tmp_path / "whole")


@pytest.mark.slow
@needs_workers
def test_four_processes_go_on_where_one_was(tmp_path):
    recipe = write_recipe(tmp_path, FSDP)
    train_recipe(recipe, out=tmp_path / "run", device="cpu", steps=20)
    train_recipe(recipe, out=tmp_path / "one", device="cpu", steps=20)
    train_recipe(recipe, out=tmp_path / "one", device="cpu", steps=30)
    assert "resuming at step 20 of 30" in run_torchrun(4, recipe, tmp_path / "run", "--steps", "30")[1]
    assert_alike(tmp_path / "run", tmp_path / "one")
    assert sorted(path.name for path in (tmp_path / "run").glob("checkpoint*")) == ["checkpoint", "checkpoint-previous"]


@pytest.mark.slow
@needs_workers
def test_early_stopping_keeps_the_best_weights_of_shared_models(tmp_path):
    """The validation labels are swapped, so that the loss on them rises from the first measurement on."""
    text = CLASSIFIER.replace("[training]", '[training]\nparallel = "fsdp"\npatience = 2\nmicro_bytes = 64')
    text = text.replace("dropout = 0.3", "dropout = 0.0").replace("steps = 6", "steps = 60\nvalidate_steps = 3")
    before, after = text.split("[[validation]]")
    recipe = write_classifier(tmp_path, f"{before}[[validation]]{after.replace('kinds.npz', 'swapped.npz')}")
    shard = load_shard(tmp_path / "kinds.npz")
    save_shard(tmp_path / "swapped.npz", replace(shard, label=1 - shard.label))
    one = train_recipe(recipe, out=tmp_path / "one", device="cpu")
    two = json.loads(run_torchrun(2, recipe, tmp_path / "two", "--json")[0])
    assert (two["steps"], two["best_step"]) == (one.steps, one.best_step) == (9, 3)
    assert two["validation"] == one.validation
    weights, expected = (load_file(tmp_path / name / "kinds" / "model.safetensors") for name in ("two", "one"))
    for name, tensor in expected.items():
        if "running" not in name and "tracked" not in name:  # statistics of each process's own micro-batches
            torch.testing.assert_close(weights[name], tensor, rtol=0.01, atol=1e-3)
    again = train_recipe(recipe, out=tmp_path / "two", device="cpu")
    assert (again.resumed_at, again.steps, again.best_step) == (9, 9, 3)


@pytest.mark.slow
@needs_workers
def test_bfloat16_and_weights_to_start_from_work_for_shared_models(tmp_path):
    text = FSDP.replace('"float32"', '"bfloat16"')
    recipe = write_recipe(tmp_path, text)
    train_recipe(recipe, out=tmp_path / "first", device="cpu", steps=6)
    recipe.write_text('start_from = "first/capitals"\n' + text.replace("[training]", "[training]\nstart_share = 0.25"))
    train_recipe(recipe, out=tmp_path / "one", device="cpu", steps=6)
    run_torchrun(2, recipe, tmp_path / "two", "--steps", "6")
    for one, two in zip(losses(tmp_path / "one"), losses(tmp_path / "two"), strict=True):
        assert two[2] == pytest.approx(one[2], rel=0.02), (one, two)


@pytest.mark.slow
@needs_workers
def test_minutes_and_compile_for_shared_models(tmp_path):
    text = FSDP.replace("steps = 20", "minutes = 0.05\ncompile = true")
    recipe = write_recipe(tmp_path, text)
    stdout, said = run_torchrun(2, recipe, tmp_path / "two", "--json")
    assert json.loads(stdout)["steps"] >= 6
    assert "training without torch.compile: parallel = fsdp" in " ".join(said.split())


@pytest.mark.slow
@needs_workers
def test_a_shared_model_that_diverges_leaves_no_model(tmp_path):
    recipe = write_recipe(tmp_path, FSDP.replace("learning_rate = 1e-2", "learning_rate = 1e12", 1))
    process = start_torchrun(2, recipe, tmp_path / "two")
    _, said = process.communicate(timeout=100)
    assert process.returncode != 0
    assert "the training diverged" in " ".join(said.split())
    assert not (tmp_path / "two" / "capitals").exists()


@pytest.mark.slow
@needs_workers
@pytest.mark.skipif(os.name == "nt", reason="permissions")
def test_a_process_that_cannot_write_its_share_is_told_and_the_last_checkpoint_stays(tmp_path):
    recipe = write_recipe(tmp_path, FSDP)
    run_torchrun(2, recipe, tmp_path / "two", "--steps", "8")
    before = {path: path.read_bytes() for path in (tmp_path / "two" / "checkpoint").iterdir()}
    (tmp_path / "two" / ".checkpoint.tmp").mkdir()
    code = "import builtins, pathlib\n" + FULL_DISK
    (tmp_path / "sitecustomize.py").write_text(code)
    process = start_torchrun(2, recipe, tmp_path / "two", "--steps", "12", path=tmp_path)
    _, said = process.communicate(timeout=100)
    assert process.returncode != 0
    assert "the checkpoint cannot be written" in " ".join(said.split())
    assert "No space left" in said
    assert {path: path.read_bytes() for path in before} == before


FULL_DISK = """
import errno, os
real = pathlib.Path.open
def full(self, mode="r", *rest, **options):
    if self.name == "rank-1.safetensors" and "w" in mode:
        raise OSError(errno.ENOSPC, "No space left on device")
    return real(self, mode, *rest, **options)
pathlib.Path.open = full
"""
"""Run at the start of every process: the file of the second one cannot be written."""


@pytest.mark.slow
@needs_workers
@pytest.mark.parametrize(("text", "name"), [(RECIPE, "checkpoint.safetensors"), (FSDP, "rank-1.safetensors")])
def test_a_checkpoint_that_one_process_cannot_read_stops_all_and_nothing_is_changed(tmp_path, text, name):
    recipe = write_recipe(tmp_path, text)
    run_torchrun(2, recipe, tmp_path / "two", "--steps", "8")
    before = {path: path.read_bytes() for path in (tmp_path / "two").rglob("*") if path.is_file()}
    (tmp_path / "sitecustomize.py").write_text(f"NAME = {name!r}\n" + FAILING_DISK)
    process = start_torchrun(2, recipe, tmp_path / "two", "--steps", "12", path=tmp_path)
    _, said = process.communicate(timeout=100)
    assert process.returncode != 0
    assert " ".join(said.split()).count("cannot be read (Input/output error)") == 2, said
    assert "bytesim/training" not in said, "nothing but torchrun's report is a traceback"
    assert {path: path.read_bytes() for path in (tmp_path / "two").rglob("*") if path.is_file()} == before


FAILING_DISK = """
import errno, os, pathlib
real = pathlib.Path.open
def fail(self, mode="r", *rest, **options):
    if self.name == NAME and mode == "rb" and os.environ.get("RANK") == "1":
        raise OSError(errno.EIO, "Input/output error", str(self))
    return real(self, mode, *rest, **options)
pathlib.Path.open = fail
"""
"""Run at the start of every process: the second one cannot read a file."""


def test_auto_shares_models_that_fill_half_of_a_gpu(monkeypatch):
    recipe, cuda, two = tiny_recipe(), torch.device("cuda"), Workers(0, 2)
    monkeypatch.setattr(parallelize, "total_memory", lambda device: 1600)
    assert not is_sharded(recipe, 50, cuda, two)
    assert is_sharded(recipe, 51, cuda, two)
    assert not is_sharded(recipe, 51, CPU, two)
    assert not is_sharded(tiny_recipe(FSDP), 51, cuda, Workers())
    assert not is_sharded(tiny_recipe(FSDP.replace("fsdp", "ddp")), 51, cuda, two)


@pytest.mark.parametrize(
    ("recipe", "device", "said"),
    [
        (tiny_recipe(FSDP), torch.device("mps"), "does not run on mps"),
        (tiny_recipe(FSDP + '\n[[data]]\ntask = "cpu"\nresult_states = 4\n'), CPU, "result_states"),
    ],
)
def test_what_cannot_be_shared_is_refused_in_one_line(recipe, device, said):
    with pytest.raises(ConfigError, match=said) as caught:
        is_sharded(recipe, 5, device, Workers(0, 2))
    assert "\n" not in str(caught.value)


def test_tensors_of_one_process_are_whole():
    tensor = torch.arange(3.0)
    assert not is_sharded_tensor(tensor)
    assert all(torch.equal(change(tensor), tensor) for change in (local, whole))
    assert spread(tensor, torch.zeros(3)) is tensor
