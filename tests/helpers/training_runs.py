"""Trainings in processes of their own, which a test kills and starts again."""

import random
import subprocess
import time
from pathlib import Path

from helpers.processes import start_bytesim


def start_training(recipe: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    words = ("train", str(recipe), "--device", "cpu", "--out", str(out), *options)
    return start_bytesim(*words, stdout=pipe, stderr=pipe, text=True)


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
        with start_training(recipe, out) as process:
            wait_for_lines(out, lines, process)
            time.sleep(rng.uniform(0, 0.02))
            process.kill()
    return finish(start_training(recipe, out))
