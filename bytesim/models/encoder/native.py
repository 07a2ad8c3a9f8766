"""The encoder on the native engine: a classifier that reads one file at a time, without padding. No torch.

Convolutions are products with windows of the map. Batch norm is a factor and a sum for each channel, so it is part of
their weights.

Axes: L bytes, T positions, D features, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.models.arrays import NamedWeights
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.native_layers import SMALLEST_STEP, LayerWriter, Shape, check_layers
from bytesim.native import program as ops
from bytesim.native.library import Kernels
from bytesim.native.program import NO_CACHES, Caches, Floats, Program, layer_addresses, padded, rounded
from bytesim.nn.constants import (
    BYTE_SIZE,
    EDGE_NGRAMS,
    LAGS,
    NGRAM_HEAD_SCALE,
    QUIETEST,
    STATISTICS,
    VALUES,
    gabor_filters,
)
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE, frame_file

_BATCH_NORM_EPSILON = 1e-5

Map = Floats
"""(rows, columns, channels)"""


class _Convolution:
    """A convolution with batch norm: maps -> maps."""

    def __init__(
        self, weights: NamedWeights, kernels: Kernels, name: str, sizes: tuple[int, int], kernel: tuple[int, int],
        stride: tuple[int, int], *, relu: bool,
    ) -> None:  # fmt: skip
        inputs, outputs = sizes
        self.kernel, self.stride, self.outputs = kernel, stride, outputs
        weight = weights.take(f"{name}.convolution.weight", outputs, inputs, *kernel)
        scale, shift, mean, variance = (
            weights.take(f"{name}.norm.{part}", outputs) for part in ("weight", "bias", "running_mean", "running_var")
        )
        weights.take(f"{name}.norm.num_batches_tracked")
        factor = scale / np.sqrt(variance + _BATCH_NORM_EPSILON)
        weight = np.ascontiguousarray((weight * factor[:, None, None, None]).transpose(0, 2, 3, 1)).reshape(outputs, -1)
        self.program = Program(kernels)
        source, self.target = self.program.register(weight.shape[1]), self.program.register(outputs)
        self.program.add(ops.LOAD, target=source, b=weight.shape[1])
        self.program.linear(source, self.target, weight, shift - mean * factor, ops.RELU if relu else ops.STORE)

    def __call__(self, x: Map) -> Map:
        rows, columns = (-(-length // step) for length, step in zip(x.shape[:2], self.stride, strict=True))
        around = [(size // 2, size // 2) for size in self.kernel]
        wide = np.pad(x, (*around, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(wide, self.kernel, axis=(0, 1))
        windows = windows[:: self.stride[0], :: self.stride[1]].transpose(0, 1, 3, 4, 2)
        count = rows * columns
        self.program.run(1, count, NO_CACHES, {}, given=np.ascontiguousarray(windows).reshape(count, -1))
        return self.program.read(self.target, count).reshape(rows, columns, self.outputs)


class _Stage:
    """A convolution that shrinks the map, followed by residual blocks."""

    def __init__(
        self, weights: NamedWeights, kernels: Kernels, name: str, sizes: tuple[int, int], kernel: tuple[int, int],
        stride: tuple[int, int], blocks: int,
    ) -> None:  # fmt: skip
        check_layers(blocks)
        self.shrink = _Convolution(weights, kernels, f"{name}.shrink", sizes, kernel, stride, relu=True)
        same, one = (sizes[1], sizes[1]), (1, 1)
        self.blocks = [
            tuple(
                _Convolution(weights, kernels, f"{name}.blocks.{index}.{part}", same, kernel, one, relu=part == "first")
                for part in ("first", "second")
            )
            for index in range(blocks)
        ]

    def __call__(self, x: Map) -> Map:
        x = self.shrink(x).copy()
        for first, second in self.blocks:
            x = np.maximum(x + second(first(x)), 0.0)
        return x


class NativeEncoder:
    """An encoder on the native engine.

    Raises ModelError if config and weights do not belong together.
    """

    def __init__(self, config: EncoderConfig, weights: NamedWeights, kernels: Kernels) -> None:
        check_layers(config.num_layers)
        self.config = config
        self.kernels = kernels
        self.lock = RLock()
        self.front, channels = self._front(weights)
        flat = config.front == "bytes"
        kernel = (1, config.kernel) if flat else (config.kernel, config.kernel)
        widths = (channels, *config.channels)
        self.stages = [
            _Stage(weights, kernels, f"stages.{index}", (inputs, outputs), kernel,
                   (1, stride) if flat else (stride, stride), blocks)
            for index, (inputs, outputs, stride, blocks) in enumerate(
                zip(widths, config.channels, config.strides, config.blocks_per_stage, strict=False)
            )
        ]  # fmt: skip
        self.transformer, self.joined = self._transformer(weights)
        self.branches = self._branches(weights)
        self.class_head = weights.take("class_head.weight", config.num_classes, config.pooled_size)
        self.class_bias = weights.take("class_head.bias", config.num_classes)
        self.max_head = self.hidden_head = self.ngram_head = None
        if config.ngram_head:
            table = weights.take("ngram_head.bag.table.weight", config.ngram_buckets + 1, config.num_classes)
            self.ngram_head = self._ngrams(table)
        if config.max_pool:
            size = config.channels[-1] + config.hidden_size
            self.max_head = weights.take("max_head.layer.weight", config.num_classes, size)
        if config.classifier_size:
            self.hidden_head = (
                weights.take("hidden_head.up.weight", config.classifier_size, config.pooled_size),
                weights.take("hidden_head.up.bias", config.classifier_size),
                weights.take("hidden_head.down.weight", config.num_classes, config.classifier_size),
            )
        weights.check_all_taken()

    @property
    def number_type(self) -> str:
        """The number type of the computations."""
        return "float32"

    def file_logits(self, files: Sequence[tuple[bytes, str]]) -> Floats:
        """(N, C) logits of files (bytes, suffix), each of which must fit the model's history."""
        with self.lock:
            return np.stack([self._logits(self.bytes_of(*file)) for file in files])

    def bytes_of(self, data: bytes, suffix: str) -> NDArray[np.int32]:
        """(L,) the tokens of a file that are read; of an empty one a single END_OF_PATCH."""
        config = self.config
        framed = frame_file(data, suffix, config.patch_size).ravel()
        suffix_bytes = config.suffix_patches * config.patch_size
        tokens = framed[suffix_bytes + config.skip_bytes : suffix_bytes + config.window_bytes]
        tokens = tokens[tokens != END_OF_PATCH] if config.front == "bytes" else tokens
        return tokens.astype(np.int32) if len(tokens) else np.array([END_OF_PATCH], np.int32)

    def _logits(self, tokens: NDArray[np.int32]) -> Floats:
        """(C,) logits of the tokens of a file."""
        x = self.front(tokens)
        for stage in self.stages:
            x = stage(x)
        convolved = x.reshape(-1, x.shape[-1])
        if self.config.front == "bytes" and tokens[0] == END_OF_PATCH:  # an empty file: padding stays zero
            convolved = np.zeros_like(convolved)
        tokens = tokens[tokens != END_OF_PATCH]
        attended = self._attended(convolved)
        features = np.concatenate([attended.mean(0), *(branch(tokens) for branch in self.branches)])
        logits = self.class_head @ features + self.class_bias
        if self.ngram_head is not None:
            logits = logits + self.ngram_head(tokens) * np.float32(NGRAM_HEAD_SCALE)
        if self.hidden_head is not None:
            up, bias, down = self.hidden_head
            logits = logits + down @ np.maximum(up @ features + bias, 0.0)
        if self.max_head is not None:
            logits = logits + self.max_head @ np.concatenate([convolved.max(0), attended.max(0)])
        return logits

    def _attended(self, x: Floats) -> Floats:
        """(T, H) the last map (T, D) after the transformer and its norm."""
        count, layers = len(x), self.config.num_layers
        capacity = rounded(count)
        keys = padded((max(1, layers), self.config.hidden_size, capacity))
        values = padded((max(1, layers), self.shape.heads, capacity, self.shape.head))
        caches = Caches(
            longest=capacity,
            keys=layer_addresses([keys]),
            values=layer_addresses([values]),
            capacities=np.array([capacity], np.int32),
        )
        inputs = {"slots": np.arange(count), "visible": np.full(count, count)}
        self.transformer.run(1, count, caches, inputs, given=np.ascontiguousarray(x))
        return self.transformer.read(self.joined, count)

    def _transformer(self, weights: NamedWeights) -> tuple[Program, int]:
        config = self.config
        self.shape = Shape(config.hidden_size, config.head_size)
        writer = LayerWriter("modern", weights, self.kernels, in_bytes=False)
        program = writer.program
        source, x = program.register(config.channels[-1]), program.register(config.hidden_size)
        program.add(ops.LOAD, target=source, b=config.channels[-1])
        writer.linear(source, x, "join")
        positions = weights.take("positions", config.num_places, config.hidden_size)
        program.add(ops.ADD_ROW, target=x, a=ops.BY_STEP, b=config.hidden_size, w=positions)
        writer.layers_of(x, self.shape, [f"blocks.{index}" for index in range(config.num_layers)], None)
        program.add(ops.NORM, x, x, ops.RMS, config.hidden_size, f=SMALLEST_STEP)
        return program, x

    def _front(self, weights: NamedWeights) -> tuple[Callable[[NDArray[np.int32]], Map], int]:
        """What turns tokens into a map, and its channels."""
        config = self.config
        if config.front == "bytes":
            table = weights.take("front.bytes.weight", VOCAB_SIZE, config.byte_embedding_size).copy()
            table[END_OF_PATCH] = 0.0
            return lambda tokens: table[tokens][None], config.byte_embedding_size
        if config.front == "picture":
            shape = (config.rows, config.columns, config.pixel_bytes)
            return lambda tokens: _numbers(tokens, math.prod(shape)).reshape(shape), config.pixel_bytes
        filters = gabor_filters(config.filters, config.filter_bytes).reshape(2 * config.filters, -1)
        samples = config.window_bytes - config.skip_bytes

        def levels(tokens: NDArray[np.int32]) -> Map:
            waves = _numbers(tokens, samples)
            windows = np.lib.stride_tricks.sliding_window_view(waves, config.filter_bytes)[:: config.filter_step]
            energies = np.square(filters @ windows.T).reshape(config.filters, 2, -1).sum(1)
            heights = np.log(energies + np.float32(QUIETEST))
            return ((heights - heights.mean()) * np.float32(0.5))[..., None]

        return levels, 1

    def _ngrams(self, table: Floats) -> Callable[[NDArray[np.int32]], Floats]:
        """The bag (D,) of the n-grams of tokens (L,), with rows of `table`."""
        config, fold = self.config, np.arange(VOCAB_SIZE, dtype=np.int32)
        if config.fold_case:
            fold[ord("A") : ord("Z") + 1] += ord("a") - ord("A")
        return lambda tokens: self.kernels.ngram_bag(fold[tokens], config.ngrams, config.words, table)

    def _branches(self, weights: NamedWeights) -> list[Callable[[NDArray[np.int32]], Floats]]:
        """The other branches, in the order of their features: each turns tokens (L,) into (D,)."""
        config, found = self.config, []
        if config.ngram_buckets and not config.ngram_head:
            found.append(self._ngrams(weights.take("bag.table.weight", config.ngram_buckets + 1, config.ngram_size)))
        if config.edge_bytes:
            size = 2 * config.edge_bytes * BYTE_SIZE
            rows = weights.take("edges.bytes.weight", VOCAB_SIZE, BYTE_SIZE)
            layer = weights.take("edges.layer.weight", config.hidden_size, size)
            bias = weights.take("edges.layer.bias", config.hidden_size)

            def edges(tokens: NDArray[np.int32]) -> Floats:
                return np.maximum(layer @ rows[edges_of(tokens, config.edge_bytes)].ravel() + bias, 0.0)

            found.append(edges)
        if config.edge_buckets:
            bag = weights.take("edge_bag.table.weight", config.edge_buckets + 1, config.ngram_size)
            found.append(
                lambda tokens: self.kernels.edge_bag(edges_of(tokens, config.edge_bytes), max(EDGE_NGRAMS), bag)
            )
        if config.statistics_size:
            wide = weights.take("statistics.layer.weight", config.statistics_size, STATISTICS)
            shift = weights.take("statistics.layer.bias", config.statistics_size)
            found.append(lambda tokens: np.maximum(wide @ byte_statistics(tokens) + shift, 0.0))
        return found


