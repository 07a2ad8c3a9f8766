"""Times commands from nothing: seconds until each has ended, in a new process, and its peak memory.

Ceiling: the same for Python alone, and for Python with the packages that every command needs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
FILES = sorted(str(path) for path in EXAMPLES.iterdir() if path.suffix in (".abc", ".asm", ".png", ".py", ".md"))[:10]


def commands(folder: Path) -> dict[str, list[str]]:
    """Name -> arguments of Python. Later commands read what earlier ones write."""
    bytesim = ["-m", "bytesim"]
    tune, midi = str(EXAMPLES / "ode_to_joy.abc"), str(folder / "tune.mid")
    return {
        "python": ["-c", "pass"],
        "packages": ["-c", "import numpy, rich.console, safetensors, typer"],
        "help": [*bytesim, "--help"],
        "convert abc2midi": [*bytesim, "convert", "abc2midi", tune, "-o", midi, "--force"],
        "convert midi2abc": [*bytesim, "convert", "midi2abc", midi, "-o", str(folder / "tune.abc"), "--force"],
        "classify file, 10 files": [*bytesim, "classify", "file", *FILES, "--model", "filetype"],
        "generate": [*bytesim, "generate", "--model", "text", "--seed", "1", "-o", str(folder / "new.txt"), "--force"],
        "simulate-cpu": [*bytesim, "simulate-cpu", str(EXAMPLES / "gcd.asm")],
    }


def timed(arguments: list[str]) -> tuple[float, float]:
    """Seconds of a process, and its peak memory in MB; 0 where the system does not tell."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    told = process.stderr.read()
    memory = 0.0
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        process.returncode = code  # the process has been waited for
        memory = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    else:
        code = process.wait()
    assert code == 0, told.decode()
    return time.perf_counter() - start, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    figures: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for command, arguments in commands(Path(name)).items():
            timed(arguments)  # fills the caches of the system
            seconds, memory = zip(*(timed(arguments) for _ in range(options.repeats)), strict=True)
            figures[command] = {"seconds": round(median(seconds), 3), "peak_mb": round(max(memory))}
            print(f"{command:24} {median(seconds):6.2f} s {max(memory):6.0f} MB", flush=True)
    print(json.dumps({"benchmark": "cold_start", "python": platform.python_version(), "commands": figures}))


if __name__ == "__main__":
    main()
