"""The benchmark for GPUs, rehearsed on a CPU."""

import json
import subprocess
import sys

from helpers.paths import ROOT


def test_the_benchmark_runs_on_a_cpu_and_ends_with_its_figures():
    command = [sys.executable, str(ROOT / "benchmarks/gpu.py"), "--model", "tiny", "--device", "cpu", "--files", "2"]
    command += ["--train-files", "1", "--dtype", "float32", "--repeats", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    *table, last = done.stdout.splitlines()
    figures = json.loads(last)
    assert figures["benchmark"] == "gpu"
    assert min(figures[name] for name in ("graphs_2", "byte_by_byte_2", "train_bytes_per_s", "ceiling_2")) > 0
    assert table[-1].startswith("training: ")
