"""Trainings of several processes, started as users start them: by torchrun."""

import os
import subprocess
import sys
from pathlib import Path

from helpers.processes import start_process


def start_torchrun(processes: int, recipe: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """Start a training of so many processes on the CPU, with one thread each."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    command += ["-m", "bytesim", "train", str(recipe), "--device", "cpu", "--out", str(out), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return start_process(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def run_torchrun(processes: int, recipe: Path, out: Path, *options: str) -> tuple[str, str]:
    """What such a training wrote to stdout and stderr; it must end well."""
    process = start_torchrun(processes, recipe, out, *options)
    stdout, stderr = process.communicate(timeout=170)
    assert process.returncode == 0, stderr
    return stdout, stderr
