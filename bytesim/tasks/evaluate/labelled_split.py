"""Loads the labelled files on which a classifier is evaluated, with the name, sha256 and size of their split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bytesim.errors import ConfigError, InputError
from bytesim.files import read_input
from bytesim.training.data.augment import augmented, check_augmentations, check_form
from bytesim.training.data.folders import find_label, list_files
from bytesim.training.data.shards import Shard, load_shard, sha256_of


@dataclass(frozen=True, kw_only=True)
class LabelledSplit:
    """Files with their classes. Each file is read when it is used."""

    name: str
    sha256: str
    """Hash of the shard; for a folder, of the lines `sha256  path` of its files, as sha256sum prints them."""
    num_files: int
    """Number of files in the whole split, or in its group, before any limit."""
    names: tuple[str, ...]
    classes: tuple[int, ...]
    """Index of each file's label; -1 if labels are not needed."""
    read: Callable[[int], bytes]
    """Reads the file at an index. Raises InputError."""

    def __len__(self) -> int:
        return len(self.names)

    def batches(self, files: int) -> Iterator[range]:
        """Ranges of at most `files` indices each."""
        for start in range(0, len(self), files):
            yield range(start, min(start + files, len(self)))


def changed_split(split: LabelledSplit, augment: str) -> LabelledSplit:
    """The files of a split, each changed at random by augmentations of training, such as `noise gain`, always alike.

    Raises ConfigError for an unknown name, and, when a file is read, for one that is not in the form of normalised
    files.
    """
    check_augmentations(augment)

    def read(index: int) -> bytes:
        data = split.read(index)
        check_form(augment, np.array([len(data)]), split.name)
        return augmented(data, augment, np.random.default_rng(index))

    return replace(split, name=f"{split.name}, changed by {' '.join(augment.split())}", read=read)


def load_labelled(
    path: str | Path,
    labels: Sequence[str],
    *,
    group: int | None = None,
    limit: int | None = None,
    need_labels: bool = True,
) -> LabelledSplit:
    """The split in a shard (.npz), whose labels are indices in `labels`, or in a folder, labelled by `find_label`.

    `group` selects the rows of one group of a shard. `limit` is a number of files, evenly spread over the split.
    Without `need_labels` files may have no label, or other ones. Raises InputError, and ConfigError for a group of a
    folder.
    """
    location = Path(path)
    if location.is_dir():
        if group is not None:
            raise ConfigError("a folder has no groups; leave group out, or name a shard.")
        split = _from_folder(location, labels, limit, need_labels)
    else:
        split = _from_shard(location, labels, group, limit, need_labels)
    if not len(split):
        raise InputError("holds no files" + ("." if group is None else f" of group {group}."), file=str(path))
    return split


def load_labelled_splits(
    paths: str | Path | Sequence[str | Path],
    labels: Sequence[str],
    *,
    group: int | None = None,
    limit: int | None = None,
    need_labels: bool = True,
) -> LabelledSplit:
    """One split of the files of several shards or folders; `limit` is for each. See `load_labelled`."""
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not several:
        raise ConfigError("no split is given; name a shard or a folder.")
    groups = [None if not need_labels and Path(path).is_dir() else group for path in several]
    splits = [
        load_labelled(path, labels, group=own, limit=limit, need_labels=need_labels)
        for path, own in zip(several, groups, strict=True)
    ]
    if len(splits) == 1:
        return splits[0]
    places = [(split, index) for split in splits for index in range(len(split))]

    def read(index: int) -> bytes:
        split, own = places[index]
        return split.read(own)

    return LabelledSplit(
        name=" and ".join(split.name for split in splits),
        sha256=" ".join(split.sha256 for split in splits),
        num_files=sum(split.num_files for split in splits),
        names=tuple(f"{split.name}, {split.names[index]}" for split, index in places),
        classes=tuple(split.classes[index] for split, index in places),
        read=read,
    )


def _from_shard(
    path: Path, labels: Sequence[str], group: int | None, limit: int | None, need_labels: bool
) -> LabelledSplit:
    shard: Shard = load_shard(path)
    rows = np.arange(len(shard)) if group is None else np.flatnonzero(shard.group == group)
    kept = _spread(rows.tolist(), limit)
    classes = [int(shard.label[row]) for row in kept]
    if need_labels and not all(0 <= label < len(labels) for label in classes):
        raise InputError(f"its labels do not fit a model that has {len(labels)}.", file=str(path))
    return LabelledSplit(
        name=path.name if group is None else f"{path.name}, group {group}",
        sha256=sha256_of(path),
        num_files=len(rows),
        names=tuple(f"row {row}" for row in kept),
        classes=tuple(classes if need_labels else [-1] * len(kept)),
        read=lambda index: shard.row(kept[index])[1],
    )


def _from_folder(folder: Path, labels: Sequence[str], limit: int | None, need_labels: bool) -> LabelledSplit:
    files = [path for path in list_files(folder) if path.stat().st_size]
    index_of = {label: index for index, label in enumerate(labels)}
    classes = []
    for path in files:
        label = find_label(folder, path)
        if need_labels and label not in index_of:
            known = ", ".join(labels[:12]) + (", ..." if len(labels) > 12 else "")
            problem = "has no label" if label is None else f"its label is {label!r}"
            raise InputError(f"{problem}; the model knows {known}.", file=str(path))
        classes.append(index_of[label] if need_labels and label is not None else -1)
    kept = _spread(list(range(len(files))), limit)
    listed = sorted((path.relative_to(folder).as_posix(), sha256_of(path)) for path in files)
    lines = "".join(f"{digest}  {name}\n" for name, digest in listed)
    return LabelledSplit(
        name=folder.name or str(folder.resolve().name),
        sha256=hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(),
        num_files=len(files),
        names=tuple(files[index].relative_to(folder).as_posix() for index in kept),
        classes=tuple(classes[index] for index in kept),
        read=lambda index: _read(files[kept[index]]),
    )


def _read(path: Path) -> bytes:
    try:
        return read_input(path)
    except InputError as error:
        raise error.in_file(str(path)) from error


def _spread(rows: list[int], limit: int | None) -> list[int]:
    """All rows, or `limit` of them, evenly spaced."""
    if limit is None or limit >= len(rows):
        return rows
    return [rows[number * len(rows) // limit] for number in range(limit)]
