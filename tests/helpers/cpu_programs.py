"""Random programs of the CPU, drawn one by one with Python's own generator.

They are drawn as docs/cpu.md says, independently of `bytesim.cpu.many`: n uniform in 1..255 instructions, n - 1 of them
uniform over opcodes 1..20, then over the forms of that opcode, then over registers; then HLT.
"""

from random import Random

from bytesim.cpu.isa import NUM_REGISTERS, OPERATIONS
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, MEMORY_SIZE


def random_program(rng: Random, *, max_instructions: int = MAX_INSTRUCTIONS) -> bytes:
    """1024 bytes of memory: 1..max_instructions instructions, the last one HLT, then zeros."""
    length = 1 + _below(rng, max_instructions)
    # HLT is four zeros, so padding the memory writes it too.
    return b"".join(random_instruction(rng) for _ in range(length - 1)).ljust(MEMORY_SIZE, b"\0")


def random_instruction(rng: Random) -> bytes:
    """4 bytes of an instruction other than HLT; unused operands are 0."""
    operation = OPERATIONS[1 + _below(rng, len(OPERATIONS) - 1)]
    form = operation.forms[_below(rng, len(operation.forms))]
    operands = [_below(rng, 256) if kind == "n" else 1 + _below(rng, NUM_REGISTERS) for kind in form.operands]
    return bytes((operation.code, *operands)).ljust(INSTRUCTION_SIZE, b"\0")


def _below(rng: Random, bound: int) -> int:
    return int(rng.random() * bound)
