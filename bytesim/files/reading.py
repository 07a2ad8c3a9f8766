"""Reading inputs: files, pipes and stdin. Every failure is an InputError of one line."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bytesim.errors import EmptyError, InputError
from bytesim.files.names import STDIO, path_name, reason

LIMIT_BYTES = 64 * 1024 * 1024
"""Largest input that is read into memory whole, unless a task sets another limit."""

_EMPTY = "the file is empty; there is nothing to read."


def read_input(path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """The bytes of a file, or of stdin for `-`.

    Raises InputError for a file that is missing, a folder, empty, unreadable or longer than
    `limit_bytes`. It never reads more than one byte over the limit.
    """
    name = "stdin" if path_name(path) == STDIO else str(path)
    try:
        with _open_stream(path) as file:
            data = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        raise _input_error(error, name, path) from error
    if not data:
        raise EmptyError(_EMPTY, file=name)
    if len(data) > limit_bytes:
        raise InputError(f"longer than the limit of {limit_bytes:,} bytes. Give a smaller file.", file=name)
    return data


@contextmanager
def open_input(
    path: str | Path, *, limit_bytes: int | None = LIMIT_BYTES, may_be_empty: bool = False
) -> Iterator[BinaryIO]:
    """A binary file that can seek, to read piece by piece a file of any length.

    stdin, pipes and devices cannot seek, so they are read whole, up to `limit_bytes`; without a limit they are copied
    to a temporary file. Raises InputError as `read_input` does, which an empty file is only if it may not be.
    """
    if path_name(path) == STDIO or not os.path.isfile(path):
        if limit_bytes is None:
            with _copied(path) as copy:
                if not may_be_empty and not copy.seek(0, os.SEEK_END):
                    raise EmptyError(_EMPTY, file="stdin" if str(path) == STDIO else str(path))
                copy.seek(0)
                yield copy
        else:
            yield io.BytesIO(read_input(path, limit_bytes=limit_bytes))
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - an OSError of the caller's code must not be caught here
    except OSError as error:
        raise _input_error(error, str(path), path) from error
    with file:
        if not may_be_empty and not file.read(1):
            raise EmptyError(_EMPTY, file=str(path))
        file.seek(0)
        yield file


@contextmanager
def _copied(path: str | Path) -> Iterator[BinaryIO]:
    """A temporary file with all bytes of stdin, a pipe or a device."""
    with tempfile.TemporaryFile() as copy:
        try:
            with _open_stream(path) as file:
                shutil.copyfileobj(file, copy)
        except (OSError, ValueError) as error:
            raise _input_error(error, "stdin" if path_name(path) == STDIO else str(path), path) from error
        yield copy


@contextmanager
def _open_stream(path: str | Path) -> Iterator[BinaryIO]:
    if str(path) == STDIO:
        if sys.stdin is None:  # a program started without a console has none
            raise OSError("there is no stdin")
        yield sys.stdin.buffer
    else:
        with open(path, "rb") as file:
            yield file


def _input_error(error: OSError | ValueError, name: str, path: str | Path) -> InputError:
    with suppress(OSError, ValueError):
        # Windows reports "permission denied" for a folder, so ask the file system and not the error.
        if os.path.isdir(path):
            try:
                os.scandir(path).close()
            except OSError as closed:
                return InputError(f"this folder cannot be read: {reason(closed)}.", file=name)
            return InputError("this is a folder with nothing to read here. Name a file in it.", file=name)
    if isinstance(error, FileNotFoundError):
        return InputError("no such file. Check the name and the folder.", file=name)
    return InputError(f"cannot be read: {reason(error)}.", file=name)
