"""Training sets of the classifiers and generators: news, encyclopaedia text, small pictures, spoken words and digits.

Each set is read from .csv.xz, .txt.xz or .npz.xz files and becomes shards of files in the form that bytesim reads: text
as .txt, pictures as 32x32 BMP, recordings as 8000 Hz 8-bit WAV of one second.
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
from bytesim.files import Inputs, check_output_folder, input_names, make_folder, write_output
from bytesim.training.data.shards import pack, save_shard, sha256_of
from bytesim.training.data.split import is_held

PARTS = ("train", "dev", "test")


@dataclass(frozen=True, kw_only=True)
class MediaSet:
    """A set that `data build media` can build."""

    name: str
    read: Callable[[Sequence[Path]], dict[str, list[Item]]]
    """Files -> the items of `train`, `test` and, if the set has one, `dev`."""
    labels: tuple[str, ...]
    dev_one_in: int
    """One group in this many moves from `train` to `dev`, chosen by its hash; 0 if the set has its own `dev`."""


@dataclass(frozen=True)
class MediaShard:
    """One shard that was written."""

    file: str
    sha256: str
    files: int
    bytes: int


@dataclass(frozen=True)
class MediaBuild:
    """The contents of the shards of a set, as written to NAME_build.json."""

    folder: Path
    name: str
    labels: list[str]
    sources: dict[str, str]
    """Name of each source file -> its sha256."""
    repeated: int
    """Items left out because an earlier item, or one of dev or test, has the same bytes."""
    shards: list[MediaShard]


SETS = {
    media_set.name: media_set
    for media_set in (
        MediaSet(name="agnews", read=read_news, labels=NEWS_LABELS, dev_one_in=50),
        MediaSet(name="wikipedia", read=read_articles, labels=(), dev_one_in=0),
        MediaSet(name="cifar10", read=read_pictures, labels=CIFAR_LABELS, dev_one_in=20),
        MediaSet(name="speech", read=read_clips, labels=SPEECH_LABELS, dev_one_in=10),
        MediaSet(name="digits", read=read_digits, labels=DIGIT_LABELS, dev_one_in=10),
    )
}


def build_media(name: str, sources: Inputs, *, out: str | Path, force: bool = False) -> MediaBuild:
    """Write NAME_train.npz, NAME_dev.npz, NAME_test.npz and NAME_build.json to `out` from the source files of a set.

    No two parts share a group (a speaker, a title, a recording index) or an item with the same bytes. Raises
    BytesimError.
    """
    if name not in SETS:
        raise ConfigError(f"set {name!r} is unknown; choose {', '.join(SETS)}.")
    media_set, folder = SETS[name], Path(out)
    files = {part: f"{name}_{part}.npz" for part in PARTS}
    check_output_folder(folder, (*files.values(), f"{name}_build.json"), force=force)
    paths = [Path(source) for source in input_names(sources)]
    for path in paths:
        if not path.is_file():
            raise InputError("no such file.", file=str(path))
    parts = _parts(media_set, paths)
    empty = [part for part in PARTS if not parts[part]]
    if empty:
        raise InputError(f"the files have no items for {' and '.join(empty)}.", file=str(paths[0]) if paths else None)
    repeated = _drop_repeated(parts)
    make_folder(folder)
    shards = []
    for part, items in parts.items():
        rows, labels = [(b"", item.data) for item in items], [item.label for item in items]
        save_shard(folder / files[part], pack(rows, labels=labels))
        size = sum(len(item.data) for item in items)
        shards.append(MediaShard(files[part], sha256_of(folder / files[part]), len(items), size))
    hashes = {path.name: sha256_of(path) for path in paths}
    build = MediaBuild(folder, name, list(media_set.labels), hashes, repeated, shards)
    text = json.dumps({**asdict(build), "folder": folder.name}, indent=2, ensure_ascii=False)
    write_output(folder / f"{name}_build.json", f"{text}\n".encode(), force=True)
    return build


def _parts(media_set: MediaSet, paths: Sequence[Path]) -> dict[str, list[Item]]:
    read = {part: list(items) for part, items in media_set.read(paths).items()}
    if media_set.dev_one_in:
        held_out = [is_held(item.group, media_set.dev_one_in) for item in read["train"]]
        read["dev"] = [item for item, is_held_out in zip(read["train"], held_out, strict=True) if is_held_out]
        read["train"] = [item for item, is_held_out in zip(read["train"], held_out, strict=True) if not is_held_out]
    return {part: read[part] for part in PARTS}


def _drop_repeated(parts: dict[str, list[Item]]) -> int:
    """Keep every content once, in test before dev before train. Returns the number of items that were dropped."""
    digests: set[bytes] = set()
    dropped = 0
    for part in reversed(PARTS):
        kept = []
        for item in parts[part]:
            key = hashlib.sha256(item.data).digest()
            if part != "test" and key in digests:
                dropped += 1
                continue
            digests.add(key)
            kept.append(item)
        parts[part] = kept
    return dropped
