"""Programs that practise operations with two operands, on operands whose results tell much. No torch.

Of random operands, 97 % of the products are 255 and 75 % of the quotients are 0 or 1, so random programs hardly show
the tables of MUL and DIV. In a drill, most registers keep their values, half of which are small, and every program
repeats one form: it loads ACC and combines it with a register; or combines two registers into a third one; or moves a
register into another one, or into ACC, and changes it. What is loaded is drawn so that the results are spread out:
products up to 255 and quotients equally often, and dividends often next to a multiple of the divisor, where the
quotient changes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.isa import BY_NAME, BYTE_MAX, NUM_REGISTERS

Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

SHARES = {"DIV": 0.36, "MUL": 0.2, "SUB": 0.12, "ADD": 0.08, "AND": 0.08, "OR": 0.08, "XOR": 0.08}
"""Operation -> its share of those that are practised."""
STYLES = {
    "LOADI n, op r": 0.32,
    "op r s t": 0.16,
    "MOV t r, op t s": 0.16,
    "PUSH r, op s": 0.14,
    "MOV t r, SWAP t s, SWAP t s": 0.13,
    "PUSH r, SWAP s, SWAP s": 0.09,
}
"""What a program repeats, t being the register that is written -> share of the programs."""
REGISTERS_SHARE = 0.25
"""Share of the loads that are replaced by an operation of two registers."""
NEAR_SHARE = 0.5
"""Share of the dividends that are next to a multiple of the divisor."""


def drill_values(rng: np.random.Generator, count: int) -> Bytes:
    """(count, 11): ACC and A .. J of the first states; half of the values are below a random power of two."""
    values = rng.integers(0, 256, (count, 1 + NUM_REGISTERS), np.uint8)
    small = rng.random(values.shape) < 0.5
    return np.where(small, values >> rng.integers(1, 8, values.shape, np.uint8), values)


def drill_instructions(rng: np.random.Generator, cells: Bytes, length: int) -> Bytes:
    """(N, length, 4): instructions that practise on programs with the first states `cells` (N, 11).

    One register is written, which only the forms that change it read. A program keeps to one of the STYLES.
    """
    shape = (len(cells), length)
    codes = np.array([BY_NAME[name].code for name in SHARES], np.uint8)
    opcodes = rng.choice(codes, shape, p=np.array(list(SHARES.values())))
    written = rng.integers(1, NUM_REGISTERS + 1, (len(cells), 1), np.uint8)
    registers = rng.integers(1, NUM_REGISTERS, (*shape, 2), np.uint8)
    registers += registers >= written[..., None]  # any register but the one that is written
    style = rng.choice(len(STYLES), (len(cells), 1), p=np.array(list(STYLES.values())))
    loaded, of_registers, moved, pushed = (style == number for number in range(4))
    swap_moved, swap_pushed = style == 4, style == 5
    swapped, moved, pushed = swap_moved | swap_pushed, moved | swap_moved, pushed | swap_pushed
    places = np.arange(length)
    begins = np.where(swapped, places % 3 == 0, places % 2 == 0) & (places + 1 < length)
    again = np.where(places % 3 == 2, places - 1, places)  # swapped back
    registers = np.where(swapped[..., None], registers[:, again], registers)
    first, second = registers[..., 0], registers[..., 1]
    of_registers = of_registers | (loaded & begins & (rng.random(shape) < REGISTERS_SHARE))
    moves, pushes, loads = moved & begins, pushed & begins, loaded & begins & ~of_registers
    instructions = np.zeros((*shape, 4), np.uint8)
    instructions[..., 0] = opcodes
    for places_of, name in ((swapped, "SWAP"), (moves, "MOV"), (pushes, "PUSH"), (loads, "LOADI")):
        instructions[np.broadcast_to(places_of, shape), 0] = BY_NAME[name].code
    instructions[..., 1] = np.where(moved, written, first)
    instructions[..., 2] = np.where(moved, first, second * of_registers)
    instructions[..., 3] = written * of_registers
    rows, places = np.nonzero(loads)
    used = cells[rows, registers[rows, places + 1, 0]].astype(np.int64)
    instructions[rows, places, 1] = _first_operands(rng, opcodes[rows, places + 1], used)
    return instructions


def _first_operands(rng: np.random.Generator, opcodes: Bytes, second: Numbers) -> Bytes:
    """(n,) first operands for operations whose second operands are known."""
    first = rng.integers(0, 256, len(second))
    drawn = rng.random(len(second))
    most = BYTE_MAX // np.maximum(second, 1)
    products = np.floor(drawn * (most + 2)).astype(np.int64)
    near = rng.random(len(second)) < NEAR_SHARE
    rest = np.where(near, rng.integers(-1, 2, len(second)), rng.integers(0, np.maximum(second, 1)))
    dividends = np.floor(drawn * (most + 1)).astype(np.int64) * second + rest
    first = np.where(opcodes == BY_NAME["MUL"].code, products, first)
    first = np.where((opcodes == BY_NAME["DIV"].code) & (second > 0), dividends, first)
    return np.clip(first, 0, BYTE_MAX).astype(np.uint8)
