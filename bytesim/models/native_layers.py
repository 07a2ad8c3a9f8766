"""Writes the layers that architectures share, the parts of `bytesim.nn`, for the native engine. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ContextError, ModelError
from bytesim.models.arrays import NamedWeights
from bytesim.models.framing import frame
from bytesim.native import program as ops
from bytesim.native.library import Kernels
from bytesim.native.program import Floats, Program
from bytesim.nn.constants import BEGIN_ID, END_ID
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Asked, Request

if TYPE_CHECKING:
    from bytesim.models.registry import WriterConfig
    from bytesim.nn.parts import Parts

PREFILL_POSITIONS = 64
"""Positions of a history that are read at a time: enough to use every weight often, few enough to stay in the cache."""
Result = TypeVar("Result")
MAX_TABLE = 1 << 25
"""Most numbers in a rotary table, whose size depends on the config, not on the weights."""
MAX_LAYERS = 1000
SMALLEST_STEP = float(np.finfo(np.float32).eps)
"""The epsilon of a norm for which torch is given none."""
EPSILON = {"published": 1e-5, "llama": 1e-5, "modern": 1e-6}
"""Family of parts -> epsilon of its norm, see nn/parts.py."""


def rotary_table(positions: int, width: int, base: float = 10_000.0) -> Floats:
    """(2, positions, width) cosines and sines, as nn/rotary.py. Raises ModelError for a table that is far too long."""
    if 2 * positions * width > MAX_TABLE:
        raise ModelError(f"the config asks for tables of more than {MAX_TABLE:,} numbers.")
    frequencies = base ** (-np.arange(0, width, 2) / width)
    angles = np.arange(positions)[:, None] * np.concatenate([frequencies, frequencies])
    return np.stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def check_room(length: int, most: int) -> None:
    """Raise ContextError for a history longer than the model's: its tables have no more positions."""
    if length > most:
        raise ContextError(f"a history of {length:,} is longer than the {most:,} that the model can hold.")


def locked(method: Callable[..., Result]) -> Callable[..., Result]:
    """A method of a session that only one thread at a time may run, as all sessions share the model's registers."""

    @wraps(method)
    def alone(self: Any, *given: Any, **options: Any) -> Result:
        with self.model.lock:
            return method(self, *given, **options)

    return alone


def check_layers(*counts: int) -> None:
    """Raise ModelError if a config asks for far too many layers, before the program of so many is written."""
    if max(counts) > MAX_LAYERS:
        raise ModelError(f"the config asks for more than {MAX_LAYERS:,} layers.")


@dataclass(frozen=True, slots=True)
class Shape:
    """Widths of a stack of layers."""

    size: int
    head: int
    """Width of a head."""
    key_heads: int = 0
    """Heads of keys and values; 0 for as many as there are queries."""
    inner: int = 0
    """Inner width of the feed-forward layers; 0 for the default of the family of parts."""
    window: int = 0
    """Last positions that a position sees; 0 for all."""

    @property
    def heads(self) -> int:
        """Query heads."""
        return self.size // self.head

    @property
    def shared_heads(self) -> int:
        """Heads of keys and values."""
        return self.key_heads or self.heads


@dataclass(frozen=True, slots=True)
class Registers:
    """Registers that all layers of a stack use."""

    normed: int
    projected: int
    attended: int
    inner: int
    gate: int


