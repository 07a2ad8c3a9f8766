"""The exact machine, against hand-checked runs and a second machine written without its table."""

from random import Random

import pytest
from helpers.cpu_programs import random_instruction, random_program
from hypothesis import given, settings
from hypothesis import strategies as st

from bytesim.cpu import machine, programs
from bytesim.cpu.isa import OPERATIONS
from bytesim.cpu.machine import Stop, StopReason
from bytesim.formats.cpu_trace import State, serialize_states


def memory_of(*words: tuple[int, ...]) -> bytes:
    return b"".join(bytes(word).ljust(4, b"\0") for word in words).ljust(1024, b"\0")


def registers_of(**values: int) -> tuple[int, ...]:
    return tuple(values.get(name, 0) for name in "ABCDEFGHIJ")


# --- the oracle: docs/cpu.md read as sentences, one cell list, no forms -------------------------


def oracle(memory: bytes, first: State, steps: int) -> tuple[bytes, str]:
    """All states as bytes, and why the run ended."""
    r = [first.acc, *first.registers]
    pc, out = 0, [bytes([0, r[0], 0, 0, 0, 0, *r[1:]])]
    for _ in range(steps):
        op, a, b, c = memory[4 * pc : 4 * pc + 4]
        pc = pc + 1 if pc < 255 else 255
        out.append(bytes([pc, r[0], op, a, b, c, *r[1:]]))
        if op == 0:
            return b"".join(out), "halted"
        if op > 20:
            return b"".join(out), "bad opcode"
        if not oracle_act(op, a, b, c, r):
            return b"".join(out), "bad register"
    return b"".join(out), "step limit"


def oracle_act(op: int, a: int, b: int, c: int, r: list[int]) -> bool:
    good = range(1, 11)
    if op <= 8:
        if a > 10:
            return False
        bits = f"{r[a]:08b}"
        r[a] = [0, min(r[a] + 1, 255), max(r[a] - 1, 0), *(int(s, 2) for s in rearranged(bits))][op - 1]
        return True
    if op == 11:
        r[0] = a
        return True
    if a not in good:
        return False
    if op == 9:
        r[0] = r[a]
        return True
    if op == 10:
        r[a] = r[0]
        return True
    if op == 20 or b:
        if b not in good:
            return False
        if op == 20:
            r[a] = r[b]
        elif op == 12:
            r[a], r[b] = r[b], r[a]
        elif c > 10:
            return False
        else:
            r[c or a] = arithmetic(op, r[a], r[b])
    elif op == 12:
        r[0], r[a] = r[a], r[0]
    else:
        r[0] = arithmetic(op, r[0], r[a])
    return True


def rearranged(bits: str) -> list[str]:
    """Bits after SHL, SHR, ROL, ROR and NOT."""
    return [
        bits[1:] + "0",
        "0" + bits[:-1],
        bits[1:] + bits[0],
        bits[-1] + bits[:-1],
        bits.translate({48: "1", 49: "0"}),
    ]


def arithmetic(op: int, x: int, y: int) -> int:
    if op == 16:
        return 255 if y == 0 else int(x / y)
    value = {13: x + y, 14: x - y, 15: x * y, 17: x & y, 18: x | y, 19: x ^ y}[op]
    return sorted((0, value, 255))[1]


byte = st.integers(0, 255)
first_states = st.builds(State, acc=byte, registers=st.lists(byte, min_size=10, max_size=10).map(tuple))
operand = st.integers(0, 12)
words = st.one_of(st.tuples(st.integers(0, 22), operand, operand, operand), st.tuples(byte, byte, byte, byte))


@given(st.lists(words, max_size=40), first_states, st.integers(1, 60))
def test_any_memory_runs_as_the_oracle_says(instructions, first, steps):
    run = machine.run(memory_of(*instructions), first, steps=steps)
    assert (serialize_states(run.states), run.stop.reason.value) == oracle(memory_of(*instructions), first, steps)


