"""What a program holds that no random program does: a model's answer to it is outside what it was trained on.

Nothing is run: the instructions are read in order, which is the order they are fetched in.
"""

from __future__ import annotations

from bytesim.cpu.isa import HALT, NUM_REGISTERS, OPERATIONS
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE


def unusual(memory: bytes) -> tuple[str, ...]:
    """Why 1024 bytes of memory are none that docs/cpu.md's random programs fill; empty where they could be."""
    found: list[str] = []
    for address in range(len(memory) // INSTRUCTION_SIZE):
        opcode, *operands = memory[address * INSTRUCTION_SIZE : (address + 1) * INSTRUCTION_SIZE]
        if opcode == HALT:
            return tuple(found)
        if opcode >= len(OPERATIONS):
            return (*found, f"there is no opcode {opcode} (address {address})")
        form = OPERATIONS[opcode].form_for(tuple(operands))
        named = [operand for kind, operand in zip(form.operands, operands, strict=False) if kind == "r"]
        wrong = [operand for operand in named if not 1 <= operand <= NUM_REGISTERS]
        if wrong:
            return (*found, f"there is no register {wrong[0]} (address {address})")
        if any(operands[len(form.operands) :]) and not found:
            found.append(f"an operand that is not used is not 0 (address {address})")
    return (*found, "it has no HLT")
