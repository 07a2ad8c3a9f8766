"""The clock of CPU files: which instruction each byte belongs to. Source: docs/cpu.md, Files.

The first time counts instructions: that of a memory byte is its own, that of a state is the one it fetched. The second
counts the bytes of an instruction, and those of a state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks.ticks import LATEST

TICKS_PER_INSTRUCTION = 960
TICKS_PER_BYTE = 60
_MEMORY_SIZE, _INSTRUCTION_SIZE, _STATE_SIZE = 1024, 4, 16


def cpu_times(first: int, count: int) -> NDArray[np.int32]:
    """(count, 2): the times of the bytes from an offset on; the first state, which fetched nothing, stands before every
    instruction."""
    offsets = np.arange(first, first + count)
    in_memory = offsets < _MEMORY_SIZE
    size = np.where(in_memory, _INSTRUCTION_SIZE, _STATE_SIZE)
    instruction, place = np.divmod(np.where(in_memory, offsets, offsets - _MEMORY_SIZE), size)
    ticks = np.minimum((instruction + in_memory) * TICKS_PER_INSTRUCTION, LATEST)
    return np.stack([ticks, place * TICKS_PER_BYTE], -1).astype(np.int32)
