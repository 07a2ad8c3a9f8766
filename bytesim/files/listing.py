"""The files of folders, as a list or as a stream of any length."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator

from bytesim.files.names import STDIO, Inputs, input_names


def expand_inputs(paths: Inputs, *, suffixes: Collection[str] | None = None) -> list[str]:
    """The given files, with every folder replaced by the files in it and below it, sorted.

    `suffixes` (lower case, with or without the dot) selects files of a folder; None selects all. A file
    that is given by name is kept whatever its suffix. Hidden files and links to folders are skipped. A
    folder that holds no such file stays in the list, so that reading it reports the error.
    """
    files: list[str] = []
    for name in input_names(paths):
        files.extend(sorted(stream_files(name, suffixes=suffixes)))
    return files


def stream_files(path: str, *, suffixes: Collection[str] | None = None) -> Iterator[str]:
    """A file, or the files in and below a folder as `expand_inputs` chooses them, in the order of the file system.

    The names are not kept, so that a folder may have any number of files.
    """
    if path == STDIO or not os.path.isdir(path):
        yield path
        return
    endings = None if suffixes is None else {"." + suffix.lower().lstrip(".") for suffix in suffixes}
    files = _walk(path, endings)
    yield next(files, path)
    yield from files


_MOST_OPEN = 100
"""Folders that are open at a time; in deeper trees their entries are kept in memory."""


def _walk(folder: str, endings: set[str] | None) -> Iterator[str]:
    """Files below a folder. Uses a list, not recursion: a tree may be deeper than Python's stack."""
    waiting: list[Iterator[str | os.DirEntry[str]]] = [
        iter([folder])
    ]  # iterators over the entries of a folder and of those that it lies in
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        if isinstance(entry, os.DirEntry):
            if entry.name.startswith("."):
                continue
            if not _is_folder(entry):
                if (endings is None or os.path.splitext(entry.name)[1].lower() in endings) and _may_be_file(entry):
                    yield entry.path
                continue
            here = entry.path
        else:
            here = entry
        try:
            entries = os.scandir(here)
            waiting.append(entries if len(waiting) < _MOST_OPEN else iter(list(entries)))
        except OSError:
            yield here  # reading it later reports the error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, and not a link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _may_be_file(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a file or a link to one; also True where the system does not tell, as in a closed folder."""
    try:
        return entry.is_file()
    except OSError:
        return True  # reading it later reports the error
