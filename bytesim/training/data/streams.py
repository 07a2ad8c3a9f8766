"""Streams of examples: what a recipe's data sources hold, framed and drawn by step. No torch.

Which examples a step gets depends on the seed and the step alone, so a resumed run sees the same ones.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import clock_of, clock_patches
from bytesim.errors import ConfigError
from bytesim.formats.filetypes import UNKNOWN
from bytesim.patching import frame_file, frame_source, num_patches
from bytesim.training.data.augment import augmented, check_form, mixed
from bytesim.training.data.examples import BUCKET_PATCHES, Example
from bytesim.training.data.folders import Listing, hold_back, read_files, read_labelled, read_pairs
from bytesim.training.data.noise import with_length_noise
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.shards import Shard, load_shard, sha256_of
from bytesim.training.data.signatures import signature_lengths, spliced
from bytesim.training.data.windows import drawn_window, measured_windows, window_bytes
from bytesim.training.sources import ClassifySource, ConvertSource, CpuSource, DataSource, FileSource, GenerateSource

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

SourceT = TypeVar("SourceT", bound=FileSource)


class FileStream(ABC, Generic[SourceT]):
    """The examples of one data source, sorted by length."""

    why_left_out = "empty, or too long for the model or the recipe"

    def __init__(
        self, source: SourceT, shard: Shard, config: ModelConfig, *, sha256: str = "", too_large: int = 0
    ) -> None:
        self.source = source
        self.config = config
        self.shard = shard
        self.sha256 = sha256
        """Of the shard's file, or of a folder's list of files."""
        source_lengths, target_lengths = shard.lengths()
        if source.reverse:
            source_lengths, target_lengths = target_lengths, source_lengths
        patches = np.array([self._patches(int(a), int(b)) for a, b in zip(source_lengths, target_lengths, strict=True)])
        asked = self._asked()
        keep = asked & (patches <= config.max_patches) & self._readable(source_lengths)
        if source.max_bytes:
            keep &= source_lengths + target_lengths <= source.max_bytes
        rows = np.flatnonzero(keep)
        if not len(rows):
            limit = config.max_patches * config.patch_size
            raise ConfigError(
                f"no example of {source.path} fits the model, which holds {limit:,} bytes, and the recipe."
            )
        self.rows = rows[np.argsort(patches[rows], kind="stable")]
        self.target_lengths = target_lengths[self.rows]
        self.buckets = -(-patches[self.rows] // BUCKET_PATCHES)
        self.bucket_ends = np.cumsum(self.buckets)
        self.left_out = too_large + int(np.count_nonzero(~keep & asked))
        """Rows asked for that are too long for the model or over `max_bytes`."""

    def _asked(self) -> NDArray[np.bool_]:
        """(N,) which rows of the shard the recipe asks for by their group and by what their files hold."""
        source, group = self.source, self.shard.group
        asked = (group >= source.group_from) & (group <= source.group_to)
        expressions = (source.source_matches.encode(), source.target_matches.encode())
        if any(expressions):
            patterns = [re.compile(expression) for expression in expressions]
            for row in np.flatnonzero(asked):
                files = self.row(int(row))
                asked[row] = all(pattern.search(file) for pattern, file in zip(patterns, files, strict=True))
        return asked

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        """Patches of a row in the history of the model."""
        return num_patches(target_bytes, self.config.patch_size)

    def _readable(self, source_lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) which rows have a source that the model can attend to."""
        return np.ones(len(source_lengths), np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, row: int) -> tuple[bytes, bytes]:
        """Source and target bytes of a row of the shard, in the direction that the recipe asks for."""
        source, target = self.shard.row(row)
        return (target, source) if self.source.reverse else (source, target)

    def target(self, index: int) -> bytes:
        """The target bytes of the example at an index in the order of lengths."""
        return self.row(int(self.rows[index]))[1]

    def draw(self, rng: np.random.Generator, budget: int) -> list[Example]:
        """Examples of one bucket, as many as `budget` bytes hold, at least one.

        How many depends on the bucket alone: shapes recur, and kernels made for a shape are used again. A bucket comes
        as often as it holds bytes, so that long files are drawn as often as short ones.
        """
        bucket = self._bucket(rng)
        count = max(1, budget // (bucket * BUCKET_PATCHES * self.config.patch_size))
        low, high = np.searchsorted(self.buckets, [bucket, bucket + 1])
        return self._examples(self._chosen(int(low), int(high), count, rng), rng)

    def _bucket(self, rng: np.random.Generator) -> int:
        """A bucket, as often as it holds bytes."""
        position = int(rng.integers(int(self.bucket_ends[-1])))
        return int(self.buckets[np.searchsorted(self.bucket_ends, position, side="right")])

    def _chosen(self, low: int, high: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """(count,) indices from `low` to `high`, the end not among them."""
        return rng.integers(low, high, count)

    @abstractmethod
    def _examples(self, indices: NDArray[np.int64], rng: np.random.Generator) -> list[Example]:
        """The examples at these indices, changed at random as the recipe asks."""


class GenerateStream(FileStream[GenerateSource]):
    """Files that are learned each by itself."""

    def __init__(
        self, source: GenerateSource, shard: Shard, config: ModelConfig, *, sha256: str = "", too_large: int = 0
    ) -> None:
        super().__init__(source, shard, config, sha256=sha256, too_large=too_large)
        check_form(source.augment, self.target_lengths, source.path)

    def example(self, index: int) -> Example:
        """The example at an index in the order of lengths."""
        return _one_file(self.target(index), self.source.target_suffix, self.config)

    def _examples(self, indices: NDArray[np.int64], rng: np.random.Generator) -> list[Example]:
        files = [augmented(self.target(int(index)), self.source.augment, rng) for index in indices]
        drawn = [_one_file(file, self.source.target_suffix, self.config) for file in files]
        return [_noisy(example, rng) for example in drawn] if self.source.length_noise else drawn


class ConvertStream(FileStream[ConvertSource]):
    """Pairs of files, of which the second is learned with the first at hand."""

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        target = num_patches(target_bytes, self.config.patch_size)
        if not self.config.inputs.source_in_history:
            return target
        return num_patches(source_bytes, self.config.patch_size) - 1 + target

    def _readable(self, source_lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not self.config.inputs.source:
            return super()._readable(source_lengths)
        return source_lengths <= self.config.inputs.max_source_bytes

    def example(self, index: int) -> Example:
        """The example at an index in the order of lengths; the source's patches first, where the model reads any."""
        source, target = self.row(int(self.rows[index]))
        size, inputs = self.config.patch_size, self.config.inputs
        head = frame_source(source, self.source.source_suffix, size)[: None if inputs.source_in_history else 0]
        tail = frame_file(target, self.source.target_suffix, size)
        times, source_times = None, None
        if inputs.times:
            clocked = clock_of(source, self.source.source_suffix)
            head_times = clock_patches(clocked, size)[:-1][: len(head)]
            tail_times = clock_patches(clock_of(target, self.source.target_suffix), size)
            times, source_times = np.concatenate([head_times, tail_times]), clocked[:-1]
        patches = np.concatenate([head, tail])
        return Example(patches, len(head) + 1, source, 0, len(target), times=times, source_times=source_times)

    def _examples(self, indices: NDArray[np.int64], rng: np.random.Generator) -> list[Example]:
        drawn = [self.example(int(index)) for index in indices]
        return [_noisy(example, rng) for example in drawn] if self.source.length_noise else drawn


class ClassifyStream(FileStream[ClassifySource]):
    """Files with a label; those longer than the history come as windows."""

    why_left_out = "empty, or too long for the recipe"

    def __init__(
        self,
        source: ClassifySource,
        shard: Shard,
        config: ModelConfig,
        *,
        labels: Sequence[str] = (),
        sha256: str = "",
        too_large: int = 0,
    ) -> None:
        super().__init__(source, shard, config, sha256=sha256, too_large=too_large)
        check_form(source.augment, np.minimum(self.target_lengths, window_bytes(config)), source.path)
        self.labels = shard.label[self.rows]
        unknown = labels.index(UNKNOWN) if UNKNOWN in labels else None
        self.weights = _class_weights(self.labels, source.balance, unknown)
        self.weighted_ends = np.cumsum(self.buckets * self.weights)
        self.signatures = self._signatures(unknown)

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        return min(super()._patches(source_bytes, target_bytes), self.config.max_patches)

    def _signatures(self, unknown: int | None) -> NDArray[np.int64]:
        """Bytes of each file's signature where some are to be spliced, else none."""
        if not self.source.splice:
            return np.zeros(len(self.rows), np.int64)
        files = [self.target(index) for index in range(len(self.rows))]
        return signature_lengths(files, self.labels, strange=unknown)

    def example(self, index: int, rng: np.random.Generator | None = None, *, other: int | None = None) -> Example:
        """The file at an index in the order of lengths, or a window of it; at random, and changed, with `rng`.

        With `other` what follows the file's signature is that of the file at that index.
        """
        file = drawn_window(self.target(index), self.config, self.source.windows, rng)
        if rng and other is not None:
            follows = drawn_window(self.target(other), self.config, self.source.windows, rng)
            file = spliced(file, int(self.signatures[index]), follows, rng)
        if rng:
            file = augmented(file, self.source.augment, rng)
        return self._labelled(file, index)

    def windows(self, index: int, most: int | None = None) -> list[Example]:
        """What the file at an index is measured by: itself or windows of it, at most `most`, and their other views."""
        parts = measured_windows(self.target(index), self.config, self.source.windows, most)
        for view in self.source.views:
            parts = [*parts, *(other for part in parts for other in view.others(part))]
        return [self._labelled(part, index) for part in parts]

    def _labelled(self, file: bytes, index: int) -> Example:
        example = _one_file(file, self.source.target_suffix, self.config)
        return replace(example, label=int(self.labels[index]))

    def _bucket(self, rng: np.random.Generator) -> int:
        if not self.source.balance:
            return super()._bucket(rng)
        position = rng.random() * self.weighted_ends[-1]
        return int(self.buckets[np.searchsorted(self.weighted_ends, position, side="right")])

    def _chosen(self, low: int, high: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        if not self.source.balance:
            return super()._chosen(low, high, count, rng)
        weights = self.weights[low:high]
        return low + rng.choice(high - low, count, p=weights / weights.sum())

    def _examples(self, indices: NDArray[np.int64], rng: np.random.Generator) -> list[Example]:
        others = self._others(indices, rng)
        drawn = [self.example(int(index), rng, other=others.get(number)) for number, index in enumerate(indices)]
        return mixed(drawn, self.source.mixup, rng) if self.source.mixup else drawn

    def _others(self, indices: NDArray[np.int64], rng: np.random.Generator) -> dict[int, int]:
        """{number of an example that is spliced: index of the file whose bytes follow}."""
        if not self.source.splice:
            return {}
        chosen = np.flatnonzero((rng.random(len(indices)) < self.source.splice) & (self.signatures[indices] > 0))
        return {int(number): int(rng.choice(indices)) for number in chosen}


AnyStream = GenerateStream | ConvertStream | ClassifyStream | CpuStream


def _one_file(file: bytes, suffix: str, config: ModelConfig) -> Example:
    """A file by itself, framed."""
    times = clock_patches(clock_of(file, suffix), config.patch_size) if config.inputs.times else None
    return Example(frame_file(file, suffix, config.patch_size), 1, b"", 0, len(file), times=times)


def _noisy(example: Example, rng: np.random.Generator) -> Example:
    return replace(example, shown=with_length_noise(example.patches, example.first, rng))


def _class_weights(labels: NDArray[np.int32], balance: float, unknown: int | None) -> NDArray[np.float64]:
    """(N,) how often each file is drawn, next to others of its length: the more, the fewer its class has.

    The class `unknown` is drawn as often as it has files: it stands for many kinds, not for one.
    """
    weights: NDArray[np.float64] = np.bincount(labels)[labels].astype(np.float64) ** -balance
    if unknown is None:
        return weights
    of_unknown = labels == unknown
    if of_unknown.any() and not of_unknown.all():
        weights[of_unknown] = weights[~of_unknown].mean()
    return weights


def open_streams(
    sources: Sequence[DataSource], config: ModelConfig, base: Path, labels: Sequence[str]
) -> list[AnyStream]:
    """The streams of data sources; of those with labels no file that one holds back is trained on in another."""
    labelled = [source for source in sources if isinstance(source, ClassifySource) and source.part != "all"]
    split = [(find_path(source, base), source) for source in labelled]
    held_back = hold_back([(path, source) for path, source in split if path.is_dir()])
    return [open_stream(source, config, base, labels, held_back) for source in sources]


def find_path(source: DataSource, base: Path) -> Path:
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
    path = find_path(source, base)
    if isinstance(source, CpuSource):
        if not source.path:
            return CpuStream(source, config)
        return CpuStream(source, config, load_shard(path), sha256=sha256_of(path))
    if isinstance(source, ClassifySource):
        listing = read_labelled(path, source, labels, held_back) if path.is_dir() else _read_shard(path, source)
        if not all(0 <= label < len(labels) for label in np.unique(listing.shard.label)):
            raise ConfigError(f"{source.path} holds labels that the recipe does not name.")
        return ClassifyStream(
            source, listing.shard, config, labels=labels, sha256=listing.sha256, too_large=listing.too_large
        )
    if isinstance(source, ConvertSource):
        listing = read_pairs(path, source) if path.is_dir() else _read_shard(path, source)
        return ConvertStream(source, listing.shard, config, sha256=listing.sha256, too_large=listing.too_large)
    listing = read_files(path, source) if path.is_dir() else _read_shard(path, source)
    return GenerateStream(source, listing.shard, config, sha256=listing.sha256, too_large=listing.too_large)


def _read_shard(path: Path, source: FileSource) -> Listing:
    if source.part != "all" and path.exists():
        raise ConfigError(f"part = {source.part!r} is for folders; {source.path} is a file.")
    return Listing(load_shard(path), sha256_of(path))


class Mixture:
    """Several streams, drawn by weights that may move during the training."""

    def __init__(self, streams: list[AnyStream], seed: int) -> None:
        self.streams = streams
        self.seed = seed

    def batch(self, step: int, progress: float, batch_bytes: int, micro_bytes: int) -> list[list[Example]]:
        """The examples of a step: micro-batches of files of like length that together hold about `batch_bytes`."""
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, step]))
        weights: NDArray[np.float64] = np.array([stream.source.weight_at(progress) for stream in self.streams])
        micro_bytes = micro_bytes or batch_bytes
        micros = []
        for _ in range(max(1, round(batch_bytes / micro_bytes))):
            stream = self.streams[int(rng.choice(len(weights), p=weights / weights.sum()))]
            micros.append(stream.draw(rng, micro_bytes))
        return micros
