"""The exact machine: one fetch, one recorded state and one effect per step.

Source: docs/cpu.md. A state is recorded after the fetch and before the instruction
is executed, so the effect of an instruction shows in the next state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bytesim.cpu.isa import ACC, HALT, IMMEDIATE, NUM_REGISTERS, OPERATIONS
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, MEMORY_SIZE, NUM_ADDRESSES, State

DEFAULT_STEPS = 256
"""Enough to execute every instruction in memory once."""


class StopReason(str, Enum):
    """Why a run ended."""

    HALTED = "halted"
    STEP_LIMIT = "step limit"
    BAD_OPCODE = "bad opcode"
    BAD_REGISTER = "bad register"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Where and why a run ended."""

    reason: StopReason
    address: int
    """Address (0..255) of the last instruction fetched; at the step limit, of the next one."""
    value: int | None = None
    """The opcode or register operand that was refused."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The states of a run, and why it ended; n steps give n + 1 states, the first one included."""

    states: tuple[State, ...]
    stop: Stop


def run(memory: bytes, first: State, *, steps: int = DEFAULT_STEPS) -> Run:
    """Run `memory` (1024 bytes) from the state `first` until it stops, for at most `steps` steps."""
    assert len(memory) == MEMORY_SIZE
    states = [first]
    # Cell 0 is ACC and cells 1..10 are A..J, so that a register operand is its own index.
    cells = [first.acc, *first.registers]
    pc = first.pc
    for _ in range(steps):
        address = pc
        ir = tuple(memory[INSTRUCTION_SIZE * address : INSTRUCTION_SIZE * (address + 1)])
        pc = min(address + 1, NUM_ADDRESSES - 1)
        states.append(State(pc=pc, acc=cells[0], ir=ir, registers=tuple(cells[1:])))
        stop = _execute(ir, cells, address)
        if stop:
            return Run(states=tuple(states), stop=stop)
    return Run(states=tuple(states), stop=Stop(reason=StopReason.STEP_LIMIT, address=pc))


def _execute(ir: tuple[int, ...], cells: list[int], address: int) -> Stop | None:
    """Execute one instruction on `cells`. Returns a Stop if it ends the run instead."""
    opcode, *operands = ir
    if opcode == HALT:
        return Stop(reason=StopReason.HALTED, address=address)
    if opcode >= len(OPERATIONS):
        return Stop(reason=StopReason.BAD_OPCODE, address=address, value=opcode)
    operation = OPERATIONS[opcode]
    form = operation.form_for(tuple(operands))
    for kind, operand in zip(form.operands, operands, strict=False):
        if kind == "r" and not 1 <= operand <= NUM_REGISTERS:
            return Stop(reason=StopReason.BAD_REGISTER, address=address, value=operand)
    # Every value is read before one is written, so that SWAP needs no third cell.
    results = operation.compute(*[_read(location, operands, cells) for location in form.reads])
    for location, result in zip(form.writes, results, strict=True):
        cells[_cell(location, operands)] = result
    return None


def _read(location: int, operands: list[int], cells: list[int]) -> int:
    return operands[0] if location == IMMEDIATE else cells[_cell(location, operands)]


def _cell(location: int, operands: list[int]) -> int:
    return 0 if location == ACC else operands[location]
