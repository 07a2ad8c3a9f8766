"""What can be told about an output before the work that makes it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from bytesim.errors import OutputError
from bytesim.files.names import STDIO, path_name, reason


def check_output(
    path: str | Path,
    *,
    force: bool = False,
    taken: set[str] | None = None,
    option: str = "-o",
    source: str | Path = STDIO,
) -> None:
    """Raise OutputError before the work if the output exists already, or its folder is missing or read-only.

    `taken` collects the outputs of one run. Two inputs with the same output are refused even with
    `force`, because the second would replace what this run has just written; so is an output that is
    its own `source`, which would be lost. `option` is that of the command which names the file; the
    advice in the error mentions it.
    """
    name = path_name(path)
    if name == STDIO:
        return
    path = Path(path)
    try:
        _check_parent(path, option)
        if path.is_dir():
            raise OutputError("this is a folder; name a file to write.", file=name)
        key = os.path.normcase(os.path.realpath(path))
        if taken is not None and key in taken and not is_stream(path):
            raise OutputError("another input of this run is written here already. Rename one of the two.", file=name)
        if _is_source(path, source):
            raise OutputError(f"this would replace its own source. Name another file with {option}.", file=name)
        if os.path.lexists(path) and not force and not is_stream(path):
            raise OutputError(
                f"exists already. Use --force to replace it, or {option} to name another file.", file=name
            )
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot be written: {reason(error)}.", file=name) from error
    if taken is not None:
        taken.add(key)


def _is_source(path: Path, source: str | Path) -> bool:
    """Whether a path leads to the file `source`, be it through links."""
    try:
        return str(source) != STDIO and os.path.isfile(source) and os.path.samefile(path, source)
    except (OSError, ValueError):  # one of the two does not exist
        return False


def check_output_folder(folder: Path, names: Iterable[str], *, force: bool = False) -> None:
    """`check_output` for files of these names in a folder, which may not exist yet."""
    if folder.is_dir():
        for name in names:
            check_output(folder / name, force=force)
    elif folder.exists():
        raise OutputError("this is a file; name a folder.", file=str(folder))


def make_folder(folder: Path) -> None:
    """Make a folder and its parents where they are missing. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder cannot be made ({reason(error)}).", file=str(folder)) from error


def _check_parent(path: Path, option: str) -> None:
    parent = path.parent
    if not parent.exists():
        raise OutputError(f"the folder {parent} does not exist. Make it first, or choose another.", file=str(path))
    if not parent.is_dir():
        raise OutputError(f"{parent} is a file, not a folder.", file=str(path))
    if not is_stream(path) and not os.access(parent, os.W_OK):
        raise OutputError(f"the folder {parent} cannot be written to. Choose another with {option}.", file=str(path))


def is_stream(path: Path) -> bool:
    """True for /dev/null, a named pipe and the like: bytesim writes into these and never replaces them."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
