"""Random programs and first states, made without end from a seed.

Source: docs/cpu.md: n uniform in 1..255 instructions, n - 1 of them drawn uniformly over
opcodes 1..20, then over the forms of that opcode, then over registers; then HLT.
"""

from __future__ import annotations

from random import Random

from bytesim.cpu.isa import NUM_REGISTERS, OPERATIONS
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, MEMORY_SIZE, REGISTER_NAMES, State

MAX_INSTRUCTIONS = 255


def random_program(rng: Random, *, max_instructions: int = MAX_INSTRUCTIONS) -> bytes:
    """1024 bytes of memory: 1..max_instructions instructions, the last one HLT, then zeros."""
    assert 1 <= max_instructions <= MAX_INSTRUCTIONS
    length = 1 + _below(rng, max_instructions)
    # HLT is four zeros, so padding the memory writes it too.
    return b"".join(random_instruction(rng) for _ in range(length - 1)).ljust(MEMORY_SIZE, b"\0")


def random_instruction(rng: Random) -> bytes:
    """4 bytes of an instruction other than HLT; unused operands are 0."""
    operation = OPERATIONS[1 + _below(rng, len(OPERATIONS) - 1)]
    form = operation.forms[_below(rng, len(operation.forms))]
    operands = [_below(rng, 256) if kind == "n" else 1 + _below(rng, NUM_REGISTERS) for kind in form.operands]
    return bytes((operation.code, *operands)).ljust(INSTRUCTION_SIZE, b"\0")


def random_first_state(rng: Random) -> State:
    """PC 0, nothing fetched, ACC and registers uniform over 0..255."""
    acc = _below(rng, 256)
    return State(acc=acc, registers=tuple(_below(rng, 256) for _ in REGISTER_NAMES))


def _below(rng: Random, bound: int) -> int:
    """Uniform in 0..bound - 1. Of all the methods only `random()` promises the same numbers in every Python version."""
    return int(rng.random() * bound)
