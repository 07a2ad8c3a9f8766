"""A Byte Latent Transformer on the native engine: its programs, and its decoding session. No torch.

Axes: B running files, T bytes, K vectors of a patch, H latent width, Hb width of the bytes, N heads, D width of a head,
V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.models.arrays import NamedWeights
from bytesim.models.blt.config import BLTConfig
from bytesim.models.blt.hashes import PRIMES, power
from bytesim.models.flat.native import LayerCaches, NativeFlat
from bytesim.models.native_layers import (
    EPSILON,
    PREFILL_POSITIONS,
    LayerWriter,
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
from bytesim.native.program import PANEL, Floats, Program, addresses, padded, rounded
from bytesim.native.threads import find_threads
from bytesim.nn.constants import vocabulary_size
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request


class _PatchAttention:
    """One layer of cross-attention between bytes and patches, see `models/blt/patches.py`."""

    def __init__(self, config: BLTConfig, weights: NamedWeights, name: str) -> None:
        size, head = config.byte_hidden_size, config.byte_head_size
        self.head, self.heads = head, size // head
        self.groups = self.heads // config.byte_key_value_heads
        self.llama = config.parts == "llama"
        narrow = config.byte_key_value_heads * head
        self.epsilon = EPSILON[config.parts]
        self.query_norm = weights.take(f"{name}.query_norm.weight", size) if self.llama else None
        self.key_norm = weights.take(f"{name}.key_norm.weight", size) if self.llama else None
        self.query = weights.take(f"{name}.query.weight", size, size) * np.float32(head**-0.5)
        self.key = weights.take(f"{name}.key.weight", narrow, size)
        self.value = weights.take(f"{name}.value.weight", narrow, size)
        self.out = weights.take(f"{name}.out.weight", size, size)
        self.kept = 2.0 if self.llama else 1.0

    def keys_and_values(self, x: Floats) -> tuple[Floats, Floats]:
        """Vectors (n, Hb) -> keys and values (N, n, D), those of shared heads repeated."""
        x = self._normed(x, self.key_norm)
        keys, values = ((x @ part.T).reshape(len(x), -1, self.head).swapaxes(0, 1) for part in (self.key, self.value))
        return np.repeat(keys, self.groups, 0), np.repeat(values, self.groups, 0)

    def pool(self, patch: Floats, x: Floats) -> Floats:
        """The K vectors (K, Hb) of a patch read its bytes x (n, Hb)."""
        keys, values = self.keys_and_values(x)
        queries = self._normed(patch, self.query_norm) @ self.query.T
        queries = queries.reshape(len(patch), self.heads, self.head).swapaxes(0, 1)
        scores = queries @ keys.swapaxes(1, 2)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        attended = (shares / shares.sum(-1, keepdims=True)) @ values
        return np.float32(self.kept) * patch + attended.swapaxes(0, 1).reshape(len(patch), -1) @ self.out.T

    def _normed(self, x: Floats, weight: Floats | None) -> Floats:
        x = x / np.sqrt(np.square(x).mean(-1, keepdims=True) + np.float32(self.epsilon))
        return x if weight is None else x * weight

    def write(self, writer: LayerWriter, x: int, rows: tuple[int, int], number: int) -> None:
        """Append the reading of a patch by the bytes in register x; `rows` are registers for queries and result."""
        queries, attended = rows
        size = self.heads * self.head
        kind = ops.RMS if self.query_norm is None else ops.RMS_WEIGHTED
        writer.program.add(ops.NORM, x, attended, kind, size, f=self.epsilon, w=self.query_norm)
        writer.program.linear(attended, queries, self.query)
        writer.program.add(ops.CROSS, queries, attended, self.heads, -1, self.head, number)
        if self.llama:
            writer.program.add(ops.ADD, x, x, b=size)
        writer.program.linear(attended, x, self.out, then=ops.ACCUMULATE)


class NativeBLT(NativeWriter):
    """A Byte Latent Transformer on the native engine.

    Raises ModelError if config and weights do not belong together.
    """

    def __init__(self, config: BLTConfig, weights: NamedWeights, kernels: Kernels, *, in_bytes: bool = False) -> None:
        """With `in_bytes` the weights of linear maps are rounded to int8, those of the entropy model excepted."""
        check_layers(config.num_layers, config.encoder_layers, config.decoder_layers)
        super().__init__(config, kernels, in_bytes=in_bytes)
        size, vectors = config.byte_hidden_size, config.patch_vectors
        byte = (size, config.byte_head_size, config.byte_key_value_heads)
        self.encoder_shape = Shape(*byte, config.encoder_feed_forward_size)
        self.decoder_shape = Shape(*byte, config.decoder_feed_forward_size)
        self.latent_shape = Shape(
            config.hidden_size, config.head_size, config.key_value_heads, config.feed_forward_size
        )
        self.entropy = None
        if config.needs_entropy:
            self.entropy = NativeFlat(config.entropy_model, weights.under("entropy."), kernels)
        self.byte_table = rotary_table(config.max_bytes + 1, config.byte_head_size, config.rope_base)
        self.encoder = self._encoder(weights)
        self.spread = weights.take("encoder.spread.weight", vectors * size, size)
        self.pooling = _PatchAttention(config, weights, "encoder.attention")
        self.latent, self.latent_out = self._latent(weights)
        self.to_bytes = weights.take("decoder.spread.weight", vectors * size, config.hidden_size)
        count = config.decoder_layers if config.read_each_layer else 1
        self.reading = [_PatchAttention(config, weights, f"decoder.attention.{index}") for index in range(count)]
        self.decoder, self.head = self._decoder(weights)
        weights.check_all_taken()

    @property
    def weight_bytes(self) -> int:
        """Size of the weights in memory."""
        parts = self.entropy.weight_bytes if self.entropy else 0
        return parts + self.encoder.weight_bytes + self.latent.weight_bytes + self.decoder.weight_bytes

    def decoding_session(self, rows: int) -> NativeBLTSession:
        """An empty session for at most `rows` files."""
        find_threads(self.kernels, files=rows)
        return NativeBLTSession(self)

    def _encoder(self, weights: NamedWeights) -> Program:
        """The program that reads bytes; its first register has their features."""
        config, writer = self.config, self.writer(weights)
        size, program = config.byte_hidden_size, writer.program
        x = program.register(size)
        rows = weights.take("encoder.bytes.weight", vocabulary_size(config.byte_offset), size)
        program.add(ops.EMBED_SUM, target=x, b=size, c=1, w=rows)
        count = len(config.ngrams) * config.ngram_functions
        if count:
            table = weights.take("encoder.ngrams.table.weight", config.ngram_buckets * count, size)
            sums = program.register(size)
            program.add(ops.EMBED_SUM, target=sums, b=size, c=count, d=1, w=table)
            program.add(ops.ADD, sums, x, b=size)
        writer.layers(x, "encoder.stack", self.encoder_shape, config.encoder_layers, self.byte_table)
        return program

    def _latent(self, weights: NamedWeights) -> tuple[Program, int]:
        """The program that reads the vectors of patches, and its register of latent vectors."""
        config, writer = self.config, self.writer(weights)
        joined, program = config.patch_vectors * config.byte_hidden_size, writer.program
        source = program.register(joined)
        program.add(ops.LOAD, target=source, b=joined)
        x = source
        if joined != config.hidden_size or config.parts == "modern":
            x = program.register(config.hidden_size)
            writer.linear(source, x, "latent.join")
        table = rotary_table(config.max_bytes + 1, config.head_size, config.rope_base)
        writer.layers(x, "latent.stack", self.latent_shape, config.num_layers, table)
        return program, x

    def _decoder(self, weights: NamedWeights) -> tuple[Program, int]:
        """The program that predicts bytes, and its register of logits."""
        config = self.config
        reading = self.reading

        class Writer(LayerWriter):
            def before(self, x: int, layer: int) -> None:
                if layer < len(reading):
                    reading[layer].write(self, x, registers, layer)

        writer = Writer(config.parts, weights, self.kernels, in_bytes=self.in_bytes)
        program, size = writer.program, config.byte_hidden_size
        x = program.register(size)
        registers: tuple[int, int] = (program.register(size), program.register(size))
        program.add(ops.LOAD, target=x, b=size)
        writer.layers(x, "decoder.stack", self.decoder_shape, config.decoder_layers, self.byte_table)
        writer.norm(x, x, "decoder.norm", size)
        head = program.register(vocabulary_size(config.byte_offset))
        writer.linear(x, head, "decoder.head")
        return program, head

    @property
    def reach(self) -> int:
        """Number of ids before each one that its n-grams have."""
        return max(self.config.ngrams, default=1) - 1

    def ngram_rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ids (B, reach + T) -> (B, T, tables) rows of the table of n-grams that end with each of the last T ids."""
        config, reach = self.config, self.reach
        length = ids.shape[1] - reach
        rows: list[NDArray[np.int64]] = []
        with np.errstate(over="ignore"):
            for function in range(config.ngram_functions):
                for size in config.ngrams:
                    hashes = np.zeros((len(ids), length), np.int64)
                    for place in range(size):
                        start = reach - size + 1 + place
                        hashes += ids[:, start : start + length] * np.int64(power(PRIMES[function], place))
                    rows.append(hashes % config.ngram_buckets + len(rows) * config.ngram_buckets)
        return np.stack(rows, -1)

    def pooled(self, x: Floats) -> Floats:
        """The vectors (K * Hb,) of a patch with the byte features x (n, Hb)."""
        vectors = (self.spread @ x.max(0)).reshape(self.config.patch_vectors, -1)
        return self.pooling.pool(vectors, x).ravel()


