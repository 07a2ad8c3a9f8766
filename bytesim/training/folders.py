"""Folders of a user's files as training rows: pairs by stem, labels by folder or by file name. No torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bytesim.errors import InputError
from bytesim.patching import suffix_of
from bytesim.training.recipe import DataSource
from bytesim.training.shards import Shard, pack

MAX_FILE_BYTES = 1 << 20
"""Larger files are left out, and counted: no history of a model here holds them."""
DEV_ONE_IN = 50
"""A row in so many is of the part `dev`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a folder for one data source."""

    shard: Shard
    sha256: str
    """Of the lines `sha256  path` of every file read, sorted by path: what sha256sum prints for them."""
    too_large: int
    """Rows left out because a file of theirs is empty or over MAX_FILE_BYTES; the part `dev` counts none."""


def read_folder(folder: Path, source: DataSource, labels: Sequence[str] = ()) -> Listing:
    """The rows of a folder for a data source, of its part only. Raises InputError if it holds none."""
    files = list_files(folder)
    found: list[tuple[tuple[Path, ...], int]]
    if source.task == "convert":
        found = [(pair, 0) for pair in _pairs(folder, files, source)]
    else:
        wanted = [path for path in files if not source.target_suffix or suffix_of(path.name) == source.target_suffix]
        found = [((path,), _label(folder, path, source, labels)) for path in wanted]
    if not found:
        raise InputError(f"holds no files {_wanted(source)} to train on.", file=str(folder))
    rows, hashes, kept_labels, too_large = [], {}, [], 0
    for paths, label in found:
        if not all(0 < _size(path) <= MAX_FILE_BYTES for path in paths):
            too_large += 1
            continue
        data = [_read(path) for path in paths]
        hashes.update(
            {_name(path, folder): hashlib.sha256(each).hexdigest() for path, each in zip(paths, data, strict=True)}
        )
        rows.append((data[0] if len(data) == 2 else b"", data[-1]))
        kept_labels.append(label)
    if not rows:
        raise InputError(
            f"all of its {too_large} examples are empty or over {MAX_FILE_BYTES:,} bytes.", file=str(folder)
        )
    picked = pick_part(rows, source.part)
    if not picked:
        raise InputError("its examples are too few or too much alike to hold some back; add others.", file=str(folder))
    listed = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    shard = pack([rows[index] for index in picked], labels=[kept_labels[index] for index in picked])
    return Listing(
        shard,
        hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest(),
        too_large if source.part != "dev" else 0,
    )


def list_files(folder: Path) -> list[Path]:
    """Every file of a folder and of those below it, sorted; hidden ones and links to folders are passed over."""
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for name in names if not name.startswith(".") and (path := Path(here, name)).is_file()]
    return sorted(found)


def find_label(folder: Path, path: Path) -> str | None:
    """The label of a file: its first folder below `folder`, or the name before the first `_`; None for neither."""
    parts = path.relative_to(folder).parts
    if len(parts) > 1:
        return parts[0]
    label, mark, _ = path.stem.partition("_")
    return label if mark and label else None


def pick_part(rows: Sequence[tuple[bytes, bytes]], part: str) -> list[int]:
    """Indices of the rows of a part. Rows of the same content stand in the same part, wherever they lie."""
    if part == "all" or len(rows) < 2:
        return list(range(len(rows))) if part != "dev" else []
    keys = np.array([int.from_bytes(hashlib.sha256(b"\0".join(row)).digest()[:7], "big") for row in rows])
    dev = keys % DEV_ONE_IN == 0
    if not dev.any() or dev.all():  # too few files for chance to find one: take the one with the least hash
        dev = keys == keys.min()
    if dev.all():  # copies of one example
        return []
    return [int(index) for index in np.flatnonzero(dev if part == "dev" else ~dev)]


def _pairs(folder: Path, files: list[Path], source: DataSource) -> list[tuple[Path, Path]]:
    if not source.source_suffix or not source.target_suffix:
        raise InputError("pairs in a folder need source_suffix and target_suffix in the recipe.", file=str(folder))
    targets = {_stem(path, folder): path for path in files if suffix_of(path.name) == source.target_suffix}
    sources = {_stem(path, folder): path for path in files if suffix_of(path.name) == source.source_suffix}
    return [(sources[stem], targets[stem]) for stem in sorted(set(sources) & set(targets))]


def _label(folder: Path, path: Path, source: DataSource, labels: Sequence[str]) -> int:
    if source.task != "classify":
        return 0
    label = find_label(folder, path)
    if label not in labels:
        known = ", ".join(labels)
        raise InputError(f"its label is {label!r}; the recipe knows {known}.", file=str(path))
    return labels.index(label)


def _wanted(source: DataSource) -> str:
    if source.task == "convert":
        return f"NAME.{source.source_suffix} with NAME.{source.target_suffix} beside them"
    return f"*.{source.target_suffix}" if source.target_suffix else ""


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", file=str(path)) from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", file=str(path)) from error
