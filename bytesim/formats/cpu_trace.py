"""The files of the CPU: memory, memory with a first state, and traces. No torch.

Layout, in bytes:

    0 .. 1023     memory, 256 instructions of 4 bytes (op, a, b, c)
    1024 .. 1039  first state, where there is one
    1040 ..       one state of 16 bytes for each step: PC, ACC, IR[4], registers A .. J

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
"""Register operand r in 1..10 means REGISTER_NAMES[r - 1]."""
CELL_NAMES = ("PC", "ACC", "IR[0]", "IR[1]", "IR[2]", "IR[3]", *REGISTER_NAMES)
"""What each of the 16 bytes of a state is called."""

BLANK_IR = (0, 0, 0, 0)
ZERO_REGISTERS = (0,) * len(REGISTER_NAMES)


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """What the CPU holds at one moment. Every field is a byte, 0..255; the defaults are a first state of zeros."""

    pc: int = 0
    """Address of the instruction to be fetched next, 0..255."""
    acc: int = 0
    ir: tuple[int, ...] = BLANK_IR
    """The four bytes of the instruction that was fetched last and has not acted yet."""
    registers: tuple[int, ...] = ZERO_REGISTERS
    """A .. J in order, ten of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """Memory and the states that follow it in one file."""

    memory: bytes
    """1024 bytes."""
    states: tuple[State, ...] = ()
    """None: a file of memory alone. One: memory and its first state. More: a trace."""
    rest: bytes = b""
    """What follows the last whole state, 0..15 bytes: a trace that was cut short, or a model's slip."""


def parse(data: bytes) -> Trace:
    """Read a file of memory, of memory and first state, or a whole trace.

    Raises FormatError at the offset where the file stops being one: it ends inside the memory or the
    first state, or its first state does not stand at the start of the program.
    Later states may hold anything, since a trace may come from a model.
    """
    if len(data) < MEMORY_SIZE:
        raise FormatError(
            f"the file ends after {len(data)} bytes, and memory alone takes {MEMORY_SIZE}. {_SIZES}", offset=len(data)
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
    """What a model reads of 1024 bytes of memory: up to its last instruction that is not HLT, and the HLT behind it."""
    used = -(-len(memory.rstrip(b"\0")) // INSTRUCTION_SIZE) * INSTRUCTION_SIZE
    return memory[: used + INSTRUCTION_SIZE]


def parse_state(data: bytes) -> State:
    """Exactly 16 bytes -> State; every value is allowed."""
    assert len(data) == STATE_SIZE
    return State(pc=data[0], acc=data[1], ir=tuple(data[2:6]), registers=tuple(data[6:]))


def serialize_state(state: State) -> bytes:
    """State -> 16 bytes."""
    data = bytes((state.pc, state.acc, *state.ir, *state.registers))
    assert len(data) == STATE_SIZE
    return data


def serialize_states(states: tuple[State, ...]) -> bytes:
    """16 bytes for each state, in order."""
    return b"".join(map(serialize_state, states))


_SIZES = f"Expected {MEMORY_SIZE} bytes, {MEMORY_SIZE + STATE_SIZE} with a first state, or more for a trace."


def _check_first(state: State) -> None:
    """A run starts at PC 0 with nothing fetched; started elsewhere, the pending instruction would be guesswork."""
    cells = serialize_state(state)
    for index in (0, 2, 3, 4, 5):
        if cells[index]:
            raise FormatError(
                f"{CELL_NAMES[index]} of the first state is {cells[index]}, and a run starts with 0 there. "
                "Is this a file of memory and states?",
                offset=MEMORY_SIZE + index,
            )


def split_states(trace: Trace) -> list[bytes]:
    """16 bytes for each state, and what follows the last whole one."""
    data = serialize_states(trace.states) + trace.rest
    return [data[at : at + STATE_SIZE] for at in range(0, len(data), STATE_SIZE)]
