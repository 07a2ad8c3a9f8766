"""Training sets of the classifiers and generators: news, encyclopaedia text, small pictures, spoken words and digits.

Each set is made from the file it is published as here (a .csv.xz, .txt.xz or .npz.xz) and becomes shards of whole files
as bytesim reads them: text as .txt, pictures as 32x32 BMP, recordings as 8000 Hz 8-bit WAV of one second.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bytesim.datasets.media.sources import (
    CIFAR_LABELS,
    DIGIT_LABELS,
    NEWS_LABELS,
    SPEECH_LABELS,
    Item,
    read_articles,
    read_clips,
    read_digits,
    read_news,
    read_pictures,
)
from bytesim.errors import ConfigError, InputError
from bytesim.files import check_output_folder, make_folder, write_output
from bytesim.training.data.shards import pack, save_shard, sha256_of
from bytesim.training.data.split import is_held

PARTS = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class MediaSet:
    """A set that `data build` knows."""

    name: str
    read: Callable[[Sequence[Path]], dict[str, list[Item]]]
    """Files -> the items of `train`, `test` and, where the set has one, `dev`."""
    labels: tuple[str, ...]
    dev_one_in: int
    """One group in so many of `train` becomes `dev`, by its hash."""


@dataclass(frozen=True)
class MediaShard:
    """One shard that was written."""

    file: str
    sha256: str
    files: int
    bytes: int


@dataclass(frozen=True)
class MediaBuild:
    """What went into the shards of a set. Stands in NAME_build.json."""

    folder: Path
    name: str
    labels: list[str]
    sources: dict[str, str]
    """Name of each file read, and its sha256."""
    repeated: int
    """Items left out of training because another has the same bytes, or because dev or test has them."""
    shards: list[MediaShard]


SETS = {
    each.name: each
    for each in (
        MediaSet(name="agnews", read=read_news, labels=NEWS_LABELS, dev_one_in=50),
        MediaSet(name="wikipedia", read=read_articles, labels=(), dev_one_in=0),
        MediaSet(name="cifar10", read=read_pictures, labels=CIFAR_LABELS, dev_one_in=20),
        MediaSet(name="speech", read=read_clips, labels=SPEECH_LABELS, dev_one_in=10),
        MediaSet(name="digits", read=read_digits, labels=DIGIT_LABELS, dev_one_in=10),
    )
}


def build_media(name: str, sources: Sequence[str | Path], *, out: str | Path, force: bool = False) -> MediaBuild:
    """Make NAME_train.npz, NAME_dev.npz, NAME_test.npz and NAME_build.json in `out` from the files of a set.

    The parts share no group (a speaker, a title, a recording index) and no bytes. Raises BytesimError.
    """
    if name not in SETS:
        raise ConfigError(f"set {name!r} is unknown; choose {', '.join(SETS)}.")
    wanted, folder = SETS[name], Path(out)
    files = {part: f"{name}_{part}.npz" for part in PARTS}
    check_output_folder(folder, (*files.values(), f"{name}_build.json"), force=force)
    paths = [Path(each) for each in sources]
    for path in paths:
        if not path.is_file():
            raise InputError("no such file.", file=str(path))
    parts = _parts(wanted, paths)
    empty = [part for part in PARTS if not parts[part]]
    if empty:
        raise InputError(f"nothing found for {' and '.join(empty)}.", file=str(paths[0]) if paths else None)
    repeated = _drop_repeated(parts)
    make_folder(folder)
    shards = []
    for part, items in parts.items():
        rows, labels = [(b"", each.data) for each in items], [each.label for each in items]
        save_shard(folder / files[part], pack(rows, labels=labels))
        size = sum(len(each.data) for each in items)
        shards.append(MediaShard(files[part], sha256_of(folder / files[part]), len(items), size))
    hashes = {path.name: sha256_of(path) for path in paths}
    build = MediaBuild(folder, name, list(wanted.labels), hashes, repeated, shards)
    text = json.dumps({**asdict(build), "folder": folder.name}, indent=2, ensure_ascii=False)
    write_output(folder / f"{name}_build.json", f"{text}\n".encode(), force=True)
    return build


def _parts(wanted: MediaSet, paths: Sequence[Path]) -> dict[str, list[Item]]:
    read = {part: list(items) for part, items in wanted.read(paths).items()}
    if wanted.dev_one_in:
        held = [is_held(each.group, wanted.dev_one_in) for each in read["train"]]
        read["dev"] = [each for each, out in zip(read["train"], held, strict=True) if out]
        read["train"] = [each for each, out in zip(read["train"], held, strict=True) if not out]
    return {part: read[part] for part in PARTS}


def _drop_repeated(parts: dict[str, list[Item]]) -> int:
    """Leave every content in one part, and there once: test before dev before train. How many were left out."""
    seen: set[bytes] = set()
    dropped = 0
    for part in reversed(PARTS):
        kept = []
        for each in parts[part]:
            key = hashlib.sha256(each.data).digest()
            if part != "test" and key in seen:
                dropped += 1
                continue
            seen.add(key)
            kept.append(each)
        parts[part] = kept
    return dropped
