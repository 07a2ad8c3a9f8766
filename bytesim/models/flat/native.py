"""A flat byte transformer on the native engine: its programs, and its decoding session. No torch.

Axes: B running files, n bytes, S bytes of a stride, H hidden, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.models.arrays import NamedWeights
from bytesim.models.flat.config import FlatConfig
from bytesim.models.native_layers import (
    PREFILL_POSITIONS,
    NativeWriter,
    Shape,
    check_layers,
    check_room,
    ids_of,
    locked,
    rotary_table,
    token_logits,
)
from bytesim.native import program as ops
from bytesim.native.library import Kernels
from bytesim.native.program import NO_CACHES, Caches, Floats, Program, layer_addresses, padded, rounded, widened
from bytesim.native.threads import find_threads
from bytesim.nn.constants import END_ID, vocabulary_size
from bytesim.requests import Request

_GROWTH = 256
"""Caches grow by this many bytes, or by half."""


class NativeFlat(NativeWriter):
    """A flat byte transformer on the native engine.

    Raises ModelError if config and weights do not belong together.
    """

    def __init__(self, config: FlatConfig, weights: NamedWeights, kernels: Kernels, *, in_bytes: bool = False) -> None:
        """With `in_bytes` the weights of linear maps are rounded to int8."""
        check_layers(config.num_layers)
        super().__init__(config, kernels, in_bytes=in_bytes)
        window = config.window if config.window < config.max_bytes else 0
        self.shape = Shape(
            config.hidden_size, config.head_size, config.key_value_heads, config.feed_forward_size, window
        )
        self.program, self.features = self._decoder(weights)
        self.head, self.output = self._head(weights)
        self.further, self.outputs = self._further(weights)
        weights.check_all_taken()

    @property
    def weight_bytes(self) -> int:
        """Size of the weights in memory."""
        return self.program.weight_bytes + self.head.weight_bytes + self.further.weight_bytes

    def decoding_session(self, rows: int) -> NativeFlatSession:
        """An empty session for at most `rows` files."""
        find_threads(self.kernels, files=rows)
        return NativeFlatSession(self)

    def _decoder(self, weights: NamedWeights) -> tuple[Program, int]:
        """The program that reads bytes, and its register of features."""
        config = self.config
        writer = self.writer(weights)
        table = rotary_table(config.max_bytes + config.next_bytes, config.head_size, config.rope_base)
        x = writer.program.register(config.hidden_size)
        rows = weights.take("decoder.bytes.weight", vocabulary_size(config.byte_offset), config.hidden_size)
        writer.program.add(ops.EMBED_SUM, target=x, b=config.hidden_size, c=1, w=rows)
        writer.layers(x, "decoder", self.shape, config.num_layers, table)
        writer.norm(x, x, "decoder.norm", config.hidden_size)
        return writer.program, x

    def _head(self, weights: NamedWeights) -> tuple[Program, int]:
        """The program that takes features to logits of the next byte, and its register of these."""
        writer = self.writer(weights)
        x = writer.program.register(self.config.hidden_size)
        output = writer.program.register(vocabulary_size(self.config.byte_offset))
        writer.program.add(ops.LOAD, target=x, b=self.config.hidden_size)
        writer.linear(x, output, "head")
        return writer.program, output

    def _further(self, weights: NamedWeights) -> tuple[Program, list[int]]:
        """The program that takes features to logits of the bytes after the next one, and its registers of these."""
        config, writer = self.config, self.writer(weights)
        program, size = writer.program, config.hidden_size
        x, inner = program.register(size), program.register(size)
        outputs = [program.register(vocabulary_size(config.byte_offset)) for _ in range(config.next_bytes - 1)]
        program.add(ops.LOAD, target=x, b=size)
        for index, output in enumerate(outputs):
            writer.linear(x, inner, f"further.{index}.inner", bias=True)
            program.add(ops.SILU, target=inner, b=size)
            program.add(ops.ADD, x, inner, b=size)
            writer.linear(inner, output, f"further.{index}.out")
        return program, outputs

    def id_logits(self, features: Floats) -> Floats:
        """Features (R, H) -> (R, ids) logits of the id of the next byte."""
        self.head.run(1, len(features), NO_CACHES, {}, given=np.ascontiguousarray(features))
        return self.head.read(self.output, len(features)).copy()

    def logits(self, features: Floats) -> Floats:
        """Features (R, H) -> (R, V) logits of the next byte."""
        return token_logits(self.id_logits(features), self.config.byte_offset)

    def further_logits(self, features: Floats) -> list[Floats]:
        """Features (R, H) -> (R, V) logits of each byte after the next one that the model predicts."""
        count = len(features)
        self.further.run(1, count, NO_CACHES, {}, given=np.ascontiguousarray(features))
        return [token_logits(self.further.read(each, count), self.config.byte_offset) for each in self.outputs]

    def run(self, files: Sequence[LayerCaches], lengths: Sequence[int], tokens: NDArray[np.int64]) -> Floats:
        """(B, n, H) features of tokens (B, n) that follow the bytes in the caches of files of these lengths."""
        count, steps = tokens.shape
        starts = np.array(lengths)[:, None]
        check_room(int(starts.max()) + steps, self.config.max_bytes + self.config.next_bytes)
        positions = starts + np.arange(steps)
        inputs = {
            "tokens": ids_of(tokens, self.config.byte_offset),
            "positions": positions,
            "slots": positions,
            "visible": positions + 1,
        }
        caches = LayerCaches.joined(files, [length + steps for length in lengths])
        self.program.run(count, steps, caches, inputs)
        return self.program.read(self.features, count * steps).reshape(count, steps, -1).copy()

    def _tokens(self, logits: Floats) -> Floats:
        """Logits of ids -> (R, V) logits of tokens."""
        offset = self.config.byte_offset
        if not offset:
            return logits.copy()
        return np.concatenate([logits[:, offset : offset + 256], logits[:, END_ID : END_ID + 1]], 1)


@dataclass(slots=True)
class LayerCaches:
    """The keys and values of the layers of a stack, for one file."""

    shape: Shape
    keys: Floats
    """(layers, heads * width, capacity) in panels of slots."""
    values: Floats
    """(layers, heads, capacity, width)"""

    @classmethod
    def of(cls, shape: Shape, layers: int) -> LayerCaches:
        """Empty caches."""
        keys = padded((layers, shape.shared_heads * shape.head, _GROWTH))
        return cls(shape, keys, padded((layers, shape.shared_heads, _GROWTH, shape.head)))

    def make_room(self, length: int) -> None:
        """Make room for this many positions."""
        capacity = self.keys.shape[-1]
        if length > capacity:
            grown = rounded(max(length, capacity + max(_GROWTH, capacity // 2)))
            self.keys, self.values = widened(self.keys, self.values, self.shape.shared_heads, grown)

    @staticmethod
    def joined(files: Sequence[LayerCaches], lengths: Sequence[int], **others: Any) -> Caches:
        """The caches of some files, with room for as many positions of each; `others` are further ones of `Caches`."""
        for file, length in zip(files, lengths, strict=True):
            file.make_room(length)
        capacities = [file.keys.shape[-1] for file in files]
        sources = [int(capacity) for capacity in others.get("source_capacities", ())]
        return Caches(
            longest=max([*capacities, *sources]),
            keys=layer_addresses([file.keys for file in files]),
            values=layer_addresses([file.values for file in files]),
            capacities=np.array(capacities, np.int32),
            **others,
        )


@dataclass(slots=True)
class _File:
    """A file that is being written."""

    caches: LayerCaches
    length: int = 0
    """Number of bytes that were read."""


class NativeFlatSession:
    """The `decode.DecodingSession` of a flat byte transformer; `models/flat/session.py` works the same way."""

    def __init__(self, model: NativeFlat) -> None:
        self.model = model
        self.config = model.config
        self.stride = max(1, model.config.next_bytes - 1)
        self.files: list[_File] = []
        self.features = np.empty((0, model.config.hidden_size), np.float32)
        """(B, H) features of the last byte that was read of each file."""
        self.unread = np.empty((0, 0), np.int64)
        """(B, n) last bytes of the files, which are written but not read yet."""
        self.verified: Floats | None = None
        """(B, H) features at the last byte but one of the guess that was verified last."""
        self.ahead: NDArray[np.int64] | None = None
        """(B, S) the guess of the next stride that came with the last pass; None if bytes were written one by one."""

    @locked
    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read()
        entered = [self._enter(request) for request in requests]
        self.features = np.concatenate([self.features, np.stack(entered)])
        self.unread = np.empty((len(self.files), 0), np.int64)
        self.ahead = self.verified = None

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        order = [row for row in range(len(self.files)) if row not in set(rows)]
        self.files = [self.files[row] for row in order]
        self.features, self.unread = self.features[order], self.unread[order]
        self.ahead = None if self.ahead is None else self.ahead[order]
        self.verified = None
        return order

    @locked
    def logits(self) -> Floats:
        """(B, V) logits of the next byte of every row."""
        self._read()
        return self.model.logits(self.features)

    @locked
    def write(self, tokens: NDArray[np.int64]) -> None:
        """Append (B, n) tokens to the rows: n = 1 after `logits`, or the whole stride that `verify` scored."""
        if self.verified is None:
            self.unread = np.concatenate([self.unread, tokens], 1)
            self.ahead = None
            return
        # The pass that verified the stride has read all of it but its last byte.
        self._advance(self.stride - 1)
        self.ahead = self._further(self.verified)[:, 1:]
        self.unread = tokens[:, -1:]
        self.verified = None

    @locked
    def guess(self) -> NDArray[np.int64] | None:
        """(B, S) what the further heads predicted; None for a model without them."""
        if self.stride == 1:
            return None
        if self.ahead is None:
            self._read()
            self.ahead = self._further(self.features)[:, : self.stride]
        return self.ahead

    @locked
    def verify(self, guess: NDArray[np.int64]) -> Floats:
        """(B, S, V) logits of the next stride, given a guess (B, S) of it, in one pass."""
        unread = self.unread.shape[1]
        features = self._pass(np.concatenate([self.unread, guess[:, :-1]], 1))
        if unread:
            self._advance(unread)
            self.unread = self.unread[:, :0]
            self.features = features[:, unread - 1].copy()
        else:
            features = np.concatenate([self.features[:, None], features], 1)
        self.verified = features[:, -1].copy()
        scored = features[:, -self.stride :]
        return self.model.logits(scored.reshape(-1, scored.shape[-1])).reshape(len(scored), self.stride, -1)

    def close(self) -> None:
        """Called after the last step."""

    def _enter(self, request: Request) -> Floats:
        """Read the history of a new file; returns the features (H,) of its last byte."""
        file = _File(LayerCaches.of(self.model.shape, self.config.num_layers))
        find_threads(self.model.kernels, longest=len(request.history))
        tokens = request.history[:, 0].astype(np.int64)
        features = self.features[:0]
        for first in range(0, len(tokens), PREFILL_POSITIONS):
            chunk = tokens[None, first : first + PREFILL_POSITIONS]
            features = self.model.run([file.caches], [file.length], chunk)[0]
            file.length += chunk.shape[1]
        self.files.append(file)
        return features[-1].copy()

    def _further(self, features: Floats) -> NDArray[np.int64]:
        """(B, K) likeliest bytes at the K places after the one with features (B, H)."""
        logits = [self.model.logits(features), *self.model.further_logits(features)]
        return np.stack([each.argmax(-1) for each in logits], 1)

    def _read(self) -> None:
        """Read the unread bytes."""
        unread = self.unread.shape[1]
        if unread and self.files:
            self.features = self._pass(self.unread)[:, -1].copy()
            self._advance(unread)
            self.unread = self.unread[:, :0]

    def _advance(self, count: int) -> None:
        for file in self.files:
            file.length += count

    def _pass(self, tokens: NDArray[np.int64]) -> Floats:
        """(B, n, H) features of tokens (B, n) that follow the bytes read so far; their keys and values are cached."""
        return self.model.run([file.caches for file in self.files], [file.length for file in self.files], tokens)
