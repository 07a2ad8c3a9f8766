"""What names an input or an output, and the words of an error of the system."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

STDIO: Final = "-"
"""The name that means stdin for an input and stdout for an output."""

Inputs = str | Path | Sequence[str | Path]
"""One path, or several. A str is one path, and never a list of characters."""


def path_name(path: str | Path) -> str:
    """The path as text. Raises TypeError for anything but a str or a path, such as the bytes of a file."""
    name = os.fspath(path) if isinstance(path, str | os.PathLike) else path
    if isinstance(name, bytes):
        raise TypeError(
            f"{name[:20]!r} is bytes; a file is named by a str or a Path. os.fsdecode makes a str of a path in bytes. "
            "bytesim.load(MODEL) gives a model whose methods take the content of a file as bytes."
        )
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is not a path; give a str or a Path.")
    return name


def input_names(paths: Inputs) -> list[str]:
    """The paths as a list of text, whether one path or several are given. Raises TypeError as `path_name` does."""
    if isinstance(paths, str | bytes | os.PathLike):
        return [path_name(paths)]
    if not isinstance(paths, Iterable):
        raise TypeError(f"{paths!r} is neither a path nor a list of paths; give a str, a Path or a list of them.")
    return [path_name(path) for path in paths]


def reason(error: OSError | ValueError) -> str:
    """What the system says is wrong, as a part of a sentence."""
    text = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:].rstrip(".")