class LayerWriter:
    """Appends layers to a program of its own, whose weights it takes by their names."""

    def __init__(self, parts: Parts, weights: NamedWeights, kernels: Kernels, *, in_bytes: bool) -> None:
        self.parts = parts
        self.weights = weights
        self.program = Program(kernels, in_bytes=in_bytes)

    @property
    def published(self) -> bool:
        """Whether the parts are those of GPT-2, with biases."""
        return self.parts == "published"

    def linear(self, source: int, target: int, name: str, then: int = ops.STORE, *, bias: bool = False) -> None:
        """The linear map of this name, from the width of one register to that of the other."""
        outputs, inputs = self.program.widths[target], self.program.widths[source]
        weight = self.weights.take(f"{name}.weight", outputs, inputs)
        self.program.linear(source, target, weight, self.weights.take(f"{name}.bias", outputs) if bias else None, then)

    def norm(self, source: int, target: int, name: str, size: int) -> None:
        """The norm of this name."""
        weight = bias = None
        if self.parts != "modern":
            weight = self.weights.take(f"{name}.weight", size)
        if self.published:
            bias = self.weights.take(f"{name}.bias", size)
        kind = {"published": ops.LAYER, "llama": ops.RMS_WEIGHTED, "modern": ops.RMS}[self.parts]
        self.program.add(ops.NORM, source, target, kind, size, f=EPSILON[self.parts], w=weight, bias=bias)

    def registers(self, shape: Shape) -> Registers:
        """Registers for the layers of a stack."""
        register, inner = self.program.register, self.inner_size(shape)
        return Registers(
            normed=register(shape.size),
            projected=register((shape.heads + 2 * shape.shared_heads) * shape.head),
            attended=register(shape.size),
            inner=register(inner),
            gate=register(inner) if self.parts == "llama" else -1,
        )

    def inner_size(self, shape: Shape) -> int:
        """Inner width of the feed-forward layers."""
        return shape.inner or (8 * shape.size // 3 if self.parts == "llama" else 4 * shape.size)

    def attention(self, x: int, rows: Registers, name: str, shape: Shape, layer: int, table: Floats | None) -> None:
        """Self-attention over the cache of a layer, with its norm."""
        heads = (shape.heads, shape.shared_heads, shape.head, layer)
        self.norm(x, rows.normed, f"{name}.attention_norm", shape.size)
        self.linear(rows.normed, rows.projected, f"{name}.attention.qkv", bias=self.published)
        scale = None
        if self.parts == "modern":
            scale = self.weights.take(f"{name}.attention.scale", shape.heads, 1, 1).ravel()
        self.program.add(
            ops.QKV, -1, rows.projected, *heads, 0.0 if table is None else table.shape[1], w=scale,
            bias=np.array([shape.head**-0.5], np.float32), extra=table,
        )  # fmt: skip
        self.program.add(ops.ATTEND, rows.projected, rows.attended, *heads, shape.window)
        self.linear(rows.attended, x, f"{name}.attention.out", ops.ACCUMULATE, bias=self.published)

    def feed_forward(self, x: int, rows: Registers, name: str, shape: Shape) -> None:
        """The feed-forward layer, with its norm."""
        self.norm(x, rows.normed, f"{name}.feed_forward_norm", shape.size)
        then = {"published": ops.GELU, "modern": ops.RELU_SQUARED, "llama": ops.STORE}[self.parts]
        self.linear(rows.normed, rows.inner, f"{name}.feed_forward.up", then, bias=self.published)
        if rows.gate >= 0:
            self.linear(rows.normed, rows.gate, f"{name}.feed_forward.gate")
            self.program.add(ops.SILU, target=rows.gate, b=self.inner_size(shape))
            self.program.add(ops.MULTIPLY, rows.gate, rows.inner, b=self.inner_size(shape))
        self.linear(rows.inner, x, f"{name}.feed_forward.down", ops.ACCUMULATE, bias=self.published)

    def layers(self, x: int, name: str, shape: Shape, count: int, table: Floats | None) -> None:
        """All layers of a stack, which are called `name`.blocks.N."""
        self.layers_of(x, shape, [f"{name}.blocks.{layer}" for layer in range(count)], table)

    def layers_of(self, x: int, shape: Shape, names: list[str], table: Floats | None) -> None:
        """The layers of these names."""
        rows = self.registers(shape)
        for layer, block in enumerate(names):
            self.before(x, layer)
            self.attention(x, rows, block, shape, layer, table)
            self.between(x, rows, block, shape, layer)
            self.feed_forward(x, rows, block, shape)

    def before(self, x: int, layer: int) -> None:
        """What stands before a layer: nothing."""

    def between(self, x: int, rows: Registers, name: str, shape: Shape, layer: int) -> None:
        """What a layer has between self-attention and feed-forward: nothing."""


class NativeWriter:
    """What the models on the native engine that write bytes have in common; `config` is that of the architecture."""

    def __init__(self, config: WriterConfig, kernels: Kernels, *, in_bytes: bool) -> None:
        """With `in_bytes` the weights of linear maps are rounded to int8."""
        self.config: Any = config
        self.kernels = kernels
        self.in_bytes = in_bytes
        self.lock = RLock()
        """Held by the session that works: all sessions share the registers of the programs."""

    @property
    def number_type(self) -> str:
        """The number type of the weights."""
        return "int8" if self.in_bytes else "float32"

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; see `framing.frame`. Raises ContextError if no room is left for an answer."""
        return frame(self.config, asked, **options)

    def writer(self, weights: NamedWeights) -> LayerWriter:
        """What writes a program of this model."""
        return LayerWriter(self.config.parts, weights, self.kernels, in_bytes=self.in_bytes)


def ids_of(tokens: NDArray[Any], byte_offset: int) -> NDArray[Any]:
    """The ids of tokens (...), see nn/vocabulary.py."""
    return np.where(tokens == END_OF_PATCH, BEGIN_ID, tokens + byte_offset) if byte_offset else tokens


def token_logits(logits: Floats, byte_offset: int) -> Floats:
    """Logits of ids (R, N) -> a copy, the logits of tokens (R, V)."""
    if not byte_offset:
        return logits.copy()
    return np.concatenate([logits[:, byte_offset : byte_offset + 256], logits[:, END_ID : END_ID + 1]], 1)
