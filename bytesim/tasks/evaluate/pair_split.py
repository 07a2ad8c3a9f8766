"""Loads the pairs of files on which a converter is evaluated, with the name and sha256 of their split. No torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from bytesim.errors import InputError
from bytesim.files import read_input
from bytesim.patching import suffix_of
from bytesim.training.data.folders import list_files


@dataclass(frozen=True, slots=True)
class Pair:
    """A source and the right answer to it."""

    name: str
    """Path of the source below the folder."""
    source: bytes
    target: bytes


@dataclass(frozen=True, kw_only=True)
class PairSplit:
    """Pairs of files of one folder."""

    name: str
    sha256: str
    """Hash of the lines `sha256  path` of all files of the pairs, sorted by path, as a training on them would give."""
    pairs: tuple[Pair, ...]
    num_pairs: int
    """Number of pairs in the whole folder, before any limit."""


def load_pairs(folder: str | Path, source_suffix: str, target_suffix: str, *, limit: int | None = None) -> PairSplit:
    """The pairs NAME.source_suffix and NAME.target_suffix of a folder and its subfolders, the first `limit` of them.

    Pairs of which a file is empty are left out, as in training. Raises InputError if there are none.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError("this is not a folder of pairs. Name a folder.", file=str(folder))
    by_suffix: dict[str, dict[Path, Path]] = {source_suffix: {}, target_suffix: {}}
    for path in list_files(root):
        if (suffix := suffix_of(path.name)) in by_suffix and path.stat().st_size:
            by_suffix[suffix][path.with_suffix("")] = path
    sources, targets = by_suffix[source_suffix], by_suffix[target_suffix]
    pairs: list[Pair] = []
    hashes: dict[str, str] = {}
    for stem in sorted(sources.keys() & targets.keys()):
        paths = (sources[stem], targets[stem])
        source, target = (read_input(path) for path in paths)
        names = [path.relative_to(root).as_posix() for path in paths]
        hashes |= {name: hashlib.sha256(data).hexdigest() for name, data in zip(names, (source, target), strict=True)}
        pairs.append(Pair(names[0], source, target))
    if not pairs:
        raise InputError(f"holds no pairs: NAME.{source_suffix} with NAME.{target_suffix} beside it.", file=str(folder))
    listed = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return PairSplit(
        name=root.name or str(root.resolve().name),
        sha256=hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest(),
        pairs=tuple(pairs[:limit]),
        num_pairs=len(pairs),
    )
