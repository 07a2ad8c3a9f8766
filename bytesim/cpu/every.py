"""Programs that execute every operation in every form on all operand values. No torch.

A program has four first operands in its registers, five second ones, and a register that takes results. It executes the
operations on all twenty pairs, so that 64 x 52 programs of each kind have all 65,536 pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.isa import BY_NAME, NUM_REGISTERS, OPERATIONS
from bytesim.cpu.many import BLOCK, Programs
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE

Bytes = NDArray[np.uint8]
Instruction = tuple[int, ...]
"""Opcode and the roles of its operands."""

FIRST, SECOND, SINK = tuple(range(1, 5)), tuple(range(5, 10)), NUM_REGISTERS
"""Roles of the registers."""
_IMMEDIATE = 100
"""Added to the role of a first operand that is written into the instruction."""
ALL_VALUES = tuple(range(256))


def every_program(values: Sequence[int] = ALL_VALUES) -> Iterator[Programs]:
    """Programs, at most BLOCK at a time, that execute every operation in every form on these operand values."""
    first, second = _blocks(values, len(FIRST)), _blocks(values, len(SECOND))
    pairs = np.array([[*one, *two] for one, two in product(first, second)], np.uint8)
    singles = np.array([[*one, *second[0]] for one in first], np.uint8)
    for template in _pair_templates():
        yield from _programs(template, pairs)
    yield from _programs(_single_template(), singles)


def _programs(template: list[Instruction], registers: Bytes) -> Iterator[Programs]:
    """The programs of a template with registers A .. I (N, 9); in every program the roles are other registers."""
    for start in range(0, len(registers), BLOCK):
        values = registers[start : start + BLOCK]
        shifts = (start + np.arange(len(values))) % NUM_REGISTERS
        roles = np.arange(NUM_REGISTERS)
        register_of = (roles + shifts[:, None]) % NUM_REGISTERS
        cells = np.zeros((len(values), 1 + NUM_REGISTERS), np.uint8)
        np.put_along_axis(cells, 1 + register_of, np.pad(values, ((0, 0), (0, 1))), axis=1)
        padded = np.array([[*line, *(0,) * (INSTRUCTION_SIZE - len(line))] for line in [*template, (0,)]])
        instructions = np.repeat(padded[None], len(values), axis=0)
        operands = instructions[..., 1:]
        immediate, named = operands > _IMMEDIATE, (operands > 0) & (operands <= NUM_REGISTERS)
        rows = np.arange(len(values))[:, None, None]
        chosen = register_of[rows, (operands - 1) % NUM_REGISTERS] + 1
        loaded = values[rows, (operands - _IMMEDIATE - 1) % len(FIRST)]
        instructions[..., 1:] = np.where(immediate, loaded, np.where(named, chosen, 0))
        lengths = np.full(len(values), len(padded))
        yield Programs(instructions.astype(np.uint8), lengths, lengths, cells)


def _pair_templates() -> list[list[Instruction]]:
    """Instructions for all pairs of a first and a second operand, in several programs of at most 254 each."""
    binary = [operation.code for operation in OPERATIONS if len(operation.forms) == 3]
    swap, move, push = (BY_NAME[name].code for name in ("SWAP", "MOV", "PUSH"))
    templates: list[list[Instruction]] = [[(code, x, y, SINK) for code in binary for x, y in product(FIRST, SECOND)]]
    half = len(binary) // 2
    for codes in (binary[:half], binary[half:]):
        of_registers: list[Instruction] = []
        of_acc: list[Instruction] = []
        for code, x, y in product(codes, FIRST, SECOND):
            of_registers += [(move, SINK, x), (code, SINK, y)]
            of_acc += [(push, x), (code, y)]
        templates += [of_registers, of_acc]
    swaps: list[Instruction] = []
    for x, y in product(FIRST, SECOND):  # swapped twice, so that the second operand stays
        swaps += [(move, SINK, x), (swap, SINK, y), (swap, SINK, y), (push, x), (swap, y), (swap, y)]
    return [*templates, swaps]


def _single_template() -> list[Instruction]:
    """Instructions for each first operand alone."""
    move, push, pop, load = (BY_NAME[name].code for name in ("MOV", "PUSH", "POP", "LOADI"))
    unary = [operation.code for operation in OPERATIONS if operation.forms[0].operands == "" and operation.code]
    lines: list[Instruction] = []
    for x in FIRST:
        lines += [(push, x), (pop, SINK), (move, SINK, x), (load, _IMMEDIATE + x)]
        for code in unary:
            lines += [(push, x), (code,), (move, SINK, x), (code, SINK)]
    return lines


def _blocks(values: Sequence[int], size: int) -> list[list[int]]:
    """The values in blocks of a size; the last one is filled with values from the start."""
    count = -(-len(values) // size)
    return np.resize(np.array(values), (count, size)).tolist()
