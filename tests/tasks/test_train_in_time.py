"""A training within a fixed time: it ends by itself, and what it writes can be used."""

import time
from dataclasses import replace

import pytest
import torch
from helpers.tiny_training import losses, write_classifier, write_recipe

import bytesim
from bytesim.engine import hardware
from bytesim.tasks.models import verify_model
from bytesim.tasks.train.in_time import InTimeOptions, fitted, train_in_time
from bytesim.training.interrupt import Interrupt
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe
from bytesim.training.time_limit import TimeLimit

CPU = torch.device("cpu")


def train(path, folder, *, seconds=600.0, interrupt=None, say=lambda line: None, **options):
    now = time.monotonic()
    return train_in_time(
        "tiny",
        load_recipe(path),
        base=path.parent,
        folder=folder,
        limit=TimeLimit(now + seconds),
        interrupt=interrupt or Interrupt(),
        options=InTimeOptions(device=CPU, started=now, **options),
        say=say,
    )


@pytest.mark.parametrize("write", [write_recipe, write_classifier])
def test_the_early_write_changes_nothing_of_the_training(tmp_path, write):
    path = write(tmp_path)
    made = train(path, tmp_path / "run", steps=6, probe_s=0.0)
    recipe = load_recipe(path)
    recipe = replace(recipe, training=fitted(recipe, CPU, TimeLimit(time.monotonic() + 600), 6))
    plain = Trainer(recipe, base=tmp_path, folder=tmp_path / "plain", device=CPU)
    plain.run()
    kept = [line for line in losses(tmp_path / "run") if line[1] != "validation"]
    assert kept == losses(plain.folder)
    assert made.steps == 6
    assert made.stopped_by == "steps"


def test_the_result_names_the_files_and_the_model_can_be_used(tmp_path):
    lines = []
    made = train(write_classifier(tmp_path), tmp_path / "run", steps=5, say=lines.append)
    assert made.files == {
        str(path.relative_to(tmp_path / "run")): path.stat().st_size
        for path in (tmp_path / "run").rglob("*")
        if path.is_file()
    }
    assert {"checkpoint.safetensors", "log.jsonl", "loss.png", "kinds/model.safetensors"} <= set(made.files)
    assert "checkpoint-previous.safetensors" not in made.files
    verify_model(str(made.model_folder))
    assert bytesim.load(made.model_folder, device="cpu").classify(b"abcabcabc").label in (
        "letters",
        "digits",
        "unknown",
    )
    assert [step for step, _ in made.loss_curve] == [1, 2, 3, 4, 5]
    assert made.probe
    assert made.micro_bytes in {trial.micro_bytes for trial in made.probe}
    assert 0 <= made.waiting_share <= 1
    assert made.mfu > 0
    assert made.to_dict()["model_folder"] == str(made.model_folder)
    assert all(line.startswith("tiny: ") for line in lines)
    assert "first step after" in " ".join(lines)


def test_the_time_ends_the_training_with_its_results_written(tmp_path):
    made = train(write_recipe(tmp_path), tmp_path / "run", seconds=6.0)
    assert made.stopped_by == "time"
    assert made.steps > 0
    assert made.reserve_s >= made.write_s
    verify_model(str(made.model_folder))


def test_a_signal_ends_the_training_with_its_results_written(tmp_path):
    interrupt = Interrupt()

    def say(line):
        interrupt.asked = interrupt.asked or "first step" in line

    made = train(write_recipe(tmp_path), tmp_path / "run", interrupt=interrupt, say=say)
    assert (made.steps, made.stopped_by) == (1, "signal")
    verify_model(str(made.model_folder))


@pytest.mark.parametrize(
    ("name", "peak", "told"),
    [
        ("NVIDIA H200", 989e12, "data sheet of the H200"),
        ("NVIDIA H100 PCIe", 756e12, "data sheet of the H100 PCIe"),
        ("NVIDIA H100 80GB HBM3", 989e12, "data sheet of the H100"),
        ("NVIDIA A100-SXM4-40GB", 312e12, "data sheet of the A100"),
        ("Another", 5e9, "measured matrix product"),
    ],
)
def test_the_peak_rate_is_that_of_the_data_sheet_or_measured(monkeypatch, name, peak, told):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: name)
    monkeypatch.setattr(hardware, "matmul_gflops", lambda dtype, device: 5.0)
    assert hardware.peak_flops(torch.bfloat16, "cuda:0") == (peak, told)
    assert hardware.peak_flops(torch.float32, "cpu") == (5e9, "measured matrix product")
