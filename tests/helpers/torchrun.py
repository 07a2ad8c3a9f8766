"""Trainings of several processes, started as users start them: by torchrun."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from helpers.processes import start_process
from helpers.tiny_training import losses

LOSS_TOLERANCE = 1e-3
"""Greatest relative difference of a loss; it is 3e-7 after 20 steps, and grows tenfold every 40."""
WEIGHT_TOLERANCE = 0.01
"""Greatest difference of a weight of the saved model: bfloat16 has steps of 2^-8 of a weight."""


def start_torchrun(
    processes: int, recipe: Path, out: Path, *options: str, path: Path | None = None
) -> subprocess.Popen[str]:
    """Start a training of so many processes on the CPU, with one thread each. `path` holds modules of Python."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command += ["-m", "bytesim", "train", str(recipe), "--device", "cpu", "--out", str(out), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    if path is not None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (str(path), os.environ.get("PYTHONPATH"))))
    pipe = subprocess.PIPE
    return start_process(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def run_torchrun(processes: int, recipe: Path, out: Path, *options: str) -> tuple[str, str]:
    """What such a training wrote to stdout and stderr; it must end well."""
    process = start_torchrun(processes, recipe, out, *options)
    stdout, stderr = process.communicate(timeout=170)
    assert process.returncode == 0, stderr
    return stdout, stderr


def assert_alike(run: Path, other: Path) -> None:
    """Two runs took the same steps and ended with the same model, up to rounding."""
    ours, theirs = losses(run), losses(other)
    assert [row[:2] for row in ours] == [row[:2] for row in theirs]
    for one, two in zip(ours, theirs, strict=True):
        assert one[2] == pytest.approx(two[2], rel=LOSS_TOLERANCE), (one, two)
    weights, expected = (load_file(folder / "capitals" / "model.safetensors") for folder in (run, other))
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=WEIGHT_TOLERANCE, atol=WEIGHT_TOLERANCE)
