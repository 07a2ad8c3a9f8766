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
from bytesim.training.sources import ClassifySource, ConvertSource, FileSource, GenerateSource

MAX_FILE_BYTES = 1 << 20
"""Larger files are left out, and counted: no history of a model here holds them. Of labelled ones the start is read."""
DEV_ONE_IN = 50
"""A row in so many is of the part `dev`, but for classifiers: see `split`."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a folder, or of a shard, for one data source."""

    shard: Shard
    sha256: str
    """Of a shard's file; of a folder the lines `sha256  path` of every file read, sorted by path: what sha256sum
    prints for them."""
    too_large: int = 0
    """Rows left out because a file of theirs is empty or over MAX_FILE_BYTES; the part `dev` counts none."""


def read_files(folder: Path, source: GenerateSource) -> Listing:
    """The files of a folder, of the part that is asked for only. Raises InputError if it holds none."""
    found = _read(folder, [(path,) for path in _of_suffix(list_files(folder), source)], _pattern(source))
    return found.listing(pick_part(found.rows, source.part), source.part)


def read_pairs(folder: Path, source: ConvertSource) -> Listing:
    """The pairs of a folder with one stem, of the part that is asked for only. Raises InputError if it holds none."""
    wanted = f"NAME.{source.source_suffix} with NAME.{source.target_suffix} beside them"
    found = _read(folder, _pairs(folder, list_files(folder), source), wanted)
    return found.listing(pick_part(found.rows, source.part), source.part)


def read_labelled(
    folder: Path, source: ClassifySource, labels: Sequence[str], held_back: frozenset[str] | None = None
) -> Listing:
    """The labelled files of a folder, of the part that is asked for only. Raises InputError if it holds none.

    Files whose sha256 is in `held_back` are the part `dev`; without it the folder is split by itself.
    """
    label_of = {path: _label(folder, path, labels) for path in _of_suffix(list_files(folder), source)}
    found = _read(folder, [(path,) for path in label_of], _pattern(source), start_will_do=True)
    picked = list(range(len(found.rows)))
    if source.part != "all":
        held_back = hold_back([(folder, source)]) if held_back is None else held_back
        dev = [_sha256(data) in held_back for _, data in found.rows]
        picked = [index for index, held in enumerate(dev) if held == (source.part == "dev")]
    return found.listing(picked, source.part, [label_of[paths[-1]] for paths in found.paths])


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of a folder."""

    folder: Path
    paths: list[tuple[Path, ...]]
    rows: list[tuple[bytes, bytes]]
    sha256: str
    too_large: int

    def listing(self, picked: Sequence[int], part: str, labels: Sequence[int] = ()) -> Listing:
        """The rows at some indices, which are those of a part; `labels` are of all rows. Raises InputError for none."""
        if not picked:
            problem = "its examples are too few or too much alike to hold some back; add others."
            raise InputError(problem, file=str(self.folder))
        kept = [labels[index] for index in picked] if labels else []
        shard = pack([self.rows[index] for index in picked], labels=kept)
        return Listing(shard, self.sha256, self.too_large if part != "dev" else 0)


def _read(folder: Path, found: list[tuple[Path, ...]], wanted: str, *, start_will_do: bool = False) -> _Found:
    """The rows whose files are found, but for those that are empty or too large; of large ones the start may do."""
    if not found:
        raise InputError(f"holds no files {wanted} to train on.", file=str(folder))
    kept, rows, hashes = [], [], {}
    for paths in found:
        if all(_fits(path, start_will_do=start_will_do) for path in paths):
            files = [_start(path) for path in paths]
            hashes.update({_name(path, folder): _sha256(data) for path, data in zip(paths, files, strict=True)})
            rows.append((files[0] if len(files) == 2 else b"", files[-1]))
            kept.append(paths)
    if not rows:
        limit = "" if start_will_do else f" or over {MAX_FILE_BYTES:,} bytes"
        raise InputError(f"all of its {len(found)} examples are empty{limit}.", file=str(folder))
    listed = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    sha256 = _sha256(listed.encode("utf-8", "surrogateescape"))
    return _Found(folder, kept, rows, sha256, too_large=len(found) - len(rows))


def hold_back(sources: Iterable[tuple[Path, ClassifySource]]) -> frozenset[str]:
    """The sha256 of the contents that are held back of labelled folders; one split for all, so that none is in both."""
    found = {path: file for folder, source in sources for path, file in labelled_files(folder, source).items()}
    return held_back_digests(list(found.values()))


def labelled_files(folder: Path, source: ClassifySource) -> dict[Path, LabelledFile]:
    """What the split needs to know of each file of a data source that is not empty."""
    found = {}
    for path in _of_suffix(list_files(folder), source):
        if _fits(path, start_will_do=True):
            group = find_group(_name(path, folder), source.group_by)
            found[path] = LabelledFile(find_label(folder, path) or "", _sha256(_start(path)), group)
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


def _pairs(folder: Path, files: list[Path], source: ConvertSource) -> list[tuple[Path, ...]]:
    if not source.source_suffix or not source.target_suffix:
        raise InputError("pairs in a folder need source_suffix and target_suffix in the recipe.", file=str(folder))
    targets = {_stem(path, folder): path for path in files if suffix_of(path.name) == source.target_suffix}
    sources = {_stem(path, folder): path for path in files if suffix_of(path.name) == source.source_suffix}
    return [(sources[stem], targets[stem]) for stem in sorted(set(sources) & set(targets))]


def _label(folder: Path, path: Path, labels: Sequence[str]) -> int:
    label = find_label(folder, path)
    if label not in labels:
        known = ", ".join(labels)
        raise InputError(f"its label is {label!r}; the recipe knows {known}.", file=str(path))
    return labels.index(label)


def _of_suffix(files: list[Path], source: FileSource) -> list[Path]:
    return [path for path in files if source.target_suffix in ("", suffix_of(path.name))]


def _pattern(source: FileSource) -> str:
    return f"*.{source.target_suffix}" if source.target_suffix else ""


def _fits(path: Path, *, start_will_do: bool) -> bool:
    """Whether a file can be read at all: where its start will do, at any length."""
    return _size(path) > 0 and (start_will_do or _size(path) <= MAX_FILE_BYTES)


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", file=str(path)) from error


def _start(path: Path) -> bytes:
    """The first MAX_FILE_BYTES of a file."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", file=str(path)) from error


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
