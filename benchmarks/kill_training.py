"""Kills a training again and again, and compares what it ends with: weights and log of one that was never killed.

A converter of 2 million parameters writes a checkpoint of some 20 MB after nearly every step, so that kills hit the
middle of writes. Each run is killed by SIGKILL at a random moment, from the start of the process on, and started again.
The last line is a JSON object.

    OMP_NUM_THREADS=1 python benchmarks/kill_training.py --kills 100
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from safetensors import SafetensorError, safe_open

from bytesim.training.data.shards import pack, save_shard
from bytesim.training.state import digest_of

RECIPE = """
name = "capitals"

[model]
parts = "modern"
patch_size = 4
max_patches = 32
hidden_size = 192
num_layers = 2
head_size = 32
byte_hidden_size = 128
byte_num_layers = 2
byte_head_size = 32
source_hidden_size = 64
source_layers = 1
context_patches = 1
source_attention = true
patch_source_attention = true
max_source_bytes = 64

[training]
learning_rate = 1e-3
warmup_steps = 3
batch_bytes = 256
micro_bytes = 128
steps = {steps}
dtype = "float32"
checkpoint_minutes = 0.0
validate_steps = 50

[[data]]
path = "pairs.npz"
task = "convert"

[[validation]]
path = "pairs.npz"
task = "convert"
max_bytes = 8
"""
AT_START = 0.2
"""Share of the kills that may come before the training has begun."""
START_S = 4.0
"""Seconds within which these come."""
LONGEST_S = 1.5
"""Seconds after the first step of a run within which the others come."""


def kill_and_resume(folder: Path, *, kills: int, steps: int, seed: int = 0) -> dict[str, Any]:
    """Train once to the end, and once with so many kills; the counts, and whether both ended alike."""
    rng = random.Random(seed)
    recipe = write_recipe(folder, steps)
    finish(start(recipe, folder / "whole"))
    out = folder / "killed"
    counts = {"kills": 0, "in_a_write": 0, "between_names": 0, "before_a_step": 0, "finished_early": 0}
    least_whole = 2
    while counts["kills"] < kills:
        begun = lines(out)
        process = start(recipe, out)
        if rng.random() < AT_START:
            time.sleep(rng.uniform(0, START_S))
        else:
            wait_for_step(out, begun, process)
            time.sleep(rng.uniform(0, LONGEST_S))
        process.kill()
        _, said = process.communicate()
        if "Traceback" in said or "error" in said:
            raise AssertionError(said)
        if process.returncode == 0:
            counts["finished_early"] += 1
            break
        counts["kills"] += 1
        counts["before_a_step"] += lines(out) <= begun
        counts["in_a_write"] += (out / ".checkpoint.safetensors.tmp").exists()
        present = [path for path in sorted(out.glob("checkpoint*.safetensors")) if path.exists()]
        counts["between_names"] += [path.name for path in present] == ["checkpoint-previous.safetensors"]
        if present:
            least_whole = min(least_whole, sum(map(is_whole, present)))
        if counts["kills"] % 10 == 0:
            print(f"{counts['kills']} kills, {lines(out)} lines in the log", flush=True)
    finish(start(recipe, out))
    size = (out / "checkpoint.safetensors").stat().st_size
    same = {"weights": weights(out) == weights(folder / "whole"), "log": log(out) == log(folder / "whole")}
    left = [path.name for path in out.glob(".*")]
    return {
        **counts, "steps": steps, "seed": seed, "checkpoint_bytes": size, "fewest_whole_checkpoints": least_whole,
        "same_weights": same["weights"], "same_log": same["log"], "files_left_over": left, "sha256": weights(out),
    }  # fmt: skip


def write_recipe(folder: Path, steps: int) -> Path:
    """The recipe of the converter and its shard of pairs; returns the recipe's path."""
    rng = random.Random(0)
    words = [bytes(rng.choice(b"abcd") for _ in range(rng.randrange(3, 10))) for _ in range(60)]
    folder.mkdir(parents=True, exist_ok=True)
    save_shard(folder / "pairs.npz", pack([(word, word.upper()) for word in words]))
    path = folder / "recipe.toml"
    path.write_text(RECIPE.format(steps=steps), encoding="utf-8")
    return path


def start(recipe: Path, out: Path) -> subprocess.Popen[str]:
    """Start a training in a process of its own."""
    command = [sys.executable, "-m", "bytesim", "train", str(recipe), "--device", "cpu", "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for a training that must end well."""
    _, said = process.communicate()
    if process.returncode:
        raise AssertionError(said)


def wait_for_step(out: Path, begun: int, process: subprocess.Popen[str]) -> None:
    """Wait until the log has other lines than it began with, or the process has ended."""
    while lines(out) == begun and process.poll() is None:
        time.sleep(0.005)


def lines(out: Path) -> int:
    """The number of lines of the log."""
    path = out / "log.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def is_whole(path: Path) -> bool:
    """Whether a checkpoint can be read and has the sha256 that it states."""
    try:
        with safe_open(path, framework="pt") as file:
            texts = dict(file.metadata())
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError):
        return False
    return texts.pop("sha256") == digest_of(tensors, texts)


def weights(out: Path) -> str:
    """The sha256 of the weights of the model folder."""
    return hashlib.sha256((out / "capitals" / "model.safetensors").read_bytes()).hexdigest()


def log(out: Path) -> Sequence[tuple[int, str, Any]]:
    """The log without times."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    names = ("loss_nats", "learning_rate", "num_bytes", "validation", "validation_loss_nats")
    return [(row["step"], name, row[name]) for row in rows for name in names if name in row]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--steps", type=int, default=2000, help="more than the killed runs reach together")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = kill_and_resume(Path(folder), kills=options.kills, steps=options.steps, seed=options.seed)
    for name, value in result.items():
        print(f"{name}: {value}")
    print(json.dumps({"benchmark": "kill_training", **result}))
    if not (result["same_weights"] and result["same_log"]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
