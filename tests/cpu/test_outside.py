"""What makes a program unlike all that a model of the CPU is trained on."""

from random import Random

import pytest
from helpers.cpu_programs import random_program
from hypothesis import given
from hypothesis import strategies as st

from bytesim.cpu.assembler import assemble
from bytesim.cpu.machine import StopReason, run
from bytesim.cpu.outside import unusual
from bytesim.formats.cpu_trace import MEMORY_SIZE, State


def test_random_programs_are_usual():
    for seed in range(50):
        assert unusual(random_program(Random(seed))) == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("INC\nBYTES 21 0 0 0", "no opcode 21 (address 1)"),
        ("BYTES 13 11 0 0", "no register 11 (address 0)"),
        ("BYTES 9 0 0 0", "no register 0 (address 0)"),
        ("BYTES 2 3 9 0", "an unused operand is not 0 (address 0)"),
        ("INC\n" * 256, "no HLT"),
    ],
)
def test_the_reason_is_named(text, words):
    assert words in "; ".join(unusual(assemble(text)))


def test_what_stands_behind_the_halt_does_not_count():
    assert unusual(assemble("INC\nHLT\nBYTES 99 99 99 99")) == ()


@given(st.binary(max_size=40))
def test_what_stops_the_machine_is_always_unusual(data):
    memory = data.ljust(MEMORY_SIZE, b"\0")
    stop = run(memory, State()).stop
    if stop.reason is not StopReason.HALTED:
        assert f"(address {stop.address})" in "; ".join(unusual(memory))
