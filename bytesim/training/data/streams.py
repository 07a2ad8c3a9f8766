"""Streams of examples: the data sources of a recipe, framed and drawn step by step. No torch.

The examples of a step depend only on the seed and the step, so a resumed run gets the same ones.
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

from bytesim.clocks import clock_of, clock_patches, source_times
from bytesim.errors import ConfigError
from bytesim.formats.filetypes import UNKNOWN
from bytesim.patching import frame_file, frame_source, header_patches, num_patches
from bytesim.training.data.augment import augmented, check_form, mixed
from bytesim.training.data.examples import BUCKET_PATCHES, Example, coarse_sizes
from bytesim.training.data.folders import Listing, hold_out, read_files, read_labelled, read_pairs
from bytesim.training.data.noise import with_length_noise
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.shards import Shard, load_shard, sha256_of
from bytesim.training.data.signatures import signature_lengths, spliced
from bytesim.training.data.spans import Spans
from bytesim.training.data.windows import drawn_window, measured_windows, window_bytes
from bytesim.training.sources import ClassifySource, ConvertSource, CpuSource, DataSource, FileSource, GenerateSource

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

SourceT = TypeVar("SourceT", bound=FileSource)
Indices = NDArray[np.int64]
"""Places of examples in a stream, in which they are sorted by length."""


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
        """Hash of the shard's file, or of a folder's list of files."""
        source_lengths, target_lengths = shard.lengths()
        if source.reverse:
            source_lengths, target_lengths = target_lengths, source_lengths
        patches = np.array([self._patches(int(a), int(b)) for a, b in zip(source_lengths, target_lengths, strict=True)])
        selected = self._selected()
        keep = selected & (patches <= config.max_patches) & self._readable(source_lengths)
        if source.max_bytes:
            keep &= source_lengths + target_lengths <= source.max_bytes
        rows = np.flatnonzero(keep)
        if not len(rows):
            limit = config.max_patches * config.patch_size
            raise ConfigError(
                f"no example of {source.path} fits the model, which holds {limit:,} bytes, and the recipe."
            )
        self.rows = rows[np.argsort(patches[rows], kind="stable")]
        self.source_lengths, self.target_lengths = source_lengths[self.rows], target_lengths[self.rows]
        self.buckets = -(-patches[self.rows] // BUCKET_PATCHES)
        self.bucket_ends = np.cumsum(self.buckets)
        self.left_out = too_large + int(np.count_nonzero(~keep & selected))
        """Number of selected rows that are too long for the model or over `max_bytes`."""

    def coarsen(self) -> None:
        """Round the buckets up to coarse ones: micro-batches then have fewer shapes, and more padding."""
        longest = -(-self.config.max_patches // BUCKET_PATCHES)
        self.buckets = np.minimum(coarse_sizes(self.buckets), longest)
        self.bucket_ends = np.cumsum(self.buckets)

    def _selected(self) -> NDArray[np.bool_]:
        """(N,) true for the rows of the shard that the recipe selects by group and by regular expressions."""
        source, group = self.source, self.shard.group
        selected = (group >= source.group_from) & (group <= source.group_to)
        expressions = (source.source_matches.encode(), source.target_matches.encode())
        if any(expressions):
            patterns = [re.compile(expression) for expression in expressions]
            for row in np.flatnonzero(selected):
                files = self.row(int(row))
                selected[row] = all(pattern.search(file) for pattern, file in zip(patterns, files, strict=True))
        return selected

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        """Number of patches of a row in the model's history."""
        return num_patches(target_bytes, self.config.patch_size)

    def _readable(self, source_lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) true for rows whose source is short enough for the model's cross-attention."""
        return np.ones(len(source_lengths), np.bool_)

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, row: int) -> tuple[bytes, bytes]:
        """Source and target bytes of a row of the shard, swapped if the recipe says `reverse`."""
        source, target = self.shard.row(row)
        return (target, source) if self.source.reverse else (source, target)

    def target(self, index: int) -> bytes:
        """The target bytes of the example at an index; examples are sorted by length."""
        return self.row(int(self.rows[index]))[1]

    def draw(self, rng: np.random.Generator, budget: int) -> list[Example]:
        """Random examples of one bucket: at least one, and as many as `budget` bytes hold.

        Their number depends only on the bucket, and is halved until their sources fit, so that few shapes occur and
        compiled kernels are reused. Buckets are drawn in proportion to their bytes, so that long files are drawn as
        often as short ones.
        """
        bucket = self._bucket(rng)
        low, high = np.searchsorted(self.buckets, [bucket, bucket + 1])
        chosen = self._chosen(int(low), int(high), int(self._count(self.buckets[low], budget)), rng)
        while len(chosen) > self._most(chosen, budget).min():
            chosen = chosen[: len(chosen) // 2]
        return self.examples(chosen, rng)

    def groups(self, rng: np.random.Generator, budget: int) -> list[Indices]:
        """The indices of all examples, each once, in groups of similar length that fill `budget` bytes as `draw` does.

        Which examples of a length are together is random; there are always equally many groups.
        """
        shuffled = rng.permutation(len(self.buckets))
        most = self._most(shuffled, budget)
        sort = np.lexsort([-most, self.buckets[shuffled]])
        order, most = shuffled[sort], most[sort]
        groups, start = [], 0
        while start < len(order):
            end = start + 1
            while end < len(order) and end + 1 - start <= most[start : end + 1].min():
                end += 1
            groups.append(order[start:end])
            start = end
        return groups

    def _count(self, buckets: Indices, budget: int) -> Indices:
        """Number of examples of each bucket that `budget` bytes hold, at least one."""
        return np.maximum(1, budget // (buckets * BUCKET_PATCHES * self.config.patch_size))

    def _most(self, indices: Indices, budget: int) -> Indices:
        """(N,) the most examples of a micro-batch that each of these may be in."""
        return self._count(self.buckets[indices], budget)

    def _bucket(self, rng: np.random.Generator) -> int:
        """A random bucket, drawn in proportion to its bytes."""
        position = int(rng.integers(int(self.bucket_ends[-1])))
        return int(self.buckets[np.searchsorted(self.bucket_ends, position, side="right")])

    def _chosen(self, low: int, high: int, count: int, rng: np.random.Generator) -> Indices:
        """(count,) random indices from `low` up to but not including `high`."""
        return rng.integers(low, high, count)

    @abstractmethod
    def examples(self, indices: Indices, rng: np.random.Generator) -> list[Example]:
        """The examples at these indices, with the recipe's augmentation and noise."""


class GenerateStream(FileStream[GenerateSource]):
    """Single files that a model learns to write."""

    def __init__(
        self, source: GenerateSource, shard: Shard, config: ModelConfig, *, sha256: str = "", too_large: int = 0
    ) -> None:
        super().__init__(source, shard, config, sha256=sha256, too_large=too_large)
        check_form(source.augment, self.target_lengths, source.path)

    def example(self, index: int) -> Example:
        """The example at an index; examples are sorted by length."""
        return _one_file(self.target(index), self.source.target_suffix, self.config)

    def examples(self, indices: Indices, rng: np.random.Generator) -> list[Example]:
        files = [self._augmented(int(index), rng) for index in indices]
        drawn = [_one_file(file, self.source.target_suffix, self.config) for file in files]
        return [_noisy(example, rng) for example in drawn] if self.source.length_noise else drawn

    def _augmented(self, index: int, rng: np.random.Generator) -> bytes:
        """The file at an index, changed by the recipe's augmentation unless that makes it too long for the model."""
        file = self.target(index)
        changed = augmented(file, self.source.augment, rng)
        if len(changed) <= len(file) or num_patches(len(changed), self.config.patch_size) <= self.config.max_patches:
            return changed
        return file


class ConvertStream(FileStream[ConvertSource]):
    """Pairs of files: a model learns to convert the first to the second."""

    def __init__(
        self, source: ConvertSource, shard: Shard, config: ModelConfig, *, sha256: str = "", too_large: int = 0
    ) -> None:
        super().__init__(source, shard, config, sha256=sha256, too_large=too_large)
        self.spans = Spans.of([self.row(int(row)) for row in self.rows]) if source.replace_words else None

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        target = num_patches(target_bytes, self.config.patch_size)
        if not self.config.inputs.source_in_history:
            return target
        return num_patches(source_bytes, self.config.patch_size) - 1 + target

    def _most(self, indices: Indices, budget: int) -> Indices:
        """The same, halved until their sources, which cross-attention pads to one length, fit as well."""
        most = super()._most(indices, budget)
        limit = np.maximum(1, int(self.source.source_share * budget) // np.maximum(1, self.source_lengths[indices]))
        while np.any(large := most > limit):
            most = np.where(large, most // 2, most)
        return most

    def _readable(self, source_lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        if not self.config.inputs.source:
            return super()._readable(source_lengths)
        return source_lengths <= self.config.inputs.max_source_bytes

    def example(self, index: int) -> Example:
        """The example at an index; examples are sorted by length."""
        return self.framed(*self.row(int(self.rows[index])))

    def framed(self, source: bytes, target: bytes) -> Example:
        """A pair as an example. The source comes first, if the history holds it."""
        size, inputs = self.config.patch_size, self.config.inputs
        head = frame_source(source, self.source.source_suffix, size)[: None if inputs.source_in_history else 0]
        tail = frame_file(target, self.source.target_suffix, size)
        times, of_source = None, None
        if inputs.times:
            clocked = clock_of(source, self.source.source_suffix)
            head_times = clock_patches(clocked, size)[:-1][: len(head)]
            tail_times = clock_patches(clock_of(target, self.source.target_suffix), size)
            times, of_source = np.concatenate([head_times, tail_times]), source_times(source, clocked)
        patches = np.concatenate([head, tail])
        first = len(head) + header_patches(size)
        return Example(patches, first, source, 0, len(target), times=times, source_times=of_source)

    def examples(self, indices: Indices, rng: np.random.Generator) -> list[Example]:
        drawn = [self._drawn(int(index), rng) for index in indices]
        return [_noisy(example, rng) for example in drawn] if self.source.length_noise else drawn

    def _drawn(self, index: int, rng: np.random.Generator) -> Example:
        """The example at an index, or that example with other words, if it still fits the model."""
        if self.spans is None or rng.random() >= self.source.replace_words:
            return self.example(index)
        source, target = self.spans.replaced(*self.row(int(self.rows[index])), rng)
        fits = self._patches(len(source), len(target)) <= self.config.max_patches
        fits = fits and bool(self._readable(np.array([len(source)]))[0])
        return self.framed(source, target) if fits else self.example(index)


class ClassifyStream(FileStream[ClassifySource]):
    """Labelled files; those longer than the history are read as windows."""

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

    def coarsen(self) -> None:
        """The same for classifiers, whose buckets are drawn by the weights of their files."""
        super().coarsen()
        self.weighted_ends = np.cumsum(self.buckets * self.weights)

    def _patches(self, source_bytes: int, target_bytes: int) -> int:
        return min(super()._patches(source_bytes, target_bytes), self.config.max_patches)

    def _signatures(self, unknown: int | None) -> NDArray[np.int64]:
        """(N,) length in bytes of each file's signature; zeros if the recipe does not splice."""
        if not self.source.splice:
            return np.zeros(len(self.rows), np.int64)
        files = [self.target(index) for index in range(len(self.rows))]
        return signature_lengths(files, self.labels, unknown=unknown)

    def example(self, index: int, rng: np.random.Generator | None = None, *, other: int | None = None) -> Example:
        """The file at an index, or a window of it; with `rng`, a random window with augmentation.

        Examples are sorted by length. With `other`, the bytes after the file's signature come from the file at that
        index.
        """
        file = drawn_window(self.target(index), self.config, self.source.windows, rng)
        if rng and other is not None:
            follows = drawn_window(self.target(other), self.config, self.source.windows, rng)
            file = spliced(file, int(self.signatures[index]), follows, rng)
        if rng:
            file = augmented(file, self.source.augment, rng)
        return self._labelled(file, index)

    def windows(self, index: int, most: int | None = None) -> list[Example]:
        """The file at an index for validation: at most `most` windows, each with its test-time augmentations."""
        parts = measured_windows(self.target(index), self.config, self.source.windows, most)
        for view in self.source.views:
            parts = [*parts, *(augmentation for part in parts for augmentation in view.others(part))]
        return [self._labelled(part, index) for part in parts]

    def _labelled(self, file: bytes, index: int) -> Example:
        example = _one_file(file, self.source.target_suffix, self.config)
        return replace(example, label=int(self.labels[index]))

    def _bucket(self, rng: np.random.Generator) -> int:
        if not self.source.balance:
            return super()._bucket(rng)
        position = rng.random() * self.weighted_ends[-1]
        return int(self.buckets[np.searchsorted(self.weighted_ends, position, side="right")])

    def _chosen(self, low: int, high: int, count: int, rng: np.random.Generator) -> Indices:
        if not self.source.balance:
            return super()._chosen(low, high, count, rng)
        weights = self.weights[low:high]
        return low + rng.choice(high - low, count, p=weights / weights.sum())

    def examples(self, indices: Indices, rng: np.random.Generator) -> list[Example]:
        others = self._others(indices, rng)
        drawn = [self.example(int(index), rng, other=others.get(number)) for number, index in enumerate(indices)]
        return mixed(drawn, self.source.mixup, rng) if self.source.mixup else drawn

    def _others(self, indices: NDArray[np.int64], rng: np.random.Generator) -> dict[int, int]:
        """Position in `indices` of an example to splice -> index of the file that provides the other bytes."""
        if not self.source.splice:
            return {}
        chosen = np.flatnonzero((rng.random(len(indices)) < self.source.splice) & (self.signatures[indices] > 0))
        return {int(number): int(rng.choice(indices)) for number in chosen}


AnyStream = GenerateStream | ConvertStream | ClassifyStream | CpuStream


def _one_file(file: bytes, suffix: str, config: ModelConfig) -> Example:
    """A framed example of a single file."""
    times = clock_patches(clock_of(file, suffix), config.patch_size) if config.inputs.times else None
    size = config.patch_size
    return Example(frame_file(file, suffix, size), header_patches(size), b"", 0, len(file), times=times)


def _noisy(example: Example, rng: np.random.Generator) -> Example:
    return replace(example, shown=with_length_noise(example.patches, example.first, rng))


def _class_weights(labels: NDArray[np.int32], balance: float, unknown: int | None) -> NDArray[np.float64]:
    """(N,) weight of each file among files of its length: (files of its class) ** -balance.

    Files of the class `unknown`, which holds many kinds of files, get the mean weight of the other files.
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
    """The streams of data sources. Labelled folders share one split: no source trains on what another holds out."""
    labelled = [source for source in sources if isinstance(source, ClassifySource) and source.part != "all"]
    split = [(find_path(source, base), source) for source in labelled]
    held_out = hold_out([(path, source) for path, source in split if os.path.isdir(path)])
    return [open_stream(source, config, base, labels, held_out) for source in sources]


def find_path(source: DataSource, base: Path) -> Path:
    """The path of a data source, which the recipe gives relative to `base`."""
    path = base / source.path
    return (
        path if os.path.exists(path) else Path(os.path.normpath(path))
    )  # `run/../data` does not exist while `run` does not


def open_stream(
    source: DataSource,
    config: ModelConfig,
    base: Path,
    labels: Sequence[str] = (),
    held_out: frozenset[str] | None = None,
) -> AnyStream:
    """The stream of a data source whose path is relative to `base`. Raises BytesimError."""
    path = find_path(source, base)
    if isinstance(source, CpuSource):
        if not source.path:
            return CpuStream(source, config)
        return CpuStream(source, config, load_shard(path), sha256=sha256_of(path))
    if isinstance(source, ClassifySource):
        listing = read_labelled(path, source, labels, held_out) if os.path.isdir(path) else _read_shard(path, source)
        if not all(0 <= label < len(labels) for label in np.unique(listing.shard.label)):
            raise ConfigError(f"{source.path} holds labels that the recipe does not name.")
        return ClassifyStream(
            source, listing.shard, config, labels=labels, sha256=listing.sha256, too_large=listing.too_large
        )
    if isinstance(source, ConvertSource):
        listing = read_pairs(path, source) if os.path.isdir(path) else _read_shard(path, source)
        return ConvertStream(source, listing.shard, config, sha256=listing.sha256, too_large=listing.too_large)
    listing = read_files(path, source) if os.path.isdir(path) else _read_shard(path, source)
    return GenerateStream(source, listing.shard, config, sha256=listing.sha256, too_large=listing.too_large)


def _read_shard(path: Path, source: FileSource) -> Listing:
    if source.part != "all" and os.path.exists(path):
        raise ConfigError(f"part = {source.part!r} is for folders; {source.path} is a file.")
    return Listing(load_shard(path), sha256_of(path))


class Mixture:
    """Several streams, drawn by weights that may change during the training."""

    def __init__(self, streams: list[AnyStream], seed: int) -> None:
        self.streams = streams
        self.seed = seed

    def batch(self, step: int, progress: float, batch_bytes: int, micro_bytes: int) -> list[list[Example]]:
        """The micro-batches of a step, about `batch_bytes` in all, each of files of similar length from one stream.

        `progress` is the share of the training that is done, 0 to 1.
        """
        rng = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, step]))
        weights: NDArray[np.float64] = np.array([stream.source.weight_at(progress) for stream in self.streams])
        micro_bytes = micro_bytes or batch_bytes
        micro_batches = []
        for _ in range(max(1, round(batch_bytes / micro_bytes))):
            stream = self.streams[int(rng.choice(len(weights), p=weights / weights.sum()))]
            micro_batches.append(stream.draw(rng, micro_bytes))
        return micro_batches
