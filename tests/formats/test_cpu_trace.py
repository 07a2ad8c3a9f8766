"""The CPU's files: memory, memory and first state, traces."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import FormatError
from bytesim.formats import cpu_trace
from bytesim.formats.cpu_trace import State, Trace

MEMORY = bytes(range(256)) * 4
byte = st.integers(0, 255)
registers = st.lists(byte, min_size=10, max_size=10).map(tuple)
first_states = st.builds(State, acc=byte, registers=registers)
states = st.builds(State, pc=byte, acc=byte, ir=st.tuples(byte, byte, byte, byte), registers=registers)


def test_a_state_is_laid_out_as_pc_acc_ir_and_registers():
    state = State(pc=1, acc=2, ir=(3, 4, 5, 6), registers=tuple(range(7, 17)))
    assert cpu_trace.serialize_state(state) == bytes(range(1, 17))


def test_memory_alone_has_no_states():
    assert cpu_trace.parse(MEMORY) == Trace(memory=MEMORY)


def test_memory_and_first_state_is_1040_bytes():
    first = State(acc=9, registers=tuple(range(10)))
    data = cpu_trace.serialize(Trace(memory=MEMORY, states=(first,)))
    assert len(data) == 1040
    assert cpu_trace.parse(data).states == (first,)


def test_a_trace_cut_inside_a_state_keeps_its_last_bytes():
    read = cpu_trace.parse(MEMORY + bytes(16) + bytes(range(16)) + b"\x01\x02\x03")
    assert (len(read.states), read.rest) == (2, b"\x01\x02\x03")


@pytest.mark.parametrize(
    ("data", "offset", "message"),
    [
        (b"", 0, "ends after 0 bytes"),
        (bytes(1023), 1023, "ends after 1023 bytes"),
        (bytes(1030), 1030, "only 6 of the 16 bytes"),
        (bytes(1024) + b"\x05" + bytes(15), 1024, "PC of the first state is 5"),  # 05: a state from mid-run
        (bytes(1024) + b"\0\0\0\0\x07" + bytes(11), 1028, "IR\\[2\\] of the first state is 7"),
    ],
)
def test_what_is_no_such_file_is_explained_at_its_offset(data, offset, message):
    with pytest.raises(FormatError, match=message) as caught:
        cpu_trace.parse(data)
    assert caught.value.offset == offset


@given(first_states, st.lists(states, max_size=4), st.binary(max_size=15))
def test_serialize_then_parse_gives_the_same_trace(first, later, rest):
    trace = Trace(memory=MEMORY, states=(first, *later), rest=rest)
    assert cpu_trace.parse(cpu_trace.serialize(trace)) == trace


@given(st.integers(0, 1100), st.binary(max_size=100))
def test_any_bytes_parse_and_come_back_or_are_explained(num_zeros, tail):
    data = bytes(num_zeros) + tail
    with suppress(FormatError):
        assert cpu_trace.serialize(cpu_trace.parse(data)) == data
