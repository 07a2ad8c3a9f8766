"""Rehearses a short lease on this computer, from data to answers; docs/short_lease.md tells more.

    python -m benchmarks.rehearsal build/lease

Small data are made and packed, four recipes are trained for a minute each by a process that cannot import what a rented
machine lacks, and the models that come out are asked. The recipes are small; they take the same path as the real ones.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import bytesim
from bytesim.cpu.assembler import assemble
from bytesim.errors import BytesimError, ModelError
from bytesim.formats.cpu_trace import State
from bytesim.predictors.cpu import load_cpu_model, predict_states

from .data import make_data

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "benchmarks" / "lease.py"
RECIPES = ("music", "cpu", "text", "filetype")
LACKING = ("mido", "music21", "symusic", "soundfile", "soxr", "pydantic", "pydantic_core", "platformdirs", "tomli")
"""Packages that a rented machine may lack."""
BLOCKED_RUN = """
import runpy, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {lacking!r}:
            raise ImportError(f"{{name}} is blocked, as it may be missing on a rented machine")

sys.meta_path.insert(0, Finder())
sys.argv = {words!r}
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""A program that runs a script with its words while some packages cannot be imported."""
LATEST_S = 5.0
"""Seconds that writing may take beyond the time of all recipes, on a computer that others use too."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder for data, packs and runs; replaced if it exists")
    parser.add_argument("--each", type=float, default=1.0, help="minutes for each recipe")
    options = parser.parse_args()
    started = time.monotonic()
    try:
        rehearse(options.folder, options.each)
    except BytesimError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"rehearsed in {(time.monotonic() - started) / 60:.1f} minutes")
    return 0


def rehearse(folder: Path, each: float) -> None:
    """Make data, pack, run and ask. Raises BytesimError, and CalledProcessError if a command fails."""
    shutil.rmtree(folder, ignore_errors=True)
    prepare(folder)
    results = run(folder, "--each", str(each))
    print(json.dumps(results))
    check(results)
    for name in RECIPES:
        print(f"{name}: {answer(name, folder / 'runs' / name / name)}")


def prepare(folder: Path) -> None:
    """Make the data and pack them, to data/ and packs/ of a new folder."""
    make_data(folder / "data", ROOT)
    recipes = folder / "recipes"
    recipes.mkdir()
    for name in RECIPES:  # their paths lead to ../data
        shutil.copyfile(Path(__file__).parent / f"{name}.toml", recipes / f"{name}.toml")
    files = [str(recipes / f"{name}.toml") for name in RECIPES]
    words = ["pack", "--out", str(folder / "packs"), "--validation-files", "16", *files]
    subprocess.run([sys.executable, str(SCRIPT), *words], check=True)


def run(folder: Path, *options: str) -> dict[str, Any]:
    """Train the packs of a folder without the packages of LACKING, to runs/. Returns the JSON line at the end."""
    words = ["run", str(folder / "packs"), "--out", str(folder / "runs"), "--loaders", "1", *options]
    program = BLOCKED_RUN.format(lacking=set(LACKING), words=[str(SCRIPT), *words])
    # Two cores: one trains, the other prepares the data. On a computer in use two threads wait for each other.
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    command = [sys.executable, "-c", program]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if not line.startswith("{"):
                print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, "lease.py run")
    results: dict[str, Any] = json.loads(lines[-1])
    return results


def check(results: dict[str, Any]) -> None:
    """Raise ModelError if a recipe has not learned or was not written in time."""
    if [result["recipe"] for result in results["recipes"]] != list(RECIPES):
        raise ModelError("not every recipe was trained.")
    for result in results["recipes"]:
        name, curve = result["recipe"], result["loss_curve"]
        if not curve or not curve[-1][1] < curve[0][1]:
            raise ModelError(f"the loss of {name} has not fallen: {curve}")
        if result["left_s"] < -LATEST_S:
            raise ModelError(f"{name} was written {-result['left_s']:.1f} s too late.")


def answer(name: str, folder: Path) -> str:
    """What the model of a recipe answers. Raises BytesimError if it does not load or does not answer."""
    if name == "cpu":
        program = (ROOT / "examples" / "gcd.asm").read_text(encoding="utf-8")
        asked = [(assemble(program), State())]
        states = predict_states(load_cpu_model(str(folder), device="cpu"), asked, steps=4)[0].states
        return f"{len(states)} states of gcd.asm"
    model = bytesim.load(folder, device="cpu")
    if name == "filetype":
        found = model.classify((ROOT / "bytesim" / "errors.py").read_bytes())
        return f"errors.py is {found.label}, {found.probability:.3f}"
    if name == "music":
        tune = (ROOT / "examples" / "ode_to_joy.abc").read_bytes()
        return f"{model.bits_per_byte(tune, 'abc'):.3f} bits per byte of ode_to_joy.abc"
    return f"a text of {len(model.generate(prompt='The model', seed=1, max_bytes=100))} bytes"


if __name__ == "__main__":
    sys.exit(main())
