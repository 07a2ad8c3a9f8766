"""Temporary folders beside the folder that they will become. No torch, no numpy."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIVE = re.compile(r"-(\d{1,19})-[0-9a-f]{8}\.part")
"""The end of a name: the process that made the folder, and a random number."""


@contextmanager
def staging_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, for content that is moved when it is whole; what is left in it is removed.

    Folders that processes of this computer left because they were killed are removed first. Raises OSError.
    """
    prefix = f".{target.name[:30]}-{_host()}"
    for name in os.listdir(target.parent):
        match = _LIVE.fullmatch(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if match and not _runs(int(match[1])):
            shutil.rmtree(target.parent / name, ignore_errors=True)
    staging = target.parent / f"{prefix}-{os.getpid()}-{secrets.token_hex(4)}.part"
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _host() -> str:
    """The name of this computer, as others may write to the same drive."""
    return re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:40] or "host"


def _runs(process: int) -> bool:
    """Whether a process of this computer still runs; True where the system does not tell."""
    if os.name != "posix":  # elsewhere os.kill(process, 0) is not a question
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
