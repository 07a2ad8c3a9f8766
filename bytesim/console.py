"""Output for the user: answers on stdout, everything else on stderr."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bytesim.errors import BytesimError, OutputError

if TYPE_CHECKING:
    from bytesim.files import Outcome

T = TypeVar("T")

_PRINTS_RESULTS = os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"
"""Under torchrun only rank 0 prints results; every rank prints its errors."""

CLOSED_PIPE = 141
"""Exit code if the reader of stdout has gone: 128 + SIGPIPE, as shells report it of other programs."""


def end_quietly() -> NoReturn:
    """End the program because nobody reads its output any more."""
    _drop_stdout()
    raise SystemExit(CLOSED_PIPE)


def _drop_stdout() -> None:
    """Make stdout the null device, because Python flushes it once more at the end of the program."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Console(Console):
    """A console that ends the program quietly if nobody reads it."""

    def on_broken_pipe(self) -> None:
        end_quietly()

    def print(self, *objects: Any, **settings: Any) -> None:
        """Print as rich does. Raises OutputError if stdout takes no text."""
        if self.stderr:
            super().print(*objects, **settings)
            return
        with _answers():
            super().print(*objects, **settings)


@contextmanager
def _answers() -> Iterator[None]:
    """Raises OutputError where stdout is closed, or the disk that it is written to is full."""
    if sys.stdout is None:
        raise OutputError("there is no stdout to write to.", file="stdout")
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise stdout_error(error) from error


def stdout_error(error: OSError) -> OutputError:
    """The error for a stdout that takes no text, which is dropped."""
    _drop_stdout()
    return OutputError(f"cannot be written: {(error.strerror or str(error)).lower()}.", file="stdout")


stdout = _Console(soft_wrap=True, highlight=False, emoji=False)
stderr = _Console(stderr=True, highlight=False, emoji=False)


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))} | {10: "\\n", 13: "\\r", 9: "\t"}


def one_line(text: str) -> str:
    """The text on one line, without characters that a terminal would obey: a file's name may hold any of them."""
    return text.translate(_CONTROLS)


def print_error(error: BytesimError) -> None:
    """Print `error: FILE, byte OFFSET: message` on one line of stderr, with brackets and newlines escaped."""
    stderr.print(f"[bold red]error:[/] {escape(one_line(str(error)))}", soft_wrap=True)


def print_note(text: str) -> None:
    """Print one line on stderr that is not an error."""
    if not _PRINTS_RESULTS:
        return
    stderr.print(escape(one_line(text)), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout, with dataclasses, paths and enums as plain values. Raises OutputError."""
    if not _PRINTS_RESULTS:
        return
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    with _answers():
        if not _prints(text):  # the console has another code page, or a file name is not UTF-8
            text = json.dumps(value, default=_plain)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def print_line(text: str) -> None:
    """Print one line on stdout; newlines, and characters that the console lacks, are escaped. Raises OutputError."""
    if not _PRINTS_RESULTS:
        return
    text = one_line(text)
    with _answers():
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()


def report_outcomes(outcomes: Iterable[Outcome[T]], *, as_json: bool, line: Callable[[T], str | None]) -> int:
    """Print every result on stdout and every error on stderr. Returns the exit code: 1 if any input failed, else 0.

    `line` gives the text of one result, or None to print nothing (its bytes went to stdout). With `as_json` stdout
    gets one list of {"source", "result", "error"}. Raises OutputError if stdout takes no text, after the errors of all
    inputs are printed.
    """
    reported = list(outcomes)
    unprinted: OutputError | None = None
    for outcome in reported:
        if outcome.error is not None:
            print_error(outcome.error)
        elif not as_json and outcome.result is not None and unprinted is None:
            try:
                if (text := line(outcome.result)) is not None:
                    print_line(text)
            except OutputError as error:
                unprinted = error
    if unprinted is not None:
        raise unprinted
    if as_json:
        errors = [None if outcome.error is None else str(outcome.error) for outcome in reported]
        rows = zip(reported, errors, strict=True)
        print_json([{"source": outcome.source, "result": outcome.result, "error": error} for outcome, error in rows])
    return int(any(outcome.error is not None for outcome in reported))


def _prints(text: str) -> bool:
    """Whether the encoding of stdout has every character of the text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:
    """The JSON form of a dataclass, a path or a numpy scalar. Raises TypeError for anything else."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


LOG_INTERVAL_S = 30.0
"""Seconds between two lines of progress where stderr is a pipe or a file."""


class _LoggedProgress(Progress):
    """A progress bar that writes a line to stderr now and then, for pipes and log files."""

    def __init__(self, *columns: ProgressColumn, unit: str, **settings: Any) -> None:
        super().__init__(*columns, **settings)
        self._unit = unit
        self._logged_at = time.monotonic()

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Update a task; writes a line about it if the last one is LOG_INTERVAL_S old."""
        super().update(task_id, **changes)
        now = time.monotonic()
        if self.disable and _PRINTS_RESULTS and now - self._logged_at >= LOG_INTERVAL_S:
            self._logged_at = now
            print_note(progress_line(self._tasks[task_id], self._unit))


def progress_line(task: Task, unit: str) -> str:
    """What a progress bar shows, as text: `classify: 120 of 2,000 (6%), 35 files/s, 1:20, 0:21:10 left`."""
    done, share = f"{task.completed:,.0f}", f"{task.percentage:.0f}%"
    if f"{done} of " in task.description:
        done = share
    elif task.total is not None:
        done += f" of {task.total:,.0f} ({share})"
    parts = [f"{task.description}: {done}"]
    if task.fields.get("speed"):
        parts.append(f"{task.fields['speed']} {unit}")
    if task.elapsed is not None:
        parts.append(f"{timedelta(seconds=int(task.elapsed))}")
    if task.time_remaining is not None:
        parts.append(f"{timedelta(seconds=int(task.time_remaining))} left")
    return ", ".join(parts)


@contextmanager
def progress(unit: str = "bytes/s") -> Iterator[Progress]:
    """Progress on stderr: a bar on a terminal, else a line every 30 s. Each task of it needs a field `speed`, shown
    before `unit`."""
    with _LoggedProgress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]} " + unit, markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=not (stderr.is_terminal and _PRINTS_RESULTS),
        transient=True,
        unit=unit,
    ) as bar:
        yield bar


@contextmanager
def byte_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar for work counted in bytes; yields a function to call with (bytes done, total bytes)."""
    with progress() as bar:
        job = bar.add_task(description, total=None, speed="")

        def show(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        yield show
