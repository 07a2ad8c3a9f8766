"""Random programs by the thousand, drawn and run at once in NumPy: millions of states a second. No torch.

The programs are those of docs/cpu.md, and the states those of `machine.run`: both read the table in `isa`.
Axes: N programs, T instructions of the longest one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.isa import ACC, BY_NAME, IMMEDIATE, NUM_REGISTERS, OPERATIONS, A, B, C
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.errors import ConfigError
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, STATE_SIZE

Bytes = NDArray[np.uint8]

NUM_OPCODES = len(OPERATIONS)
FAVOUR = 4.0
"""How often a favoured operation comes for each time that another one does."""
_NOWHERE = 5
"""A place beside those of `isa`, for what a form does not read or write."""
_IMMEDIATE_CELL = 1 + NUM_REGISTERS
_UNUSED_CELL = _IMMEDIATE_CELL + 1
_CELLS = _UNUSED_CELL + 1
"""ACC, A .. J, the immediate byte, and a cell that nothing asks for."""
_LOADI = BY_NAME["LOADI"].code


@dataclass(frozen=True, slots=True)
class Programs:
    """Programs of several lengths, padded with zeros, which are HLT."""

    instructions: Bytes
    """(N, T, 4): op, a, b, c."""
    lengths: NDArray[np.int64]
    """(N,) instructions of each, its HLT included."""
    cells: Bytes
    """(N, 11) ACC and A .. J of the first states."""

    def __len__(self) -> int:
        return len(self.lengths)

    def memory(self, index: int) -> bytes:
        """The program of one of them, without the zeros that memory holds behind it."""
        return self.instructions[index, : self.lengths[index]].tobytes()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which programs are drawn. The defaults are those of docs/cpu.md, which a model is judged on."""

    shortest: int = 1
    """Fewest instructions, HLT included."""
    longest: int = MAX_INSTRUCTIONS
    """Most instructions; every length between the two is as likely."""
    favoured: str = ""
    """Names of operations, `MUL DIV`, that come `FAVOUR` times as often as the others."""
    small_share: float = 0.0
    """Share of the programs whose first values, and those of LOADI, are as often below 2, 4, 8, 16 ... 256, so that
    products and quotients are neither 255 nor 0."""

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest <= MAX_INSTRUCTIONS:
            raise ConfigError(f"programs of {self.shortest} to {self.longest} instructions; choose 1 to 255.")
        unknown = sorted(set(self.favoured.split()) - set(BY_NAME))
        if unknown:
            raise ConfigError(f"no operations of the CPU: {', '.join(unknown)}.")
        if not 0 <= self.small_share <= 1:
            raise ConfigError(f"the share of programs with small values is {self.small_share}; choose 0 to 1.")

    def of_lengths(self, shortest: int, longest: int) -> Plan:
        """The same for programs of these lengths."""
        return replace(self, shortest=shortest, longest=longest)

    @property
    def opcode_shares(self) -> NDArray[np.float64]:
        """(20,) how often each of the opcodes 1 .. 20 comes."""
        names = self.favoured.split()
        weights = np.array([FAVOUR if each.name in names else 1.0 for each in OPERATIONS[1:]])
        return weights / weights.sum()


def random_programs(rng: np.random.Generator, count: int, plan: Plan = Plan()) -> Programs:
    """`count` programs and their first states, drawn as `plan` says."""
    lengths = rng.integers(plan.shortest, plan.longest + 1, count)
    longest = int(lengths.max(initial=1))
    shape = (count, longest)
    opcodes = rng.choice(np.arange(1, NUM_OPCODES, dtype=np.uint8), shape, p=plan.opcode_shares)
    opcodes[np.arange(longest) >= lengths[:, None] - 1] = 0
    num_forms, num_operands = _forms()
    form = (rng.random(shape, np.float32) * num_forms[opcodes]).astype(np.uint8)
    given = num_operands[opcodes, form]
    operands = rng.integers(1, NUM_REGISTERS + 1, (*shape, 3), np.uint8)
    operands[np.arange(3) >= given[..., None]] = 0
    small = rng.random(count) < plan.small_share
    immediates = _values(rng, shape, small)
    loads = opcodes == _LOADI
    operands[loads, 0] = immediates[loads]
    instructions = np.concatenate([opcodes[..., None], operands], -1)
    return Programs(instructions, lengths, _values(rng, (count, 1 + NUM_REGISTERS), small))


