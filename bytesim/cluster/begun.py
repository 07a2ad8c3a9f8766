"""Marks of the shares that workers have begun: what they may have written, and how often a share was begun.

A worker writes the mark of a share before its first output, and the driver removes it once the rows are in the ledger.
An output is in the mark if it did not exist before, so a run that goes on may write it again, and no other file.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path

BEGUN = "begun"
_RUN = "run"
"""The file with the name of the run that the workers belong to."""
_EARLIER = "earlier.jsonl"
"""What earlier runs left, one [path, outputs] on a line."""


@dataclass(kw_only=True)
class Mark:
    """The mark of a share."""

    outputs: dict[str, list[str]] = field(default_factory=dict)
    """Path of a file -> those of its outputs that did not exist when the share was begun."""
    times: int = 0
    """How often the share was begun."""
    at: str | None = None
    """The file that a worker works on by itself, after an earlier worker died."""
    deaths: dict[str, int] = field(default_factory=dict)
    """Path of a file -> workers that died as they worked on it by itself."""


def begin_run(folder: Path) -> str:
    """Name a run; workers that a killed driver has left behind begin no further share. Returns the name."""
    run = secrets.token_hex(8)
    _replace(folder / _RUN, [run])
    return run


def is_current(folder: Path, run: str) -> bool:
    """Whether no other run has begun since."""
    return (folder / _RUN).read_text(encoding="ascii").strip() == run


def mark_path(folder: Path, run: str, share: int) -> Path:
    """Where the mark of a share stands."""
    return folder / BEGUN / f"{run}-{share}.json"


def read_mark(path: Path) -> Mark:
    """The mark of a share, a new one if it was not begun, or the mark was torn as the computer lost power."""
    try:
        mark = Mark(**json.loads(path.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return Mark()
    return mark if _is_mark(mark) else Mark()


def write_mark(path: Path, mark: Mark) -> None:
    """Write a mark, whole or not at all."""
    _replace(path, [json.dumps(asdict(mark))])


def remove_mark(folder: Path, run: str, share: int) -> None:
    """Remove the mark of a share whose rows are in the ledger."""
    mark_path(folder, run, share).unlink(missing_ok=True)


def clear_marks(folder: Path) -> None:
    """Remove all marks."""
    left = (folder / BEGUN).glob("*.part")  # of workers that were killed as they wrote
    for path in (*_marks(folder), *left, folder / BEGUN / _EARLIER):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        (folder / BEGUN).rmdir()


def left_begun(
    folder: Path, is_open: Callable[[str], bool], others: Mapping[str, list[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Collect what earlier runs began and did not finish: (path, outputs) of the files that `is_open`, and `others`.

    Afterwards the marks are gone, and one file holds what they held.
    """
    (folder / BEGUN).mkdir(exist_ok=True)
    earlier = folder / BEGUN / _EARLIER
    lines = (json.dumps(item) for item in _all_begun(folder, earlier, others) if is_open(item[0]))
    _replace(earlier, lines)
    for path in _marks(folder):
        path.unlink()
    yield from _earlier(earlier)


def _all_begun(folder: Path, earlier: Path, others: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    yield from _earlier(earlier)
    yield from others.items()
    for path in _marks(folder):
        yield from read_mark(path).outputs.items()


def _earlier(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The lines of a file; those are left out that were torn as the computer lost power."""
    with suppress(FileNotFoundError), open(path, encoding="ascii", errors="replace") as file:
        for line in file:
            with suppress(ValueError, TypeError, RecursionError):
                name, outputs = json.loads(line)
                if may_be_path(name) and are_texts(outputs) and all(map(may_be_path, outputs)):
                    yield name, outputs


def are_texts(value: object) -> bool:
    """Whether a value is a list of text."""
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def may_be_path(value: object) -> bool:
    """Whether a value can be the name of a file."""
    try:
        return isinstance(value, str) and b"\0" not in os.fsencode(value)
    except UnicodeEncodeError:
        return False


def _is_mark(mark: Mark) -> bool:
    """Whether the fields of a mark are of their types."""
    if not isinstance(mark.outputs, dict) or not all(map(are_texts, mark.outputs.values())):
        return False
    if not all(map(may_be_path, chain(mark.outputs, *mark.outputs.values()))):
        return False
    if not isinstance(mark.deaths, dict) or not all(isinstance(count, int) for count in mark.deaths.values()):
        return False
    return isinstance(mark.times, int) and isinstance(mark.at, str | None)


def _marks(folder: Path) -> list[Path]:
    return list((folder / BEGUN).glob("*.json"))


def _replace(path: Path, lines: Iterable[str]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "w", encoding="ascii") as file:
            for line in lines:
                file.write(line + "\n")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
