"""Streams of examples: what a recipe's data sources hold, framed and drawn by step. No torch.

Which examples a step gets depends on the seed and the step alone, so a resumed run sees the same ones.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import clock_of, clock_patches
from bytesim.errors import ConfigError
from bytesim.formats.filetypes import UNKNOWN
from bytesim.models.registry import ModelConfig
from bytesim.patching import frame_file, frame_source, num_patches
from bytesim.training.data.augment import augmented, check_form, mixed
from bytesim.training.data.examples import BUCKET_PATCHES, Example
from bytesim.training.data.folders import hold_back, read_folder
from bytesim.training.data.noise import with_length_noise
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.shards import Shard, load_shard, sha256_of
from bytesim.training.data.signatures import signature_lengths, spliced
from bytesim.training.data.windows import drawn_window, measured_windows, window_bytes
from bytesim.training.recipe import DataSource


class Stream:
    """The examples of one data source, sorted by length."""

    def __init__(
        self,
        source: DataSource,
        shard: Shard,
        config: ModelConfig,
        *,
        labels: Sequence[str] = (),
        sha256: str = "",
        too_large: int = 0,
    ) -> None:
        self.source = source
        self.config = config
        self.shard = shard
        self.sha256 = sha256
        """Of the shard's file, or of a folder's list of files."""
        from_lengths, to_lengths = shard.lengths()
        if source.reverse:
            from_lengths, to_lengths = to_lengths, from_lengths
        total = from_lengths + to_lengths
        patches = np.array([self._patches(int(a), int(b)) for a, b in zip(from_lengths, to_lengths, strict=True)])
        if source.task == "classify":  # longer files come as windows
            patches = np.minimum(patches, config.max_patches)
        asked = self._asked(shard)
        keep = asked & (patches <= config.max_patches)
        if source.max_bytes:
            keep &= total <= source.max_bytes
        if config.inputs.source and source.task == "convert":
            keep &= from_lengths <= config.inputs.max_source_bytes
        rows = np.flatnonzero(keep)
        if not len(rows):
            limit = config.max_patches * config.patch_size
            raise ConfigError(
                f"no example of {source.path} fits the model, which holds {limit:,} bytes, and the recipe."
            )
        if source.augment:
            check_form(source.augment, np.minimum(to_lengths[rows], window_bytes(config)), source.path)
        self.rows = rows[np.argsort(patches[rows], kind="stable")]
        self.buckets = -(-patches[self.rows] // BUCKET_PATCHES)
        self.drawn = self._weights(labels)
        self.before = np.cumsum(self.buckets * self.drawn)
        self.signatures = self._signatures(labels)
        self.left_out = too_large + int(np.count_nonzero(~keep & asked))
        """Rows asked for that are too long for the model or over `max_bytes`."""

    def _weights(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """How often each file is drawn, next to others of its length: the more, the fewer its class has.

        The class `unknown` is drawn as often as it has files: it stands for many kinds, not for one.
        """
        label = self.shard.label[self.rows]
        weights: NDArray[np.float64] = np.bincount(label)[label].astype(np.float64) ** -self.source.balance
        strange = label == labels.index(UNKNOWN) if UNKNOWN in labels else np.zeros(len(label), np.bool_)
        if strange.any() and not strange.all():
            weights[strange] = weights[~strange].mean()
        return weights

    def _signatures(self, labels: Sequence[str]) -> NDArray[np.int64]:
        """Bytes of each file's signature where some are to be spliced, else none."""
        if not self.source.splice:
            return np.zeros(len(self.rows), np.int64)
        files = [self.shard.row(int(row))[1] for row in self.rows]
        strange = labels.index(UNKNOWN) if UNKNOWN in labels else None
        return signature_lengths(files, self.shard.label[self.rows], strange=strange)

    def _asked(self, shard: Shard) -> NDArray[np.bool_]:
        asked = (shard.group >= self.source.group_from) & (shard.group <= self.source.group_to)
        wanted = (self.source.source_matches.encode(), self.source.target_matches.encode())
        if any(wanted):
            finds = [re.compile(each).search for each in (wanted[::-1] if self.source.reverse else wanted)]
            for index in np.flatnonzero(asked):
                source, target = shard.row(int(index))
                asked[index] = bool(finds[0](source) and finds[1](target))
        return asked

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        target = num_patches(target_bytes, self.config.patch_size)
        if self.source.task != "convert" or not self.config.inputs.source_in_history:
            return target
        return num_patches(source_bytes, self.config.patch_size) - 1 + target

    def __len__(self) -> int:
        return len(self.rows)

    def example(self, index: int, rng: np.random.Generator | None = None, *, other: int | None = None) -> Example:
        """The example at a place in the order of lengths; a window of a long file with a label, random with `rng`.

        With `other` what follows the file's signature is that of the file there.
        """
        row = int(self.rows[index])
        source, target = self.shard.row(row)
        if self.source.reverse:
            source, target = target, source
        if self.source.task == "classify":
            target = drawn_window(target, self.config, self.source.windows, rng)
        if rng and other is not None:
            follows = drawn_window(self.shard.row(int(self.rows[other]))[1], self.config, self.source.windows, rng)
            target = spliced(target, int(self.signatures[index]), follows, rng)
        if rng:
            target = augmented(target, self.source.augment, rng)
        return self._frame(source, target, int(self.shard.label[row]))

    def windows(self, index: int, most: int | None = None) -> list[Example]:
        """Classify: what the file at a place is measured by, itself or windows of it, at most so many."""
        row = int(self.rows[index])
        parts = measured_windows(self.shard.row(row)[1], self.config, self.source.windows, most)
        for view in self.source.views:
            parts = [*parts, *(other for part in parts for other in view.others(part))]
        return [self._frame(b"", part, int(self.shard.label[row])) for part in parts]

    def _frame(self, source: bytes, target: bytes, label: int) -> Example:
        size, suffixes = self.config.patch_size, (self.source.source_suffix, self.source.target_suffix)
        clock = self.config.inputs.times
        tail = frame_file(target, suffixes[1], size)
        times = clock_patches(clock_of(target, suffixes[1]), size) if clock else None
        if self.source.task != "convert":
            return Example(tail, 1, b"", label, len(target), times=times)
        head = frame_source(source, suffixes[0], size)[: None if self.config.inputs.source_in_history else 0]
        source_times = clock_of(source, suffixes[0]) if clock else None
        if times is not None and source_times is not None:
            before = clock_patches(source_times, size)[:-1][: len(head)]
            times, source_times = np.concatenate([before, times]), source_times[:-1]
        patches = np.concatenate([head, tail])
        return Example(patches, len(head) + 1, source, label, len(target), times=times, source_times=source_times)

    def draw(self, rng: np.random.Generator, budget: int) -> list[Example]:
        """Examples of one bucket, as many as `budget` bytes hold, at least one.

        How many depends on the bucket alone: shapes recur, and kernels made for a shape are used again. A bucket comes
        as often as it holds bytes, so that long files are drawn as often as short ones.
        """
        bucket = int(self.buckets[np.searchsorted(self.before, self._somewhere(rng), side="right")])
        count = max(1, budget // (bucket * BUCKET_PATCHES * self.config.patch_size))
        low, high = np.searchsorted(self.buckets, [bucket, bucket + 1])
        places = self._among(low, high, count, rng)
        others = self._others(places, rng)
        drawn = [self.example(int(place), rng, other=others.get(number)) for number, place in enumerate(places)]
        if self.source.mixup:
            return mixed(drawn, self.source.mixup, rng)
        if not self.source.length_noise:
            return drawn
        return [replace(each, shown=with_length_noise(each.patches, each.first, rng)) for each in drawn]

    def _others(self, places: NDArray[np.int64], rng: np.random.Generator) -> dict[int, int]:
        """{number of an example that is spliced: place of the file whose bytes follow}."""
        if not self.source.splice:
            return {}
        chosen = np.flatnonzero((rng.random(len(places)) < self.source.splice) & (self.signatures[places] > 0))
        return {int(number): int(rng.choice(places)) for number in chosen}

    def _somewhere(self, rng: np.random.Generator) -> float:
        """A place along `before`."""
        return rng.random() * self.before[-1] if self.source.balance else int(rng.integers(int(self.before[-1])))

    def _among(self, low: int, high: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """`count` of the places from `low` to `high`, the end not among them."""
        if not self.source.balance:
            return rng.integers(low, high, count)
        weights = self.drawn[low:high]
        return low + rng.choice(high - low, count, p=weights / weights.sum())


AnyStream = Stream | CpuStream


def open_streams(
    sources: Sequence[DataSource], config: ModelConfig, base: Path, labels: Sequence[str]
) -> list[AnyStream]:
    """The streams of data sources; of those with labels no file that one holds back is trained on in another."""
    split = [(find_place(each, base), each) for each in sources if each.task == "classify" and each.part != "all"]
    held_back = hold_back([(path, each) for path, each in split if path.is_dir()])
    return [open_stream(each, config, base, labels, held_back) for each in sources]


def find_place(source: DataSource, base: Path) -> Path:
    """Where a data source lies whose path is relative to `base`."""
    path = base / source.path
    return path if path.exists() else Path(os.path.normpath(path))  # `run/../data` does not exist before `run` does


def open_stream(
    source: DataSource,
    config: ModelConfig,
    base: Path,
    labels: Sequence[str] = (),
    held_back: frozenset[str] | None = None,
) -> AnyStream:
    """The stream of a data source whose path is relative to `base`. Raises BytesimError."""
    if source.task == "cpu" and not source.path:
        return CpuStream(source, config)
    path = find_place(source, base)
    if path.is_dir():
        listing = read_folder(path, source, labels, held_back)
        return Stream(source, listing.shard, config, labels=labels, sha256=listing.sha256, too_large=listing.too_large)
    if source.part != "all" and path.exists():
        raise ConfigError(f"part = {source.part!r} is for folders; {source.path} is none.")
    shard = load_shard(path)
    if source.task == "cpu":
        return CpuStream(source, config, shard, sha256=sha256_of(path))
    if source.task == "classify" and not all(0 <= label < len(labels) for label in np.unique(shard.label)):
        raise ConfigError(f"{source.path} holds labels that the recipe does not name.")
    return Stream(source, shard, config, labels=labels, sha256=sha256_of(path))


class Mixture:
    """Several streams, drawn by weights that may move during the training."""

    def __init__(self, streams: list[AnyStream], seed: int) -> None:
        self.streams = streams
        self.seed = seed

    def batch(self, step: int, progress: float, batch_bytes: int, micro_bytes: int) -> list[list[Example]]:
        """The examples of a step: micro-batches of files of like length that together hold about `batch_bytes`."""
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, step]))
        weights: NDArray[np.float64] = np.array([each.source.weight_at(progress) for each in self.streams])
        micro_bytes = micro_bytes or batch_bytes
        micros = []
        for _ in range(max(1, round(batch_bytes / micro_bytes))):
            stream = self.streams[int(rng.choice(len(weights), p=weights / weights.sum()))]
            micros.append(stream.draw(rng, micro_bytes))
        return micros
