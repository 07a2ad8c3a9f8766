"""States alone: each is a state that a program reaches, and the result is what its instruction gives."""

import numpy as np
import pytest

from bytesim.cpu.alone import states_alone
from bytesim.cpu.isa import BY_NAME, OPERATIONS
from bytesim.cpu.machine import run
from bytesim.cpu.many import results_of
from bytesim.formats.cpu_trace import CELL_NAMES, State


@pytest.fixture(scope="module")
def drawn():
    return states_alone(np.random.default_rng(1), 3000)


def test_every_operation_but_halt_occurs_and_most_have_two_operands(drawn):
    states, _ = drawn
    opcodes = states[:, CELL_NAMES.index("IR[0]")]
    assert {*opcodes.tolist()} == set(range(1, len(OPERATIONS)))
    two = [BY_NAME[name].code for name in ["ADD", "SUB", "MUL", "DIV", "AND", "OR", "XOR"]]
    assert 0.6 < np.isin(opcodes, two).mean() < 0.95
    assert len({*states[:, 0].tolist()}) > 200  # any address


def test_the_results_are_those_of_the_machine(drawn):
    states, results = drawn
    for state, result in zip(states[:300], results[:300], strict=True):
        memory = bytes(state[2:6]).ljust(1024, b"\0")
        then = run(memory, State(acc=int(state[1]), registers=tuple(state[6:].tolist())), steps=2).states[2]
        after = np.array([then.acc, *then.registers])
        before = np.array([state[1], *state[6:]])
        changed = after[after != before]
        assert result in changed or not len(changed)


def test_rare_results_are_drawn_often(drawn):
    states, results = drawn
    products = results[states[:, 2] == BY_NAME["MUL"].code]
    assert (products < 255).mean() > 0.3  # of all pairs 3 %
    quotients = results[states[:, 2] == BY_NAME["DIV"].code]
    assert (quotients > 1).mean() > 0.5  # of all pairs 25 %


def test_the_table_of_an_operation_is_in_the_order_of_its_operands():
    assert results_of(BY_NAME["SUB"].code)[256 * 9 + 4] == 5
    assert results_of(BY_NAME["DIV"].code)[256 * 9 + 4] == 2
