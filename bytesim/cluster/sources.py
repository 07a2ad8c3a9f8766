"""The names of the files of a bulk run, one after the other: from paths, folders and manifests."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Collection, Iterator
from typing import Any

from bytesim.errors import InputError, ToolError
from bytesim.files import Inputs, input_names, stream_files

COLUMN = "path"
"""The column of a manifest that holds the paths."""
MOST_LINE = 1 << 20
"""Longest line of a manifest, in characters."""


def stream_names(
    sources: Inputs, manifest: str | None, *, suffixes: Collection[str] | None, walk: bool, skip: Collection[str] = ()
) -> Iterator[str]:
    """The names of all files: those of the sources, with `walk` also in folders, and then those of the manifest.

    `skip` are absolute paths of files, and of folders, that are passed over inside a folder. Raises InputError.
    """
    for source in input_names(sources):
        if not walk:
            yield source
            continue
        for name in stream_files(source, suffixes=suffixes):
            if name == source or not _is_skipped(name, skip):
                yield name
    if manifest is not None:
        yield from manifest_names(manifest)


def _is_skipped(name: str, skip: Collection[str]) -> bool:
    if not any(os.path.basename(path) in name for path in skip):  # spares the absolute path of nearly every name
        return False
    path = os.path.abspath(name)
    return any(path == other or path.startswith(other + os.sep) for other in skip)


def manifest_names(manifest: str) -> Iterator[str]:
    """The paths of a manifest, .jsonl, .csv or .parquet. Relative ones begin at its folder. Raises InputError."""
    suffix = os.path.splitext(manifest)[1].lower()
    if suffix not in _READERS:
        raise InputError(f"a manifest ends in {', '.join(_READERS)}; rename this file or convert it.", file=manifest)
    folder = os.path.dirname(manifest)
    try:
        for place, path in _READERS[suffix](manifest):
            if not isinstance(path, str) or not _may_name_a_file(path):
                raise InputError(f"{place}: the column {COLUMN} holds {_shown(path)}, which is not a path.")
            yield os.path.join(folder, path)
    except InputError as error:
        raise error.in_file(manifest) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {_reason(error)}.", file=manifest) from error


def _may_name_a_file(path: str) -> bool:
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return bool(path) and "\0" not in path


def _shown(value: Any) -> str:
    return repr(value)[:60]


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return str(error.strerror or error) if isinstance(error, OSError) else "it is not text in UTF-8"


def _lines(manifest: str) -> Iterator[str]:
    """The lines of a text file. Raises InputError for a very long one, which would fill the memory."""
    with open(manifest, encoding="utf-8-sig", newline="") as file:
        number = 0
        while line := file.readline(MOST_LINE):
            number += 1
            if len(line) == MOST_LINE:
                raise InputError(f"line {number} is longer than {MOST_LINE:,} characters; this is not a manifest.")
            yield line


def _jsonl(manifest: str) -> Iterator[tuple[str, Any]]:
    for number, line in enumerate(_lines(manifest), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"line {number} is not JSON.") from error
        if not isinstance(value, dict) or COLUMN not in value:
            raise InputError(f'line {number} is not an object with "{COLUMN}".')
        yield f"line {number}", value[COLUMN]


def _csv(manifest: str) -> Iterator[tuple[str, Any]]:
    try:
        rows = csv.DictReader(_lines(manifest))
        if COLUMN not in (rows.fieldnames or ()):
            raise InputError(f"its first line names no column {COLUMN}.")
        for row in rows:
            yield f"line {rows.line_num}", row[COLUMN]
    except csv.Error as error:
        raise InputError(f"is not a table of CSV: {error}.") from error


def _parquet(manifest: str) -> Iterator[tuple[str, Any]]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ToolError('a Parquet manifest needs pyarrow: pip install "bytesim[ray]".', file=manifest) from error
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(manifest) as table:
            if COLUMN not in table.schema_arrow.names:
                raise InputError(f"the table has no column {COLUMN}.")
            for batch in table.iter_batches(batch_size=1024, columns=[COLUMN]):
                for value in batch.column(0).to_pylist():
                    number += 1
                    yield f"row {number}", value
    except pyarrow.ArrowException as error:
        raise InputError("is not a Parquet file, or a damaged one.") from error


_READERS = {".jsonl": _jsonl, ".csv": _csv, ".parquet": _parquet}
"""Suffix -> function that yields (place, path)."""
