"""Fuzz targets in child processes: `python -m fuzz.run [TARGET ...] --inputs N | --minutes M --seed S --jobs J`.

Prints a table, and one line of JSON last. The exit code is 1 if an input broke something; it is saved in fuzz/found.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuzz import fixtures
from fuzz.cases import case
from fuzz.child import MEMORY_BYTES, save
from fuzz.targets import TARGETS

LIMIT_S = 10.0
"""Most seconds that an input may take, of computing where the system tells that."""
_BUSY = 6.0
"""How many times as long it may take on a busy computer, or if it waits for other processes."""
_START_S = 180.0
_MINIMISING_S = 60.0
_ENDLESS = 1 << 40
_COLUMNS = ("traceback", "hang", "crash", "memory", "partial")


@dataclass
class Result:
    """What the inputs of a target broke."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    """Kind of what was broken -> inputs."""
    places: Counter[str] = field(default_factory=Counter)
    """Exception and line of bytesim -> inputs."""
    accepted: int = 0
    """Inputs with a result; the others have an error."""
    slowest_s: float = 0.0

    @property
    def broken(self) -> int:
        return sum(self.counts.values())


class _Watched:
    """A child, and what it has reported so far."""

    def __init__(self, target: str, seed: int, first: int, count: int, folder: Path) -> None:
        self.report = folder / f"{target.replace('/', '-')}-{first}.jsonl"
        self.report.touch()
        command = [sys.executable, "-m", "fuzz.child", target, str(seed), str(first), str(count), str(self.report)]
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        self.errors = self.report.with_suffix(".err")
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, env=environment, cwd=fixtures.ROOT, stderr=errors)
        self.read, self.stopped = 0, False
        self.number: int | None = None
        self.ready_at: float | None = None
        self._begin(_START_S)

    def _begin(self, limit: float) -> None:
        self.limit, self.since, self.computed = limit, time.monotonic(), self.computing_s()

    def lines(self) -> list[dict[str, Any]]:
        """The lines that are new."""
        with self.report.open("rb") as file:
            file.seek(self.read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.read += len(whole)
        found = [json.loads(line) for line in whole.splitlines()]
        for line in found:
            if "ready" in line:
                self.ready_at = time.monotonic()
            elif "begin" in line:
                self.number = line["begin"]
                self._begin(LIMIT_S)
            elif "pause" in line:
                self._begin(_MINIMISING_S)
        return found

    def resident_bytes(self) -> int:
        """Memory of the process now; 0 where the system does not tell."""
        try:
            pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        except (OSError, ValueError, IndexError):
            return 0
        return pages * 4096

    def computing_s(self) -> float | None:
        """Seconds that the process has computed so far, with those that it has started; None if nothing tells."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            return None
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")

    @property
    def is_late(self) -> bool:
        seconds = time.monotonic() - self.since
        if seconds <= self.limit:
            return False
        now = self.computing_s()
        if now is None or self.computed is None:
            return True
        return now - self.computed > self.limit or seconds > _BUSY * self.limit

    def end(self) -> None:
        self.stopped = True
        self.process.kill()
        self.process.wait()


def fuzz(target: str, *, seed: int, inputs: int, minutes: float, first: int = 0) -> Result:
    """Run cases of a target until so many inputs were tried, or for so many minutes."""
    result = Result(target)
    last = first + inputs
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while first < last and result.seconds < 60 * minutes:
            child = _Watched(target, seed, first, last - first, Path(folder))
            over = _watch(child, result, 60 * minutes - result.seconds)
            if child.ready_at is not None:  # the start of a child does not count
                result.seconds += time.monotonic() - child.ready_at
            if over is not None:
                _keep(target, seed, child.number, over, result)
            elif child.process.returncode and child.number is None and (child.ready_at is None or not child.stopped):
                raise RuntimeError(f"{target} does not start:\n{child.errors.read_text(errors='replace')[-2000:]}")
            first = last if child.number is None else child.number + 1
    return result


