"""A bGPT on the native engine: its programs. No torch.

Three programs do the work of `models/bgpt/model.py`: one encodes a source, one reads patches, one predicts bytes.

Axes: B running files, n bytes, P patches, S bytes per patch, H hidden, Hb hidden of the byte-level decoder, C values of
a clock, V = 257 tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bytesim.clocks.notation import ALTERATIONS, CHORD_KINDS, LETTERS, TONES
from bytesim.clocks.periods import BAR_PERIODS, MUSIC_PERIODS, NOTATION_SIZES, NUM_HANDS, hand_periods
from bytesim.clocks.ticks import ALTERED, CHORD, PITCH
from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.native_copying import NativeCopying
from bytesim.models.bgpt.native_session import NativeBGPTSession
from bytesim.models.native_layers import (
    SMALLEST_STEP,
    LayerWriter,
    NativeWriter,
    Registers,
    Shape,
    check_layers,
    rotary_table,
)
from bytesim.native import program as ops
from bytesim.native.library import Kernels
from bytesim.native.program import Floats, Program
from bytesim.native.threads import find_threads
from bytesim.nn.constants import READ_SIZE
from bytesim.nn.numeral_features import NUMERAL_ROWS
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

if TYPE_CHECKING:
    from bytesim.nn.parts import Parts

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
        self.program.add(
            ops.CROSS, queries, rows.attended, shape.heads, hands, shape.head, self.crosses[layer],
            f=self.program.source_kind,
        )  # fmt: skip
        self.linear(rows.attended, x, f"{name}.out", ops.ACCUMULATE)

    def decoder(self, x: int, name: str, shape: Shape, count: int, table: Floats | None) -> None:
        """All layers of a decoder or encoder, and its norm."""
        self.layers(x, name, shape, count, table)
        self.norm(x, x, f"{name}.norm", shape.size)


class NativeBGPT(NativeWriter):
    """A bGPT that writes bytes, on the native engine.

    Raises ModelError if config and weights do not belong together.
    """

    def __init__(self, config: BGPTConfig, weights: NamedWeights, kernels: Kernels, *, in_bytes: bool = False) -> None:
        """With `in_bytes` the weights of linear maps are rounded to int8."""
        super().__init__(config, kernels, in_bytes=in_bytes)
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
    def weight_bytes(self) -> int:
        """Size of the weights in memory."""
        programs = (self.patch_program, self.byte_program, self.source_program, self.encoder_program)
        return sum(program.weight_bytes for program in programs if program is not None)

    def decoding_session(self, rows: int) -> NativeBGPTSession:
        """An empty session for at most `rows` files."""
        find_threads(self.kernels, files=rows)
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
                program.add(ops.SOURCE_KEYS, target=both, a=shape.heads, b=program.source_kind, c=shape.head, d=number)
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
