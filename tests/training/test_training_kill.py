"""A training that is killed at any moment goes on to the same log, on a CPU."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.tiny_training import losses, write_recipe

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def start(recipe: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bytesim", "train", str(recipe), "--device", "cpu", "--out", str(out), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    """What a run said on stderr; it must end well."""
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def wait_for_lines(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    log = out / "log.jsonl"
    for _ in range(6000):
        if log.exists() and log.read_bytes().count(b"\n") >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise TimeoutError(f"{log} has not {count} lines")


def run_with_kills(recipe: Path, out: Path, kills: list[int]) -> str:
    """Kill a run when its log has so many lines, or a moment later, and start it again; what the last one said."""
    rng = random.Random(1)
    for lines in kills:
        with start(recipe, out) as process:
            wait_for_lines(out, lines, process)
            time.sleep(rng.uniform(0, 0.02))
            process.kill()
    return finish(start(recipe, out))


def test_killed_runs_end_with_the_log_of_one_that_was_not(tmp_path):
    recipe = write_recipe(tmp_path)
    finish(start(recipe, tmp_path / "whole"))
    said = run_with_kills(recipe, tmp_path / "killed", [3, 11])
    assert "resuming at step" in said
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    models = [(tmp_path / name / "capitals" / "model.safetensors").read_bytes() for name in ("killed", "whole")]
    assert models[0] == models[1]
    assert not list((tmp_path / "killed").glob(".*"))


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no Ctrl-C to one process")
def test_ctrl_c_saves_a_checkpoint_and_exits_130(tmp_path):
    recipe = write_recipe(tmp_path)
    recipe.write_text(recipe.read_text().replace("checkpoint_minutes = 0.001", "checkpoint_minutes = 9"))
    out = tmp_path / "run"
    with start(recipe, out, "--steps", "100000") as process:
        wait_for_lines(out, 3, process)
        process.send_signal(signal.SIGINT)
        stdout, said = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in said
    assert (out / "checkpoint.safetensors").exists()
    assert "resuming at step" in finish(start(recipe, out, "--steps", "3"))