def _watch(child: _Watched, result: Result, seconds: float) -> str | None:
    """Count what a child reports until it ends, or for some seconds; hang, memory or crash if an input ended it."""
    while True:
        ended = child.process.poll() is not None
        for line in child.lines():
            result.inputs += "begin" in line
            if "found" in line:
                result.counts[line["found"]] += 1
                result.places[line["where"]] += 1
            result.accepted += line.get("kind") == "ok"
            result.slowest_s = max(result.slowest_s, line.get("seconds", 0.0))
        if ended:
            return "crash" if child.process.returncode and child.number is not None else None
        if child.is_late or child.resident_bytes() > 2 * MEMORY_BYTES:
            late = child.is_late
            child.end()
            return ("hang" if late else "memory") if child.limit == LIMIT_S else None
        if child.ready_at is not None and time.monotonic() > child.ready_at + seconds:
            child.end()
            return None
        time.sleep(0.05)


def _keep(target: str, seed: int, number: int | None, kind: str, result: Result) -> None:
    """Save the case that ended a child."""
    assert number is not None
    save(target, case(TARGETS[target], seed, number), kind, f"{kind}: case {number} of seed {seed}\n")
    result.counts[kind] += 1
    result.places[f"{kind}, case {number}"] += 1


def table(results: list[Result]) -> str:
    """A line for each target."""
    lines = [
        f"{'target':28}{'inputs':>9}{'inputs/s':>10}{'accepted':>10}{'slowest s':>11}"
        + "".join(f"{name:>11}" for name in _COLUMNS)
    ]
    for result in results:
        rate = result.inputs / max(result.seconds, 1e-9)
        counts = "".join(f"{result.counts[name]:11}" for name in _COLUMNS)
        lines.append(
            f"{result.target:28}{result.inputs:9}{rate:10.1f}{result.accepted:10}{result.slowest_s:11.2f}{counts}"
        )
        lines += [f"    {count} x {place}" for place, count in result.places.most_common(20)]
    return "\n".join(lines)


def summary(results: list[Result], seed: int) -> dict[str, Any]:
    """The figures of a run, for its last line."""
    return {
        "seed": seed,
        "targets": len(results),
        "inputs": sum(result.inputs for result in results),
        "accepted": sum(result.accepted for result in results),
        **{name: sum(result.counts[name] for result in results) for name in _COLUMNS},
        "by_target": {result.target: result.inputs for result in results},
    }


def chosen(patterns: list[str]) -> list[str]:
    """The targets of names or patterns such as `abc*`; a command's name stands for its targets. All without any."""
    found = []
    for pattern in patterns or ["*"]:
        names = [
            name for name, target in TARGETS.items() if fnmatch.fnmatch(name, pattern) or target.command == pattern
        ]
        if not names:
            raise SystemExit(f"no target is called {pattern}; there are {', '.join(TARGETS)}")
        found += names
    return list(dict.fromkeys(found))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz.run", description=__doc__)
    parser.add_argument("targets", nargs="*", help="names, patterns such as 'abc*', or commands; all by default")
    parser.add_argument("--inputs", type=int, help="inputs for each target")
    parser.add_argument("--minutes", type=float, help="minutes for all targets together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--coverage", action="store_true", help="guided by coverage, with the package atheris")
    parser.add_argument("--list", action="store_true", help="print the targets and end")
    asked = parser.parse_args()
    names = chosen(asked.targets)
    if asked.list:
        print("\n".join(f"{name:28}{TARGETS[name].command}" for name in names))
        return 0
    for name in fixtures.RECIPES:
        fixtures.trained(name)
    inputs = asked.inputs or (_ENDLESS if asked.minutes else 1000)
    minutes = asked.minutes * asked.jobs / len(names) if asked.minutes else float(_ENDLESS)
    if asked.coverage:
        from fuzz.coverage import fuzz as run
    else:
        run = fuzz

    def one(name: str) -> Result:
        result = run(name, seed=asked.seed, inputs=inputs, minutes=minutes, first=asked.first)
        print(table([result]).splitlines()[1], file=sys.stderr, flush=True)
        return result

    with ThreadPoolExecutor(asked.jobs) as workers:
        results = list(workers.map(one, names))
    print(table(results))
    print(json.dumps(summary(results, asked.seed)))
    return 1 if any(result.broken for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
