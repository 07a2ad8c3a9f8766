"""Writing outputs, each whole or not at all.

An output is written to a file without a name in the same folder, or where the system has no such files
to a temporary one, which takes its name when it is whole: half a file is never left behind, not even by
Ctrl-C, a full disk or a killed program. Every failure is an OutputError of one line.
"""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import OutputError
from bytesim.files.checks import check_output, is_stream
from bytesim.files.names import STDIO, reason


def write_output(path: str | Path, data: bytes, *, force: bool = False) -> None:
    """Write the whole file or nothing; `-` is stdout.

    Raises OutputError as `check_output` does, and where writing fails. Of two programs that write the same
    file without `force`, one succeeds.
    """
    if str(path) == STDIO:
        _write_stdout(data)
        return
    with open_output(path, force=force) as file:
        file.write(data)


@contextmanager
def open_output(path: str | Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A new binary file to write piece by piece, and to read again; it takes its name when the context ends well.

    Until then, and after an error, it does not exist; `-` is stdout. Raises OutputError as `write_output` does, and for
    an OSError of the context's own code.
    """
    check_output(path, force=force)
    try:
        if str(path) == STDIO or is_stream(Path(path)):
            with tempfile.TemporaryFile() as file:
                yield file
                file.seek(0)
                _copy_out(path, file)
        else:
            with _new_file(Path(path), force) as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {reason(error)}.", file=str(path)) from error


@contextmanager
def _new_file(path: Path, force: bool) -> Iterator[BinaryIO]:
    """A new file that takes the name `path` when the context ends well. Raises OutputError if that exists by then."""
    unnamed, temporary = _unnamed_file(path.parent), _temporary_in(path.parent)
    try:
        with unnamed or open(temporary, "xb+") as file:
            yield file
            if unnamed is not None:
                _link_unnamed(file, temporary)
        _rename(temporary, path, force)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _unnamed_file(folder: Path) -> BinaryIO | None:
    """A new file in a folder that has no name yet, so that nothing is left of it if the program is killed.

    None where the system, or the file system, has no such files: all but Linux, and some network drives.
    """
    if not hasattr(os, "O_TMPFILE") or not os.path.isdir("/proc/self/fd"):
        return None
    try:
        return os.fdopen(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except OSError:
        return None  # if the folder cannot be written to, the temporary file says so


def _link_unnamed(file: BinaryIO, path: Path) -> None:
    """Give a file of `_unnamed_file` a name. Raises OSError."""
    file.flush()
    number = file.fileno()
    try:
        os.link(f"/proc/self/fd/{number}", path, src_dir_fd=number)  # with src_dir_fd the link is followed
    except OSError:  # not permitted in some containers
        file.seek(0)
        with open(path, "xb") as copy:
            shutil.copyfileobj(file, copy)


def _rename(temporary: Path, path: Path, force: bool) -> None:
    """Rename a whole file, in one step; one that exists is replaced only with `force`. Raises OutputError, OSError."""
    if not force:
        try:
            os.link(temporary, path)  # unlike a rename it replaces nothing
            return
        except FileExistsError:
            check_output(path)
        except OSError:  # a file system without hard links
            check_output(path)
    os.replace(temporary, path)


def keep_mode(source: str | Path, file: BinaryIO) -> None:
    """Give a file of `open_output` the permissions of its source, where both are files on a disk."""
    if str(source) != STDIO and os.path.isfile(source):
        with suppress(OSError, TypeError):
            opened: int | str = file.fileno() if os.chmod in os.supports_fd else file.name
            os.chmod(opened, stat.S_IMODE(os.stat(source).st_mode))


def _copy_out(path: str | Path, file: BinaryIO) -> None:
    if str(path) == STDIO:
        while data := file.read(1 << 20):
            _write_stdout(data)
    else:
        with open(path, "wb") as out:
            shutil.copyfileobj(file, out)


def _temporary_in(folder: Path) -> Path:
    """A new name in a folder. It is short: the target's name plus a suffix could exceed the 255 bytes of a name."""
    return folder / f".bytesim-{secrets.token_hex(8)}.part"


def _write_stdout(data: bytes) -> None:
    if sys.stdout is None:
        raise OutputError("there is no stdout to write to. Name a file with -o.")
    try:
        sys.stdout.flush()  # text printed earlier comes first
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot be written: {reason(error)}.", file="stdout") from error
