"""The clock of CPU files: which instruction each byte belongs to. Source: docs/cpu.md, Files.

The first time counts instructions: a memory byte has the number of its own instruction, a state that of the instruction
it fetched. The second counts the bytes inside an instruction or a state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks.ticks import CLOCK_WIDTH, LATEST

TICKS_PER_INSTRUCTION = 960
TICKS_PER_BYTE = 60
_MEMORY_SIZE, _INSTRUCTION_SIZE, _STATE_SIZE = 1024, 4, 16


def cpu_times(first: int, count: int) -> NDArray[np.int32]:
    """(count, CLOCK_WIDTH): the times of the `count` bytes from offset `first` on.

    The first state has fetched nothing, so its time is before that of every instruction.
    """
    offsets = np.arange(first, first + count)
    in_memory = offsets < _MEMORY_SIZE
    size = np.where(in_memory, _INSTRUCTION_SIZE, _STATE_SIZE)
    instruction, byte_in_unit = np.divmod(np.where(in_memory, offsets, offsets - _MEMORY_SIZE), size)
    ticks = np.minimum((instruction + in_memory) * TICKS_PER_INSTRUCTION, LATEST)
    shown = np.zeros((count, CLOCK_WIDTH), np.int32)
    shown[:, 0], shown[:, 1] = ticks, byte_in_unit * TICKS_PER_BYTE
    return shown