@dataclass(slots=True)
class _Border:
    """What the rules of borders remember of a file, see `models/blt/borders.py`."""

    token: int = END_OF_PATCH
    entropy: float = 0.0
    total: float = 0.0
    open: int = 0

    def after(self, config: BLTConfig, token: int, entropy: np.float32, *, first: bool) -> bool:
        """Whether a patch ends with this token, after which the next byte has this entropy; the state goes on."""
        self.total = float(np.float32(self.total) + entropy)
        self.open += 1
        longest = config.patch_bytes if config.patcher == "static" else config.max_patch_bytes
        end = first or self._by_rule(config, token, entropy) or bool(longest and self.open >= longest)
        self.token, self.entropy = token, float(entropy)
        if end:
            self.total, self.open = 0.0, 0
        return end

    def _by_rule(self, config: BLTConfig, token: int, entropy: np.float32) -> bool:
        if config.patcher == "space":
            return _is_separator(token) and not _is_separator(self.token)
        if config.patcher == "cumulative":
            return bool(self.total > np.float32(config.threshold))
        if config.patcher == "static":
            return False
        rises = bool(entropy - np.float32(self.entropy) > np.float32(config.rise_threshold))
        high = bool(entropy > np.float32(config.threshold))
        return {"entropy": high, "rise": rises, "entropy_and_rise": high and rises}[config.patcher]


