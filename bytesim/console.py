"""What reaches the user: answers on stdout, everything else on stderr."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bytesim.errors import BytesimError

if TYPE_CHECKING:
    from bytesim.files import Outcome

T = TypeVar("T")

_HEARD = os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"
"""Of several processes that torchrun started the first one speaks; errors are told by each."""

stdout = Console(soft_wrap=True, highlight=False)
stderr = Console(stderr=True, highlight=False)


def print_error(error: BytesimError) -> None:
    """`error: FILE, byte OFFSET: message` on stderr, one line; brackets and newlines in names are shown as text."""
    line = str(error).replace("\r", "\\r").replace("\n", "\\n")
    stderr.print(f"[bold red]error:[/] {escape(line)}", soft_wrap=True)


def print_note(text: str) -> None:
    """One line on stderr that is no error."""
    if not _HEARD:
        return
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    stderr.print(escape(text), soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout; dataclasses, paths and enums are written as plain values."""
    if not _HEARD:
        return
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    if not _prints(text):  # a console of another code page, or a file name that is no UTF-8
        text = json.dumps(value, default=_plain)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_line(text: str) -> None:
    """One line on stdout, whatever the text: newlines and characters the console lacks are shown as escapes."""
    if not _HEARD:
        return
    text = text.replace("\r", "\\r").replace("\n", "\\n")
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    sys.stdout.flush()


def report_outcomes(outcomes: Iterable[Outcome[T]], *, as_json: bool, line: Callable[[T], str | None]) -> int:
    """Print every result on stdout and every error on stderr; returns the exit code, 1 where an input failed.

    `line` words one result; None prints nothing (its bytes went to stdout). With `as_json` stdout carries
    one list of {"source", "result", "error"}.
    """
    seen = list(outcomes)
    for outcome in seen:
        if outcome.error is not None:
            print_error(outcome.error)
        elif not as_json and outcome.result is not None and (text := line(outcome.result)) is not None:
            print_line(text)
    if as_json:
        errors = [None if outcome.error is None else str(outcome.error) for outcome in seen]
        print_json([{"source": o.source, "result": o.result, "error": e} for o, e in zip(seen, errors, strict=True)])
    return int(any(outcome.error is not None for outcome in seen))


def _prints(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} has no JSON form")


@contextmanager
def progress(unit: str = "bytes/s") -> Iterator[Progress]:
    """A progress bar on stderr, shown on a terminal only. Tasks carry a field `speed` that is shown before `unit`."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[speed]} " + unit, markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr,
        disable=not (stderr.is_terminal and _HEARD),
        transient=True,
    ) as bar:
        yield bar


@contextmanager
def byte_progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for work counted in bytes; gives a function to call with (bytes done, bytes in all)."""
    with progress() as bar:
        job = bar.add_task(description, total=None, speed="")

        def show(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        yield show
