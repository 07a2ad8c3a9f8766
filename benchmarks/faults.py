"""Kills commands at random moments, and counts the runs after which nothing was lost and the next run gave the same.

Each of `convert`, `classify` and `compress` is killed `--kills` times, at a moment between its start and its usual end.
A kill is survived if every file that is there afterwards is whole, no other file is left over, no process goes on, and
a further run writes exactly what a run does that nobody kills. Kills of a training are in kill_training.py. Ceiling:
all kills survived.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIGNALS = {"kill": signal.SIGKILL, "terminate": signal.SIGTERM, "interrupt": signal.SIGINT}


@dataclass(frozen=True)
class Command:
    """A command whose outputs all lie in one folder."""

    name: str
    arguments: Callable[[Path, Path], list[str]]
    """Its arguments, from the folder of the inputs and that of the outputs."""


COMMANDS = (
    Command("convert", lambda given, out: ["convert", "abc2midi", str(given / "tunes"), "-o", f"{out}/", "--force"]),
    Command(
        "convert, 2 processes",
        lambda given, out: ["convert", "abc2midi", str(given / "tunes"), "-o", f"{out}/", "--force", "--jobs", "2"],
    ),
    Command(
        "classify, 2 processes",
        lambda given, out: [
            *("classify", "file", str(given / "tunes"), str(given / "many"), "--csv", str(out / "types.csv")),
            *("--force", "--jobs", "2"),
        ],
    ),
    Command(
        "compress",
        lambda given, out: ["compress", str(given / "tunes"), str(given / "text.txt"), "-o", f"{out}/", "--force"],
    ),
)


def make_inputs(folder: Path) -> None:
    """Tunes, many small files and a text, from the examples of this project."""
    tunes, many = folder / "tunes", folder / "many"
    tunes.mkdir()
    many.mkdir()
    for source in sorted((ROOT / "examples").glob("*.abc"))[:4]:
        shutil.copy(source, tunes)
    for number, source in enumerate(sorted((ROOT / "bytesim").rglob("*.py"))[:200]):
        shutil.copy(source, many / f"{number}.txt")
    (folder / "text.txt").write_bytes((ROOT / "README.md").read_bytes()[:3000])


def start(arguments: list[str]) -> subprocess.Popen[bytes]:
    """Start the command line in a session of its own, so that processes that go on can be found."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that ignores it passes that on
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "bytesim", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        )
    finally:
        signal.signal(signal.SIGINT, handler)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones included."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(command: Command, given: Path, out: Path) -> tuple[dict[str, bytes], float]:
    """The outputs of a run that nobody kills, and its seconds."""
    out.mkdir(exist_ok=True)
    started = time.monotonic()
    if start(command.arguments(given, out)).wait() != 0:
        raise SystemExit(f"{command.name}: the run without a kill failed")
    return contents(out), time.monotonic() - started


def goes_on(session: int) -> bool:
    """Whether a process of a session still runs five seconds after its leader was killed."""
    with suppress(ProcessLookupError):
        for _ in range(100):
            os.killpg(session, 0)
            time.sleep(0.05)
        os.killpg(session, signal.SIGKILL)
        return True
    return False


def fault(command: Command, given: Path, out: Path, delay: float, number: int, expected: dict[str, bytes]) -> str:
    """What went wrong with one kill; empty if nothing did."""
    out.mkdir()
    process = start(command.arguments(given, out))
    time.sleep(delay)
    process.send_signal(number)
    process.wait()
    if goes_on(process.pid):
        return "a process goes on"
    there = contents(out)
    if surplus := there.keys() - expected.keys():
        return f"left over: {', '.join(sorted(surplus))}"
    if damaged := [name for name, data in there.items() if data != expected[name]]:
        return f"not whole: {', '.join(damaged)}"
    again, _ = run(command, given, out)
    return "" if again == expected else "the next run wrote something else"


def main() -> None:
    """Run the loops, and print a line for each and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--signal", choices=SIGNALS, default="kill")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=[command.name for command in COMMANDS], help="one of the commands")
    options = parser.parse_args()
    survived = dict[str, int]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = folder / "given"
        given.mkdir()
        make_inputs(given)
        for command in COMMANDS if options.only is None else [each for each in COMMANDS if each.name == options.only]:
            rng = random.Random(options.seed)
            expected, usual_s = run(command, given, folder / "expected")
            survived[command.name] = 0
            for turn in range(options.kills):
                out = folder / "out"
                wrong = fault(command, given, out, rng.uniform(0, usual_s), SIGNALS[options.signal], expected)
                shutil.rmtree(out)
                survived[command.name] += not wrong
                if wrong:
                    print(f"{command.name}, kill {turn}: {wrong}", flush=True)
            shutil.rmtree(folder / "expected")
            print(f"{command.name}: {survived[command.name]} of {options.kills} survived", flush=True)
    print(json.dumps({"kills": options.kills, "signal": options.signal, "seed": options.seed, "survived": survived}))


if __name__ == "__main__":
    main()
