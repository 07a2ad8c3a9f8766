"""Reads folders of files as training rows: pairs by stem, labels by folder or file name. No torch."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import InputError
from bytesim.patching import suffix_of
from bytesim.training.data.shards import Shard, pack
from bytesim.training.data.split import LabelledFile, held_out_digests
from bytesim.training.sources import ClassifySource, ConvertSource, FileSource, GenerateSource

MAX_FILE_BYTES = 1 << 20
"""Larger files are left out and counted, because no model's history holds them; labelled files are cut to this size."""
DEV_ONE_IN = 50
"""One file in this many belongs to the part `dev`. For classifiers see `split`, for pairs `dev_one_in` of a recipe."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of a data source, read from a folder or from a shard."""

    shard: Shard
    sha256: str
    """Hash of a shard's file; for a folder, the hash of the lines `sha256  path` of its files, sorted by path, as
    sha256sum prints them."""
    too_large: int = 0
    """Rows left out because one of their files is empty or over MAX_FILE_BYTES; 0 for the part `dev`."""


def read_files(folder: Path, source: GenerateSource) -> Listing:
    """The files of a folder that belong to the source's part. Raises InputError if there are none."""
    content = _read(folder, [(path,) for path in _of_suffix(list_files(folder), source)], _pattern(source))
    return content.listing(pick_part(content.rows, source.part), source.part)


def read_pairs(folder: Path, source: ConvertSource) -> Listing:
    """The pairs of files with the same stem that belong to the source's part. Raises InputError if there are none."""
    pattern = f"NAME.{source.source_suffix} with NAME.{source.target_suffix} beside them"
    content = _read(folder, _pairs(folder, list_files(folder), source), pattern)
    picked = pick_part(content.rows, source.part, source.dev_one_in)
    if source.part == "train":
        picked = _first_share(content.rows, picked, source.train_share)
    return content.listing(picked, source.part)


def read_labelled(
    folder: Path, source: ClassifySource, labels: Sequence[str], held_out: frozenset[str] | None = None
) -> Listing:
    """The labelled files of a folder that belong to the source's part. Raises InputError if there are none.

    Files whose sha256 is in `held_out` are the part `dev`; without `held_out` this folder is split on its own.
    """
    label_of = {path: _label(folder, path, labels) for path in _of_suffix(list_files(folder), source)}
    content = _read(folder, [(path,) for path in label_of], _pattern(source), cut=True)
    picked = list(range(len(content.rows)))
    if source.part != "all":
        held_out = hold_out([(folder, source)]) if held_out is None else held_out
        is_dev = [_sha256(data) in held_out for _, data in content.rows]
        picked = [index for index, dev in enumerate(is_dev) if dev == (source.part == "dev")]
    return content.listing(picked, source.part, [label_of[paths[-1]] for paths in content.paths])


@dataclass(frozen=True, slots=True)
class _Content:
    """The rows that were read from a folder."""

    folder: Path
    paths: list[tuple[Path, ...]]
    rows: list[tuple[bytes, bytes]]
    sha256: str
    too_large: int

    def listing(self, picked: Sequence[int], part: str, labels: Sequence[int] = ()) -> Listing:
        """The rows `picked` (indices) of a part; `labels` are those of all rows. Raises InputError for none."""
        if not picked:
            problem = "its examples are too few or too similar to hold some out; add others."
            raise InputError(problem, file=str(self.folder))
        kept = [labels[index] for index in picked] if labels else []
        shard = pack([self.rows[index] for index in picked], labels=kept)
        return Listing(shard, self.sha256, self.too_large if part != "dev" else 0)


