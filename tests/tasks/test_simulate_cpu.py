"""`bytesim simulate-cpu` and the task behind it."""

import inspect
import io
import json
import sys
from contextlib import suppress
from math import gcd

import pytest
from helpers.paths import EXAMPLES, ROOT
from hypothesis import given
from hypothesis import strategies as st

from bytesim import cli
from bytesim.commands import simulate_cpu as command
from bytesim.cpu.assembler import assemble
from bytesim.cpu.compare import Difference
from bytesim.cpu.isa import OPERATIONS
from bytesim.cpu.machine import StopReason, run
from bytesim.errors import ConfigError, InputError, OutputError
from bytesim.formats import cpu_trace
from bytesim.formats.cpu_trace import State, Trace
from bytesim.tasks.simulate_cpu.report import Cell, state_rows
from bytesim.tasks.simulate_cpu.simulate import MAX_STEPS, parse_registers, simulate_cpu
from bytesim.tasks.simulate_cpu.simulation import compare_traces

DOCS = ROOT / "docs" / "cpu.md"
SUM = "LOADI 5\nADD A\nPOP B\nHLT\n"  # B = 5 + A


@pytest.fixture
def program(tmp_path):
    """Writes a file and returns its path: text as assembly, bytes as .bin."""

    def write(content, name=None):
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / (name or ("p.asm" if isinstance(content, str) else "p.bin"))
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def bytesim(monkeypatch, capsysbinary):
    """Runs the command line in this process: (exit code, stdout, stderr)."""

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["bytesim", "simulate-cpu", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsysbinary.readouterr()
        return stopped.value.code or 0, out, err.decode()

    return call


def trace_of(text: str, first: State | None = None) -> bytes:
    memory = assemble(text)
    return cpu_trace.serialize(Trace(memory=memory, states=run(memory, first or State()).states))


# --- the task ---------------------------------------------------------------------------------


def test_assembly_runs_from_the_state_that_was_asked_for(program):
    result = simulate_cpu(program(SUM), acc=9, registers={"A": 3})
    assert result.trace.states[0] == State(acc=9, registers=(3, *[0] * 9))
    assert result.trace.states[-1].registers[:2] == (3, 8)
    assert (result.kind, result.stop.reason, result.stop.address) == ("assembly", StopReason.HALTED, 3)


def test_the_three_binary_kinds_are_told_apart_by_size(program):
    data = trace_of(SUM)
    kinds = [simulate_cpu(program(data[:size])).kind for size in (1024, 1040, 1041, len(data))]
    assert kinds == ["memory", "memory and first state", "trace", "trace"]


def test_a_name_that_says_nothing_is_read_by_its_content(program):
    assert simulate_cpu(program(SUM, "prog")).kind == "assembly"
    assert simulate_cpu(program(assemble(SUM), "prog")).kind == "memory"
    assert simulate_cpu(program(SUM, "p.ASM")).kind == "assembly"


def test_a_trace_written_is_a_trace_found_right(program, tmp_path):
    written = tmp_path / "out.bin"
    simulate_cpu(program(SUM), registers={"A": 3}, trace=written)
    assert written.read_bytes() == trace_of(SUM, State(registers=(3, *[0] * 9)))
    comparison = simulate_cpu(written).comparison
    assert comparison.differences == ()
    assert comparison.score.bytes_right == comparison.score.bytes_total == 4 * 16


def test_a_trace_longer_than_the_default_steps_is_compared_to_its_end(program, tmp_path):
    written = tmp_path / "out.bin"
    simulate_cpu(program("INC\n" * 256), steps=400, trace=written)
    comparison = simulate_cpu(written).comparison
    assert (comparison.score.bytes_right, comparison.differences) == (400 * 16, ())


def test_wrong_bytes_are_listed(program):
    data = bytearray(trace_of(SUM))
    data[1024 + 2 * 16 + 1] = 7  # ACC of step 2
    comparison = simulate_cpu(program(bytes(data))).comparison
    assert comparison.differences == (Difference(step=2, cell="ACC", offset=1057, found=7, right=5),)
    assert (comparison.score.bytes_right, comparison.score.bytes_total) == (63, 64)


@pytest.mark.parametrize(("cut", "added"), [(1, b""), (16, b""), (20, b""), (0, b"\0"), (0, bytes(40))])
def test_missing_and_surplus_bytes_count_as_wrong(program, cut, added):
    data = trace_of(SUM)
    comparison = simulate_cpu(program(data[: len(data) - cut] + added)).comparison
    assert (comparison.score.bytes_right, comparison.score.bytes_total) == (64 - cut, 64 + len(added))
    assert len(comparison.differences) == cut + len(added)


def test_the_first_state_and_the_memory_are_not_scored():
    right = cpu_trace.parse(trace_of("HLT"))
    other = Trace(memory=bytes(1024), states=(State(acc=9), *right.states[1:]))
    assert compare_traces(other, right).differences == ()


def test_a_seed_draws_the_same_first_state_and_no_seed_names_its_own(program):
    path = program(SUM)
    drawn = simulate_cpu(path, random_state=True)
    assert drawn.seed is not None
    again = simulate_cpu(path, random_state=True, seed=drawn.seed)
    assert again.trace == drawn.trace
    assert len(set(drawn.trace.states[0].registers)) > 1


@pytest.mark.parametrize(
    "options",
    [
        {"steps": 0},
        {"steps": 65_537},
        {"acc": 256},
        {"registers": {"K": 1}},
        {"registers": {"A": -1}},
        {"seed": 1},
        {"random_state": True, "seed": -1},
        {"random_state": True, "acc": 0},
        {"random_state": True, "registers": {"A": 1}},
        {"engine": "no such engine"},
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_read(options):
    with pytest.raises(ConfigError):
        simulate_cpu("no such file", **options)


def test_a_first_state_in_the_file_allows_no_other(program):
    with pytest.raises(InputError, match="has its own first state"):
        simulate_cpu(program(bytes(1040)), acc=1)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.asm", b"HLT\xff", "a.asm, byte 3: this is not UTF-8 text"),
        ("a.asm", b"HLT\n  HALT", "a.asm: line 2, column 3: unknown instruction 'HALT'"),
        ("a", b"Dear Sir or Madam,", "a: line 1, column 1: unknown instruction 'Dear'"),
        ("a.bin", bytes(1000), "a.bin, byte 1000: the file ends after 1000 bytes"),
        ("a.bin", bytes(1030), "a.bin, byte 1030: only 6 of the 16 bytes"),
        ("a.bin", b"no assembly either " * 60, "a.bin, byte 1024: PC of the first state is"),
        ("a.bin", b"", "a.bin: the file is empty"),
        ("a.bin", bytes(2_000_000), "a.bin: longer than the limit"),
    ],
)
def test_what_is_no_program_is_explained(program, name, data, message):
    path = program(data, name)
    with pytest.raises(InputError) as caught:
        simulate_cpu(path)
    assert str(caught.value).startswith(str(path.parent / message))


def test_an_existing_trace_is_refused_before_the_run_unless_forced(program, tmp_path):
    path, out = program(SUM), tmp_path / "out.bin"
    out.write_bytes(b"mine")
    with pytest.raises(OutputError):
        simulate_cpu(path, trace=out)
    assert out.read_bytes() == b"mine"
    simulate_cpu(path, trace=out, force=True)
    assert out.read_bytes() == trace_of(SUM)


def test_registers_are_written_as_letters_and_bytes():
    assert parse_registers("A=3, b = 0x10,J=0b11") == {"A": 3, "B": 16, "J": 3}
    for wrong in ("", "A", "A=", "A=256", "K=1", "A=1,", "A=1,A=2", "=1"):
        with pytest.raises(ConfigError):
            parse_registers(wrong)


@given(st.sampled_from(["x.asm", "x.bin", "x"]), st.sampled_from([0, 1024, 1040]), st.binary(max_size=60))
def test_any_file_runs_or_is_explained(tmp_path_factory, name, size, data):
    path = tmp_path_factory.mktemp("any") / name
    path.write_bytes(bytes(size) + data)
    with suppress(InputError):
        assert len(simulate_cpu(path).trace.states) >= 2


# --- the table --------------------------------------------------------------------------------


def test_the_table_marks_what_an_instruction_changed(program):
    rows = state_rows(simulate_cpu(program(SUM), registers={"A": 3}))
    changed = [[i for i, cell in enumerate(row.cells) if cell.changed] for row in rows]
    assert changed == [[], [], [1], [1], [7]]  # ACC, ACC, then B
    assert [row.instruction for row in rows] == ["", "LOADI 5", "ADD A", "POP B", "HLT"]


def test_the_table_shows_wrong_missing_and_surplus_bytes_beside_the_right_ones(program):
    data = bytearray(trace_of("HLT"))
    data[1040] = 9
    rows = state_rows(simulate_cpu(program(bytes(data[:-1]))))
    assert (rows[1].cells[0].text, rows[1].cells[0].right) == ("9", "1")
    assert (rows[1].cells[15].text, rows[1].cells[15].right) == ("-", "0")
    surplus = state_rows(simulate_cpu(program(trace_of("HLT") + b"\x07")))
    assert (surplus[2].cells[0].text, surplus[2].cells[0].right) == ("7", "-")
    assert (surplus[2].cells[1].text, surplus[2].cells[1].right) == ("-", None)


def test_on_a_terminal_a_wrong_byte_is_red_beside_the_right_one():
    cells = [Cell("9", right="12"), Cell("5", changed=True), Cell("0")]
    line = command._line(cells, [6, 1, 1], "HLT")
    assert line.plain == " 9(12) 5 0 HLT"
    assert [(line.plain[span.start : span.end], span.style) for span in line.spans if span.style] == [
        ("9", "bold red"),
        ("(12)", "green"),
        ("5", "bold green"),
    ]


# --- the command ------------------------------------------------------------------------------


def test_a_pipe_gets_aligned_text_and_stderr_the_reason_of_the_stop(program, bytesim):
    code, out, err = bytesim(program(SUM), "--registers", "A=250")
    assert code == 0
    assert out.decode().splitlines() == [
        "step PC ACC op a b c   A   B C D E F G H I J instruction",
        "   0  0   0  0 0 0 0 250   0 0 0 0 0 0 0 0 0",
        "   1  1   0 11 5 0 0 250   0 0 0 0 0 0 0 0 0 LOADI 5",
        "   2  2   5 13 1 0 0 250   0 0 0 0 0 0 0 0 0 ADD A",
        "   3  3 255 10 2 0 0 250   0 0 0 0 0 0 0 0 0 POP B",
        "   4  4 255  0 0 0 0 250 255 0 0 0 0 0 0 0 0 HLT",
    ]
    assert err == "halted at address 3 after 4 steps\n"


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        ("INC\n" * 256, ["--steps", "9"], "not halted after 9 steps; the next instruction is at address 9"),
        ("INC\n" * 256, [], "not halted after 256 steps; the next instruction is at address 255"),
        ("INC\nBYTES 21 0 0 0", [], "stopped at address 1 after 2 steps: there is no opcode 21"),
        ("BYTES 20 1 0 0", [], "stopped at address 0 after 1 step: there is no register 0"),
    ],
)
def test_a_run_that_does_not_halt_says_so_on_stderr_and_exits_0(program, bytesim, text, options, reason):
    code, out, err = bytesim(program(text), *options)
    assert (code, err) == (0, reason + "\n")
    assert out


