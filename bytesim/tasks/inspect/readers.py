"""What reads a file for `inspect`: a model, or the context mixer."""

from __future__ import annotations

import numpy as np

from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.native.mixer import RUN_BYTES, ByteMixer
from bytesim.predictors.surprise import OnBytes, Surprise, of_model
from bytesim.predictors.writer import Writer
from bytesim.tasks.compress.coding import compiled


def of_mixer(data: bytes, on_bytes: OnBytes | None = None) -> Surprise:
    """The surprise of the context mixer, which knows nothing but the bytes before. Raises ToolError without kernels."""
    mixer, told = ByteMixer(compiled(), len(data)), [np.zeros((0, 3), np.float32)]
    for start in range(0, len(data), RUN_BYTES):
        told.append(mixer.measure(data[start : start + RUN_BYTES]))
        if on_bytes:
            on_bytes(len(told[-1]))
    bits, expected, evidence = np.concatenate(told).T
    return Surprise(bits=bits.copy(), expected=expected.copy(), evidence=evidence.copy())


def of_writer(
    writer: Writer, data: bytes, suffix: str, on_bytes: OnBytes | None = None, *, likeliest: bool = False
) -> Surprise:
    """The surprise of a model; what it cannot read of a trace, such as the program, is read by the context mixer."""
    if not writer.simulates:
        return of_model(writer, data, suffix, likeliest=likeliest, on_bytes=on_bytes)
    states, whole = of_model(writer, data, suffix), of_mixer(data, on_bytes)
    begin = MEMORY_SIZE + STATE_SIZE
    for name in ("bits", "expected", "evidence"):
        found = getattr(states, name)
        getattr(whole, name)[begin : begin + len(found)] = found
    whole.evidence[MEMORY_SIZE:begin] = 0.0  # the registers at the start may have any value
    return whole