def _read(folder: Path, examples: list[tuple[Path, ...]], pattern: str, *, cut: bool = False) -> _Content:
    """Read the files of each example, without the empty and too large ones; with `cut`, large files are cut instead.

    `pattern` describes the files in the InputError that is raised if there are none.
    """
    if not examples:
        raise InputError(f"holds no files {pattern} to train on.", file=str(folder))
    kept, rows, hashes = [], [], {}
    for paths in examples:
        if all(_fits(path, cut=cut) for path in paths):
            files = [_start(path) for path in paths]
            hashes.update({_name(path, folder): _sha256(data) for path, data in zip(paths, files, strict=True)})
            rows.append((files[0] if len(files) == 2 else b"", files[-1]))
            kept.append(paths)
    if not rows:
        limit = "" if cut else f" or over {MAX_FILE_BYTES:,} bytes"
        raise InputError(f"all of its {len(examples)} examples are empty{limit}.", file=str(folder))
    listed = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    sha256 = _sha256(listed.encode("utf-8", "surrogateescape"))
    return _Content(folder, kept, rows, sha256, too_large=len(examples) - len(rows))


def hold_out(sources: Iterable[tuple[Path, ClassifySource]]) -> frozenset[str]:
    """The sha256 of the contents that are held out of labelled folders, by one split of all their files together."""
    files = {path: file for folder, source in sources for path, file in labelled_files(folder, source).items()}
    return held_out_digests(list(files.values()))


def labelled_files(folder: Path, source: ClassifySource) -> dict[Path, LabelledFile]:
    """The files of a data source, without empty ones, as the split needs them."""
    files = {}
    for path in _of_suffix(list_files(folder), source):
        if _fits(path, cut=True):
            group = find_group(_name(path, folder), source.group_by)
            files[path] = LabelledFile(find_label(folder, path) or "", _sha256(_start(path)), group)
    return files


def find_group(name: str, group_by: str) -> str | None:
    """The group of a file by its path below the folder; None if the expression is empty or does not match."""
    match = re.search(group_by, name) if group_by else None
    if match is None:
        return None
    return match[1] or "" if match.re.groups else match[0]


def list_files(folder: Path) -> list[Path]:
    """All files in a folder and its subfolders, sorted; hidden ones, and links to folders, are skipped."""
    files = []
    for directory, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        files += [path for name in names if not name.startswith(".") and os.path.isfile(path := Path(directory, name))]
    return sorted(files)


def find_label(folder: Path, path: Path) -> str | None:
    """The label of a file: its first folder below `folder`, or its name before the first `_`; None without either."""
    parts = path.relative_to(folder).parts
    if len(parts) > 1:
        return parts[0]
    label, mark, _ = path.stem.partition("_")
    return label if mark and label else None


def _first_share(rows: Sequence[tuple[bytes, bytes]], picked: Sequence[int], share: float) -> list[int]:
    """A share of the picked rows, at least one: those with the lowest hashes. A larger share holds a smaller one."""
    if not picked:
        return []
    keys = _row_keys([rows[index] for index in picked])
    kept = np.argsort(keys, kind="stable")[: max(1, round(share * len(picked)))]
    return [picked[place] for place in sorted(kept)]


def _row_keys(rows: Sequence[tuple[bytes, bytes]]) -> NDArray[np.int64]:
    """A hash of each row; the same for the same files the other way round."""
    keys = [int.from_bytes(hashlib.sha256(b"\0".join(sorted(row))).digest()[:7], "big") for row in rows]
    return np.array(keys, np.int64)


def pick_part(rows: Sequence[tuple[bytes, bytes]], part: str, dev_one_in: int = DEV_ONE_IN) -> list[int]:
    """Indices of the rows of a part. Rows with the same content are in the same part, in every folder.

    A pair is in the same part as the pair of the same files the other way round.
    """
    if part == "all" or len(rows) < 2:
        return list(range(len(rows))) if part != "dev" else []
    keys = _row_keys(rows)
    dev = keys % dev_one_in == 0
    if not dev.any() or dev.all():  # too few rows for a random split: the lowest hash is dev
        dev = keys == keys.min()
    if dev.all():  # all rows are copies of one
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


def _fits(path: Path, *, cut: bool) -> bool:
    """Whether a file is neither empty nor too large; with `cut` none is too large."""
    return _size(path) > 0 and (cut or _size(path) <= MAX_FILE_BYTES)


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
