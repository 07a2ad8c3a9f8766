"""Programs that execute every operation in every form on all operand values."""

from collections import defaultdict

import numpy as np

from bytesim.cpu import machine
from bytesim.cpu.every import every_program
from bytesim.cpu.isa import OPERATIONS
from bytesim.cpu.many import operands_read, run_programs
from bytesim.formats.cpu_trace import MEMORY_SIZE, State


def executed(values) -> dict[tuple[int, int], set[tuple[int, int]]]:
    """(opcode, number of operands) -> pairs of values read."""
    seen = defaultdict(set)
    for programs in every_program(values):
        first, second = operands_read(programs, run_programs(programs))
        given = (programs.instructions[..., 1:] > 0).sum(-1)
        opcodes = programs.instructions[..., 0]
        for code in np.unique(opcodes):
            for count in np.unique(given[opcodes == code]):
                chosen = (opcodes == code) & (given == count)
                seen[int(code), int(count)] |= set(zip(first[chosen].tolist(), second[chosen].tolist(), strict=True))
    return seen


def test_every_operation_and_form_meets_every_pair_of_values():
    values = (0, 1, 2, 3, 5, 17, 64, 127, 128, 200, 254, 255)
    seen = executed(values)
    for operation in OPERATIONS[1:]:
        for form in operation.forms:
            found = seen[operation.code, len(form.operands)] if operation.name != "LOADI" else seen[11, 0] | seen[11, 1]
            wanted = len(values) ** len(form.reads)
            asked = {pair[: len(form.reads)] for pair in found}
            assert len([pair for pair in asked if set(pair) <= set(values)]) == wanted, (operation.name, form.operands)


def test_all_values_make_programs_that_fit_the_memory():
    (block, *_) = every_program()
    assert max(programs.instructions.shape[1] for programs in every_program((1, 2))) <= 255
    assert len(block) == 1024


def test_the_values_read_are_those_of_the_exact_machine():
    (*_, programs) = every_program((3, 9, 250))
    states = run_programs(programs)
    first, second = operands_read(programs, states)
    memory = programs.memory(0).ljust(MEMORY_SIZE, b"\0")
    acc, *registers = map(int, programs.cells[0])
    run = machine.run(memory, State(acc=acc, registers=tuple(registers)))
    for place, (opcode, *operands) in enumerate(programs.instructions[0].tolist()):
        form = OPERATIONS[opcode].form_for(tuple(operands))
        now = run.states[place + 1]
        cells = (
            *(now.registers[operand - 1] if operand and opcode != 11 else 0 for operand in operands),
            now.acc,
            operands[0],
        )
        wanted = [cells[read] for read in form.reads]
        assert [first[0, place], second[0, place]][: len(wanted)] == wanted
