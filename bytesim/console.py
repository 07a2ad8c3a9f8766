"""What reaches the user: answers on stdout, everything else on stderr."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bytesim.errors import BytesimError

stdout = Console(soft_wrap=True, highlight=False)
stderr = Console(stderr=True, highlight=False)


def print_error(error: BytesimError) -> None:
    """`error: FILE, byte OFFSET: message` on stderr, one line; brackets and newlines in names are shown as text."""
    line = str(error).replace("\r", "\\r").replace("\n", "\\n")
    stderr.print(f"[bold red]error:[/] {escape(line)}", soft_wrap=True)


def print_json(value: Any) -> None:
    """One JSON document on stdout; dataclasses, paths and enums are written as plain values."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False) + "\n")
    sys.stdout.flush()


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
        disable=not stderr.is_terminal,
        transient=True,
    ) as bar:
        yield bar
