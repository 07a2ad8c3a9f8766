"""The names of the checkpoints in a run folder. No torch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

CHECKPOINT_FILE = "checkpoint.safetensors"
CHECKPOINT_FOLDER = "checkpoint"
"""The name of a checkpoint of one process, or of several that hold the whole model; that of a sharded one."""
PREVIOUS_FILE = "checkpoint-previous.safetensors"
PREVIOUS_FOLDER = "checkpoint-previous"
"""The same for the checkpoint before the last."""
LAST = (CHECKPOINT_FILE, CHECKPOINT_FOLDER)
PREVIOUS = (PREVIOUS_FILE, PREVIOUS_FOLDER)
DAMAGED = ("checkpoint-damaged.safetensors", "checkpoint-damaged")
"""The same for the last one that was damaged, which the next one does not remove."""


def checkpoint_names(folder: Path) -> list[str]:
    """The names of the checkpoints in a run folder, whole or damaged, the last one first. Raises OSError.

    Unlike os.path.lexists, it does not take a name that the system cannot look up for one that is missing.
    """
    return [name for name in (*LAST, *PREVIOUS) if _is_there(folder / name)]


def _is_there(path: Path) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: no file can have such a name
        return False
    return True


def has_checkpoint(folder: Path) -> bool:
    """Whether a run folder has a checkpoint, whole or damaged, or may have one: `Checkpoints.load` knows more."""
    try:
        return bool(checkpoint_names(folder))
    except OSError:
        return True


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_previous(folder: Path) -> None:
    """Remove the checkpoint before the last, which a finished training does not need. Raises OSError."""
    for name in PREVIOUS:
        remove(folder / name)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run folder. Raises OSError."""
    for name in (*LAST, *PREVIOUS, *DAMAGED, *(f".{last}.tmp" for last in LAST)):
        remove(folder / name)
