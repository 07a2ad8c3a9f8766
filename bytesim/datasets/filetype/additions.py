"""Files of one's own for the filetype set: folders, or pieces of files with their types and origins.

Files of packages resemble each other more than those of all people do. Additions bring other origins. Two in ten of
their origins are held out for the shards `wild_dev`, two for `wild_test`; the others train, in the shard `wild_train`,
so that a recipe can draw them more often.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.datasets.filetype.checks.predicates import is_text
from bytesim.datasets.filetype.checks.recognise import recognise
from bytesim.datasets.filetype.collect import MAX_FILE_BYTES, Found, project_name
from bytesim.datasets.filetype.shards import (
    FRAGMENT_BYTES,
    LEAST_VALUES,
    WHOLE_BYTES,
    Rows,
    cut_fragments,
    label_of,
)
from bytesim.datasets.filetype.split import position
from bytesim.errors import FormatError, InputError
from bytesim.formats.filetypes import LABELS, OUTLIERS, UNSEEN_DEV, UNSEEN_TEST
from bytesim.training.data.shards import load_arrays

PIECE_BYTES = 4096
"""Length of the head, the tail and the fragments that are kept of a file."""
PIECES = 4
"""Pieces of a file: its head, its tail and two fragments of its middle."""
WILD_SHARES = {"wild_test": 0.2, "wild_dev": 0.2}
"""Shard -> share of the origins of additions; the others are in `wild_train`."""
UNSEEN_SHARES = {"wild_unseen_test": 0.3, "wild_unseen_dev": 0.2}
"""Shard -> share of the types without a label; the others are in `wild_train`, as outliers."""
NO_LABEL = "other_"
"""Prefix of the types in a file of pieces that have no label."""
WILD_SHARDS = ("wild_train", "wild_dev", "wild_test", "wild_unseen_dev", "wild_unseen_test")
_ARRAYS = ("data", "offsets", "size", "label", "labels", "origin", "origins", "path")

_PREFIX = re.compile(r"^(vim|python|lib|r-cran)-?(?=...)")
"""What a package has before the name of its project."""
HELD_OUT = re.compile(
    r"(?i)(?<![a-z])(tika|format-corpus|corkami|pocs|magika)(?![a-z])|(test-documents/test)|(tests_data/(basic|mitra)/)"
)
"""Projects whose files test classifiers, and folders of theirs; a file with one of these in its path is refused."""


@dataclass(frozen=True, slots=True)
class Addition:
    """Pieces of one file."""

    type: str
    """One of LABELS, or any other name for a file that is of none of them."""
    origin: str
    name: str
    size: int
    pieces: tuple[bytes, ...]
    """PIECES pieces of at most PIECE_BYTES; those of the middle are empty in a short file."""

    @property
    def whole(self) -> bytes:
        """The row of the whole file, as `shards.cut_whole` cuts it."""
        head, tail, half = self.pieces[0], self.pieces[1], WHOLE_BYTES // 2
        return head if self.size <= WHOLE_BYTES else head[:half] + tail[-half:]

    def fragments(self, size: int, rng: random.Random) -> list[bytes]:
        """Fragments of a size from each piece of the middle: the piece itself, or two parts of it."""
        parts = []
        for piece in self.pieces[2:]:
            if len(piece) == size:
                parts.append(piece)
            elif len(piece) > size:
                starts = (rng.randrange(len(piece) - size + 1) for _ in range(2))
                parts += [piece[start : start + size] for start in starts]
        return [part for part in parts if len(set(part)) >= LEAST_VALUES]


def read_additions(paths: Sequence[str | Path], *, seed: int) -> list[Addition]:
    """The files of folders and of files of pieces. Raises InputError, FormatError."""
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            found += list(_of_folder(path, seed))
        elif path.is_file():
            found += list(_of_pieces(path))
        else:
            raise InputError("no such folder, and no such file of pieces.", file=str(path))
    for file in found:
        held_out = HELD_OUT.search(f"{file.origin}/{file.name}")
        if held_out:
            raise InputError(
                f"{file.name} of {file.origin} belongs to {held_out[0]}, whose files are kept for tests. Leave it out.",
                file=file.origin,
            )
    return found


def _of_folder(folder: Path, seed: int) -> Iterator[Addition]:
    """The files of a folder whose names and contents agree on a type; an entry of the folder is an origin."""
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or not 0 < file.stat().st_size <= MAX_FILE_BYTES:
            continue
        data, inside = file.read_bytes(), file.relative_to(folder)
        kind = recognise(inside.as_posix(), data)
        if kind is None:
            continue
        middle = cut_fragments(data, PIECE_BYTES, PIECES - 2, random.Random(f"{seed}:{inside}"))
        pieces = (data[:PIECE_BYTES], data[-PIECE_BYTES:], *middle, b"", b"")[:PIECES]
        yield Addition(kind, inside.parts[0], inside.as_posix(), len(data), pieces)


def _of_pieces(path: Path) -> Iterator[Addition]:
    """The files of an .npz, also compressed by xz, with the arrays that docs/filetype.md describes."""
    arrays = load_arrays(path, _ARRAYS, what="a file of pieces")
    data, offsets, size, label, labels, origin, origins, names = (arrays[name] for name in _ARRAYS)
    if not _fit_together(arrays):
        raise FormatError("is not a file of pieces: its arrays disagree about its files.", file=str(path))
    for row in range(len(size)):
        ends = offsets[PIECES * row : PIECES * (row + 1) + 1]
        pieces = tuple(data[start:end].tobytes() for start, end in pairwise(ends.tolist()))
        if pieces[0]:
            yield Addition(str(labels[label[row]]), str(origins[origin[row]]), str(names[row]), int(size[row]), pieces)


def _fit_together(arrays: dict[str, NDArray[Any]]) -> bool:
    """Whether the arrays of a file of pieces are of the right types and name the same number of files."""
    numbers = [arrays[name] for name in ("offsets", "size", "label", "origin")]
    if any(array.ndim != 1 for array in arrays.values()) or arrays["data"].dtype != np.uint8:
        return False
    if any(array.dtype.kind not in "iu" for array in numbers):
        return False
    offsets, size, label, origin = numbers
    count = len(size)
    if not len(label) == len(origin) == len(arrays["path"]) == count or len(offsets) != PIECES * count + 1:
        return False
    ordered = offsets[0] == 0 and offsets[-1] == len(arrays["data"]) and bool(np.all(offsets[1:] >= offsets[:-1]))
    named = all(
        bool(np.all((index >= 0) & (index < len(arrays[names]))))
        for index, names in ((label, "labels"), (origin, "origins"))
    )
    return ordered and named


def add_rows(shards: dict[str, Rows], additions: Sequence[Addition], *, seed: int) -> None:
    """Add the rows of additions as WILD_SHARDS. No two rows of the set have the same bytes."""
    for name in WILD_SHARDS:
        shards[name] = Rows()
    seen = {hashlib.sha256(data).digest()[:16] for rows in shards.values() for data in rows.data}
    for file in sorted(additions, key=lambda file: (shard_of_addition(file) == "wild_train", file.origin, file.name)):
        shard = shard_of_addition(file)
        if shard is None:
            continue
        rows, label = shards[shard], label_of(file.type)
        rng = random.Random(f"{seed}:{file.origin}:{file.name}")
        counts = rows.counts.setdefault(file.type, [0, 0, 0, 0])
        counts[3] += file.origin not in rows.origins
        rows.origins.add(file.origin)
        own_middle = file.type in LABELS or is_text(file.pieces[0])  # as shards.has_own_middle, for any other type
        sizes = FRAGMENT_BYTES if own_middle else ()
        for group, pieces in enumerate(([file.whole], *(file.fragments(size, rng) for size in sizes))):
            for piece in pieces:
                key = hashlib.sha256(piece).digest()[:16]
                if key not in seen:
                    seen.add(key)
                    rows.add(piece, group, label)
                    counts[group] += 1


def without_held_out(files: Sequence[Found], additions: Sequence[Addition]) -> list[Found]:
    """The files of packages whose projects are not among the origins of `wild_dev` and `wild_test`, by their names."""
    held_out = {
        project_name(file.origin.rpartition("/")[2]) for file in additions if shard_of_addition(file) in WILD_SHARES
    }
    return [
        file for file in files if not held_out & {file.origin, _PREFIX.sub("", file.origin), f"python-{file.origin}"}
    ]


def shard_of_addition(file: Addition) -> str | None:
    """The shard of an addition; None for an outlier of an origin that is held out.

    Types without a label are in training, as outliers, or in the unseen shards, never in both: a hash of the type's
    name decides, for those that are in no list.
    """
    if file.type in LABELS:
        return _part(position(file.origin, "wild"), WILD_SHARES)
    name = file.type.removeprefix(NO_LABEL)
    if name in UNSEEN_TEST:
        return "wild_unseen_test"
    if name in UNSEEN_DEV:
        return "wild_unseen_dev"
    part = "wild_train" if name in OUTLIERS else _part(position(name, "unseen"), UNSEEN_SHARES)
    if part != "wild_train":
        return part
    return part if _part(position(file.origin, "wild"), WILD_SHARES) == "wild_train" else None


def _part(place: float, shares: dict[str, float]) -> str:
    for name, share in shares.items():
        if place < share:
            return name
        place -= share
    return "wild_train"
