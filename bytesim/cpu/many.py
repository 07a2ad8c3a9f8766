"""Draw and run thousands of random programs at once in NumPy, at millions of states a second. No torch.

The programs are drawn as docs/cpu.md says. The states equal those of `machine.run`; both use the table in `isa`.
Axes: N programs, T instructions of the longest one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.drills import drill_instructions, drill_values
from bytesim.cpu.isa import ACC, BY_NAME, IMMEDIATE, NUM_REGISTERS, OPERATIONS, A, B, C
from bytesim.cpu.plan import NUM_OPCODES, PLAIN, Plan
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, STATE_SIZE

Bytes = NDArray[np.uint8]

MOST_BEYOND = 32
"""Most instructions after the HLT of a random program."""
BLOCK = 1024
"""Programs run at once; more would not fit the cache of a CPU."""
_NOWHERE = 5
"""A location beside those of `isa`, for reads and writes that a form does not have."""
_PC, _ACC, _IR, _FIRST_REGISTER = 0, 1, 2, 2 + INSTRUCTION_SIZE
"""Offsets in a state."""
_LOADI = BY_NAME["LOADI"].code


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs of several lengths, padded with zeros, which are HLT."""

    instructions: Bytes
    """(N, T, 4): op, a, b, c."""
    lengths: NDArray[np.int64]
    """(N,) instructions of each program, its HLT included."""
    ends: NDArray[np.int64]
    """(N,) the same, with the instructions after the HLT included."""
    cells: Bytes
    """(N, 11): ACC and A .. J of the first states."""

    def __len__(self) -> int:
        return len(self.lengths)

    def memory(self, index: int) -> bytes:
        """The memory of one program, without the zeros after it."""
        return self.instructions[index, : self.ends[index]].tobytes()

    def first(self, count: int) -> Programs:
        """The first `count` programs."""
        return Programs(self.instructions[:count], self.lengths[:count], self.ends[:count], self.cells[:count])


SPLITS = ("train", "dev", "test")


def split_programs(split: str, count: int, plan: Plan = PLAIN, *, seed: int = 0) -> Iterator[Programs]:
    """The first `count` programs of a split, `BLOCK` at a time; every split and seed has its own random numbers."""
    for block, start in enumerate(range(0, count, BLOCK)):
        drawn = random_programs(np.random.default_rng([seed, SPLITS.index(split), block]), BLOCK, plan)
        yield drawn.first(count - start)


def random_programs(rng: np.random.Generator, count: int, plan: Plan = PLAIN) -> Programs:
    """`count` programs and their first states, drawn as `plan` says."""
    lengths = rng.integers(plan.shortest, plan.longest + 1, count)
    beyond = rng.random(count) < plan.beyond_share
    ends = np.minimum(lengths + beyond * rng.integers(1, MOST_BEYOND + 1, count), MAX_INSTRUCTIONS)
    shape = (count, int(ends.max(initial=1)))
    opcodes = rng.integers(1, NUM_OPCODES, shape, np.uint8)
    if plan.favoured:
        opcodes = rng.choice(np.arange(1, NUM_OPCODES, dtype=np.uint8), shape, p=plan.opcode_shares)
    opcodes[np.arange(shape[1]) >= ends[:, None]] = 0
    opcodes[np.arange(count), lengths - 1] = 0
    num_forms, num_operands = _forms()
    form = (rng.random(shape, np.float32) * num_forms.take(opcodes)).astype(np.uint8)
    given = num_operands.take(opcodes * np.uint8(num_operands.shape[1]) + form)
    instructions = np.empty((*shape, INSTRUCTION_SIZE), np.uint8)
    instructions[..., 0] = opcodes
    instructions[..., 1:] = rng.integers(1, NUM_REGISTERS + 1, (*shape, 3), np.uint8)
    for operand in range(3):
        instructions[..., 1 + operand] *= given > operand
    small = rng.random(count) < plan.small_share
    rows, places = np.nonzero(opcodes == _LOADI)
    instructions[rows, places, 1] = _values(rng, small[rows])
    cells = _values(rng, np.repeat(small, 1 + NUM_REGISTERS)).reshape(count, -1)
    if plan.drill_share:
        drills = np.flatnonzero(rng.random(count) < plan.drill_share)
        cells[drills] = drill_values(rng, len(drills))
        practice = drill_instructions(rng, cells[drills], shape[1])
        instructions[drills] = practice * (opcodes[drills] > 0)[..., None]  # the HLT stays, and what follows it
    return Programs(instructions, lengths, ends, cells)


def _values(rng: np.random.Generator, small: NDArray[np.bool_]) -> Bytes:
    """Bytes (n,), uniform; where `small` (n,) is True, uniform below a random power of two."""
    values = rng.integers(0, 256, len(small), np.uint8)
    if small.any():
        values[small] >>= rng.integers(0, 8, int(small.sum()), np.uint8)
    return values


def run_programs(programs: Programs) -> Bytes:
    """(N, T + 1, 16): every state of each program, the first included; rows after its last state are undefined.

    A program of n instructions has n + 1 states.
    """
    order = np.argsort(-programs.lengths, kind="stable")
    states = np.empty((len(programs), int(programs.lengths.max(initial=0)) + 1, STATE_SIZE), np.uint8)
    for start in range(0, len(order), BLOCK):
        rows = order[start : start + BLOCK]
        block = _run_block(programs.instructions[rows], programs.lengths[rows], programs.cells[rows])
        states[rows, : len(block)] = block.swapaxes(0, 1)
    return states


