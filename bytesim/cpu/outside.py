"""Find what makes a program out of distribution for a model of the CPU: what no random program has.

The program is not run: its instructions are read in order, which is the order in which they are fetched.
"""

from __future__ import annotations

from bytesim.cpu.isa import HALT, NUM_REGISTERS, OPERATIONS
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE


def unusual(memory: bytes) -> tuple[str, ...]:
    """Why 1024 bytes of memory cannot be a random program of docs/cpu.md; empty if they can be one."""
    reasons: list[str] = []
    for address in range(len(memory) // INSTRUCTION_SIZE):
        opcode, *operands = memory[address * INSTRUCTION_SIZE : (address + 1) * INSTRUCTION_SIZE]
        if opcode == HALT:
            return tuple(reasons)
        if opcode >= len(OPERATIONS):
            return (*reasons, f"there is no opcode {opcode} (address {address})")
        form = OPERATIONS[opcode].form_for(tuple(operands))
        named = [operand for kind, operand in zip(form.operands, operands, strict=False) if kind == "r"]
        wrong = [operand for operand in named if not 1 <= operand <= NUM_REGISTERS]
        if wrong:
            return (*reasons, f"there is no register {wrong[0]} (address {address})")
        if any(operands[len(form.operands) :]) and not reasons:
            reasons.append(f"an unused operand is not 0 (address {address})")
    return (*reasons, "it has no HLT")
