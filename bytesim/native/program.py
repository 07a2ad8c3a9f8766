"""Programs of fused operations, which the compiled kernels run in one call.

A program works on registers: arrays with a row for each position. An operation reads a register and writes another.
Axes: R rows, that is files times steps, and in a weight N outputs, K inputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.native.library import NUM_CODES, Kernels, RunFields

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

PANEL = 32
"""Outputs of a linear map that are computed side by side; weights are stored in panels of so many."""
MOST_ROWS = 8
"""Rows whose attention is computed together, at most."""

(
    EMBED_JOIN, EMBED_SUM, LINEAR, NORM, ADD_ROW, ADD_FEATURE, FIRST_FEATURE, CLOCK, NOTATION, QKV, ATTEND, QUERY,
    HANDS, CROSS, SOURCE_KEYS, SOURCE_WAVES, ADD, SHIFT, LOAD, READS, GATED_ADD, SILU,
    MULTIPLY,
) = range(NUM_CODES)  # fmt: skip
STORE, ACCUMULATE, RELU_SQUARED, GELU, RELU = range(5)
FLOATS, BYTES, HALVES = range(3)
RMS, RMS_WEIGHTED, LAYER = range(3)
BY_POSITION, BY_STEP = range(2)
LONG, OPERATIONS, FILES = range(3)

_OP = np.dtype(
    [(name, np.int32) for name in ("code", "in", "out", "a", "b", "c", "d")]
    + [("f", np.float32)]
    + [(name, np.uint64) for name in ("w", "bias", "extra")]
)


def address(array: NDArray[Any]) -> int:
    """Where an array lies in memory."""
    return int(array.__array_interface__["data"][0])


def addresses(arrays: list[NDArray[Any]]) -> NDArray[np.uint64]:
    """Where arrays lie in memory."""
    return np.array([address(array) for array in arrays], np.uint64)


def rounded(count: int) -> int:
    """The next multiple of PANEL."""
    return -(-count // PANEL) * PANEL


def padded(shape: tuple[int, ...]) -> Floats:
    """Zeros of a shape, followed in memory by PANEL floats that kernels may read."""
    return padded_numbers(shape, FLOATS)


def padded_numbers(shape: tuple[int, ...], kind: int) -> NDArray[Any]:
    """The same, of FLOATS or of HALVES, whose bits are uint16."""
    size = int(np.prod(shape))
    return np.zeros(size + PANEL, np.uint16 if kind == HALVES else np.float32)[:size].reshape(shape)


def packed(weight: Floats) -> tuple[int, NDArray[Any], None]:
    """Kind and values of a weight, as bfloat16 where that is exact: it is read in half the time."""
    bits = np.ascontiguousarray(weight, np.float32).view(np.uint32)
    if (bits & 0xFFFF).any():
        return FLOATS, bits.view(np.float32), None
    return HALVES, (bits >> 16).astype(np.uint16), None


def quantized(weight: Floats) -> tuple[int, NDArray[Any], Floats]:
    """Kind, int8 values and the scale of each row of a weight (N, K), as models/int8.py."""
    scales = np.abs(weight).max(1) / 127
    steps = weight / np.maximum(scales, np.finfo(np.float32).tiny)[:, None]
    return BYTES, np.clip(np.rint(steps), -127, 127).astype(np.int8), scales.astype(np.float32)


def layer_addresses(caches: list[Floats]) -> NDArray[np.uint64]:
    """(layers, B) addresses of the layers of a cache (layers, ...) of each file."""
    strides = np.array([cache.strides[0] for cache in caches], np.uint64)
    return np.arange(len(caches[0]), dtype=np.uint64)[:, None] * strides + addresses(caches)


def widened(keys: Floats, values: Floats, heads: int, capacity: int) -> tuple[Floats, Floats]:
    """Copies of a cache with room for `capacity` slots.

    Keys are (layers, heads * width, slots) in panels of slots, values (layers, heads, slots, width).
    """
    layers, rows, slots = keys.shape
    more_keys = padded((layers, rows, capacity))
    more_keys.reshape(layers, heads, -1)[:, :, : rows // heads * slots] = keys.reshape(layers, heads, -1)
    more_values = padded((layers, heads, capacity, values.shape[-1]))
    more_values[:, :, :slots] = values
    return more_keys, more_values


def panels(weight: NDArray[Any]) -> NDArray[Any]:
    """A weight (N, K) as panels (N / PANEL, K, PANEL), the last one filled up with zeros."""
    outputs, inputs = weight.shape
    whole = np.zeros((rounded(outputs), inputs), weight.dtype)
    whole[:outputs] = weight
    return np.ascontiguousarray(whole.reshape(-1, PANEL, inputs).transpose(0, 2, 1))


def filled(vector: Floats | None) -> Floats | None:
    """A bias or scales (N,), filled up with zeros to whole panels."""
    return None if vector is None else np.pad(vector, (0, rounded(len(vector)) - len(vector)))


class Caches:
    """What the files of a run have in memory: the addresses of their caches, features and sources.

    It is made once for the same files, and holds no more than the addresses: the arrays must stay where they are.
    """

    def __init__(
        self,
        *,
        longest: int,
        keys: NDArray[np.uint64] | None = None,
        values: NDArray[np.uint64] | None = None,
        capacities: Integers | None = None,
        features: NDArray[np.uint64] | None = None,
        source_keys: NDArray[np.uint64] | None = None,
        source_values: NDArray[np.uint64] | None = None,
        source_waves: NDArray[np.uint64] | None = None,
        source_lengths: Integers | None = None,
        source_capacities: Integers | None = None,
    ) -> None:
        """The arrays of addresses are (layers, B) or (B,); `longest` is the greatest capacity of a cache or source."""
        self.longest = longest
        tables = {
            "keys": keys,
            "values": values,
            "capacities": capacities,
            "features": features,
            "source_keys": source_keys,
            "source_values": source_values,
            "source_waves": source_waves,
            "source_lengths": source_lengths,
            "source_capacities": source_capacities,
        }
        self._kept = [np.ascontiguousarray(table) for table in tables.values() if table is not None]
        kept = iter(self._kept)
        self.pointers = {name: 0 if table is None else address(next(kept)) for name, table in tables.items()}


NO_CACHES = Caches(longest=0)
"""Of a program without attention."""


class Program:
    """Operations, and the registers that they work on."""

    def __init__(self, kernels: Kernels, *, in_bytes: bool = False) -> None:
        """With `in_bytes` the weights of linear maps are rounded to int8, keys and values of sources to bfloat16."""
        self.kernels = kernels
        self.in_bytes = in_bytes
        self.widths: list[int] = []
        self._rows: list[tuple[Any, ...]] = []
        self._kept: list[NDArray[Any]] = []
        self._ops: NDArray[Any] | None = None
        self._ops_address = 0
        self._registers: list[Floats] = []
        self._rows_made = 0
        self._inputs: dict[str, Integers] = {}
        self._scratch = np.empty(0, np.float32)
        self._caches: Caches | None = None
        self._fields = RunFields()

    @property
    def source_kind(self) -> int:
        """Kind of the keys and values of a source: beside int8 weights bfloat16, which is read in half the time."""
        return HALVES if self.in_bytes else FLOATS

    def register(self, width: int) -> int:
        """A new register of this width."""
        self.widths.append(width)
        return len(self.widths) - 1

    def add(
        self,
        code: int,
        source: int = -1,
        target: int = -1,
        a: int = 0,
        b: int = 0,
        c: int = 0,
        d: int = 0,
        f: float = 0.0,
        w: NDArray[Any] | None = None,
        bias: NDArray[Any] | None = None,
        extra: NDArray[Any] | None = None,
    ) -> None:
        """Append an operation; kernels/program.h says what its fields mean. Its arrays are kept."""
        pointers = []
        for array in (w, bias, extra):
            if array is not None:
                array = np.ascontiguousarray(array)
                self._kept.append(array)
            pointers.append(0 if array is None else address(array))
        self._rows.append((code, source, target, a, b, c, d, f, *pointers))

    def linear(self, source: int, target: int, weight: Floats, bias: Floats | None = None, then: int = STORE) -> None:
        """target = source W^T + bias, for a weight (N, K), with an epilogue."""
        outputs, inputs = weight.shape
        kind, stored, scales = quantized(weight) if self.in_bytes else packed(weight)
        self.add(
            LINEAR, source, target, outputs, inputs, then, kind, w=panels(stored), bias=filled(bias),
            extra=filled(scales),
        )  # fmt: skip

    def run(
        self,
        files: int,
        steps: int,
        caches: Caches,
        inputs: dict[str, NDArray[Any]],
        *,
        first_step: int = 0,
        given: Floats | None = None,
        mode: int | None = None,
    ) -> None:
        """Run all operations for `steps` rows of each of `files` files.

        `inputs` are integers for each row, (R, ...): `tokens`, `nearby` (more tokens), `positions` of the rotation,
        `slots` of the cache, `visible` (number of slots that a row sees) and `times`. `given` (R, any) are the rows
        that a program loads. `mode` is what threads share: LONG attentions, OPERATIONS or FILES; by default as suits
        the process.
        """
        fields, rows = self._fields, files * steps
        if self._ops is None:
            self._ops = np.array(self._rows, _OP)
            self._ops_address = address(self._ops)
        if self._rows_made < rows:
            self._make_registers(rows)
        if caches is not self._caches:
            self._bind(caches)
        self._make_scratch(caches.longest)
        fields.files, fields.steps, fields.first_step = files, steps, first_step
        fields.mode = self._mode(files) if mode is None else mode
        fields.group = min(MOST_ROWS, -(-files // fields.workers))
        for name, values in inputs.items():
            self._give(name, values)
        fields.given = 0 if given is None else address(given)
        self.kernels.run(self._ops_address, len(self._ops), fields)

    def _make_registers(self, rows: int) -> None:
        self._rows_made = rows
        self._registers = [padded((rows, width)) for width in self.widths]
        self._tables: list[NDArray[Any]] = [addresses(list(self._registers)), np.array(self.widths, np.int32)]
        self._fields.registers, self._fields.widths = map(address, self._tables)

    def _bind(self, caches: Caches) -> None:
        self._caches = caches
        for name, pointer in caches.pointers.items():
            setattr(self._fields, name, pointer)

    def _make_scratch(self, longest: int) -> None:
        """Room for the scores of as many threads as there may be."""
        threads, width = max(1, self.kernels.threads), MOST_ROWS * longest
        if len(self._scratch) < threads * width:
            self._scratch = np.empty(threads * width, np.float32)
            self._fields.scratch = address(self._scratch)
        self._fields.workers, self._fields.scratch_width = threads, width

    def _mode(self, files: int) -> int:
        kernels = self.kernels
        if kernels.threads < 2:
            return LONG
        if kernels.shares_operations:
            return OPERATIONS
        return FILES if files > 1 else LONG

    def _give(self, name: str, values: NDArray[Any]) -> None:
        """Copy an input to where the kernels read it."""
        kept = self._inputs.get(name)
        if kept is None or kept.size < values.size:
            kept = self._inputs[name] = np.empty(max(values.size, 64), np.int32)
            if name in _TOKENS:
                self._fields.tokens[_TOKENS.index(name)] = address(kept)
            else:
                setattr(self._fields, name, address(kept))
        kept[: values.size] = values.ravel()
        if name == "times":
            self._fields.time_width = values.shape[-1]

    @property
    def weight_bytes(self) -> int:
        """Size of all arrays that the operations read."""
        return sum({address(array): array.nbytes for array in self._kept}.values())

    def read(self, register: int, rows: int) -> Floats:
        """The first rows of a register: a view, which the next run overwrites."""
        return self._registers[register][:rows]


_TOKENS = ("tokens", "nearby")