@given(st.integers(0, 2**32))
@settings(max_examples=50)
def test_random_programs_run_as_the_oracle_says_and_halt(seed):
    rng = Random(seed)
    memory, first = random_program(rng), programs.random_first_state(rng)
    run = machine.run(memory, first)
    assert (serialize_states(run.states), "halted") == oracle(memory, first, 256)
    assert run.stop == Stop(reason=StopReason.HALTED, address=len(run.states) - 2)


def test_the_oracle_and_the_machine_agree_on_every_pair_of_bytes():
    for operation in OPERATIONS[13:20]:
        assert all(
            operation.compute(x, y) == (arithmetic(operation.code, x, y),) for x in range(256) for y in range(256)
        )


# --- by hand ----------------------------------------------------------------------------------


def test_an_effect_shows_in_the_state_after_its_instruction():
    run = machine.run(memory_of((11, 5), (13, 1), (0,)), State(registers=registers_of(A=4)))
    assert serialize_states(run.states) == bytes.fromhex(
        "00 00 00 00 00 00 04 00 00 00 00 00 00 00 00 00"  # first state
        "01 00 0b 05 00 00 04 00 00 00 00 00 00 00 00 00"  # LOADI 5, not acted yet
        "02 05 0d 01 00 00 04 00 00 00 00 00 00 00 00 00"  # ADD A, ACC = 5
        "03 09 00 00 00 00 04 00 00 00 00 00 00 00 00 00"  # HLT, ACC = 9
    )


@pytest.mark.parametrize(
    ("word", "acc", "before", "after_acc", "after"),
    [
        ((1,), 7, {}, 0, {}),  # CLR
        ((2,), 255, {}, 255, {}),  # INC saturates
        ((3, 1), 9, {"A": 0}, 9, {"A": 0}),  # DEC A saturates
        ((4, 2), 0, {"B": 0b10000001}, 0, {"B": 0b00000010}),  # SHL B
        ((5,), 0b10000001, {}, 0b01000000, {}),  # SHR
        ((6,), 0b10000001, {}, 0b00000011, {}),  # ROL
        ((7,), 0b10000001, {}, 0b11000000, {}),  # ROR
        ((8, 10), 0, {"J": 0b00001111}, 0, {"J": 0b11110000}),  # NOT J
        ((9, 3), 1, {"C": 5}, 5, {"C": 5}),  # PUSH C
        ((10, 3), 1, {"C": 5}, 1, {"C": 1}),  # POP C
        ((12, 4), 1, {"D": 2}, 2, {"D": 1}),  # SWAP D
        ((12, 4, 5), 0, {"D": 1, "E": 2}, 0, {"D": 2, "E": 1}),  # SWAP D E
        ((12, 4, 4), 0, {"D": 3}, 0, {"D": 3}),  # SWAP D D
        ((13, 1, 1), 0, {"A": 200}, 0, {"A": 255}),  # ADD A A saturates
        ((14, 1, 2, 3), 0, {"A": 1, "B": 2}, 0, {"A": 1, "B": 2}),  # SUB A B C: C = 0
        ((15, 1, 2, 3), 0, {"A": 16, "B": 16}, 0, {"A": 16, "B": 16, "C": 255}),  # MUL A B C saturates
        ((16, 1), 7, {"A": 2}, 3, {"A": 2}),  # DIV A is floor
        ((16, 1), 7, {"A": 0}, 255, {}),  # by 0
        ((20, 1, 2), 0, {"A": 1, "B": 2}, 0, {"A": 2, "B": 2}),  # MOV A B
        ((9, 3, 11, 200), 1, {"C": 5}, 5, {"C": 5}),  # PUSH C: unused operands are ignored
        ((13, 1, 0, 200), 1, {"A": 1}, 2, {"A": 1}),  # ADD A: an operand after a 0 is unused
    ],
)
def test_instructions_by_hand(word, acc, before, after_acc, after):
    last = machine.run(memory_of(word), State(acc=acc, registers=registers_of(**before))).states[-1]
    assert (last.acc, last.registers) == (after_acc, registers_of(**after))


