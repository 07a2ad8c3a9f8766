"""A lock on a folder that ends with the process that took it, however that process ends. No torch, no numpy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bytesim.errors import OutputError

LOCK_FILE = ".lock"
_PID_BYTES = 20
"""Most bytes of a process id in a lock file."""
_LOCKED_BYTE = 1 << 30
"""Windows locks bytes, which other processes cannot read then, so a byte far behind the process id is locked."""
_HELD: set[int] = set()
"""Descriptors of the files that this process has locked."""


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if it does not exist, and removed again if it stays empty.

    Raises OutputError if another process holds it, or the folder cannot be made. The operating system releases the
    lock when the process ends, also when it is killed. File systems without locks are used without one.
    """
    new = [parent for parent in (folder, *folder.parents) if not os.path.exists(parent)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError for a name with a null byte
        reason = getattr(error, "strerror", None) or error
        raise OutputError(f"the run folder cannot be made ({reason}).", file=str(folder)) from error
    path = folder / LOCK_FILE
    descriptor = _take(path, folder)
    try:
        yield
    finally:
        if descriptor in _HELD:
            _HELD.remove(descriptor)
            _release(descriptor, path)
        with suppress(OSError):
            for made in new:
                made.rmdir()


def _take(path: Path, folder: Path) -> int | None:
    """The descriptor of the locked file; None where the file system has no locks. Raises OutputError."""
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OutputError(f"the run folder cannot be written ({error.strerror}).", file=str(folder)) from error
        try:
            _lock(descriptor)
        except (BlockingIOError, PermissionError) as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise OutputError(
                f"another training{holder} uses this run folder. Wait for it to end, or name another with --out.",
                file=str(folder),
            ) from error
        except OSError:  # no locks on this file system
            os.close(descriptor)
            return None
        if _is_current(descriptor, path):
            try:
                os.write(descriptor, f"{os.getpid()}\n".ljust(_PID_BYTES).encode())
            except OSError as error:
                os.close(descriptor)
                raise OutputError(f"the run folder cannot be written ({error.strerror}).", file=str(folder)) from error
            _HELD.add(descriptor)
            return descriptor
        os.close(descriptor)  # the process that held it has just removed the file


def _holder(descriptor: int) -> str:
    """The process that holds the lock, in words; empty if the file does not tell."""
    match = re.match(rb"([0-9]{1,19})\s", os.read(descriptor, _PID_BYTES))
    return f" (process {int(match[1])})" if match else ""


def _is_current(descriptor: int, path: Path) -> bool:
    """Whether the locked file is still the one with this name: its last holder removes it."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except OSError:
        return False


def _forget_in_child() -> None:
    """Close the locked files in a forked process, which may outlive a training that is killed."""
    for descriptor in _HELD:
        with suppress(OSError):
            os.close(descriptor)
    _HELD.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)

    def _release(descriptor: int, path: Path) -> None:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        os.close(descriptor)
        with suppress(OSError):  # another process may have it open already
            path.unlink()

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release(descriptor: int, path: Path) -> None:
        with suppress(OSError):
            path.unlink()  # before the lock ends: afterwards it may be the lock of another process
        os.close(descriptor)
