"""Compare a trace with the right one, byte by byte.

Only the states after the first count, because memory and first state are given. A missing byte counts
as wrong, and so does a surplus one. Source: docs/cpu.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from bytesim.formats.cpu_trace import CELL_NAMES, MEMORY_SIZE, STATE_SIZE, Trace, serialize_states


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One wrong byte."""

    step: int
    cell: str
    """Name of the byte in the state: PC, ACC, IR[0] .. IR[3] or A .. J."""
    offset: int
    """Offset in the trace file."""
    found: int | None
    """None if the trace ended before this byte."""
    right: int | None
    """None if the right trace ended before this byte."""


def find_differences(found: Trace, right: Trace) -> tuple[Difference, ...]:
    """Every wrong, missing and surplus byte, in file order; the memories are not compared."""
    pairs = zip_longest(scored_bytes(found), scored_bytes(right))
    return tuple(_difference(index, *pair) for index, pair in enumerate(pairs) if pair[0] != pair[1])


def scored_bytes(trace: Trace) -> bytes:
    """The scored part of a trace: all states after the first, and any bytes after the last whole state."""
    return serialize_states(trace.states[1:]) + trace.rest


def _difference(index: int, found: int | None, right: int | None) -> Difference:
    state, cell = divmod(index, STATE_SIZE)
    return Difference(
        step=1 + state,
        cell=CELL_NAMES[cell],
        offset=MEMORY_SIZE + STATE_SIZE + index,
        found=found,
        right=right,
    )
