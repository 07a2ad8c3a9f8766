"""Opens safetensors files, and tells one that the system does not let be read from one that is damaged."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, TypeGuard

from safetensors import safe_open

_BLOCK_BYTES = 1 << 20
_OTHER_CONTENT = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""Errors of the system that say that a folder holds something else than was written."""


def is_unreadable(error: BaseException | None) -> TypeGuard[OSError]:
    """Whether the system did not let a file be read, which may be whole: no permission, a failing disk, and so on."""
    return isinstance(error, OSError) and not isinstance(error, _OTHER_CONTENT)


def open_tensors(path: Path) -> Any:
    """Open a safetensors file. Raises OSError as the system does, SafetensorError or ValueError if it is damaged.

    safetensors itself calls every file that it cannot open missing, or raises RuntimeError.
    """
    with path.open("rb") as file:
        if not file.read(1):
            raise ValueError("it is empty")
    try:
        return safe_open(path, framework="pt")
    except (OSError, RuntimeError) as error:  # it opens the file twice more, and maps it into memory
        raise OSError(errno.EIO, str(error), str(path)) from error


def read_through(path: Path) -> None:
    """Read a file to its end. Raises OSError.

    Where the disk fails under a file that is mapped into memory, as safetensors does, the process is killed (SIGBUS).
    """
    with path.open("rb", buffering=0) as file:
        while file.read(_BLOCK_BYTES):
            pass