def test_json_is_one_object(program, bytesim):
    code, out, _ = bytesim(program(SUM), "--registers", "A=3", "--json")
    shown = json.loads(out)
    assert code == 0
    assert shown["stop"] == {"reason": "halted", "address": 3, "value": None}
    assert shown["states"][-1]["registers"]["B"] == 8
    assert (shown["steps"], shown["comparison"]) == (4, None)


def test_stdin_and_stdout_stand_for_files(bytesim):
    code, out, _ = bytesim("-", "--trace", "-", stdin=SUM.encode())
    assert (code, out) == (0, trace_of(SUM))
    code, out, _ = bytesim("-", stdin=out)
    assert out.decode().splitlines()[-1] == "all 64 state bytes are right"


def test_a_wrong_trace_is_shown_with_its_score(program, bytesim):
    data = bytearray(trace_of(SUM))
    data[1057] = 7
    code, out, _ = bytesim(program(bytes(data)))
    assert code == 0
    assert " 7(5) " in out.decode()
    assert out.decode().splitlines()[-1] == (
        "63 of 64 state bytes are right (98.44%); the first wrong one is ACC of step 2 (byte 1057): 7, should be 5"
    )


@pytest.mark.parametrize(
    "options",
    [
        ["--acc", "300"],
        ["--registers", "A:3"],
        ["--seed", "1"],
        ["--random-state", "--acc", "1"],
        ["--trace", "-", "--json"],
        ["--engine", "wishes"],
        ["--verify"],
        ["--steps", "0"],
        ["--steps", str(MAX_STEPS + 1)],
        ["--registers", "A=256"],
        ["--random-state", "--registers", "A=1"],
        ["--random-state", "--seed", "-1"],
    ],
)
def test_contradictory_options_are_wrong_usage(program, bytesim, options):
    code, out, err = bytesim(program(SUM), *options)
    assert (code, out) == (2, b"")
    assert "Traceback" not in err


