"""A simulation as table cells, sentences, and plain values for JSON. Nothing here prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bytesim.cpu.assembler import instruction_text
from bytesim.cpu.machine import StopReason
from bytesim.formats.cpu_trace import REGISTER_NAMES, STATE_SIZE, State, split_states
from bytesim.tasks.simulate_cpu.simulation import Comparison, Simulation

COLUMNS = ("PC", "ACC", "op", "a", "b", "c", *REGISTER_NAMES)
"""Names of the 16 bytes of a state; op, a, b and c are the bytes of IR."""

ABSENT = "-"
"""Shown for a missing byte."""

_CHANGEABLE = frozenset({1, *range(6, STATE_SIZE)})  # ACC and registers; PC and IR change at every step


@dataclass(frozen=True, slots=True)
class Cell:
    """One byte in the table."""

    text: str
    right: str | None = None
    """The right byte if `text` is wrong; else None."""
    changed: bool = False
    """Whether the last instruction changed it."""

    @property
    def plain(self) -> str:
        """The byte as plain text: FOUND(RIGHT) if it is wrong."""
        return self.text if self.right is None else f"{self.text}({self.right})"


@dataclass(frozen=True, slots=True)
class Row:
    """One state."""

    step: int
    cells: tuple[Cell, ...]
    instruction: str
    """The instruction that was fetched and acts next, in assembly; empty for the first state."""


def state_rows(simulation: Simulation) -> list[Row]:
    """The shown states as rows of a table, with wrong bytes marked."""
    right, shown = split_states(simulation.right), split_states(simulation.shown)
    return [
        Row(step, _cells(step, right, shown), _instruction(step, right, shown))
        for step in range(max(len(right), len(shown)))
    ]


def stop_text(simulation: Simulation) -> str:
    """Why, where and when the run ended."""
    stop, steps = simulation.stop, len(simulation.trace.states) - 1
    after = f"after {steps} step{'s' if steps != 1 else ''}"
    return {
        StopReason.HALTED: f"halted at address {stop.address} {after}",
        StopReason.STEP_LIMIT: f"not halted {after}; the next instruction is at address {stop.address}",
        StopReason.BAD_OPCODE: f"stopped at address {stop.address} {after}: there is no opcode {stop.value}",
        StopReason.BAD_REGISTER: f"stopped at address {stop.address} {after}: there is no register {stop.value}",
    }[stop.reason]


def outside_text(simulation: Simulation) -> str:
    """A warning that the program is unlike the model's training programs, with the reasons; empty if it is not."""
    if not simulation.outside:
        return ""
    reasons = "; ".join(simulation.outside)
    return f"the model {simulation.model} was trained on programs unlike this one ({reasons}); the states may be wrong"


def comparison_text(comparison: Comparison) -> str:
    """The number of state bytes that are right, and the first wrong one."""
    score = comparison.score
    if not comparison.differences:
        return f"all {score.bytes_total} state bytes are right"
    first = comparison.differences[0]
    found = "missing" if first.found is None else first.found
    right = "is not part of the right trace" if first.right is None else f"should be {first.right}"
    return (
        f"{score.bytes_right} of {score.bytes_total} state bytes are right ({score.byte_accuracy:.2%}); "
        f"the first wrong one is {first.cell} of step {first.step} (byte {first.offset}): {found}, {right}"
    )


def plain_values(simulation: Simulation) -> dict[str, Any]:
    """The simulation for JSON, without the memory."""
    return {
        "source": simulation.source,
        "kind": simulation.kind,
        "engine": simulation.engine,
        "model": simulation.model,
        "nll_nats": simulation.nll_nats,
        "outside": simulation.outside,
        "seed": simulation.seed,
        "steps": len(simulation.trace.states) - 1,
        "stop": simulation.stop,
        "states": [_plain_state(step, state) for step, state in enumerate(simulation.trace.states)],
        "comparison": simulation.comparison and _plain_comparison(simulation.comparison),
    }


def _plain_comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "bytes_right": comparison.score.bytes_right,
        "bytes_total": comparison.score.bytes_total,
        "byte_accuracy": comparison.score.byte_accuracy,
        "exact": not comparison.differences,
        "differences": comparison.differences,
    }


def _plain_state(step: int, state: State) -> dict[str, Any]:
    return {
        "step": step,
        "pc": state.pc,
        "acc": state.acc,
        "ir": state.ir,
        "instruction": instruction_text(state.ir) if step else None,
        "registers": dict(zip(REGISTER_NAMES, state.registers, strict=True)),
    }


def _cells(step: int, right: Sequence[bytes], shown: Sequence[bytes]) -> tuple[Cell, ...]:
    cells = []
    for index in range(STATE_SIZE):
        value, right_value = _byte(shown, step, index), _byte(right, step, index)
        changed = step > 0 and index in _CHANGEABLE and right_value != _byte(right, step - 1, index)
        cells.append(Cell(value, right=None if value == right_value else right_value, changed=changed))
    return tuple(cells)


def _byte(rows: Sequence[bytes], step: int, index: int) -> str:
    return str(rows[step][index]) if step < len(rows) and index < len(rows[step]) else ABSENT


def _instruction(step: int, right: Sequence[bytes], shown: Sequence[bytes]) -> str:
    """The instruction of the right trace, or of the shown one after the right trace has ended."""
    row = right[step] if step < len(right) else shown[step]
    return instruction_text(row[2:6]) if step and len(row) == STATE_SIZE else ""
