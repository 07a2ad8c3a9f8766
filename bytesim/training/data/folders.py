"""Folders of a user's files as training rows: pairs by stem, labels by folder or by file name. No torch."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bytesim.errors import InputError
from bytesim.patching import suffix_of
from bytesim.training.data.shards import Shard, pack
from bytesim.training.data.split import LabelledFile, held_back_digests
from bytesim.training.recipe import DataSource

MAX_FILE_BYTES = 1 << 20
"""Larger files are left out, and counted: no history of a model here holds them. Of labelled ones the start is read."""
DEV_ONE_IN = 50
"""A row in so many is of the part `dev`, but for classifiers: see `split`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a folder for one data source."""

    shard: Shard
    sha256: str
    """Of the lines `sha256  path` of every file read, sorted by path: what sha256sum prints for them."""
    too_large: int
    """Rows left out because a file of theirs is empty or over MAX_FILE_BYTES; the part `dev` counts none."""


def read_folder(
    folder: Path, source: DataSource, labels: Sequence[str] = (), held_back: frozenset[str] | None = None
) -> Listing:
    """The rows of a folder for a data source, of its part only. Raises InputError if it holds none.

    Of labelled files those whose sha256 is in `held_back` are the part `dev`; without it the folder is split by itself.
    """
    files = list_files(folder)
    found: list[tuple[tuple[Path, ...], int]]
    if source.task == "convert":
        found = [(pair, 0) for pair in _pairs(folder, files, source)]
    else:
        found = [((path,), _label(folder, path, source, labels)) for path in _of_suffix(files, source)]
    if not found:
        raise InputError(f"holds no files {_wanted(source)} to train on.", file=str(folder))
    rows, hashes, kept_labels, too_large = [], {}, [], 0
    for paths, label in found:
        data = [_read(path) for path in paths if _fits(path, source)]
        if len(data) < len(paths):
            too_large += 1
            continue
        hashes.update({_name(path, folder): _sha256(each) for path, each in zip(paths, data, strict=True)})
        rows.append((data[0] if len(data) == 2 else b"", data[-1]))
        kept_labels.append(label)
    if not rows:
        limit = "" if source.task == "classify" else f" or over {MAX_FILE_BYTES:,} bytes"
        raise InputError(f"all of its {too_large} examples are empty{limit}.", file=str(folder))
    if source.task == "classify" and source.part != "all":
        held_back = hold_back([(folder, source)]) if held_back is None else held_back
        dev = [_sha256(data) in held_back for _, data in rows]
        picked = [index for index, held in enumerate(dev) if held == (source.part == "dev")]
    else:
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


def hold_back(sources: Iterable[tuple[Path, DataSource]]) -> frozenset[str]:
    """The sha256 of the contents that are held back of labelled folders; one split for all, so that none is in both."""
    found = {path: file for folder, source in sources for path, file in labelled_files(folder, source).items()}
    return held_back_digests(list(found.values()))


def labelled_files(folder: Path, source: DataSource) -> dict[Path, LabelledFile]:
    """What the split needs to know of each file of a data source that is not empty."""
    found = {}
    for path in _of_suffix(list_files(folder), source):
        if _fits(path, source):
            group = find_group(_name(path, folder), source.group_by)
            found[path] = LabelledFile(find_label(folder, path) or "", _sha256(_read(path)), group)
    return found


def find_group(name: str, group_by: str) -> str | None:
    """The group of a file by its path below the folder; None where the expression is empty or not found in it."""
    found = re.search(group_by, name) if group_by else None
    if found is None:
        return None
    return found[1] or "" if found.re.groups else found[0]


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


def _of_suffix(files: list[Path], source: DataSource) -> list[Path]:
    return [path for path in files if source.target_suffix in ("", suffix_of(path.name))]


def _fits(path: Path, source: DataSource) -> bool:
    """Whether a file can be read at all: of a labelled one the start will do."""
    return _size(path) > 0 and (source.task == "classify" or _size(path) <= MAX_FILE_BYTES)


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
    """The first MAX_FILE_BYTES of a file."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", file=str(path)) from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
