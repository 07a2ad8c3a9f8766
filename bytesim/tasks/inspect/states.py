"""Compares the trace in a file with the exact machine, for the report."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.cpu.compare import Difference, find_differences
from bytesim.cpu.machine import run
from bytesim.errors import FormatError
from bytesim.formats.cpu_trace import Trace, parse

_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class States:
    """How a trace differs from what the exact machine does."""

    steps: int
    wrong: int
    """Number of wrong bytes of the states after the first."""
    shown: tuple[Difference, ...]
    """The first of them."""


def compare_states(data: bytes) -> States | None:
    """The wrong bytes of a trace; None for a file without states."""
    try:
        found = parse(data)
    except FormatError:
        return None
    if not found.states:
        return None
    steps = len(found.states) - 1
    right = Trace(memory=found.memory, states=run(found.memory, found.states[0], steps=steps).states)
    wrong = find_differences(found, right)
    return States(steps=steps, wrong=len(wrong), shown=wrong[:_SHOWN])