def _values(rng: np.random.Generator, shape: tuple[int, int], small: NDArray[np.bool_]) -> Bytes:
    """Bytes (N, n), uniform; for the programs marked `small` (N,) below a power of two, each as likely."""
    values = rng.integers(0, 256, shape, np.uint8)
    if small.any():
        values[small] >>= rng.integers(0, 8, (int(small.sum()), shape[1]), np.uint8)
    return values


def run_programs(programs: Programs) -> Bytes:
    """(N, T + 1, 16): every state of each program, the first one included; rows after its last state are undefined.

    A program of n instructions has n + 1 states.
    """
    order = np.argsort(-programs.lengths, kind="stable")
    lengths = programs.lengths[order]
    instructions = programs.instructions[order]
    count, longest = instructions.shape[:2]
    states = np.zeros((count, longest + 1, STATE_SIZE), np.uint8)
    states[:, 1:, 0] = np.arange(1, longest + 1)
    states[:, 1:, 2 : 2 + INSTRUCTION_SIZE] = instructions
    cells = np.zeros((count, _CELLS), np.uint8)
    cells[:, : 1 + NUM_REGISTERS] = programs.cells[order]
    states[:, 0, 1], states[:, 0, 6:] = cells[:, 0], cells[:, 1 : 1 + NUM_REGISTERS]
    used, opcodes = _cells_used(instructions), instructions[..., 0].astype(np.int64) << 16
    first_results, second_results = _results()
    for step in range(longest):
        active = int(np.searchsorted(-lengths, -step, side="left"))  # the longest stand first
        rows = np.arange(active) * _CELLS
        flat = cells.reshape(-1)
        states[:active, step + 1, 1] = cells[:active, 0]
        states[:active, step + 1, 6:] = cells[:active, 1 : 1 + NUM_REGISTERS]
        cells[:active, _IMMEDIATE_CELL] = instructions[:active, step, 1]
        read_x, read_y, write_x, write_y = (rows + each[step, :active] for each in used)
        asked = opcodes[:active, step] + (flat[read_x].astype(np.int64) << 8) + flat[read_y]
        flat[write_y], flat[write_x] = second_results[asked], first_results[asked]
    unsorted = np.empty_like(states)
    unsorted[order] = states
    return unsorted


def _cells_used(instructions: Bytes) -> list[NDArray[np.int64]]:
    """Four times (T, N): the cells that each instruction reads twice and writes twice."""
    operands = instructions[..., 1:]
    given = np.where(operands[..., 0] == 0, 0, np.where(operands[..., 1] == 0, 1, 2 + (operands[..., 2] != 0)))
    places = _places()[instructions[..., 0], given]
    cell_of = np.zeros((*instructions.shape[:2], 6), np.uint8)
    cell_of[..., [A, B, C]] = operands
    cell_of[..., IMMEDIATE], cell_of[..., _NOWHERE] = _IMMEDIATE_CELL, _UNUSED_CELL
    assert ACC == 3, "cell 0, as cell_of has it"
    chosen = np.take_along_axis(cell_of, places.astype(np.int64), -1)
    return [np.ascontiguousarray(chosen[..., each].T, np.int64) for each in range(4)]


@cache
def _forms() -> tuple[Bytes, Bytes]:
    """(21,) how many forms an opcode has, and (21, 3) the operands of each."""
    counts = [[len(form.operands) for form in operation.forms] for operation in OPERATIONS]
    padded = [(each + each[:1] * 3)[:3] for each in counts]
    return np.array([len(each) for each in counts], np.uint8), np.array(padded, np.uint8)


@cache
def _places() -> Bytes:
    """(21, 4, 4): by opcode and how many operands are given, the places of two reads and of two writes."""
    places = np.full((NUM_OPCODES, 4, 4), _NOWHERE, np.uint8)
    for operation in OPERATIONS:
        for given in range(4):
            form = operation.form_for((*(1,) * given, *(0,) * (3 - given)))
            for first, used in ((0, form.reads), (2, form.writes)):
                places[operation.code, given, first : first + len(used)] = used
    return places


@cache
def _results() -> tuple[Bytes, Bytes]:
    """(21 * 65536,) twice: the first and the second result of an opcode for two values."""
    tables = np.zeros((2, NUM_OPCODES, 256, 256), np.uint8)
    for operation in OPERATIONS:
        num_values = max(len(form.reads) for form in operation.forms)
        for x in range(256 if num_values else 0):
            if num_values == 1:
                tables[0, operation.code, x] = operation.compute(x)[0]
                continue
            for y in range(256):
                for table, result in zip(tables, operation.compute(x, y), strict=False):
                    table[operation.code, x, y] = result
    return tables[0].ravel(), tables[1].ravel()
