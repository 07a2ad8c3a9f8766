"""A bGPT on the native engine: its programs, and its decoding session. No torch.

Three programs do the work of `models/bgpt/model.py`: one encodes a source, one reads patches, one predicts bytes.

Axes: B running files, n bytes, P patches, S bytes per patch, H hidden, Hb hidden of the byte-level decoder, C values of
a clock, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import Clock
from bytesim.clocks.notation import ALTERATIONS, CHORD_KINDS, LETTERS, TONES
from bytesim.clocks.periods import BAR_PERIODS, MUSIC_PERIODS, NOTATION_SIZES, NUM_HANDS, hand_periods
from bytesim.clocks.ticks import ALTERED, CHORD, PITCH
from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.native_copying import CopiedSource, NativeCopying, Place, Trace
from bytesim.models.framing import frame
from bytesim.models.native_layers import (
    SMALLEST_STEP,
    LayerWriter,
    Registers,
    Shape,
    check_layers,
    check_room,
    locked,
    rotary_table,
)
from bytesim.native import program as ops
from bytesim.native.library import Kernels
from bytesim.native.program import Caches, Floats, Program, addresses, layer_addresses, padded, rounded, widened
from bytesim.nn.constants import READ_SIZE
from bytesim.nn.numeral_features import NUMERAL_ROWS, numeral_rows, row_starts
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.requests import Asked, Request

if TYPE_CHECKING:
    from bytesim.nn.parts import Parts

_PREFILL_PATCHES = 64
"""Patches of a history that are read at a time: enough to use every weight often, few enough to stay in the cache."""
_GROWTH = 128
"""Patch-level caches grow by this many patches, or by half."""


class _Writer(LayerWriter):
    """Appends the layers of a bGPT to a program; some layers have cross-attention to the source."""

    def __init__(
        self, config: BGPTConfig, weights: NamedWeights, kernels: Kernels, *, in_bytes: bool, parts: Parts = "modern"
    ) -> None:
        super().__init__(parts, weights, kernels, in_bytes=in_bytes)
        self.config = config
        self.crosses: dict[int, int] = {}
        """Layers with cross-attention, and their numbers among all such layers of the model."""

    def clock(self, target: int, name: str, size: int) -> None:
        """Add what the clock shows to a register."""
        if not self.config.clock:
            return
        periods = np.array(MUSIC_PERIODS + BAR_PERIODS, np.int32)
        turns = self.program.register(2 * len(periods))
        self.program.add(ops.CLOCK, target=turns, a=len(MUSIC_PERIODS), b=len(BAR_PERIODS), w=periods)
        self.linear(turns, target, f"{name}.join", ops.ACCUMULATE)
        if self.config.clock_notation:
            numbers = [PITCH, ALTERED, CHORD, TONES, ALTERATIONS, len(LETTERS), len(CHORD_KINDS), *NOTATION_SIZES]
            rows = self.weights.take(f"{name}.notation.join.weight", size, sum(NOTATION_SIZES)).T
            self.program.add(
                ops.NOTATION, target=target, b=size, c=len(NOTATION_SIZES), w=rows, extra=np.array(numbers, np.int32)
            )

    def between(self, x: int, rows: Registers, name: str, shape: Shape, layer: int) -> None:
        """Cross-attention to the source, with its norm, in the layers that have it."""
        if layer not in self.crosses:
            return
        self.norm(x, rows.normed, f"{name}.source_norm", shape.size)
        name = f"{name}.source_attention"
        queries = self.program.register(shape.size)
        self.linear(rows.normed, queries, f"{name}.query")
        scale = self.weights.take(f"{name}.scale", shape.heads, 1, 1).ravel()
        self.program.add(ops.QUERY, target=queries, a=shape.heads, c=shape.head, f=shape.head**-0.5, w=scale)
        hands = -1
        if self.config.clock:
            hands = self.program.register(shape.heads * 2 * NUM_HANDS)
            self.linear(rows.normed, hands, f"{name}.hands.waves", bias=True)
            self.program.add(ops.HANDS, target=hands, a=shape.heads, b=NUM_HANDS, w=hand_periods())
        self.program.add(ops.CROSS, queries, rows.attended, shape.heads, hands, shape.head, self.crosses[layer])
        self.linear(rows.attended, x, f"{name}.out", ops.ACCUMULATE)

    def decoder(self, x: int, name: str, shape: Shape, count: int, table: Floats | None) -> None:
        """All layers of a decoder or encoder, and its norm."""
        self.layers(x, name, shape, count, table)
        self.norm(x, x, f"{name}.norm", shape.size)


class NativeBGPT:
    """A bGPT that writes bytes, on the native engine.

    Raises ModelError if config and weights do not belong together.
    """

    def __init__(self, config: BGPTConfig, weights: NamedWeights, kernels: Kernels, *, in_bytes: bool = False) -> None:
        """With `in_bytes` the weights of linear maps are rounded to int8."""
        self.config = config
        self.kernels = kernels
        self.lock = RLock()
        self.in_bytes = in_bytes
        self.patch_shape = Shape(config.hidden_size, config.head_size)
        self.byte_shape = Shape(config.byte_hidden_size, config.byte_head_size)
        self.source_shape = Shape(config.source_hidden_size, config.byte_head_size)
        check_layers(config.num_layers, config.byte_num_layers, config.source_layers, config.patch_encoder_layers)
        self.patch_crosses, self.byte_crosses = _crosses(config)
        self.encoder_program = self._patch_encoder(weights) if config.patch_encoder_layers else None
        self.patch_program, self.given = self._patches(weights)
        self.copying = NativeCopying(config, weights) if config.copying else None
        self.byte_program, self.head = self._bytes(weights)
        self.source_program = self._source(weights) if config.source_attention else None
        self.shift_program = self._shift()
        weights.check_all_taken()

    @property
    def number_type(self) -> str:
        """The number type of the weights."""
        return "int8" if self.in_bytes else "float32"

    @property
    def weight_bytes(self) -> int:
        """Size of the weights in memory."""
        programs = (self.patch_program, self.byte_program, self.source_program, self.encoder_program)
        return sum(program.weight_bytes for program in programs if program is not None)

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; see `framing.frame`. Raises ContextError if no room is left for an answer."""
        return frame(self.config, asked, **options)

    def decoding_session(self, rows: int) -> NativeBGPTSession:
        """An empty session for at most `rows` files."""
        return NativeBGPTSession(self, rows)

    def _writer(self, weights: NamedWeights) -> _Writer:
        return _Writer(self.config, weights, self.kernels, in_bytes=self.in_bytes, parts=self.config.parts)

    def _patches(self, weights: NamedWeights) -> tuple[Program, tuple[int, ...]]:
        """The program that reads patches, and its registers of what the byte-level decoder is given of each."""
        config, writer = self.config, self._writer(weights)
        writer.crosses = self.patch_crosses
        program, size, name = writer.program, config.hidden_size, "patch_decoder"
        x = program.register(size)
        if writer.published:
            table = weights.take(f"{name}.embedding.rows.weight", config.patch_size * VOCAB_SIZE, size)
            bias = weights.take(f"{name}.embedding.bias", size)
            program.add(ops.EMBED_SUM, target=x, a=VOCAB_SIZE, b=size, c=config.patch_size, w=table, bias=bias)
        else:
            width = config.byte_embedding_size
            joined = program.register(config.patch_size * width)
            if self.encoder_program is not None:
                program.add(ops.LOAD, target=joined, b=config.patch_size * width)
            else:
                rows = weights.take(f"{name}.embedding.bytes.weight", VOCAB_SIZE, width)
                program.add(ops.EMBED_JOIN, target=joined, b=width, c=config.patch_size, w=rows)
            writer.linear(joined, x, f"{name}.embedding.join", bias=True)
            program.add(ops.NORM, x, x, ops.RMS, size, f=SMALLEST_STEP)
        read = self._reads(writer, x) if config.patch_reads else -1
        positions = weights.take(f"{name}.positions", config.max_patches, size)
        program.add(ops.ADD_ROW, target=x, a=ops.BY_POSITION, b=size, w=positions)
        writer.clock(x, f"{name}.clock", size)
        rotary = None if writer.published else rotary_table(config.max_patches, config.head_size)
        writer.decoder(x, name, self.patch_shape, config.num_layers, rotary)
        if writer.published:
            return program, (x,)
        spread = program.register(config.byte_hidden_size * (config.patch_size if config.byte_features else 1))
        writer.linear(x, spread, "byte_decoder.feature", bias=True)
        if not config.patch_reads:
            return program, (spread,)
        joined, result = program.register(READ_SIZE), program.register(VOCAB_SIZE)
        writer.linear(read, joined, "byte_decoder.result.join", bias=True)
        program.add(ops.NORM, joined, joined, ops.RMS, READ_SIZE, f=SMALLEST_STEP)
        writer.linear(joined, result, "byte_decoder.result.head")
        return program, (spread, result)

    def _reads(self, writer: _Writer, x: int) -> int:
        """Add what is read of each patch to the register x; returns the register of the reads (nn/reads.py)."""
        config, program, name = self.config, writer.program, "patch_decoder.reads"
        size, wide = config.hidden_size, config.patch_reads * READ_SIZE
        asking = program.register((len(config.patch_reads_ask) or config.patch_size) * READ_SIZE)
        queries, chosen = program.register(wide), program.register(wide)
        read, inner = program.register(size), program.register(config.patch_reads_size)
        rows = writer.weights.take(f"{name}.bytes.weight", VOCAB_SIZE, READ_SIZE)
        keys = writer.weights.take(f"{name}.keys", config.patch_size, READ_SIZE)
        program.add(ops.EMBED_JOIN, target=asking, b=READ_SIZE, c=program.widths[asking] // READ_SIZE, d=1, w=rows)
        writer.linear(asking, queries, f"{name}.query", bias=True)
        program.add(
            ops.READS, queries, chosen, config.patch_reads, READ_SIZE, config.patch_size, int(config.patch_reads_hard),
            READ_SIZE**-0.5, w=keys, extra=rows,
        )  # fmt: skip
        writer.linear(chosen, read, f"{name}.join", bias=True)
        program.add(ops.NORM, read, read, ops.RMS, size, f=SMALLEST_STEP)
        writer.linear(read, inner, f"{name}.up", ops.RELU_SQUARED, bias=True)
        writer.linear(inner, read, f"{name}.down", ops.ACCUMULATE)
        program.add(ops.NORM, read, read, ops.RMS, size, f=SMALLEST_STEP)
        writer.linear(read, x, "patch_decoder.read_output", ops.ACCUMULATE)
        return read

    def _patch_encoder(self, weights: NamedWeights) -> Program:
        """The program in which the bytes of each patch attend to each other: a patch is a file, a byte a step."""
        config, writer = self.config, self._writer(weights)
        program, size, name = writer.program, config.byte_embedding_size, "patch_decoder.embedding"
        x = program.register(size)
        program.add(ops.EMBED_SUM, target=x, b=size, c=1, w=weights.take(f"{name}.bytes.weight", VOCAB_SIZE, size))
        positions = weights.take(f"{name}.encoder.positions", config.patch_size, size)
        program.add(ops.ADD_ROW, target=x, a=ops.BY_STEP, b=size, w=positions)
        shape = Shape(size, config.byte_head_size)
        writer.layers(x, f"{name}.encoder", shape, config.patch_encoder_layers, None)
        return program

    def _bytes(self, weights: NamedWeights) -> tuple[Program, int]:
        """The program that predicts bytes, and its register of logits."""
        config, writer = self.config, self._writer(weights)
        writer.crosses = self.byte_crosses
        program, size, name = writer.program, config.byte_hidden_size, "byte_decoder"
        x = program.register(size)
        rows = weights.take(f"{name}.bytes.weight", VOCAB_SIZE, size)
        program.add(ops.EMBED_SUM, target=x, b=size, c=1, w=rows)
        rotary = None
        if writer.published:
            program.add(ops.FIRST_FEATURE, target=x, b=size)
            positions = weights.take(f"{name}.positions", config.patch_size + 1, size)
            program.add(ops.ADD_ROW, target=x, a=ops.BY_STEP, b=size, w=positions)
        else:
            program.add(ops.ADD_FEATURE, target=x, a=int(config.byte_features), b=size)
            rotary = rotary_table(self.num_byte_positions, config.byte_head_size)
        if config.near_bytes:
            width, taps = config.byte_embedding_size, len(config.near_offsets)
            joined = program.register(taps * width)
            near = weights.take(f"{name}.near.bytes.weight", VOCAB_SIZE, width)
            program.add(ops.EMBED_JOIN, target=joined, b=width, c=taps, d=1, w=near)
            writer.linear(joined, x, f"{name}.near.join", ops.ACCUMULATE)
        if config.copying:
            pointers = program.register(size)
            program.add(ops.LOAD, target=pointers, b=size)
            program.add(ops.ADD, pointers, x, b=size)
        writer.clock(x, f"{name}.clock", size)
        writer.decoder(x, name, self.byte_shape, config.byte_num_layers, rotary)
        head = program.register(VOCAB_SIZE)
        program.linear(x, head, rows if writer.published else weights.take(f"{name}.head.weight", VOCAB_SIZE, size))
        if config.patch_reads:
            gate = program.register(1)
            writer.linear(x, gate, f"{name}.result.gate", bias=True)
            program.add(ops.GATED_ADD, gate, head, self.patch_program.widths[self.given[0]], VOCAB_SIZE)
        return program, head

    def _source(self, weights: NamedWeights) -> Program:
        """The program that encodes a source and fills the keys and values of every layer with cross-attention."""
        config, writer = self.config, self._writer(weights)
        program, size, name = writer.program, config.source_hidden_size, "source_encoder"
        x, windows = program.register(size), program.register(config.source_kernel * size)
        rows = weights.take(f"{name}.bytes.weight", VOCAB_SIZE, size).copy()
        rows[END_OF_PATCH] = 0.0  # padding is zero for the convolution
        weight = weights.take(f"{name}.neighbours.weight", size, size * config.source_kernel)
        weight = weight.reshape(size, size, -1).swapaxes(1, 2).copy()  # taps before channels
        if config.numerals:
            self.numerals = weights.take(f"{name}.numerals.vectors", NUMERAL_ROWS, size)
            self.source_rows = rows
            weight[:, config.source_kernel // 2] += np.eye(size, dtype=np.float32)  # the byte itself is added as well
            program.add(ops.LOAD, target=windows, b=config.source_kernel * size)
        else:
            program.add(ops.EMBED_JOIN, target=windows, b=size, c=config.source_kernel, d=1, w=rows)
        program.linear(windows, x, weight.reshape(size, -1), weights.take(f"{name}.neighbours.bias", size))
        if not config.numerals:
            own = program.register(size)
            program.add(ops.EMBED_SUM, target=own, b=size, c=1, w=rows)
            program.add(ops.ADD, own, x, b=size)
        positions = weights.take(f"{name}.positions", config.max_source_bytes, size)
        program.add(ops.ADD_ROW, target=x, a=ops.BY_POSITION, b=size, w=positions)
        writer.clock(x, f"{name}.clock", size)
        table = rotary_table(config.max_source_bytes, config.byte_head_size)
        writer.decoder(x, name, self.source_shape, config.source_layers, table)
        if config.clock:
            program.add(ops.SOURCE_WAVES, b=NUM_HANDS, w=hand_periods())
        for decoder, shape, crosses in self.decoders:
            both = program.register(2 * shape.size)
            for layer, number in crosses.items():
                writer.linear(x, both, f"{decoder}.blocks.{layer}.source_attention.key_value")
                program.add(ops.SOURCE_KEYS, target=both, a=shape.heads, c=shape.head, d=number)
        return program

    def _shift(self) -> Program:
        """The program that moves the window of the byte-level decoder on by a patch."""
        config, shape, program = self.config, self.byte_shape, Program(self.kernels)
        kept = config.context_patches * config.patch_size
        for layer in range(config.byte_num_layers):
            program.add(ops.SHIFT, a=shape.heads, b=kept, c=shape.head, d=layer)
        return program

    @property
    def decoders(self) -> tuple[tuple[str, Shape, dict[int, int]], ...]:
        """Name, widths and layers with cross-attention of both decoders."""
        return (
            ("patch_decoder", self.patch_shape, self.patch_crosses),
            ("byte_decoder", self.byte_shape, self.byte_crosses),
        )

    @property
    def num_byte_positions(self) -> int:
        """Positions of bytes in a whole file, with the window before it."""
        return (self.config.max_patches + self.config.context_patches + 1) * self.config.patch_size


def _crosses(config: BGPTConfig) -> tuple[dict[int, int], dict[int, int]]:
    """Layers with cross-attention of the patch-level and of the byte-level decoder, and their numbers among all."""
    if not config.source_attention:
        return {}, {}
    patch = [layer for layer in range(config.num_layers) if config.patch_source_attention and layer % 2 == 1]
    byte = list(range(config.byte_num_layers)) if config.byte_source_attention else []
    numbers = iter(range(len(patch) + len(byte)))
    return dict(zip(patch, numbers, strict=False)), dict(zip(byte, numbers, strict=False))


@dataclass(slots=True)
class _Source:
    """An encoded source: keys and values of each layer with cross-attention, and the waves of its times."""

    length: int
    capacity: int
    keys: list[Floats]
    values: list[Floats]
    waves: Floats
    copied: CopiedSource | None = None
    """For a model that copies."""


@dataclass(slots=True)
class _File:
    """A file that is being written."""

    place: int
    """Its place in the caches."""
    length: int
    """Number of patches that the patch-level decoder has read."""
    blocks: int
    """Number of patches that the byte-level decoder has finished."""
    clock: Clock | None
    source: _Source | None
    trace: Trace | None
    """Where in its source the file is, for a model that copies."""
    patch_keys: Floats
    """(layers, heads * width, capacity) of the patch-level decoder, in panels of slots."""
    patch_values: Floats
    """(layers, heads, capacity, width)"""


class NativeBGPTSession:
    """The `decode.DecodingSession` of a bGPT; see `models/bgpt/session.py`, which works the same way."""

    def __init__(self, model: NativeBGPT, rows: int) -> None:
        self.model = model
        config = self.config = model.config
        self.stride = config.patch_size
        self.kept = config.context_patches * self.stride
        self.free = list(range(rows - 1, -1, -1))
        """Places that no file has."""
        self.files: list[_File] = []
        byte = model.byte_shape
        self.window = rounded(self.kept + self.stride)
        self.byte_keys = padded((rows, config.byte_num_layers, byte.size, self.window))
        self.byte_values = padded((rows, config.byte_num_layers, byte.heads, self.window, byte.head))
        self.features = padded((rows, sum(model.patch_program.widths[register] for register in model.given)))
        reach = max(config.near_offsets, default=1)
        self.recent = np.full((rows, reach), END_OF_PATCH, np.int32)
        """Last tokens before the current patch."""
        self.previous = np.full((rows, self.stride), END_OF_PATCH, np.int64)
        """The last patch that the patch-level decoder has read."""
        self.current = np.empty((0, 0), np.int64)
        """(B, n) tokens of the current patch so far; with n = S the patch-level decoder has yet to read it."""
        self._caches: dict[bool, Caches] = {}
        """Of the running files: whether of the byte-level decoder -> its caches."""
        self._places: list[int] = []

    # What the engine asks.

    @locked
    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read_patch()
        for request in requests:
            self._enter(request)
        self.current = np.empty((len(self.files), 0), np.int64)

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        order = [row for row in range(len(self.files)) if row not in set(rows)]
        self.free += [self.files[row].place for row in rows]
        self.files = [self.files[row] for row in order]
        self.current = self.current[order]
        self._changed()
        return order

    @locked
    def logits(self) -> Floats:
        """(B, V) logits of the next byte of every row."""
        self._read_patch()
        times = request_times.now(self._clocks) if self.config.clock else None
        start = self.current.shape[1]
        last = self.current[:, -1:] if start else self.recent[self._places, -1:]
        stream = np.concatenate([self.recent[self._places], self.current], 1)
        return self._predict(last, stream, times, start)[:, 0]

    @locked
    def guess(self) -> NDArray[np.int64] | None:
        """(B, S) the previous patch; None for published parts, and if a clock depends on the bytes to come."""
        if self.config.parts == "published" or (self.config.clock and self._times_ahead() is None):
            return None
        self._read_patch()
        return self.previous[self._places]

    @locked
    def verify(self, guess: NDArray[np.int64]) -> Floats:
        """(B, S, V) logits of the next stride, given a guess (B, S) of it."""
        times = self._times_ahead() if self.config.clock else None
        self._read_patch()
        tokens = np.concatenate([self.recent[self._places, -1:], guess[:, :-1]], 1)
        stream = np.concatenate([self.recent[self._places], guess[:, :-1]], 1)
        return self._predict(tokens, stream, times, 0)

    @locked
    def write(self, tokens: NDArray[np.int64]) -> None:
        """Append (B, n) tokens to the current patches: n is 1, or S for a whole patch."""
        self.current = np.concatenate([self.current, tokens], 1) if self.current.shape[1] else tokens
        for file, written in zip(self.files, tokens.tolist(), strict=True):
            for token in written if file.trace is not None else ():
                file.trace = file.trace.after(_copied(file), token) if file.trace is not None else None
        clocks = self._clocks
        if not any(clocks):
            return
        for clock, row in zip(clocks, tokens.tolist(), strict=True):
            written = bytes(token for token in row if token != END_OF_PATCH)
            if clock is not None and len(row) == 1 and written:
                clock.advance(written[0])
            elif clock is not None:
                clock.follow(written)

    def close(self) -> None:
        """Called after the last step."""

    # How it is done.

    def _changed(self) -> None:
        """Called when files came or left, or a cache moved in memory."""
        self._caches = {}
        self._places = [file.place for file in self.files]

    @property
    def _clocks(self) -> list[Clock | None]:
        return [file.clock for file in self.files]

    def _times_ahead(self) -> request_times.LongTimes | None:
        """(B, S, C) times of the next patch; None if they depend on its bytes."""
        return request_times.ahead(self._clocks, self.stride)

    def _enter(self, request: Request) -> None:
        """Read the history of one file, patch by patch and then, for a prompt, byte by byte."""
        config, length = self.config, len(request.history)
        clock = request.times.clock() if request.times else None
        clock = None if clock is None or clock.stands_still else clock
        source = self._encode(request) if config.source_attention else None
        shape, capacity = self.model.patch_shape, rounded(length + _GROWTH // 2)
        file = _File(
            place=self.free.pop(),
            length=0,
            blocks=0,
            clock=clock,
            source=source,
            trace=None if source is None or source.copied is None else _trace(source.copied, request),
            patch_keys=padded((config.num_layers, shape.size, capacity)),
            patch_values=padded((config.num_layers, shape.heads, capacity, shape.head)),
        )
        self.files.append(file)
        self._changed()
        for cache in (self.byte_keys, self.byte_values):
            cache[file.place] = 0.0
        check_room(length, config.max_patches)
        times = request_times.after_patches([request], length)[0] if config.clock else None
        spreads = []
        for first in range(0, length, _PREFILL_PATCHES):
            chunk = request.history[first : first + _PREFILL_PATCHES]
            shown = None if times is None else times[first : first + len(chunk)]
            spreads.append(self._read(file, chunk, shown))
        self.previous[file.place] = request.history[-1]
        reach = self.recent.shape[1]
        if self.kept:
            self._fill_window(file, request, np.concatenate(spreads))
        padding = np.full(reach, END_OF_PATCH, np.int32)
        self.recent[file.place] = np.concatenate([padding, request.history.ravel()])[-reach:]

    def _read(self, file: _File, patches: NDArray[Any], times: NDArray[Any] | None) -> Floats:
        """(P, any) what the byte-level decoder is given of each of the next patches (P, S) of one file."""
        places = np.arange(file.length, file.length + len(patches))
        inputs = {"tokens": patches, "positions": places, "slots": places, "visible": places + 1}
        if times is not None:
            inputs["times"] = times
        spread = self._read_patches([file], patches, self._make_caches([file], byte_level=False), inputs)
        file.length += len(patches)
        self.features[file.place] = spread[-1]
        return spread

    def _read_patches(
        self, files: list[_File], patches: NDArray[Any], caches: Caches, inputs: dict[str, NDArray[Any]]
    ) -> Floats:
        """(R, any) what the byte-level decoder is given of patches (R, S), as many of each file."""
        model, config, count = self.model, self.config, len(patches)
        joined = None
        if model.encoder_program is not None:
            joined = self._encode_patches(model.encoder_program, patches)
        if config.patch_reads:
            inputs["nearby"] = patches[:, list(config.patch_reads_ask) or slice(None)]
        model.patch_program.run(len(files), count // len(files), caches, inputs, given=joined)
        return np.concatenate([model.patch_program.read(register, count) for register in model.given], 1)

    def _encode_patches(self, program: Program, patches: NDArray[Any]) -> Floats:
        """(R, S, width) the bytes of each patch (R, S) after attention among them."""
        config, (count, size) = self.config, patches.shape
        layers, width, capacity = config.patch_encoder_layers, config.byte_embedding_size, rounded(size)
        keys = padded((count, layers, width, capacity))
        values = padded((count, layers, width // config.byte_head_size, capacity, config.byte_head_size))
        caches = Caches(
            longest=capacity,
            keys=layer_addresses(list(keys)),
            values=layer_addresses(list(values)),
            capacities=np.full(count, capacity, np.int32),
        )
        steps = np.tile(np.arange(size), count)
        inputs = {"tokens": patches, "slots": steps, "visible": np.full(count * size, size)}
        program.run(count, size, caches, inputs)
        return program.read(0, count * size)

    def _fill_window(self, file: _File, request: Request, spreads: Floats) -> None:
        """Run the byte-level decoder over the last patches of a prompt, from patch `first` of the history on.

        Each layer reaches `context_patches` further back, so only so many patches affect the window.
        """
        config, length = self.config, len(request.history)
        reach = self.recent.shape[1]
        begin = max(request.first, length - config.context_patches * config.byte_num_layers)
        stream = np.concatenate([np.full(reach, END_OF_PATCH), request.history.ravel()]).astype(np.int64)
        last = self.features[file.place].copy()
        for patch in range(begin, length):
            end = reach + (patch + 1) * self.stride
            self.features[file.place] = spreads[patch - 1]
            times = None
            if config.clock:
                times = request_times.of_histories([request], patch)[:, :1].reshape(1, self.stride, -1)
            part = stream[None, end - self.stride - reach : end - 1]
            self._predict(part[:, -self.stride :], part, times, 0, [file])
            self._shift([file])
        self.features[file.place] = last

    def _encode(self, request: Request) -> _Source:
        """Encode the source of a request."""
        model, config = self.model, self.config
        assert model.source_program is not None
        check_room(len(request.source), config.max_source_bytes)
        tokens = np.frombuffer(request.source, np.uint8).astype(np.int32)
        if not len(tokens):
            tokens = np.array([END_OF_PATCH], np.int32)
        length, capacity = len(tokens), rounded(len(tokens))
        sizes = [shape for _, shape, crosses in model.decoders for _ in crosses]
        source = _Source(
            length=length,
            capacity=capacity,
            keys=[padded((shape.size, capacity)) for shape in sizes],
            values=[padded((shape.heads, capacity, shape.head)) for shape in sizes],
            waves=padded((2 * NUM_HANDS, capacity)),
        )
        copying = model.copying
        half = config.source_kernel // 2
        around = np.pad(tokens, half, constant_values=END_OF_PATCH)
        windows = np.lib.stride_tricks.sliding_window_view(around, config.source_kernel)
        shape, layers = model.source_shape, config.source_layers
        keys, values = padded((layers, shape.size, capacity)), padded((layers, shape.heads, capacity, shape.head))
        caches = Caches(
            longest=capacity,
            keys=addresses(list(keys)),
            values=addresses(list(values)),
            capacities=np.array([capacity], np.int32),
            source_keys=addresses(source.keys),
            source_values=addresses(source.values),
            source_waves=addresses([source.waves]),
            source_lengths=np.array([length], np.int32),
            source_capacities=np.array([capacity], np.int32),
        )
        places = np.arange(length)
        inputs: dict[str, NDArray[Any]] = {"tokens": tokens, "nearby": windows, "positions": places, "slots": places}
        inputs["visible"] = np.full(length, length)
        if config.clock:
            inputs["times"] = request_times.of_sources([request], length)
        joined = self._joined_windows(tokens) if config.numerals else None
        model.source_program.run(1, length, caches, inputs, given=joined)
        if copying is not None:
            source.copied = copying.source(tokens.astype(np.int64), model.source_program.read(0, length))
        return source

    def _joined_windows(self, tokens: NDArray[np.int32]) -> Floats:
        """(T, kernel * Hs) the vectors of the bytes around each byte of a source, its numbers included."""
        model, kernel = self.model, self.config.source_kernel
        rows = numeral_rows(tokens[None].astype(np.int64))[0] + row_starts()
        x = (model.source_rows[tokens] + model.numerals[rows].sum(1)) * (tokens != END_OF_PATCH)[:, None]
        wide = np.pad(x, ((kernel // 2, kernel // 2), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(wide, kernel, axis=0).swapaxes(1, 2)
        return np.ascontiguousarray(windows, np.float32).reshape(len(tokens), -1)

    def _caches_of(self, files: list[_File], *, byte_level: bool) -> Caches:
        """The caches of some files; those of the running files are made once."""
        if files is not self.files:
            return self._make_caches(files, byte_level=byte_level)
        if byte_level not in self._caches:
            self._caches[byte_level] = self._make_caches(files, byte_level=byte_level)
        return self._caches[byte_level]

    def _make_caches(self, files: list[_File], *, byte_level: bool) -> Caches:
        if byte_level:
            keys, values = ([cache[file.place] for file in files] for cache in (self.byte_keys, self.byte_values))
        else:
            keys, values = [file.patch_keys for file in files], [file.patch_values for file in files]
        capacities = [cache.shape[-1] for cache in keys]
        tables: dict[str, Any] = {
            "keys": layer_addresses(keys),
            "values": layer_addresses(values),
            "capacities": np.array(capacities, np.int32),
            "features": addresses([self.features[file.place] for file in files]),
        }
        sources = [file.source for file in files if file.source is not None]
        if sources:
            tables["source_keys"] = np.stack([addresses(source.keys) for source in sources], 1)
            tables["source_values"] = np.stack([addresses(source.values) for source in sources], 1)
            tables["source_waves"] = addresses([source.waves for source in sources])
            tables["source_lengths"] = np.array([source.length for source in sources], np.int32)
            tables["source_capacities"] = np.array([source.capacity for source in sources], np.int32)
        return Caches(longest=max(*capacities, *(source.capacity for source in sources), 0), **tables)

    def _predict(
        self,
        tokens: NDArray[Any],
        stream: NDArray[Any],
        times: NDArray[Any] | None,
        start: int,
        files: list[_File] | None = None,
    ) -> Floats:
        """(B, n, V) logits of the bytes after each of `tokens` (B, n), from offset `start` of the patch on.

        `stream` (B, reach + any) ends with these tokens.
        """
        files = self.files if files is None else files
        model, config, count = self.model, self.config, tokens.shape[1]
        steps = np.arange(self.kept + start, self.kept + start + count)
        first = np.array([file.blocks * self.stride for file in files])[:, None]
        slots = np.tile(steps, len(files))
        inputs = {"tokens": tokens, "positions": first + steps, "slots": slots, "visible": slots + 1}
        if times is not None:
            inputs["times"] = times
        if config.near_bytes:
            ends = stream.shape[1] - count + 1 + np.arange(count)
            inputs["nearby"] = stream[:, ends[:, None] - np.array(config.near_offsets)]
        caches = self._caches_of(files, byte_level=True)
        places = self._copy_places(files, tokens, count) if model.copying else None
        model.byte_program.run(
            len(files), count, caches, inputs, first_step=start,
            given=None if places is None else self._pointers(files, places),
        )  # fmt: skip
        rows = model.byte_program.read(model.head, len(files) * count).reshape(len(files), count, VOCAB_SIZE).copy()
        if places is not None and model.copying is not None:
            x = model.byte_program.read(0, len(files) * count).reshape(len(files), count, -1)
            for index, (file, found) in enumerate(zip(files, places, strict=True)):
                for step, place in enumerate(found):
                    copied = _copied(file)
                    rows[index, step] = model.copying.mixed(rows[index, step], x[index, step], copied, place)
        return rows

    def _copy_places(self, files: list[_File], tokens: NDArray[Any], count: int) -> list[list[Place]]:
        """Where copying may go on before the next byte of each file, and after each of the tokens guessed (B, n)."""
        found = []
        for file, row in zip(files, tokens.tolist(), strict=True):
            trace, places = file.trace, []
            assert trace is not None, "a model that copies has a source"
            for step in range(count):
                trace = trace.after(_copied(file), row[step]) if step else trace
                places.append(trace.place(_copied(file)))
            found.append(places)
        return found

    def _pointers(self, files: list[_File], places: list[list[Place]]) -> Floats:
        """(B * n, Hb) what the pointers before each byte add to the input of the byte-level decoder."""
        assert self.model.copying is not None
        rows = [
            self.model.copying.pointers(_copied(file), place)
            for file, found in zip(files, places, strict=True)
            for place in found
        ]
        return np.ascontiguousarray(rows, np.float32)

    def _read_patch(self) -> None:
        """If the current patch is whole, read it with the patch-level decoder and advance the byte-level window."""
        if not self.files or self.current.shape[1] < self.stride:
            return
        patches = self.current
        self.current = np.empty((len(self.files), 0), np.int64)
        self.previous[self._places] = patches
        for file in self.files:
            self._grow(file)
        places = np.array([file.length for file in self.files])
        inputs = {"tokens": patches, "positions": places, "slots": places, "visible": places + 1}
        if self.config.clock:
            inputs["times"] = request_times.now(self._clocks)
        caches = self._caches_of(self.files, byte_level=False)
        self.features[self._places] = self._read_patches(self.files, patches, caches, inputs)
        for file in self.files:
            file.length += 1
        reach = self.recent.shape[1]
        self.recent[self._places] = np.concatenate([self.recent[self._places], patches], 1)[:, -reach:]
        self._shift(self.files)

    def _shift(self, files: list[_File]) -> None:
        """Move the window of the byte-level decoder on by one patch."""
        for file in files:
            file.blocks += 1
        if self.kept:
            caches = self._caches_of(files, byte_level=True)
            self.model.shift_program.run(len(files), self.stride, caches, {})

    def _grow(self, file: _File) -> None:
        """Make room for one more patch of a file."""
        capacity = file.patch_keys.shape[-1]
        check_room(file.length + 1, self.config.max_patches)
        if file.length < capacity:
            return
        grown = capacity + rounded(max(_GROWTH, capacity // 2))
        shape = self.model.patch_shape
        file.patch_keys, file.patch_values = widened(file.patch_keys, file.patch_values, shape.heads, grown)
        self._changed()


def _copied(file: _File) -> CopiedSource:
    assert file.source is not None
    assert file.source.copied is not None
    return file.source.copied


def _trace(source: CopiedSource, request: Request) -> Trace:
    """Where in its source a request is after its history, from patch `first` on."""
    trace = Trace.start(source)
    for token in request.history[request.first :].ravel().tolist():
        trace = trace.after(source, token)
    return trace
