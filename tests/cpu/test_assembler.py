"""Assembly text <-> memory."""

from contextlib import suppress
from random import Random

import pytest
from helpers.cpu_programs import random_program
from hypothesis import given
from hypothesis import strategies as st

from bytesim.cpu.assembler import assemble, disassemble
from bytesim.cpu.isa import OPERATIONS
from bytesim.errors import FormatError


def bytes_of(text: str) -> bytes:
    return assemble(text).rstrip(b"\0")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("HLT", ""),
        ("INC", "02"),
        ("inc j", "020a"),
        ("LoadI 200", "0bc8"),
        ("LOADI 0xfF", "0bff"),
        ("LOADI 0B101", "0b05"),
        ("LOADI 007", "0b07"),
        ("ADD A", "0d01"),
        ("ADD A B", "0d0102"),
        ("ADD\tA ,B,  C ; sum", "0d010203"),
        ("MOV C,D;move", "140304"),
        ("BYTES 21 0 0xFF 9", "1500ff09"),
        ("\ufeffNOT", "08"),
    ],
)
def test_a_line_of_assembly_is_four_bytes(text, word):
    assert bytes_of(text) == bytes.fromhex(word)


def test_lines_end_as_on_any_system_and_empty_ones_do_not_count():
    assert bytes_of("; start\n\nINC\r\n  \r\nDEC\rNOT") == bytes.fromhex("02000000 03000000 08")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("INC\n\n   FOO A", "line 3, column 4: unknown instruction 'FOO'"),
        ("ADD A, B, C, D", "line 1, column 14: 4 is the wrong number of operands. Write ADD r or ADD r s or ADD r s t"),
        ("INC\rMOV A", "line 2, column 1: 1 is the wrong number of operands. Write MOV r s"),
        ("PUSH K", "line 1, column 6: expected a register, A to J, found 'K'"),
        ("PUSH 3", "line 1, column 6: expected a register"),
        ("PUSH \u0131", "line 1, column 6: expected a register"),  # a dotless i, whose upper case is I
        ("LOADI A", "line 1, column 7: expected a number from 0 to 255"),
        ("LOADI 256", "line 1, column 7: expected a number"),
        ("LOADI -1", "line 1, column 7: expected a number"),
        ("LOADI 1_0", "line 1, column 7: expected a number"),
        ("LOADI " + "9" * 9999, "line 1, column 7: expected a number"),
        ("ADD A,,B", "line 1, column 7: a comma stands between"),
        ("ADD ,A", "line 1, column 5: a comma stands between"),
        ("ADD A,", "line 1, column 6: an operand is missing"),
        ("LOADI 5 # five", "line 1, column 9: a comment begins with ;"),
        ("INC\n// again", "line 2, column 1: a comment begins with ;"),
        ("start:\nINC", "line 1, column 1: 'start:' is a label, and this machine has no labels and no jumps."),
        ("start: INC", "line 1, column 1: 'start:' is a label"),
        ("INC\nJMP 3", "line 2, column 1: 'JMP' is unknown: this machine has no labels and no jumps."),
        ("BYTES 1 2", "line 1, column 1: BYTES takes 4 numbers, found 2"),
        ("; nothing", "line 1, column 1: no instruction"),
        ("HLT\n" * 257, "line 257, column 1: memory is full"),
        ("\x1b[31m", "line 1, column 1: unknown instruction '\\x1b[31m'"),  # no escape reaches the terminal
    ],
)
def test_what_is_no_assembly_is_explained_with_line_and_column(text, error):
    with pytest.raises(FormatError) as caught:
        assemble(text)
    assert str(caught.value).startswith(error)
    assert len(str(caught.value)) < 300


def test_every_form_of_every_instruction_is_written_and_read():
    for operation in OPERATIONS:
        for form in operation.forms:
            word = bytes([operation.code, *(10 - i for i in range(len(form.operands)))]).ljust(4, b"\0")
            text = disassemble(word.ljust(1024, b"\0"))
            assert text.split()[0] == operation.name
            assert assemble(text)[:4] == word


def test_disassembly_ends_with_the_halt_after_the_last_byte():
    assert disassemble(bytes(1024)) == "HLT\n"
    assert disassemble(b"\x0b\x05".ljust(1024, b"\0")) == "LOADI 5\nHLT\n"
    assert disassemble(b"\x02\0\0\0" * 256) == "INC\n" * 256


def test_what_no_program_would_write_is_shown_as_bytes():
    shown = disassemble(bytes.fromhex("15000000 14010000 02000005 0d0b0000").ljust(1024, b"\0"))
    assert shown == "BYTES 21 0 0 0\nBYTES 20 1 0 0\nBYTES 2 0 0 5\nBYTES 13 11 0 0\nHLT\n"


@given(st.integers(0, 2**32))
def test_a_random_program_survives_a_round_trip_without_raw_bytes(seed):
    memory = random_program(Random(seed))
    text = disassemble(memory)
    assert "BYTES" not in text
    assert assemble(text) == memory


@given(st.binary(max_size=1024))
def test_any_memory_survives_a_round_trip(data):
    memory = data.ljust(1024, b"\0")
    assert assemble(disassemble(memory)) == memory


@given(st.one_of(st.text(), st.text(alphabet="ADINC LOX,;01b\n")))
def test_any_text_assembles_or_is_explained(text):
    with suppress(FormatError):
        assert len(assemble(text)) == 1024
