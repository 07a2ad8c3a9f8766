"""A folder as one content: a table of its files, and then the files; and back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from bytesim.errors import FormatError, InputError, OutputError
from bytesim.files import expand_inputs, open_input
from bytesim.formats import bsim
from bytesim.patching import suffix_of
from bytesim.staging import staging_folder

_PIECE_BYTES = 1 << 20


def join_folder(folder: str, stream: BinaryIO) -> list[str]:
    """Write the table of a folder and its files, those of a suffix beside each other. Returns their names.

    Raises InputError for a folder or file that cannot be read.
    """
    try:
        os.scandir(folder).close()
    except OSError as error:
        raise InputError(f"this folder cannot be read: {error.strerror}.", file=folder) from error
    names = sorted(expand_inputs(folder), key=lambda name: (suffix_of(name), name))
    names = [name for name in names if name != folder]  # an empty folder stands for itself
    entries = [bsim.Entry(_path_in(folder, name), _length(name)) for name in names]
    stream.write(bsim.serialize_table(entries))
    for name, entry in zip(names, entries, strict=True):
        with open_input(name, may_be_empty=True) as file:
            before = stream.tell()
            shutil.copyfileobj(file, stream, _PIECE_BYTES)
        if stream.tell() - before != entry.num_bytes:
            raise InputError("the file changed while it was read. Try again.", file=name)
    return names


def _path_in(folder: str, name: str) -> str:
    path = str(PurePosixPath(*Path(name).relative_to(folder).parts))
    if not bsim.stays_inside(path):
        raise InputError("its name cannot be kept in a .bsim file. Rename it.", file=name)
    return path


def _length(name: str) -> int:
    with open_input(name, may_be_empty=True) as file:
        return file.seek(0, os.SEEK_END)


def write_folder(target: Path, pieces: Iterator[bytes], num_bytes: int) -> int:
    """Write the files of a content of so many bytes to a new folder, whole or not at all. Returns how many there are.

    They are written beside it first. Raises FormatError for a damaged content, OutputError where it cannot be written.
    """
    try:
        with staging_folder(target) as staging:
            read = _reading(pieces)
            entries, _ = bsim.read_table(read, num_bytes)
            for entry in entries:
                path = staging.joinpath(*entry.path.split("/"))
                path.parent.mkdir(parents=True, exist_ok=True)
                with open(path, "xb") as file:
                    _copy(read, entry.num_bytes, file)
            read(1)  # beyond the end: the checksum is compared there
            if os.path.lexists(target):
                raise OutputError("exists already. Name another folder with -o.", file=str(target))
            os.rename(staging, target)
    except OSError as error:
        raise OutputError(f"the folder cannot be written: {error.strerror}.", file=str(target)) from error
    return len(entries)


def _copy(read: Callable[[int], bytes], left: int, file: BinaryIO) -> None:
    while left:
        data = read(min(left, _PIECE_BYTES))
        if not data:
            raise FormatError("the file ends too early. Copy it again, whole.")
        left -= file.write(data)


def _reading(pieces: Iterator[bytes]) -> Callable[[int], bytes]:
    """A function that gives the next bytes of some pieces, fewer only at the end."""
    waiting = bytearray()

    def read(count: int) -> bytes:
        while len(waiting) < count:
            piece = next(pieces, None)
            if piece is None:
                break
            waiting.extend(piece)
        data = bytes(waiting[:count])
        del waiting[:count]
        return data

    return read
