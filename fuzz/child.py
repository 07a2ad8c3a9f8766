"""The process that runs one target: `python -m fuzz.child TARGET SEED FIRST COUNT REPORT`.

It writes a line of JSON to REPORT for what it begins and for what it finds. The parent, fuzz.run, watches these lines
and the memory, ends this process if an input takes too long, and starts another one after that input.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any, TextIO

from bytesim.errors import BytesimError
from fuzz.cases import FOUND, case
from fuzz.targets import TARGETS
from fuzz.targets.target import PartialFileError, Run, check_folder, empty

MEMORY_BYTES = 2 << 30
"""Most memory that an input may take, beyond what the process has before the first one."""
LONG_S = 2.0
"""An input that takes longer is reported as slow."""
MINIMISE_S = 8.0
FINE = ("ok", "refused")
"""Answers that an input may have: a result, or a BytesimError."""


def peak_bytes() -> int:
    """The most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def limit_memory() -> None:
    """Let allocations fail beyond MEMORY_BYTES more than now; only Linux tells how much that is."""
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def answer_to(run: Run, data: bytes, folder: Path) -> tuple[str, str]:
    """(ok, refused, traceback, memory or partial; the text of the error) of an input."""
    empty(folder)
    answer = "ok", ""
    try:
        try:
            run(data)
        except BytesimError as error:
            answer = "refused", str(error)
        except MemoryError:
            return "memory", traceback.format_exc()
        check_folder(folder)
    except PartialFileError as error:
        return "partial", f"{type(error).__name__}: {error}"
    except BaseException:  # SystemExit and KeyboardInterrupt of a library would be bugs as well
        return "traceback", traceback.format_exc()
    return answer


def place_of(text: str) -> str:
    """The kind of a traceback: the exception, and the last line of bytesim that it passed."""
    lines = text.strip().splitlines()
    inside = [line.strip() for line in lines if "bytesim/" in line and line.strip().startswith("File")]
    where = inside[-1].split("bytesim/", 1)[1] if inside else ""
    return f"{lines[-1].partition(':')[0]} {where}"


def minimised(run: Run, data: bytes, folder: Path, kind: str, where: str) -> bytes:
    """A shorter input that breaks the same: pieces are left out, from halves to single bytes, for some seconds."""
    end = time.monotonic() + MINIMISE_S
    size = len(data) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(data) and time.monotonic() < end:
            shorter = data[:at] + data[at + size :]
            again = answer_to(run, shorter, folder)
            if again[0] == kind and place_of(again[1]) == where:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def save(target: str, data: bytes, kind: str, text: str) -> Path:
    """Save an input and what it breaks."""
    folder = FOUND / target
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    path.with_suffix(".txt").write_text(text, encoding="utf-8", errors="backslashreplace")
    return path


class _Child:
    def __init__(self, name: str, seed: int, report: TextIO, folder: Path) -> None:
        self.target, self.seed, self.report, self.folder = TARGETS[name], seed, report, folder
        self.run = self.target.prepare(folder)
        self.seen: set[str] = set()

    def tell(self, **line: Any) -> None:
        self.report.write(json.dumps(line) + "\n")
        self.report.flush()

    def one(self, number: int) -> None:
        """Run one case, and report what it breaks."""
        data = case(self.target, self.seed, number)
        self.tell(begin=number, at=time.time())
        before, started = peak_bytes(), time.monotonic()
        kind, text = answer_to(self.run, data, self.folder)
        seconds, grown = time.monotonic() - started, peak_bytes() - before
        if kind in FINE and grown > MEMORY_BYTES:
            kind, text = "memory", f"{grown >> 20} MiB"
        if kind in FINE:
            if seconds > LONG_S:
                save(self.target.name, data, "slow", f"{seconds:.1f} s, case {number} of seed {self.seed}")
            self.tell(ended=number, kind=kind, seconds=round(seconds, 3))
            return
        where = place_of(text)
        known = where in self.seen
        self.seen.add(where)
        self.tell(found=kind, number=number, where=where, new=not known)
        if known:
            return
        text = f"case {number} of seed {self.seed}\n{text}"
        path = save(self.target.name, data, kind, text)
        if kind == "memory":
            return
        self.tell(pause=True)  # the parent waits longer while the input is made shorter
        shorter = minimised(self.run, data, self.folder, kind, where)
        if shorter != data:
            save(self.target.name, shorter, kind, text)
            path.unlink()
            path.with_suffix(".txt").unlink()


def main(name: str, seed: int, first: int, count: int, report: Path) -> None:
    """Run the cases `first` to `first + count - 1` of a target."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.pop("LD_PRELOAD", None)  # of fuzz.sanitize, and not for the programs that tasks start
    warnings.simplefilter("ignore")
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - what libraries print, for as long as the process lives
    with report.open("a", encoding="utf-8") as file, tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        child = _Child(name, seed, file, Path(folder))
        case(child.target, seed, 0)  # makes the seeds
        limit_memory()
        child.tell(ready=True)
        for number in range(first, first + count):
            child.one(number)
        child.tell(done=True, peak_mib=peak_bytes() >> 20)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
