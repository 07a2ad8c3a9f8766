"""Packs: a recipe with all its data in one small folder, made ahead for a machine that has little time. No torch.

A pack holds recipe.json, the parsed recipe, whose paths are relative to the pack; a shard (.npz.xz) for each shard or
folder of the recipe; and in start/ the weights of `start_from`, in start-PART/ those of `start_parts`. It is read
without a TOML parser.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ConfigError, InputError, OutputError
from bytesim.models.folder import CONFIG_FILE, WEIGHTS_FILE
from bytesim.staging import staging_folder
from bytesim.training.data.shards import Shard, some_rows, xz_bytes
from bytesim.training.data.streams import AnyStream, open_streams
from bytesim.training.recipe import MAX_RECIPE_BYTES, Recipe, recipe_from_dict
from bytesim.training.sources import DataSource

RECIPE_FILE = "recipe.json"
START_FOLDER = "start"
MOST_BYTES = 6 << 20
"""Most bytes of the shards of a pack, compressed."""
VALIDATION_FILES = 192
"""Most rows of each source for validation."""
_FIRST_GUESS = 8.0
"""Assumed bytes of data in a compressed byte, before the first try has shown it."""
_TRIES = 6
_WELL_FILLED = 0.8
"""A sample that fills this share of the limit is not made larger."""

FOLDER_KEYS = ("part", "group_by", "dev_one_in", "train_share")
"""Keys of a source that a shard does not take, because they choose files of a folder: their work is done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PackedShard:
    """One shard of a pack."""

    file: str
    num_bytes: int
    """Size of the file, compressed."""
    rows: int
    of_rows: int
    """Number of rows that the recipe uses, of which `rows` are a random sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Packed:
    """A pack that was written."""

    folder: Path
    shards: tuple[PackedShard, ...]
    start_bytes: int
    """Size of the weights of `start_from` and `start_parts`; 0 without."""

    @property
    def data_bytes(self) -> int:
        """Size of all shards, compressed."""
        return sum(shard.num_bytes for shard in self.shards)


@dataclass(slots=True)
class _Rows:
    """The rows of one shard that the sources of a recipe use."""

    file: str
    shard: Shard
    chosen: NDArray[np.int64]


def pack_recipe(
    recipe: Recipe,
    base: Path,
    folder: Path,
    *,
    most_bytes: int = MOST_BYTES,
    validation_files: int = VALIDATION_FILES,
) -> Packed:
    """Write a recipe, whose paths are relative to `base`, and its data to a new folder.

    All shards together have at most `most_bytes`, compressed: validation rows come first, at most `validation_files`
    of each source, and training rows are sampled at random if there are too many. Sources without a path, which make
    their data while the training runs, stay as they are. Raises InputError, FormatError or ConfigError for data that
    cannot be used, OutputError if the folder exists, cannot be written or would be too large.
    """
    if os.path.lexists(folder):
        raise OutputError("exists already. Remove it, or name another folder with --out.", file=str(folder))
    streams = open_streams((*recipe.data, *recipe.validation), recipe.model, base, recipe.labels)
    training, data = _collect(streams[: len(recipe.data)], "train")
    validating, validation = _collect(streams[len(recipe.data) :], "validation", validation_files)
    written = [(rows, rows.chosen, xz_bytes(some_rows(rows.shard, rows.chosen.tolist()))) for rows in validating]
    left = most_bytes - sum(len(content) for _, _, content in written)
    written += _sampled(training, left)
    shards = tuple(
        PackedShard(file=rows.file, num_bytes=len(content), rows=len(taken), of_rows=len(rows.chosen))
        for rows, taken, content in written
    )
    if sum(shard.num_bytes for shard in shards) > most_bytes:
        raise OutputError(f"the data of {recipe.name} do not fit {most_bytes:,} bytes.", file=str(folder))
    start = {START_FOLDER: recipe.start_from} if recipe.start_from else {}
    start |= {f"{START_FOLDER}-{part}": path for part, path in recipe.start_parts.items()}
    files = {rows.file: content for rows, _, content in written}
    packed = replace(
        recipe,
        data=data,
        validation=validation,
        start_from=START_FOLDER if recipe.start_from else "",
        start_parts={part: f"{START_FOLDER}-{part}" for part in recipe.start_parts},
    ).to_dict()
    files[RECIPE_FILE] = (json.dumps(packed, indent=1) + "\n").encode()
    return Packed(
        folder=folder,
        shards=shards,
        start_bytes=_write(folder, files, {name: base / path for name, path in start.items()}),
    )


def load_pack(folder: Path) -> Recipe:
    """The recipe of a pack; its paths are relative to the folder. Raises InputError or ConfigError."""
    path = folder / RECIPE_FILE
    try:
        if path.stat().st_size > MAX_RECIPE_BYTES:
            raise InputError("larger than 1 MiB; the recipe of a pack is smaller.", file=str(path))
        values: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("no such file, so its folder is not a pack. Make one with `pack`.", file=str(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError("cannot be read as JSON. Make the pack again.", file=str(path)) from error
    try:
        if not isinstance(values, dict):
            raise ConfigError("is not a recipe: it is not an object.")
        return recipe_from_dict(values)
    except ConfigError as error:
        raise error.in_file(str(path)) from error


def _collect(
    streams: Sequence[AnyStream], use: str, most: int | None = None
) -> tuple[list[_Rows], tuple[DataSource, ...]]:
    """The rows of each distinct shard of these streams, and their sources with the path of the packed shard.

    `most` is the most rows of a stream, which are evenly spread over the lengths; None for all.
    """
    collected: dict[str, _Rows] = {}
    sources: list[DataSource] = []
    for stream in streams:
        if not stream.source.path:
            sources.append(stream.source)
            continue
        new = _Rows(f"{use}-{len(collected) + 1}.npz.xz", stream.shard, np.zeros(0, np.int64))
        rows = collected.setdefault(stream.sha256, new)
        taken = stream.rows if most is None else stream.rows[:: max(1, -(-len(stream) // most))]
        rows.chosen = np.union1d(rows.chosen, taken)
        sources.append(_for_shard(stream.source, rows.file))
    return list(collected.values()), tuple(sources)


def _for_shard(source: DataSource, file: str) -> DataSource:
    defaults = source.defaults()
    done = {key: defaults[key] for key in FOLDER_KEYS if key in defaults}
    changed: DataSource = source.replace(path=file, **done)
    return changed


def _sampled(shards: Sequence[_Rows], most_bytes: int) -> list[tuple[_Rows, NDArray[np.int64], bytes]]:
    """Random rows of each shard, the same share of all, and the compressed shards; as many as fit `most_bytes`.

    If no try fits, the last one is returned.
    """
    orders = [np.random.default_rng(0).permutation(rows.chosen) for rows in shards]
    raw = sum(int(length.sum()) for rows in shards for length in _lengths(rows))
    share = min(1.0, _FIRST_GUESS * max(1, most_bytes) / max(1, raw))
    best: list[tuple[_Rows, NDArray[np.int64], bytes]] = []
    for _ in range(_TRIES):
        tried = []
        for rows, order in zip(shards, orders, strict=True):
            taken = np.sort(order[: max(1, round(share * len(order)))])
            tried.append((rows, taken, xz_bytes(some_rows(rows.shard, taken.tolist()))))
        size = sum(len(content) for _, _, content in tried)
        fits = size <= most_bytes
        if fits or not best:
            best = tried
        if fits and (share == 1.0 or size >= _WELL_FILLED * most_bytes):
            break
        share = min(1.0, share * 0.95 * max(1, most_bytes) / max(1, size))
    return best


def _lengths(rows: _Rows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    source, target = rows.shard.lengths()
    return source[rows.chosen], target[rows.chosen]


def _write(folder: Path, files: dict[str, bytes], start: dict[str, Path]) -> int:
    """Write the pack whole or not at all, with copies of model folders to start from. Returns the size of these."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with staging_folder(folder) as staging:
            for name, content in files.items():
                (staging / name).write_bytes(content)
            copied = sum(_copy_start(path, staging / name) for name, path in start.items())
            os.replace(staging, folder)
    except OSError as error:
        raise OutputError(f"the pack cannot be written ({error.strerror}).", file=str(folder)) from error
    return copied


def _copy_start(start: Path, folder: Path) -> int:
    """Copy config and weights of a model folder. Returns their size. Raises InputError if they are missing."""
    folder.mkdir()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        if not (start / name).is_file():
            raise InputError("is missing, and the recipe starts from it.", file=str(start / name))
        shutil.copyfile(start / name, folder / name)
    return sum(path.stat().st_size for path in folder.iterdir())