def test_a_program_that_cannot_be_read_is_one_line_and_exit_1(program, bytesim):
    code, out, err = bytesim(program("HLT\nHALT [now]"))
    assert (code, out) == (1, b"")
    assert len(err.splitlines()) == 1
    assert "p.asm: line 2, column 1: unknown instruction 'HALT'" in err


def test_command_and_task_share_their_defaults():
    task = inspect.signature(simulate_cpu).parameters
    shared = {name: p.default for name, p in inspect.signature(command.simulate_cpu).parameters.items() if name in task}
    assert shared == {name: task[name].default for name in shared}
    assert len(shared) == len(task)


# --- the examples -----------------------------------------------------------------------------


def last_registers(name: str, *registers: int) -> tuple[int, ...]:
    """Registers at the end of an example that starts amid leftovers."""
    memory = assemble((EXAMPLES / name).read_text(encoding="utf-8"))
    first = State(acc=77, registers=(*registers, *range(91, 101))[:10])
    done = run(memory, first)
    assert done.stop.reason is StopReason.HALTED
    return done.states[-1].registers


def test_multiply_asm_multiplies():
    for a in range(0, 256, 3):
        for b in range(min(15, 255 // max(a, 1)) + 1):
            assert last_registers("multiply.asm", a, b)[3] == a * b


@pytest.mark.parametrize("pair", [(144, 233), (233, 144), (84, 36), (0, 0), (0, 9), (9, 0), (255, 1), (255, 255)])
def test_gcd_asm_finds_the_divisor(pair):
    assert last_registers("gcd.asm", *pair)[0] == gcd(*pair)


@given(st.integers(0, 255), st.integers(0, 255))
def test_gcd_asm_agrees_with_math(a, b):
    assert last_registers("gcd.asm", a, b)[0] == gcd(a, b)


def test_bits_asm_counts_reverses_isolates_and_tells_odd():
    for a in range(256):
        _, count, reverse, lowest, odd, *_ = last_registers("bits.asm", a)
        assert count == bin(a).count("1")
        assert f"{reverse:08b}" == f"{a:08b}"[::-1]
        assert (lowest, odd) == (a & -a, count % 2)


# --- the documentation ------------------------------------------------------------------------


def test_the_documented_run_is_what_the_command_prints(program, bytesim):
    page = DOCS.read_text(encoding="utf-8")
    text = page.split("with `double.asm` holding")[1].split("prints")[0]
    _, out, err = bytesim(program(text), "--registers", "A=20")
    assert f"```\n{out.decode()}{err}```" in page


def test_the_documented_table_lists_every_operation():
    page = DOCS.read_text(encoding="utf-8")
    assert all(f"\n| {operation.code} | {operation.name} | " in page for operation in OPERATIONS)
