"""States alone, without a program, and the first result of the instruction that each executes next. No torch.

A model that has learned to read the operands in a state and to calculate the result can be trained on these alone,
many times faster than on programs.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.drills import SHARES
from bytesim.cpu.isa import BY_NAME, NUM_REGISTERS
from bytesim.cpu.many import Bytes, random_programs, results_of, run_programs, slots_used
from bytesim.cpu.plan import Plan
from bytesim.formats.cpu_trace import CELL_NAMES

_PC, _FIRST_REGISTER = CELL_NAMES.index("PC"), CELL_NAMES.index("A")
"""Offsets in a state."""
PRACTISED_SHARE = 0.75
"""Share of the states whose instruction has two operands, drawn by their result."""
RARE_RESULTS = 0.5
"""Exponent of the balance of results: 0 draws all pairs of operands equally often, 1 all results."""


def states_alone(rng: np.random.Generator, count: int) -> tuple[Bytes, Bytes]:
    """Random states (N, 16), and the first result (N,) of the instruction in IR.

    Most instructions have two operands, whose rare results are drawn as often as `RARE_RESULTS` says: 97 % of the
    products of two bytes are 255.
    """
    programs = random_programs(rng, count, Plan(shortest=2, longest=2))
    rows = np.flatnonzero(rng.random(count) < PRACTISED_SHARE)
    opcodes = np.array([BY_NAME[name].code for name in SHARES], np.uint8)
    chosen = rng.choice(len(opcodes), len(rows), p=np.array(list(SHARES.values())))
    registers = rng.integers(1, NUM_REGISTERS + 1, (len(rows), 3), np.uint8)
    given = rng.integers(1, 4, (len(rows), 1))
    programs.instructions[rows, 0, 0] = opcodes[chosen]
    programs.instructions[rows, 0, 1:] = registers * (np.arange(3) < given)
    pairs = np.searchsorted(_ends(), chosen + rng.random(len(rows))) - (chosen << 16)
    pairs = pairs.clip(0, (1 << 16) - 1)
    slots = slots_used(programs)[:, :, 0]
    for slot, values in zip(slots[:2, rows], (pairs >> 8, pairs & 255), strict=True):
        programs.cells[rows, _cell(slot)] = values
    states = run_programs(programs)
    before, results = states[:, 1].copy(), states[np.arange(count), 2, slots[2]]
    before[:, _PC] = rng.integers(1, 256, count)
    return before, results


def _cell(slots: NDArray[np.int32]) -> NDArray[np.int32]:
    """Places in a state -> places among ACC and the registers."""
    return np.where(slots < _FIRST_REGISTER, 0, slots - _FIRST_REGISTER + 1)


@cache
def _ends() -> NDArray[np.float64]:
    """(7 * 65536,): for every operation of SHARES the cumulative weights of all pairs, from its number to the next."""
    ends = []
    for number, name in enumerate(SHARES):
        results = results_of(BY_NAME[name].code)
        weights = np.bincount(results, minlength=256)[results] ** -RARE_RESULTS
        ends.append(number + np.cumsum(weights) / weights.sum())
    return np.concatenate(ends)
