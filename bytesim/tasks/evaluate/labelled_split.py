"""The labelled files a classifier is judged on, and what identifies them: name, sha256, how many."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bytesim.errors import ConfigError, InputError
from bytesim.files import read_input
from bytesim.training.data.folders import find_label, list_files
from bytesim.training.data.shards import Shard, load_shard, sha256_of


@dataclass(frozen=True, kw_only=True)
class LabelledSplit:
    """Files with their classes. Their bytes are read one by one."""

    name: str
    sha256: str
    """Of the shard, or of the lines `sha256  path` of every file of a folder, as sha256sum prints them."""
    num_files: int
    """In the whole split, or in its group, before any limit."""
    names: tuple[str, ...]
    classes: tuple[int, ...]
    """Their labels' places; -1 for a file without one, where none is needed."""
    read: Callable[[int], bytes]
    """The bytes of the file at a place. Raises InputError."""

    def __len__(self) -> int:
        return len(self.names)

    def batches(self, files: int) -> Iterator[range]:
        """Places, so many files at a time."""
        for start in range(0, len(self), files):
            yield range(start, min(start + files, len(self)))


def load_labelled(
    path: str | Path,
    labels: Sequence[str],
    *,
    group: int | None = None,
    limit: int | None = None,
    need_labels: bool = True,
) -> LabelledSplit:
    """A shard (.npz), whose labels are places in `labels`, or a folder of files whose labels `find_label` finds.

    `group` takes the rows of that group of a shard. With `limit` so many files, spread over the split. Without
    `need_labels` files may have none, or others. Raises InputError, and ConfigError for a group of a folder.
    """
    place = Path(path)
    if place.is_dir():
        if group is not None:
            raise ConfigError("groups are those of a shard; a folder has none.")
        split = _from_folder(place, labels, limit, need_labels)
    else:
        split = _from_shard(place, labels, group, limit, need_labels)
    if not len(split):
        raise InputError("holds no files" + ("." if group is None else f" of group {group}."), file=str(path))
    return split


def _from_shard(
    path: Path, labels: Sequence[str], group: int | None, limit: int | None, need_labels: bool
) -> LabelledSplit:
    shard: Shard = load_shard(path)
    rows = np.arange(len(shard)) if group is None else np.flatnonzero(shard.group == group)
    kept = _spread(rows.tolist(), limit)
    classes = [int(shard.label[row]) for row in kept]
    if need_labels and not all(0 <= each < len(labels) for each in classes):
        raise InputError(f"its labels do not fit a model that has {len(labels)}.", file=str(path))
    return LabelledSplit(
        name=path.name if group is None else f"{path.name}, group {group}",
        sha256=sha256_of(path),
        num_files=len(rows),
        names=tuple(f"row {row}" for row in kept),
        classes=tuple(classes if need_labels else [-1] * len(kept)),
        read=lambda place: shard.row(kept[place])[1],
    )


def _from_folder(folder: Path, labels: Sequence[str], limit: int | None, need_labels: bool) -> LabelledSplit:
    files = [path for path in list_files(folder) if path.stat().st_size]
    places = {label: place for place, label in enumerate(labels)}
    classes = []
    for path in files:
        label = find_label(folder, path)
        if need_labels and label not in places:
            known = ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")
            said = "has no label" if label is None else f"its label is {label!r}"
            raise InputError(f"{said}; the model knows {known}.", file=str(path))
        classes.append(places[label] if need_labels and label is not None else -1)
    kept = _spread(list(range(len(files))), limit)
    listed = sorted((path.relative_to(folder).as_posix(), sha256_of(path)) for path in files)
    lines = "".join(f"{digest}  {name}\n" for name, digest in listed)
    return LabelledSplit(
        name=folder.name or str(folder.resolve().name),
        sha256=hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(),
        num_files=len(files),
        names=tuple(files[place].relative_to(folder).as_posix() for place in kept),
        classes=tuple(classes[place] for place in kept),
        read=lambda place: _read(files[kept[place]]),
    )


def _read(path: Path) -> bytes:
    try:
        return read_input(path)
    except InputError as error:
        raise error.in_file(str(path)) from error


def _spread(rows: list[int], limit: int | None) -> list[int]:
    """All rows, or `limit` of them from the first to the last."""
    if limit is None or limit >= len(rows):
        return rows
    return [rows[place * len(rows) // limit] for place in range(limit)]