@pytest.mark.parametrize(
    ("word", "reason", "value"),
    [
        ((21,), StopReason.BAD_OPCODE, 21),
        ((255, 1, 2, 3), StopReason.BAD_OPCODE, 255),
        ((9,), StopReason.BAD_REGISTER, 0),  # PUSH needs a register
        ((2, 11), StopReason.BAD_REGISTER, 11),  # INC has the form without one, so 0 alone is fine
        ((20, 3), StopReason.BAD_REGISTER, 0),  # MOV C and no source
        ((13, 0, 5, 7), StopReason.BAD_REGISTER, 0),
        ((13, 1, 2, 99), StopReason.BAD_REGISTER, 99),
    ],
)
def test_a_bad_instruction_is_recorded_has_no_effect_and_is_reported(word, reason, value):
    first = State(acc=1, registers=registers_of(A=2, B=3, C=4))
    run = machine.run(memory_of((2, 1), word), first)
    assert run.stop == Stop(reason=reason, address=1, value=value)
    assert len(run.states) == 3
    assert run.states[-1] == State(pc=2, acc=1, ir=(*word, 0, 0, 0)[:4], registers=registers_of(A=3, B=3, C=4))


def test_a_halt_in_the_middle_leaves_what_follows_unread():
    run = machine.run(memory_of((2,), (0,), (99,)), State())
    assert (len(run.states), run.stop) == (3, Stop(reason=StopReason.HALTED, address=1))


def test_255_instructions_fit_the_default_steps():
    run = machine.run(memory_of(*[(2,)] * 254, (0,)), State())
    assert (run.states[-1].acc, run.stop) == (254, Stop(reason=StopReason.HALTED, address=254))


def test_without_a_halt_the_last_instruction_is_repeated_until_the_step_limit():
    run = machine.run(memory_of(*[(2,)] * 255, (3,)), State(), steps=300)
    assert run.stop == Stop(reason=StopReason.STEP_LIMIT, address=255)
    assert len(run.states) == 301
    assert [state.pc for state in run.states[254:]] == [254] + [255] * 46
    assert run.states[-1].acc == 255 - 44  # 45 times DEC, of which the last has not acted yet


# --- random programs --------------------------------------------------------------------------


def drawn_instructions(count: int) -> list[bytes]:
    rng = Random(7)
    return [random_instruction(rng) for _ in range(count)]


def test_random_programs_have_1_to_255_instructions_and_end_in_zeros():
    rng = Random(0)
    lengths = set()
    for memory in (random_program(rng) for _ in range(3000)):
        length = -(-len(memory.rstrip(b"\0")) // 4) + 1
        assert len(memory) == 1024
        assert all(1 <= memory[4 * i] <= 20 for i in range(length - 1))
        lengths.add(length)
    assert lengths == set(range(1, 256))


def test_opcodes_forms_and_registers_are_drawn_uniformly():
    drawn = drawn_instructions(42_000)
    for operation in OPERATIONS[1:]:
        mine = [word for word in drawn if word[0] == operation.code]
        assert len(mine) == pytest.approx(42_000 / 20, rel=0.1)
        for form in operation.forms:
            fitting = [word for word in mine if operation.form_for(tuple(word[1:])) is form or form.operands == "n"]
            assert len(fitting) == pytest.approx(len(mine) / len(operation.forms), rel=0.15)
    registers = [word[1] for word in drawn if word[0] in (9, 10, *range(12, 21))]
    assert set(registers) == set(range(1, 11))


def test_a_seed_gives_the_same_instructions_in_every_python():
    rng = Random(42)
    drawn = b"".join(random_instruction(rng) for _ in range(4))
    assert drawn == bytes.fromhex("0d030000 05070000 12050000 01000000")  # ADD C, SHR G, OR E, CLR