def _is_separator(token: int) -> bool:
    letter = ord("a") <= token | 32 <= ord("z")
    digit = ord("0") <= token <= ord("9")
    return not (letter or digit or 0x80 <= token < 0xC0)


@dataclass(slots=True)
class _File:
    """A file that is being written."""

    encoder: LayerCaches
    decoder: LayerCaches
    latent: LayerCaches
    entropy: LayerCaches | None
    keys: Floats
    """(layers, N * D, K) keys of the last complete patch, in panels, for each layer of the decoder that reads it."""
    values: Floats
    """(layers, N, K, D), with K rounded up to whole panels"""
    recent: NDArray[np.int64]
    """(reach,) ids before the next byte."""
    border: _Border
    open: list[Floats]
    """Features (Hb,) of the bytes of the patch that is open."""
    length: int = 0
    """Number of bytes that were read."""
    patches: int = 0
    """Number of complete patches."""


class NativeBLTSession:
    """The `decode.DecodingSession` of a BLT; `models/blt/session.py` works the same way."""

    stride = 1

    def __init__(self, model: NativeBLT) -> None:
        self.model = model
        self.files: list[_File] = []
        self.predicted = np.empty((0, vocabulary_size(model.config.byte_offset)), np.float32)
        """(B, ids) logits after the last byte that was read of each file."""
        self.unread: NDArray[np.int64] | None = None
        """(B,) last byte of each file, if it is written but not read yet."""

    @locked
    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read()
        for request in requests:
            file = self._new_file()
            find_threads(self.model.kernels, longest=len(request.history))
            tokens = request.history[:, 0].astype(np.int64)
            logits = self.predicted[:0]
            for first in range(0, len(tokens), PREFILL_POSITIONS):
                logits = self._prefill(file, tokens[first : first + PREFILL_POSITIONS])
            self.files.append(file)
            self.predicted = np.concatenate([self.predicted, logits[-1:]])

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        order = [row for row in range(len(self.files)) if row not in set(rows)]
        self.files = [self.files[row] for row in order]
        self.predicted = self.predicted[order]
        self.unread = self.unread[order] if self.unread is not None and order else None
        return order

    @locked
    def logits(self) -> Floats:
        """(B, V) logits of the next byte of every row."""
        self._read()
        return token_logits(self.predicted, self.model.config.byte_offset)

    @locked
    def write(self, tokens: NDArray[np.int64]) -> None:
        """Append (B, 1) tokens to the rows."""
        self.unread = tokens[:, 0]

    @locked
    def guess(self) -> None:
        """None: a border depends on the bytes before it, so bytes ahead cannot be read at once."""

    @locked
    def verify(self, guess: NDArray[np.int64]) -> Floats:
        """Raises AssertionError: `guess` gives None, so the engine does not call this."""
        raise AssertionError("this session makes no guesses")

    def close(self) -> None:
        """Called after the last step."""

    def _new_file(self) -> _File:
        model, config = self.model, self.model.config
        heads, head = config.byte_hidden_size // config.byte_head_size, config.byte_head_size
        entropy = model.entropy
        return _File(
            encoder=LayerCaches.of(model.encoder_shape, config.encoder_layers),
            decoder=LayerCaches.of(model.decoder_shape, config.decoder_layers),
            latent=LayerCaches.of(model.latent_shape, config.num_layers),
            entropy=None if entropy is None else LayerCaches.of(entropy.shape, entropy.config.num_layers),
            keys=padded((len(model.reading), heads * head, rounded(config.patch_vectors))),
            values=padded((len(model.reading), heads, rounded(config.patch_vectors), head)),
            recent=np.zeros(model.reach, np.int64),
            border=_Border(),
            open=[],
        )

    def _prefill(self, file: _File, tokens: NDArray[np.int64]) -> Floats:
        """(T, ids) logits after tokens (T,) that follow those read of a file."""
        entropies = self._entropies([file], tokens[None])[0]
        features = self._encode([file], tokens[None])[0]
        logits, start = [], 0
        for place, token in enumerate(tokens.tolist()):
            file.open.append(features[place])
            if not file.border.after(self.model.config, token, entropies[place], first=file.length + place == 0):
                continue
            if place > start:  # the bytes before this one read the patch before
                logits.append(self._decode([file], features[None, start:place], start)[0])
            self._close(file)
            start = place
        logits.append(self._decode([file], features[None, start:], start)[0])
        file.length += len(tokens)
        return np.concatenate(logits)

    def _read(self) -> None:
        """Read the unread byte of each row, and the patches that end with it."""
        if self.unread is None or not self.files:
            return
        tokens, self.unread = self.unread[:, None], None
        entropies = self._entropies(self.files, tokens)[:, 0]
        features = self._encode(self.files, tokens)
        for row, file in enumerate(self.files):
            file.open.append(features[row, 0])
            if file.border.after(self.model.config, int(tokens[row, 0]), entropies[row], first=False):
                self._close(file)
        self.predicted = self._decode(self.files, features, 0)[:, 0]
        for file in self.files:
            file.length += 1

    def _entropies(self, files: list[_File], tokens: NDArray[np.int64]) -> Floats:
        """(B, T) entropies in nats of the byte after each of tokens (B, T); zeros if the patcher needs none."""
        entropy = self.model.entropy
        if entropy is None:
            return np.zeros(tokens.shape, np.float32)
        caches = [file.entropy for file in files if file.entropy is not None]
        features = entropy.run(caches, [file.length for file in files], tokens)
        logits = entropy.id_logits(features.reshape(-1, features.shape[-1]))
        logits = logits - logits.max(-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
        return -(np.exp(logits) * logits).sum(-1).reshape(tokens.shape)

    def _encode(self, files: list[_File], tokens: NDArray[np.int64]) -> Floats:
        """(B, T, Hb) features of tokens (B, T); the recent ids of the files go on."""
        model, (count, steps) = self.model, tokens.shape
        check_room(max(file.length for file in files) + steps, model.config.max_bytes + 1)
        ids = ids_of(tokens, model.config.byte_offset)
        inputs = {"tokens": ids, **_places(files, steps, 0)}
        if model.config.ngrams:
            stream = np.concatenate([np.stack([file.recent for file in files]), ids], 1)
            inputs["nearby"] = model.ngram_rows(stream)
            for file, row in zip(files, stream, strict=True):
                file.recent = row[len(row) - model.reach :]
        caches = LayerCaches.joined([file.encoder for file in files], [file.length + steps for file in files])
        model.encoder.run(count, steps, caches, inputs)
        return model.encoder.read(0, count * steps).reshape(count, steps, -1).copy()

    def _decode(self, files: list[_File], features: Floats, ahead: int) -> Floats:
        """(B, T, ids) logits after bytes with features (B, T, Hb), which begin `ahead` bytes after those read."""
        model, (count, steps, _) = self.model, features.shape
        ends = [file.length + ahead + steps for file in files]
        caches = LayerCaches.joined(
            [file.decoder for file in files],
            ends,
            source_keys=np.stack([addresses(list(file.keys)) for file in files], 1),
            source_values=np.stack([addresses(list(file.values)) for file in files], 1),
            source_lengths=np.full(count, model.config.patch_vectors, np.int32),
            source_capacities=np.full(count, rounded(model.config.patch_vectors), np.int32),
        )
        model.decoder.run(count, steps, caches, _places(files, steps, ahead), given=np.ascontiguousarray(features))
        return model.decoder.read(model.head, count * steps).reshape(count, steps, -1).copy()

    def _close(self, file: _File) -> None:
        """Pool the open patch of a file and read it."""
        model = self.model
        pooled = model.pooled(np.stack(file.open))
        file.open = []
        place = np.array([file.patches])
        caches = LayerCaches.joined([file.latent], [file.patches + 1])
        inputs = {"positions": place, "slots": place, "visible": place + 1}
        model.latent.run(1, 1, caches, inputs, given=np.ascontiguousarray(pooled, np.float32))
        latent = model.latent.read(model.latent_out, 1)[0]
        file.patches += 1
        vectors = (model.to_bytes @ latent).reshape(model.config.patch_vectors, -1)
        for layer, attention in enumerate(model.reading):
            keys, values = attention.keys_and_values(vectors)
            for start in range(0, len(vectors), PANEL):
                panel = keys[:, start : start + PANEL].swapaxes(1, 2)
                shape = (attention.heads, -1, attention.head, PANEL)
                file.keys[layer].reshape(shape)[:, start // PANEL, :, : panel.shape[-1]] = panel
            file.values[layer, :, : len(vectors)] = values


def _places(files: list[_File], steps: int, ahead: int) -> dict[str, NDArray[Any]]:
    """Positions of the next bytes of files."""
    places = np.array([file.length + ahead for file in files])[:, None] + np.arange(steps)
    return {"positions": places, "slots": places, "visible": places + 1}