def operands_read(programs: Programs, states: Bytes) -> Bytes:
    """(2, N, T): the one or two values that each instruction reads, by the states (N, T + 1, 16); 0 for none."""
    slots = slots_used(programs)[:2]
    read = np.take_along_axis(states[None, :, 1:], slots[..., None], axis=-1)[..., 0]
    return np.where(slots == _PC, np.uint8(0), read)


def slots_used(programs: Programs) -> NDArray[np.int32]:
    """(4, N, T): the places in a state that each instruction reads (two) and writes (two); that of PC for none."""
    slots = _slots_used(np.ascontiguousarray(programs.instructions.swapaxes(0, 1))).swapaxes(1, 2)
    return slots - np.arange(len(programs), dtype=np.int32)[:, None] * STATE_SIZE


def with_states(programs: Programs) -> Iterator[tuple[bytes, bytes]]:
    """Yield (memory without the zeros after the program, all states) of each program."""
    states = run_programs(programs)
    for index, length in enumerate(programs.lengths):
        yield programs.memory(index), states[index, : length + 1].tobytes()


def _run_block(instructions: Bytes, lengths: NDArray[np.int64], cells: Bytes) -> Bytes:
    """(T + 1, N, 16): the states of programs that are sorted by length, the longest first."""
    count, longest = len(lengths), int(lengths.max(initial=0))
    instructions = np.ascontiguousarray(instructions[:, :longest].swapaxes(0, 1))
    states = np.zeros((longest + 1, count, STATE_SIZE), np.uint8)
    now = np.zeros((count, STATE_SIZE), np.uint8)
    now[:, _ACC], now[:, _FIRST_REGISTER:] = cells[:, 0], cells[:, 1:]
    states[0] = now
    flat, results, used = now.reshape(-1), _results(), _slots_used(instructions)
    opcodes = instructions[..., 0].astype(np.int32) << 16
    active = np.searchsorted(-lengths, -np.arange(longest), side="left")
    for step in range(longest):
        some = int(active[step])
        now[:some, _IR:_FIRST_REGISTER] = instructions[step, :some]
        states[step + 1, :some] = now[:some]
        read_x, read_y, write_x, write_y = used[:, step, :some]
        x, y = flat.take(read_x), flat.take(read_y)
        asked = opcodes[step, :some] | x.astype(np.int32) << 8 | y
        flat[write_y] = y  # only SWAP has a second result, which is y; other operations write it to the unused location
        flat[write_x] = results.take(asked)
    states[1:, :, _PC] = np.arange(1, longest + 1)[:, None]  # PC, which until here was the unused location
    return states


def _slots_used(instructions: Bytes) -> NDArray[np.int32]:
    """(4, T, N): the offsets in flat rows of 16 bytes that each instruction (T, N, 4) reads (two) and writes (two)."""
    first, second, third = (instructions[..., operand] != 0 for operand in (1, 2, 3))
    given = first.astype(np.intp) + (first & second) + (first & second & third)
    locations = _locations().reshape(-1, 4).T.take(instructions[..., 0] * np.intp(4) + given, axis=1)
    slots = np.array([_FIRST_REGISTER - 1] * 3 + [0] * 3, np.uint8)
    slots[[ACC, IMMEDIATE, _NOWHERE]] = _ACC, _IR + 1, _PC
    used = slots.take(locations).astype(np.int32)
    for number, location in enumerate((A, B, C)):
        used += (locations == location) * instructions[..., 1 + number]
    used += np.arange(instructions.shape[1], dtype=np.int32) * STATE_SIZE
    return used


@cache
def _forms() -> tuple[Bytes, Bytes]:
    """(21,): the number of forms of each opcode; (21, 3): the number of operands of each form."""
    counts = [[len(form.operands) for form in operation.forms] for operation in OPERATIONS]
    padded = [(lengths + lengths[:1] * 3)[:3] for lengths in counts]
    return np.array([len(lengths) for lengths in counts], np.uint8), np.array(padded, np.uint8)


@cache
def _locations() -> Bytes:
    """(21, 4, 4): by opcode and number of operands given, the locations of two reads and two writes."""
    locations = np.full((NUM_OPCODES, 4, 4), _NOWHERE, np.uint8)
    for operation in OPERATIONS:
        for given in range(4):
            form = operation.form_for((*(1,) * given, *(0,) * (3 - given)))
            for first, used in ((0, form.reads), (2, form.writes)):
                locations[operation.code, given, first : first + len(used)] = used
    return locations


def results_of(opcode: int) -> Bytes:
    """(65536,): the first result of an operation for all inputs x and y, at 256 x + y."""
    return _results()[opcode << 16 : (opcode + 1) << 16]


@cache
def _results() -> Bytes:
    """(21 * 65536,): the first result of each opcode for inputs x and y; a second result must be y."""
    table = np.zeros((NUM_OPCODES, 256, 256), np.uint8)
    for operation in OPERATIONS:
        num_values = max(len(form.reads) for form in operation.forms)
        for x in range(256 if num_values else 0):
            if num_values == 1:
                table[operation.code, x] = operation.compute(x)[0]
                continue
            for y in range(256):
                table[operation.code, x, y], *more = operation.compute(x, y)
                assert not more or more == [y], operation.name
    return table.ravel()
