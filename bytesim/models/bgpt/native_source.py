"""The source of a bGPT on the native engine, encoded once per file. No torch.

Axes: T source bytes, Hs width of the source encoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks.periods import NUM_HANDS
from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.native_copying import CopiedSource
from bytesim.models.native_layers import (
    check_room,
)
from bytesim.native.program import Caches, Floats, addresses, padded, padded_numbers, rounded
from bytesim.nn.numeral_features import numeral_rows, row_starts
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request

if TYPE_CHECKING:
    from bytesim.models.bgpt.native import NativeBGPT

_GROWTH = 128
"""Patch-level caches grow by this many patches, or by half."""


@dataclass(slots=True)
class Source:
    """An encoded source: keys and values of each layer with cross-attention, and the waves of its times."""

    length: int
    capacity: int
    keys: list[NDArray[Any]]
    """As float32, or the bits of bfloat16 beside int8 weights."""
    values: list[NDArray[Any]]
    waves: Floats
    copied: CopiedSource | None = None
    """For a model that copies."""


def encode_source(model: NativeBGPT, request: Request) -> Source:
    """Encode the source of a request."""
    config = model.config
    assert model.source_program is not None
    check_room(len(request.source), config.max_source_bytes)
    tokens = np.frombuffer(request.source, np.uint8).astype(np.int32)
    if not len(tokens):
        tokens = np.array([END_OF_PATCH], np.int32)
    length, capacity = len(tokens), rounded(len(tokens))
    kind = model.source_program.source_kind
    sizes = [shape for _, shape, crosses in model.decoders for _ in crosses]
    source = Source(
        length=length,
        capacity=capacity,
        keys=[padded_numbers((shape.size, capacity), kind) for shape in sizes],
        values=[padded_numbers((shape.heads, capacity, shape.head), kind) for shape in sizes],
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
    joined = _joined_windows(model, tokens) if config.numerals else None
    model.source_program.run(1, length, caches, inputs, given=joined)
    if copying is not None:
        source.copied = copying.source(tokens.astype(np.int64), model.source_program.read(0, length))
    return source


def _joined_windows(model: NativeBGPT, tokens: NDArray[np.int32]) -> Floats:
    """(T, kernel * Hs) the vectors of the bytes around each byte of a source, its numbers included."""
    kernel = model.config.source_kernel
    rows = numeral_rows(tokens[None].astype(np.int64))[0] + row_starts()
    x = (model.source_rows[tokens] + model.numerals[rows].sum(1)) * (tokens != END_OF_PATCH)[:, None]
    wide = np.pad(x, ((kernel // 2, kernel // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(wide, kernel, axis=0).swapaxes(1, 2)
    return np.ascontiguousarray(windows, np.float32).reshape(len(tokens), -1)
