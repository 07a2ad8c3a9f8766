"""Writes files and names so that they outlast a power cut. No torch."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_through(path: Path, data: bytes) -> None:
    """Write a file to the disk itself, so that a power cut leaves no empty file with the name it gets next."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_names(folder: Path) -> None:
    """Write the names of the files in a folder to the disk, where the system can."""
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
