"""Fuzzing guided by coverage, with the package atheris: the same targets, started by `fuzz.run --coverage`.

A child process runs libFuzzer on one target: `python -m fuzz.coverage TARGET SEEDS ARTIFACTS LIBFUZZER-OPTIONS`. Its
inputs are changed by fuzz.mutate half of the time, else by libFuzzer. It ends at the first input that breaks something.
"""

from __future__ import annotations

import importlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuzz.run import Result

_MEMORY_MIB = 3072
"""Limit of libFuzzer: 2 GiB for an input, and what Python, torch and a model take."""
_MOST_FINDINGS = 20
"""Children that a target may end."""


def fuzz(target: str, *, seed: int, inputs: int, minutes: float, first: int = 0) -> Result:
    """Run a target for so many inputs or minutes. `first` is not used."""
    from fuzz.cases import FOUND, pool
    from fuzz.fixtures import ROOT
    from fuzz.run import LIMIT_S, Result
    from fuzz.targets import TARGETS

    result, started = Result(target), time.monotonic()
    artifacts = FOUND / target
    artifacts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        for index, data in enumerate(pool(TARGETS[target])):
            Path(name, f"seed-{index}").write_bytes(data)
        while result.inputs < inputs and result.broken < _MOST_FINDINGS:
            left = round(60 * minutes - (time.monotonic() - started))
            if left <= 0:
                break
            options = [
                f"-seed={seed + 1 + result.broken}",
                f"-runs={inputs - result.inputs}",
                f"-timeout={LIMIT_S:.0f}",
            ]
            options += [
                f"-rss_limit_mb={_MEMORY_MIB}",
                "-max_len=65536",
                "-use_value_profile=1",
                "-print_final_stats=1",
            ]
            if minutes < 1 << 30:
                options.append(f"-max_total_time={left}")
            command = [sys.executable, "-m", "fuzz.coverage", target, name, f"{artifacts}/", *options]
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, check=False, env={"OMP_NUM_THREADS": "1", **os.environ}
            )
            if _count(done.stderr.decode("utf-8", "replace"), done.returncode, result, artifacts):
                break
    result.seconds = time.monotonic() - started
    return result


def _count(log: str, code: int, result: Result, artifacts: Path) -> bool:
    """Add what a child did. Returns whether it ended because its time or its inputs were used up."""
    runs = re.findall(r"stat::number_of_executed_units: (\d+)", log) or re.findall(r"(?m)^#(\d+)\s", log)
    result.inputs += int(runs[-1]) if runs else 0
    if code == 0:
        return True
    if not runs:
        raise RuntimeError(f"{result.target} does not start:\n{log[-2000:]}")
    kind = "hang" if "timeout" in log else "memory" if "out-of-memory" in log else "traceback"
    kind = "crash" if "deadly signal" in log else kind
    result.counts[kind] += 1
    place = re.findall(r'File ".*bytesim/([^"]*", line \d+)', log)
    result.places[f"{kind} {place[-1] if place else ''}"] += 1
    (artifacts / f"{kind}-{result.broken}.log").write_text(log[-8000:], encoding="utf-8")
    return False


def _child(target: str, seeds: str, artifacts: str, options: list[str]) -> None:
    import atheris

    with atheris.instrument_imports(include=["bytesim"]):
        importlib.import_module("bytesim.errors")
        targets: Any = importlib.import_module("fuzz.targets")
    from bytesim.errors import BytesimError
    from fuzz.cases import pool
    from fuzz.mutate import mutated
    from fuzz.targets.target import check_folder, empty

    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    chosen = targets.TARGETS[target]
    run, known = chosen.prepare(folder), pool(chosen)

    def one(data: bytes) -> None:
        empty(folder)
        with suppress(BytesimError):
            run(data)
        check_folder(folder)

    def change(data: bytes, most_bytes: int, seed: int) -> bytes:
        rng = random.Random(seed)
        if rng.random() < 0.5:
            return bytes(atheris.Mutate(data, most_bytes))
        return mutated(rng, [data, *rng.choices(known, k=3)], most_bytes)[:most_bytes]

    words = [sys.argv[0], seeds, f"-artifact_prefix={artifacts}", *options]
    atheris.Setup(words, one, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    _child(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])
