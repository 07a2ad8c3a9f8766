"""Programs run by the thousand are those of the exact machine, and drawn as docs/cpu.md says."""

import numpy as np
import pytest

from bytesim.cpu import machine
from bytesim.cpu.isa import BY_NAME, OPERATIONS
from bytesim.cpu.many import MOST_BEYOND, random_programs, run_programs, split_programs, with_states
from bytesim.cpu.plan import FAVOUR, Plan
from bytesim.errors import ConfigError
from bytesim.formats.cpu_trace import MEMORY_SIZE, State, serialize_states


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(longest=12, small_share=0.5),
        Plan(shortest=3, longest=3),
        Plan(longest=90, beyond_share=0.5),
        Plan(longest=90, beyond_share=0.3, drill_share=0.8),
    ],
)
def test_states_are_those_of_the_exact_machine(plan):
    programs = random_programs(np.random.default_rng(1), 200, plan)
    states = run_programs(programs)
    for index, length in enumerate(programs.lengths):
        acc, *registers = map(int, programs.cells[index])
        memory = programs.memory(index).ljust(MEMORY_SIZE, b"\0")
        right = machine.run(memory, State(acc=acc, registers=tuple(registers)))
        assert states[index, : length + 1].tobytes() == serialize_states(right.states)


def test_every_operation_and_form_comes_about_as_often_as_it_should():
    programs = random_programs(np.random.default_rng(2), 2000)
    assert {int(programs.lengths.min()), int(programs.lengths.max())} == {1, 255}
    assert abs(programs.lengths.mean() - 128) < 6
    written = programs.instructions[programs.instructions[..., 0] > 0]
    for operation in OPERATIONS[1:]:
        own = written[written[:, 0] == operation.code]
        assert abs(len(own) / len(written) * 20 - 1) < 0.05
        if operation.name == "LOADI":
            assert abs(own[:, 1].mean() - 127.5) < 3
            continue
        for form in operation.forms:
            share = np.mean((own[:, 1:] > 0).sum(1) == len(form.operands))
            assert abs(share * len(operation.forms) - 1) < 0.06, operation.name
    assert np.bincount(written[written[:, 0] == BY_NAME["ADD"].code][:, 1], minlength=11)[1:].min() > 0


def test_lengths_small_values_and_favoured_operations_are_as_asked():
    plan = Plan(shortest=5, longest=9, small_share=1.0, favoured="MUL DIV")
    programs = random_programs(np.random.default_rng(3), 3000, plan)
    assert set(programs.lengths) == {5, 6, 7, 8, 9}
    assert np.mean(programs.cells < 16) > 0.5
    opcodes = programs.instructions[..., 0]
    favoured = np.count_nonzero(opcodes == BY_NAME["MUL"].code) / np.count_nonzero(opcodes == BY_NAME["ADD"].code)
    assert abs(favoured - FAVOUR) < 0.5


def test_drills_spread_products_and_quotients_and_show_every_pair_that_tells_something():
    seen = {name: np.zeros((256, 256), np.int64) for name in ("MUL", "DIV")}
    for seed in range(90):
        programs = random_programs(
            np.random.default_rng([9, seed]), 500, Plan(shortest=60, longest=60, drill_share=1.0)
        )
        states = run_programs(programs).astype(np.int64)
        opcodes, register = programs.instructions[:, :59, 0], programs.instructions[:, :59, 1].astype(np.int64)
        alone = (programs.instructions[:, :59, 2] == 0) & (np.arange(59) % 2 == 1)
        for name, counts in seen.items():
            rows, places = np.nonzero((opcodes == BY_NAME[name].code) & alone)
            first = states[rows, places + 1, 1]
            second = states[rows, places + 1, 5 + register[rows, places]]
            np.add.at(counts, (first, second), 1)
    x, y = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    products = (x > 1) & (y > 1) & (x * y < 256)
    assert np.mean(seen["MUL"][products] > 0) > 0.99
    assert seen["MUL"][products].sum() > 0.2 * seen["MUL"].sum()
    quotients = (y > 1) & (y < 65) & (x >= 2 * y)
    assert np.mean(seen["DIV"][quotients] > 0) > 0.8
    assert seen["DIV"][quotients].sum() > 0.25 * seen["DIV"].sum()


def test_behind_the_halt_of_some_programs_memory_goes_on():
    programs = random_programs(np.random.default_rng(6), 400, Plan(longest=60, beyond_share=0.5))
    more = programs.ends - programs.lengths
    assert 0.4 < np.mean(more > 0) < 0.6
    assert more.max() == MOST_BEYOND
    for index in np.flatnonzero(more):
        memory = np.frombuffer(programs.memory(index), np.uint8).reshape(-1, 4)
        assert len(memory) == programs.ends[index]
        assert np.flatnonzero(memory[:, 0] == 0).tolist() == [programs.lengths[index] - 1]


def test_splits_are_disjoint_and_longer_ones_begin_with_the_shorter():
    rows = {
        (split, count, seed): [
            each for block in split_programs(split, count, Plan(longest=30), seed=seed) for each in with_states(block)
        ]
        for split, count, seed in (("train", 3, 0), ("train", 1500, 0), ("dev", 1500, 0), ("train", 1500, 1))
    }
    short, train, dev, other = rows.values()
    assert train[:3] == short
    assert len(train) == 1500
    assert not set(train) & set(dev)
    assert not set(train) & set(other)


def test_a_seed_gives_the_same_programs():
    one, same, other = (random_programs(np.random.default_rng(seed), 5) for seed in (4, 4, 5))
    assert np.array_equal(one.instructions, same.instructions)
    assert np.array_equal(one.cells, same.cells)
    assert not np.array_equal(one.cells, other.cells)


@pytest.mark.parametrize(
    "wrong",
    [
        {"shortest": 0},
        {"longest": 256},
        {"shortest": 9, "longest": 8},
        {"favoured": "JMP"},
        {"small_share": 1.5},
        {"beyond_share": -0.1},
    ],
)
def test_plans_that_cannot_be_are_refused(wrong):
    with pytest.raises(ConfigError):
        Plan(**wrong)
