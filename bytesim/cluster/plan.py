"""The plan of a run: the shares of files for the workers, in a file that grows while they work.

The plan is written once, in one order, and only at its end. So a task that reads it may die and begin again: it gives
the same shares with the same numbers. A task that looked for files itself would find others at the second time, those
that are done by then missing.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from bytesim.cluster.ledger import Ledger, error_row
from bytesim.errors import BytesimError

_END = "end\n"
_POLL_S = 0.02
MOST_FILES = 64
"""Files of a share, for commands that take a moment for a file; quick ones get some times as many."""
_SHARES_PER_JOB = 4
"""Least number of shares for each worker, as long as there are files: so all end at about the same time."""

Item = tuple[str, list[str]]
"""(path of a file, outputs that an earlier run may have written for it)."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """Files for one call of a worker."""

    number: int
    items: list[Item]


def read_share(line: str) -> Share:
    """A share from its line in the plan."""
    number, items = json.loads(line)
    return Share(number=number, items=[(path, outputs) for path, outputs in items])


def follow_plan(path: Path | str, stopped: Callable[[], bool] = lambda: False) -> Iterator[str]:
    """The lines of a plan, as they are written, to its end."""
    with open(path, encoding="ascii", newline="\n") as file:
        line = ""
        while not stopped():
            line += file.readline()
            if line == _END:
                return
            if line.endswith("\n"):
                yield line
                line = ""
            else:
                time.sleep(_POLL_S)


class Planner:
    """Writes the plan in a thread: leaves out what the ledger has, and refuses an output that is taken."""

    def __init__(
        self,
        path: Path,
        names: Iterable[str | None],
        ledger: Ledger,
        targets: Callable[[str], list[str]],
        *,
        jobs: int,
        share_factor: int = 1,
    ) -> None:
        """`names` yields None where the files before it must be given out. `targets` gives the outputs of a file.

        Shares have `share_factor` times MOST_FILES.
        """
        self.most_files = share_factor * MOST_FILES
        self.path, self.names, self.ledger, self.targets, self.jobs = path, names, ledger, targets, jobs
        self.planned = 0
        """Files of the plan, and those refused by it."""
        self.done_before = 0
        """Files that the ledger had."""
        self.complete = False
        self.error: BaseException | None = None
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._shares = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.path.write_bytes(b"")

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def has_work(self) -> bool:
        """Wait until it has a share, or none at all, and tell which."""
        self._ready.wait()
        return self._shares > 0

    def stop(self) -> None:
        """Stop, and wait until the thread has ended."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stop.is_set()

    def _run(self) -> None:
        try:
            with open(self.path, "a", encoding="ascii", newline="\n") as file:
                try:
                    self._write(file)
                    self.complete = not self.stopped()
                finally:
                    file.write(_END)
        except BaseException as error:
            self.error = error
        finally:
            self._ready.set()

    def _write(self, file: TextIO) -> None:
        waiting: list[Item] = []
        for name in self.names:
            if self.stopped():
                return
            if name is None:
                self._give_out(file, waiting)
                waiting = []
            elif (item := self._item(name)) is not None:
                waiting.append(item)
                if len(waiting) >= self.most_files * _SHARES_PER_JOB * self.jobs:
                    self._give_out(file, waiting)
                    waiting = []
        self._give_out(file, waiting)

    def _item(self, name: str) -> Item | None:
        """A file for the workers; None for one that is done, was named before, or is refused."""
        with self.ledger.lock:
            index = self.ledger.index
            if index.kind_of(name) is not None:
                self.done_before += index.plan(name)
                return None
            if not index.plan(name):
                return None
            self.planned += 1
            taken = index.claim(name, self._targets(name))
            if taken is None:
                return name, index.begun(name)
        text = f"{name}: the output {taken} is that of another file. Rename one of the two."
        self.ledger.add([error_row(name, text, "OutputError")])
        return None

    def _targets(self, name: str) -> list[str]:
        try:
            return self.targets(name)
        except BytesimError:
            return []  # the worker meets the same error

    def _give_out(self, file: TextIO, items: list[Item]) -> None:
        size = min(self.most_files, max(1, len(items) // (_SHARES_PER_JOB * self.jobs)))
        for start in range(0, len(items), size):
            file.write(json.dumps([self._shares, items[start : start + size]]) + "\n")
            self._shares += 1
        file.flush()
        if items:
            self._ready.set()
