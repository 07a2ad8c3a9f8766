"""The clock of CPU files: which instruction each byte belongs to. Source: docs/cpu.md, Files.

The first time counts instructions: that of a memory byte is its own, that of a state is the one it fetched. The second
counts the bytes of an instruction, and those of a state.
"""

from __future__ import annotations

from bytesim.clocks.ticks import LATEST, Now

TICKS_PER_INSTRUCTION = 960
TICKS_PER_BYTE = 60
_MEMORY_SIZE, _INSTRUCTION_SIZE, _STATE_SIZE = 1024, 4, 16


def cpu_time(offset: int) -> Now:
    """The times of the byte at an offset; the first state, which fetched nothing, stands before every instruction."""
    if offset < _MEMORY_SIZE:
        instruction, place = divmod(offset, _INSTRUCTION_SIZE)
        instruction += 1
    else:
        instruction, place = divmod(offset - _MEMORY_SIZE, _STATE_SIZE)
    return min(instruction * TICKS_PER_INSTRUCTION, LATEST), place * TICKS_PER_BYTE
