"""Times whole runs of `bytesim classify file`, cold start included: a thousand small files, in one process and several.

Floor: the start of the program, which loads the model, plus the operations of all files at the machine's
matrix-product rate.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from common import arguments, report
from torch.utils.flop_counter import FlopCounterMode

from bytesim.engine.hardware import matmul_gflops
from bytesim.models.registry import model_of
from bytesim.models.store import is_path, stored_models
from bytesim.models.weights import save_model
from bytesim.predictors.classifier import load_classifier
from bytesim.training.sizes import classifier_config

ROOT = Path(__file__).resolve().parent.parent
FILES, JOBS, COUNTED = 1000, 2, 50
SMALLEST, LARGEST = 200, 4000
"""Range of file sizes, in bytes."""


def random_model(folder: Path) -> str:
    """Save a model of the size `small` with random weights, for a machine without the model `filetype`."""
    torch.manual_seed(0)
    config = classifier_config("small", 100)
    card = {"labels": [str(label) for label in range(100)], "tasks": [{"task": "classify", "target_suffix": "bin"}]}
    save_model(folder, model_of(config).state_dict(), config=config.to_dict(), card=card, recipe="")
    return str(folder)


def write_files(folder: Path) -> list[bytes]:
    """Write files cut from the texts and pictures of this repository; returns them."""
    sources = [path.read_bytes() for path in sorted(ROOT.rglob("*.md")) + sorted((ROOT / "examples").glob("*.*"))]
    whole = b"".join(sources)
    rng = random.Random(0)
    files = []
    for number in range(FILES):
        size = rng.randint(SMALLEST, LARGEST)
        start = rng.randrange(len(whole) - size)
        files.append(whole[start : start + size])
        (folder / f"{number:04}").write_bytes(files[-1])
    return files


def run(folder: Path, options: argparse.Namespace, jobs: int) -> float:
    """Seconds of a run in a new process."""
    command = [sys.executable, "-m", "bytesim", "classify", "file", str(folder), "--model", options.model]
    command += ["--device", options.device, "--dtype", options.dtype, "--jobs", str(jobs)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert len(done.stdout.splitlines()) == FILES, done.stderr
    return time.perf_counter() - start


def start_seconds(options: argparse.Namespace) -> float:
    """Seconds until the model is loaded in a new process."""
    probe = "import sys; from bytesim.predictors.classifier import load_classifier as load; load(sys.argv[1])"
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", probe, options.model], check=True)
    return time.perf_counter() - start


def floor_seconds(options: argparse.Namespace, files: list[bytes]) -> float:
    """Seconds of the matrix products and convolutions of all files only, as torch counts them for some of the files."""
    classifier = load_classifier(options.model, device=options.device, dtype=options.dtype, engine_backend="torch")
    sample = files[:COUNTED]
    with FlopCounterMode(display=False) as counter:
        classifier.probabilities(sample)
    operations = counter.get_total_flops() * sum(map(len, files)) / sum(map(len, sample))
    return operations / (matmul_gflops(getattr(torch, options.dtype), options.device) * 1e9)


def main() -> None:
    options = arguments(__doc__ or "", model="filetype")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "files")
        folder.mkdir()
        random_weights = options.model not in {model.name for model in stored_models()} and not is_path(options.model)
        if random_weights:
            options.model = random_model(Path(name, "random"))
        files = write_files(folder)
        one = median(run(folder, options, 1) for _ in range(options.repeats))
        many = median(run(folder, options, JOBS) for _ in range(options.repeats)) if options.device == "cpu" else None
        start = start_seconds(options)
        floor = start + floor_seconds(options, files)
    best = min(one, many or one)
    figures: dict[str, object] = {
        "files": FILES,
        "bytes": sum(map(len, files)),
        "start_s": round(start, 2),
        "one_process_s": round(one, 2),
        "jobs": JOBS,
        "several_processes_s": None if many is None else round(many, 2),
        "floor_s": round(floor, 2),
        "files_per_minute": round(60 * FILES / best),
        "ceiling_files_per_minute": round(60 * FILES / floor),
        "cores": os.cpu_count(),
    }
    several = "" if many is None else f", {many:.1f} s in {JOBS}"
    print(f"{FILES} files: {one:.1f} s in one process{several}; the start takes {start:.1f} s, floor {floor:.1f} s")
    print(f"{60 * FILES / best:,.0f} files per minute, ceiling {60 * FILES / floor:,.0f}")
    if random_weights:
        options.model = "random"
    report("classify", figures, options)


if __name__ == "__main__":
    main()
