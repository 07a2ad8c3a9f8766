"""States of the CPU by a model: `simulate-cpu --engine model` and `evaluate cpu`, on random and on known answers."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from helpers.music_models import answering, make_model
from PIL import Image
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.cpu import machine
from bytesim.cpu.assembler import assemble
from bytesim.cpu.machine import StopReason
from bytesim.datasets.cpu import build_cpu
from bytesim.engine import bulk
from bytesim.errors import ConfigError, FormatError, ModelError, OutputError
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE, State, parse_state, serialize_states
from bytesim.predictors.cpu import load_cpu_model, most_steps, predict_states
from bytesim.requests import Request
from bytesim.tasks.evaluate.cpu import evaluate_cpu
from bytesim.tasks.simulate_cpu.simulate import simulate_cpu
from bytesim.training.data.shards import pack, save_shard

RECIPE = 'name = "cpu"\n[[data]]\ntask = "cpu"\n'
SUM = "LOADI 5\nADD A\nPOP B\nHLT\n"  # B = 5 + A


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("models") / "cpu"
    return str(make_model(folder, RECIPE, patch_size=16, max_patches=336, clock=True, source_patches=False))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "sum.asm"
    path.write_text(SUM)
    return path


def right_states(request: Request) -> bytes:
    """What the exact machine makes of a request, after the first state."""
    first = parse_state(bytes(request.history[-1].astype(np.uint8)))
    ran = machine.run(request.source.ljust(MEMORY_SIZE, b"\0"), first)
    return serialize_states(ran.states[1:])


def answers(monkeypatch: pytest.MonkeyPatch, answer) -> None:
    monkeypatch.setattr(bulk, "decode", answering(answer))


def with_byte(data: bytes, place: int, value: int) -> bytes:
    return data[:place] + bytes([value]) + data[place + 1 :]


def run(*words: object):
    return CliRunner().invoke(app, list(map(str, words)))


# --- simulate-cpu -----------------------------------------------------------------------------


def test_a_right_answer_is_verified(model, program, monkeypatch):
    answers(monkeypatch, right_states)
    seen = simulate_cpu(program, engine="model", model=model, registers={"A": 3}, verify=True)
    assert seen.comparison is not None
    assert not seen.comparison.differences
    assert seen.trace == simulate_cpu(program, registers={"A": 3}).trace
    assert (seen.stop.reason, seen.stop.address, seen.model) == (StopReason.HALTED, 3, "cpu")
    assert seen.outside == ()


def test_a_wrong_byte_is_shown_beside_the_right_one(model, program, monkeypatch):
    answers(monkeypatch, lambda request: with_byte(right_states(request), 3 * STATE_SIZE + 1, 99))
    done = run("simulate-cpu", program, "--engine", "model", "--model", model, "--verify")
    assert done.exit_code == 0
    assert " 99(5) " in done.stdout
    assert "79 of 80" not in done.stdout
    assert "63 of 64 state bytes are right (98.44%); the first wrong one is ACC of step 4" in done.stdout


def test_without_verify_nothing_is_compared(model, program, monkeypatch):
    answers(monkeypatch, lambda request: with_byte(right_states(request), 1, 99))
    done = run("simulate-cpu", program, "--engine", "model", "--model", model, "--json")
    plain = json.loads(done.stdout)
    assert plain["comparison"] is None
    assert plain["states"][1]["acc"] == 99
    assert (plain["engine"], plain["model"], plain["outside"]) == ("model", "cpu", [])


def test_a_trace_is_what_the_prediction_is_compared_with(model, program, tmp_path, monkeypatch):
    trace = tmp_path / "sum.bin"
    simulate_cpu(program, trace=trace)
    answers(monkeypatch, lambda request: with_byte(right_states(request), 1, 99))
    seen = simulate_cpu(trace, engine="model", model=model)
    assert seen.comparison is not None
    assert [each.found for each in seen.comparison.differences] == [99]


def test_an_answer_that_does_not_end_in_time_is_cut_and_said(model, program, monkeypatch):
    answers(monkeypatch, lambda request: None)
    seen = simulate_cpu(program, engine="model", model=model, steps=7)
    assert seen.stop.reason is StopReason.STEP_LIMIT
    answers(monkeypatch, lambda request: bytes(9 * STATE_SIZE))
    assert len(simulate_cpu(program, engine="model", model=model, steps=7).trace.states) == 8


def test_a_program_that_no_model_was_trained_on_is_named(model, tmp_path, monkeypatch):
    path = tmp_path / "odd.asm"
    path.write_text("BYTES 21 1 2 3")
    answers(monkeypatch, right_states)
    done = run("simulate-cpu", path, "--engine", "model", "--model", model)
    assert done.exit_code == 0
    assert "trained on programs unlike this one (there is no opcode 21 (address 0)); the states may be" in done.stderr
    assert "trained on" not in run("simulate-cpu", path).stderr


def test_a_random_model_answers_anything_with_states_or_one_line(model, tmp_path):
    for number, data in enumerate((bytes(MEMORY_SIZE), bytes(range(256)) * 4, b"\x01\0\0\0" * 256)):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(data)
        seen = simulate_cpu(path, engine="model", model=model, steps=3, verify=True)
        assert 1 <= len(seen.trace.states) <= 4
        assert seen.comparison is not None


def test_a_model_of_something_else_is_refused(tmp_path, program):
    music = make_model(tmp_path / "music")
    with pytest.raises(ModelError, match="not trained on states"):
        simulate_cpu(program, engine="model", model=str(music))
    other = make_model(tmp_path / "other", RECIPE)  # patches of 8
    with pytest.raises(ModelError, match="patches have 8 bytes"):
        simulate_cpu(program, engine="model", model=str(other))


def test_more_steps_than_the_history_holds_are_refused(model, program):
    most = most_steps(load_cpu_model(model))
    assert most == 336 - 2 - 1
    with pytest.raises(ModelError, match=f"at most {most} steps, not {most + 1}"):
        simulate_cpu(program, engine="model", model=model, steps=most + 1)


def test_predictions_come_in_order_and_stop_where_they_are_told(model):
    asked = [(assemble("INC\n" * count), State()) for count in (30, 2, 9)]
    writer = load_cpu_model(model)
    made = predict_states(writer, asked, steps=5, slots=2)
    assert [each.states[0] for each in made] == [State()] * 3
    assert all(len(each.data) <= 5 * STATE_SIZE for each in made)


@pytest.mark.parametrize("verify", [False, True])
def test_the_picture_shows_values_and_frames_wrong_ones(model, program, tmp_path, monkeypatch, verify):
    answers(monkeypatch, lambda request: with_byte(right_states(request), 3 * STATE_SIZE + 1, 99))
    path = tmp_path / "states.png"
    seen = simulate_cpu(program, engine="model", model=model, verify=verify, picture=path)
    assert seen.picture == str(path)
    pixels = np.asarray(Image.open(io.BytesIO(path.read_bytes())).convert("RGB")).astype(int)
    red = (pixels[..., 0] > 200) & (pixels[..., 1] < 60) & (pixels[..., 2] < 60)
    assert (red.sum() > 50) == verify


# --- evaluate cpu -----------------------------------------------------------------------------


def test_right_answers_score_one(model, monkeypatch):
    answers(monkeypatch, right_states)
    seen = evaluate_cpu(model=model, count=40, longest=60)
    assert (seen.byte_accuracy, seen.program_accuracy, seen.unended) == (1.0, 1.0, 0)
    assert sum(each.num_programs for each in seen.by_length.values()) == 40
    assert not any(each.wrong for each in (seen.fetch, *seen.by_opcode.values()))
    assert seen.longest_right > 40


def test_an_error_counts_against_the_operation_before_it_and_hides_what_follows(model, tmp_path, monkeypatch):
    memory = assemble("ADD A\nMUL B\nSUB C\nHLT")
    states = serialize_states(machine.run(memory, State(acc=3, registers=tuple(range(1, 11)))).states)
    shard = tmp_path / "one.npz"
    save_shard(shard, pack([(memory[:16], states)]))
    # ACC of the state after MUL, and everything after it.
    answers(monkeypatch, lambda request: states[16:][: 2 * 16 + 1] + bytes(31))
    seen = evaluate_cpu(shard, model=model)
    assert {name: (each.executed, each.wrong) for name, each in seen.by_opcode.items()} == {
        "ADD": (1, 0),
        "MUL": (1, 1),
    }
    assert (seen.fetch.executed, seen.fetch.wrong) == (3, 1)  # the rest of that state was zeros, its PC and IR too
    assert seen.score.bytes_total == 4 * 16
    assert seen.longest_right == 0


def test_missing_states_are_wrong_ones(model, monkeypatch):
    answers(monkeypatch, lambda request: None)
    seen = evaluate_cpu(model=model, count=5, longest=20)
    assert (seen.byte_accuracy, seen.program_accuracy, seen.unended) == (0.0, 0.0, 5)


def test_the_same_programs_are_measured_made_or_from_a_shard(model, tmp_path, monkeypatch):
    build_cpu(out=tmp_path, train=0, dev=2, test=6)
    answers(monkeypatch, right_states)
    made, read = evaluate_cpu(model=model, count=6), evaluate_cpu(tmp_path / "cpu_test.npz", model=model)
    assert (made.score, made.by_opcode) == (read.score, read.by_opcode)
    assert evaluate_cpu(model=model, count=6, split="dev").score != made.score
    assert made.split_sha256 != read.split_sha256


@pytest.mark.slow
def test_a_random_model_is_measured_and_drawn(model, tmp_path):
    picture = tmp_path / "cpu.png"
    words = ("evaluate", "cpu", "--model", model, "--count", 3, "--longest", 5, "--score", "--picture", picture)
    done = run(*words)
    assert done.exit_code == 0, done.stderr
    assert "| state bytes right | 0." in done.stdout
    assert "bits per byte of the states, teacher-forced" in done.stdout
    assert "3 random programs of 1 to 5 instructions, test (sha256 " in done.stdout
    assert Image.open(picture).size[0] > 600
    again = run(*words)
    assert isinstance(again.exception, OutputError)
    assert json.loads(run(*words, "--force", "--json").stdout)["score"]["num_programs"] == 3


def test_what_cannot_be_measured_is_refused(model, tmp_path):
    with pytest.raises(ConfigError):
        evaluate_cpu(model=model, split="all")
    with pytest.raises(ConfigError):
        evaluate_cpu(model=model, count=0)
    save_shard(tmp_path / "tunes.npz", pack([(b"X:1", b"MThd")]))
    with pytest.raises(FormatError):
        evaluate_cpu(tmp_path / "tunes.npz", model=model)


# --- data build cpu ---------------------------------------------------------------------------


def test_a_build_is_the_same_again_and_says_what_it_holds(tmp_path):
    words = ("data", "build", "cpu", "--train", 5, "--dev", 3, "--test", 0, "--longest", 30)
    first, second = run(*words, "--out", tmp_path / "a", "--json"), run(*words, "--out", tmp_path / "b", "--json")
    one, two = (json.loads(done.stdout)["shards"] for done in (first, second))
    assert [(each["file"], each["programs"]) for each in one] == [("cpu_train.npz", 5), ("cpu_dev.npz", 3)]
    assert [each["states"] for each in one] == [each["states"] for each in two]
    assert (tmp_path / "a" / "cpu_train.npz").read_bytes() == (tmp_path / "b" / "cpu_train.npz").read_bytes()
    assert run(*words, "--out", tmp_path / "a").exit_code == 1
    assert run(*words, "--out", tmp_path / "a", "--force").exit_code == 0


@pytest.mark.parametrize("wrong", [{"train": 0, "dev": 0, "test": 0}, {"favoured": "JMP"}, {"longest": 256}])
def test_a_build_of_nothing_that_there_is_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError):
        build_cpu(out=tmp_path / "set", **wrong)
    assert not (tmp_path / "set").exists()