def edges_of(tokens: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """(2, count): the first tokens and the last ones; END_OF_PATCH where a file is shorter."""
    wide = np.pad(tokens, count, constant_values=END_OF_PATCH)
    return np.stack([wide[count : 2 * count], wide[len(tokens) : len(tokens) + count]])


def byte_statistics(tokens: NDArray[np.int32]) -> Floats:
    """(STATISTICS,) of tokens (L,), as `statistics.byte_statistics`."""
    count = len(tokens)
    shares = np.bincount(tokens, minlength=VALUES) / max(1, count)
    differences = np.bincount(np.diff(tokens) % VALUES, minlength=VALUES) / max(1, count - 1)
    repeats = [(tokens[lag:] == tokens[:-lag]).mean() if count > lag else 0.0 for lag in range(1, LAGS + 1)]
    chi_squared = count * VALUES * np.square(shares - 1 / VALUES).sum()
    scalars = [_entropy(shares), _entropy(differences), np.log1p(chi_squared) / 8, np.log1p(count) / 8]
    return np.concatenate([np.sqrt(shares) * 4, np.sqrt(differences) * 4, repeats, scalars]).astype(np.float32)


def _entropy(shares: NDArray[Any]) -> float:
    found = shares[shares > 0]
    return float(-(found * np.log(found)).sum() / np.log(VALUES))


def _numbers(tokens: NDArray[np.int32], count: int) -> Floats:
    """(count,) tokens as numbers from -1 to 1; padding becomes 0, as do silence and a grey pixel."""
    wide = np.full(count, 128, np.float32)
    kept = tokens[:count]
    wide[: len(kept)] = np.where(kept == END_OF_PATCH, 128, kept)
    return wide / np.float32(128) - np.float32(1)
