"""What bulk work on Ray costs: whole processes, start-up included, beside the same command without Ray.

    python benchmarks/bulk.py                      20,000 files to classify
    python benchmarks/bulk.py --command abc2midi   500 tunes to convert

In a second pass a worker is killed, and then the driver; the run is started again and must end with every file in the
ledger once, and with the same answers. The last line of stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bytesim.cluster.ledger import Ledger, ledger_rows
from bytesim.cluster.plan import MOST_FILES
from bytesim.cluster.work import answer_digest
from bytesim.datasets.music.compose import compose
from bytesim.native.library import num_cores

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
COUNTS = {"classify": 20_000, "abc2midi": 500}
PIECE_BYTES = 4000
LEDGER = "ledger.jsonl"


def make_files(folder: Path, count: int) -> None:
    """Pieces of the examples, a thousand to a folder."""
    sources = [(path.suffix, path.read_bytes()) for path in sorted(EXAMPLES.rglob("*")) if path.is_file()]
    rng = random.Random(0)
    for number in range(count):
        suffix, data = rng.choice(sources)
        start = rng.randrange(max(1, len(data) - PIECE_BYTES)) if number % 2 else 0
        write(folder, number, suffix, data[start : start + rng.randrange(PIECE_BYTES // 2, PIECE_BYTES)])


def make_tunes(folder: Path, count: int) -> None:
    """Random tunes of the package."""
    rng = random.Random(0)
    for number in range(count):
        write(folder, number, ".abc", compose(rng).encode())


def write(folder: Path, number: int, suffix: str, data: bytes) -> None:
    """Write one of the files."""
    place = folder / f"{number // 1000:03d}"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{number:06d}{suffix}").write_bytes(data)


def words(command: str, jobs: int, output: str, files: str = "files") -> list[str]:
    """The command line, before what Ray adds."""
    asked = ["classify", "file"] if command == "classify" else ["convert", "abc2midi", "-o", output]
    return [sys.executable, "-m", "bytesim", *asked, files, "--jobs", str(jobs), "--json"]


def timed(line: list[str], home: Path) -> tuple[float, str]:
    """(seconds, stdout) of a process that must succeed."""
    start = time.perf_counter()
    done = subprocess.run(line, cwd=home, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(line)} ended with {done.returncode}: {done.stderr}")
    return seconds, done.stdout


def expected(command: str, stdout: str, home: Path) -> dict[str, list[str]]:
    """Path -> sha256 of the outputs, or of the answer, of a run without Ray."""
    found: dict[str, list[str]] = {}
    for outcome in json.loads(stdout):
        result = outcome["result"]
        if result is None:
            found[outcome["source"]] = []
        elif command == "classify":
            found[outcome["source"]] = [answer_digest(result)]
        else:
            found[outcome["source"]] = [hashlib.sha256((home / result["output"]).read_bytes()).hexdigest()]
    return found


def check_ledger(home: Path, answers: dict[str, list[str]]) -> None:
    """Raise AssertionError unless every file is in the ledger once, with the same bytes."""
    rows = list(ledger_rows(home / LEDGER))
    found = {row["path"]: row["sha256"] for row in rows}
    assert len(found) == len(rows), "a file stands twice in the ledger"
    assert found == answers, "the ledger and the run without Ray differ"


def workers_of(driver: int) -> Iterator[int]:
    """The actors of a driver, as Linux lists processes."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    for pid in parents:
        if parents.get(parents[pid]) == driver and _name(pid).startswith("ray::MapWorker"):
            yield pid


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_for_rows(home: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the ledger has so many rows."""
    while process.poll() is None:
        if (home / LEDGER).exists() and sum(1 for _ in ledger_rows(home / LEDGER)) >= count:
            return
        time.sleep(0.1)
    raise SystemExit("the run ended before it could be killed; choose a larger --count")


def killed_run(line: list[str], home: Path, count: int) -> int:
    """Start a run, kill a worker after a fifth of the files and the driver after half. Returns the rows by then."""
    process = subprocess.Popen(line, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_rows(home, count // 5, process)
    os.kill(next(workers_of(process.pid)), signal.SIGKILL)
    wait_for_rows(home, count // 2, process)
    process.kill()
    process.wait()
    return sum(1 for _ in ledger_rows(home / LEDGER))


def main() -> None:
    """Measure, check and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", choices=COUNTS, default="classify")
    parser.add_argument("--count", type=int, help="files; by default 20,000 to classify, 500 tunes")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--no-kills", action="store_true", help="leave the second pass out")
    asked = parser.parse_args()
    count = asked.count or COUNTS[asked.command]
    with tempfile.TemporaryDirectory(prefix="bytesim-bulk-") as temporary:
        home = Path(temporary)
        (make_files if asked.command == "classify" else make_tunes)(home / "files", count)
        measured = measure(asked.command, count, asked.jobs, home, kills=not asked.no_kills)
    print(json.dumps(measured))


def measure(command: str, count: int, jobs: int, home: Path, *, kills: bool) -> dict[str, object]:
    """All figures of one command."""
    plain_s, stdout = timed(words(command, jobs, "plain"), home)
    answers = expected(command, stdout, home)
    on_ray = [*words(command, jobs, "ray"), "--cluster", "ray", "--ledger", LEDGER]
    ray_s, stdout = timed(on_ray, home)
    check_ledger(home, answers)
    ledger_rate = rows_per_s(home)
    start_s = started_within(command, jobs, home)
    figures: dict[str, object] = {
        "command": command, "files": count, "jobs": jobs, "cores": num_cores(),
        "plain_s": round(plain_s, 2), "ray_s": round(ray_s, 2), "plain_files_per_s": round(count / plain_s, 1),
        "ray_files_per_s": round(count / ray_s, 1), "rate_ratio": round(plain_s / ray_s, 3),
        "start_s": {name: round(seconds, 2) for name, seconds in start_s.items()},
        "ledger_rows_per_s": round(ledger_rate),
        "rate_ratio_without_start": round((plain_s - start_s["plain"]) / (ray_s - start_s["ray"]), 3),
    }  # fmt: skip
    for name, value in figures.items():
        print(f"{name:26} {value}")
    if kills:
        (home / LEDGER).unlink()
        again = [*words(command, jobs, "killed"), "--cluster", "ray", "--ledger", LEDGER]
        figures["rows_when_killed"] = killed_run(again, home, count)
        figures["resumed_s"] = round(timed(again, home)[0], 2)
        check_ledger(home, answers)
        told = f"{figures['rows_when_killed']} rows; the second run took {figures['resumed_s']} s; all files are there"
        print(f"killed with {told}")
    return figures


def rows_per_s(home: Path) -> float:
    """Rows that a ledger takes in a second, as often as the driver writes them: those of the run, a share at a time."""
    rows = list(ledger_rows(home / LEDGER))
    ledger = Ledger(home / "again.jsonl", {"bytesim": "", "settings": {}}, counted=lambda row: ["any"])
    start = time.perf_counter()
    for first in range(0, len(rows), MOST_FILES):
        ledger.add(rows[first : first + MOST_FILES])
    seconds = time.perf_counter() - start
    ledger.close(complete=True)
    return len(rows) / seconds


def started_within(command: str, jobs: int, home: Path) -> dict[str, float]:
    """Seconds of both with one file for each job: nearly all of it is start-up."""
    (home / "few").mkdir()
    for path in sorted((home / "files" / "000").iterdir())[:jobs]:
        (home / "few" / path.name).write_bytes(path.read_bytes())
    plain, _ = timed(words(command, jobs, "few-plain", "few"), home)
    ray, _ = timed([*words(command, jobs, "few-ray", "few"), "--cluster", "ray", "--ledger", "few.jsonl"], home)
    return {"plain": plain, "ray": ray}


if __name__ == "__main__":
    main()
