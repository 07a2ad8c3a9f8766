"""CPU files: memory, memory with a first state, and traces. No torch.

Layout, in bytes:

    0 .. 1023     memory, 256 instructions of 4 bytes (op, a, b, c)
    1024 .. 1039  first state, if the file has one
    1040 ..       the state after each step, 16 bytes: PC, ACC, IR[4], registers A .. J

Source: docs/cpu.md, after the CPU states task of bGPT, arXiv:2402.19155.
"""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.errors import FormatError

INSTRUCTION_SIZE = 4
MEMORY_SIZE = 1024
STATE_SIZE = 16
TRACE_SUFFIX = "bin"
NUM_ADDRESSES = MEMORY_SIZE // INSTRUCTION_SIZE

REGISTER_NAMES = "ABCDEFGHIJ"
"""The register operand r, 1..10, names REGISTER_NAMES[r - 1]."""
CELL_NAMES = ("PC", "ACC", "IR[0]", "IR[1]", "IR[2]", "IR[3]", *REGISTER_NAMES)
"""The names of the 16 bytes of a state."""
FETCHED = [0, 2, 3, 4, 5]
"""Offsets of the bytes of a state that a fetch writes: PC and IR."""

BLANK_IR = (0, 0, 0, 0)
ZERO_REGISTERS = (0,) * len(REGISTER_NAMES)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """The contents of the CPU at one moment. Every value is a byte, 0..255; the defaults are a first state of zeros."""

    pc: int = 0
    """Address of the next instruction, 0..255."""
    acc: int = 0
    ir: tuple[int, ...] = BLANK_IR
    """The four bytes of the instruction that was fetched last; it has not been executed yet."""
    registers: tuple[int, ...] = ZERO_REGISTERS
    """A .. J in order, ten of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """The memory and the states of one file."""

    memory: bytes
    """1024 bytes."""
    states: tuple[State, ...] = ()
    """Empty for a file of memory alone; one state for memory with a first state; more for a trace."""
    rest: bytes = b""
    """The 0..15 bytes after the last whole state, if a trace was cut short or a model made a mistake."""


def parse(data: bytes) -> Trace:
    """Read a file of memory, of memory and first state, or a whole trace.

    Raises FormatError, with the offset, if the file ends inside the memory or the first state, or if
    the first state is not at the start of the program. Later states may hold any values, because a model
    may have written them.
    """
    if len(data) < MEMORY_SIZE:
        raise FormatError(
            f"the file ends after {len(data)} bytes, but memory alone takes {MEMORY_SIZE}. {_SIZES}", offset=len(data)
        )
    if MEMORY_SIZE < len(data) < MEMORY_SIZE + STATE_SIZE:
        raise FormatError(
            f"only {len(data) - MEMORY_SIZE} of the {STATE_SIZE} bytes of the first state are there. {_SIZES}",
            offset=len(data),
        )
    num_states = (len(data) - MEMORY_SIZE) // STATE_SIZE
    end = MEMORY_SIZE + num_states * STATE_SIZE
    states = tuple(parse_state(data[at : at + STATE_SIZE]) for at in range(MEMORY_SIZE, end, STATE_SIZE))
    if states:
        _check_first(states[0])
    return Trace(memory=data[:MEMORY_SIZE], states=states, rest=data[end:])


def serialize(trace: Trace) -> bytes:
    """The file that `parse` reads back as the same Trace."""
    return trace.memory + serialize_states(trace.states) + trace.rest


def program_of(memory: bytes) -> bytes:
    """The part of 1024 bytes of memory that a model reads: up to the HLT after the last other instruction."""
    used = -(-len(memory.rstrip(b"\0")) // INSTRUCTION_SIZE) * INSTRUCTION_SIZE
    return memory[: used + INSTRUCTION_SIZE]


def parse_state(data: bytes) -> State:
    """Read 16 bytes as a State; every value is allowed."""
    assert len(data) == STATE_SIZE
    return State(pc=data[0], acc=data[1], ir=tuple(data[2:6]), registers=tuple(data[6:]))


def serialize_state(state: State) -> bytes:
    """The 16 bytes of a state."""
    data = bytes((state.pc, state.acc, *state.ir, *state.registers))
    assert len(data) == STATE_SIZE
    return data


def serialize_states(states: tuple[State, ...]) -> bytes:
    """16 bytes for each state, in order."""
    return b"".join(map(serialize_state, states))


_SIZES = f"Expected {MEMORY_SIZE} bytes, {MEMORY_SIZE + STATE_SIZE} with a first state, or more for a trace."


def _check_first(state: State) -> None:
    """Raise FormatError unless PC and IR are 0: a run starts at PC 0 with nothing fetched."""
    cells = serialize_state(state)
    for index in (0, 2, 3, 4, 5):
        if cells[index]:
            raise FormatError(
                f"{CELL_NAMES[index]} of the first state is {cells[index]}, but a run starts with 0 there. "
                "Is this a file of memory and states?",
                offset=MEMORY_SIZE + index,
            )


def split_states(trace: Trace) -> list[bytes]:
    """The states of a trace, 16 bytes each, then the bytes after the last whole state, if there are any."""
    data = serialize_states(trace.states) + trace.rest
    return [data[at : at + STATE_SIZE] for at in range(0, len(data), STATE_SIZE)]
