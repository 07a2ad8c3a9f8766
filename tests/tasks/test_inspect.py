"""inspect: what every byte costs, windows that do not fit, edges, and the same numbers as evaluate and compress."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.cpu.many import split_programs, with_states
from bytesim.errors import BytesimError
from bytesim.native.library import kernels
from bytesim.predictors.surprise import Surprise
from bytesim.tasks.compress.compress import compress
from bytesim.tasks.evaluate.bpb import evaluate_bpb
from bytesim.tasks.inspect.inspect import inspect, look
from bytesim.tasks.inspect.patches import borders
from bytesim.tasks.inspect.statistics import anomalies, edges

pytestmark = pytest.mark.skipif(kernels() is None, reason="the kernels are not compiled")
TEXT = (ROOT / "CHANGELOG.md").read_bytes()
NEWS = (
    b"Oil prices rose on Tuesday after the government said that exports from the north would stay below last year's "
    b"level for the rest of the winter. The company said it expects profit to fall in the second quarter.\n"
)


def made(tmp_path: Path, name: str, data: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_the_total_is_that_of_evaluate_bpb(tmp_path):
    path = made(tmp_path, "a.txt", TEXT[:11_000])  # two windows
    found = inspect(path, model="text")
    (outcome,) = evaluate_bpb(path, model="text")
    assert outcome.result
    assert found.bits_per_byte == pytest.approx(outcome.result.bits_per_byte, rel=1e-5)
    assert (found.model, found.read_as, found.num_bytes) == ("text", "txt", 11_000)


def test_the_total_of_the_context_mixer_is_the_size_of_its_code(tmp_path):
    path = made(tmp_path, "a.txt", TEXT[:20_000])
    (outcome,) = compress(path, fast=True)
    assert outcome.result
    bits = inspect(path, model="none").bits_per_byte * 20_000
    assert 8 * (outcome.result.compressed_bytes - 12) <= bits * 1.001 + 8
    assert bits <= 8 * outcome.result.compressed_bytes


@pytest.mark.parametrize("model", ["text", "none"])
def test_a_blob_in_a_text_stands_out_and_has_edges(tmp_path, model):
    blob = random.Random(3).randbytes(64)
    text = b" ".join([NEWS] * 3) if model == "text" else TEXT[:6000]
    half = len(text) // 2
    looked = look(made(tmp_path, "a.txt", text[:half] + blob + text[half:]), model=model, window=32)
    ends = [edge.offset for edge in looked.found.edges]
    assert any(abs(end - half) <= 64 for end in ends)
    assert any(abs(end - half - 64) <= 64 for end in ends)
    sums = [looked.surprise.bits[start : start + 32].sum() for start in range(0, len(text), 16)]
    assert abs(int(np.argmax(sums)) * 16 - half - 16) <= 48
    if model == "text":
        assert half - 32 <= looked.found.anomalies[0].start <= half + 64
        assert looked.found.anomalies[0].p_value < 1e-6


def test_nothing_stands_out_in_a_text_that_fits(tmp_path):
    assert inspect(made(tmp_path, "a.txt", NEWS), model="text").anomalies == ()


def test_a_wrong_state_of_a_trace_stands_out(tmp_path):
    (programs,) = split_programs("test", 6)
    found = 0
    for index, (memory, states) in enumerate(with_states(programs)):
        data = bytearray(memory.ljust(1024, b"\0") + states)
        place = 1040 + 16 * (len(states) // 32) + 10
        data[place] ^= 0x55
        looked = look(made(tmp_path, f"{index}.bin", bytes(data)), model="cpu")
        first = looked.surprise.evidence[1040:].argmax() + 1040
        found += abs(int(first) - place) <= 16
    assert found >= 5


def test_the_model_is_chosen_by_what_fits(tmp_path):
    tune = b"X:1\nM:6/8\nL:1/8\nK:G\nG2B d2B|A2c e2c|d2B G2B|cBA F2D|G2B d2B|A2c e2c|d2B AGF|G3 G3|]\n"
    assert inspect(made(tmp_path, "a.abc", tune)).model == "music"
    assert inspect(made(tmp_path, "a.dat", NEWS)).model in ("text", "blt-text", "flat-text")
    assert inspect(made(tmp_path, "b.dat", random.Random(0).randbytes(2000))).model == "context mixer"


def test_evidence_keeps_its_promise():
    """Bytes that are drawn from what is expected have no anomalies, but in one file of a hundred."""
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(60):
        logs = np.log(rng.dirichlet(np.full(256, 0.05), 800) + 1e-12)
        logs -= np.log(np.exp(logs).sum(1, keepdims=True))
        drawn = (logs + rng.gumbel(size=logs.shape)).argmax(1)
        nats = -logs[np.arange(800), drawn]
        surprise = Surprise(
            bits=(nats / np.log(2)).astype(np.float32),
            expected=(-(np.exp(logs) * logs).sum(1) / np.log(2)).astype(np.float32),
            evidence=(nats / 2 - np.log(np.exp(logs / 2).sum(1))).astype(np.float32),
        )
        alarms += bool(anomalies(surprise))
    assert alarms <= 1


def test_edges_are_where_the_level_changes():
    rng = np.random.default_rng(0)
    levels = np.repeat([2.0, 5.0, 1.0], [3200, 1600, 4800])
    found = edges(np.maximum(0, rng.normal(levels, 1.0)).astype(np.float32))
    assert [edge.offset for edge in found] == [3200, 4800]
    assert [(round(edge.before), round(edge.after)) for edge in found] == [(2, 5), (5, 1)]
    assert edges(rng.normal(3, 1, 10_000).astype(np.float32)) == ()
    assert edges(np.ones(50, np.float32)) == ()


def test_patches_begin_by_each_rule():
    data = b"one two, three\n\xc3\xa9t\xc3\xa9 4"
    expected = np.linspace(8, 0, len(data)).astype(np.float32)
    surprise = Surprise(bits=expected, expected=expected, evidence=expected)
    assert borders(data, surprise, "fixed", 8).nonzero()[0].tolist() == [0, 8, 16]
    words = borders(data, surprise, "space", 8).nonzero()[0]
    assert [data[start : start + 1] for start in words] == [b"o", b"t", b"t", b"\xc3", b"4"]
    assert borders(data, surprise, "entropy", 8).nonzero()[0].tolist() == [0, 1, 2]
    for rule in ("fixed", "space", "entropy"):
        assert not borders(
            b"", Surprise(bits=expected[:0], expected=expected[:0], evidence=expected[:0]), rule, 8
        ).any()


def test_outputs_are_written_and_checked(tmp_path):
    path = made(tmp_path, "a.txt", TEXT[:3000])
    found = inspect(path, model="none", png=tmp_path / "a.png", jsonl=tmp_path / "a.jsonl")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [row["byte"] for row in rows] == list(TEXT[:3000])
    assert sum(row["bits"] for row in rows) / 3000 == pytest.approx(found.bits_per_byte, abs=1e-3)
    with pytest.raises(BytesimError, match="exists already"):
        inspect(path, png=tmp_path / "a.png")
    for wrong in ({"window": 1}, {"model": "agnews"}, {"model": "nowhere"}):
        with pytest.raises(BytesimError):
            inspect(path, **wrong)
    for missing in (tmp_path / "b", made(tmp_path, "empty", b"")):
        with pytest.raises(BytesimError):
            inspect(missing)
    assert inspect(made(tmp_path, "one", b"x")).num_bytes == 1


@pytest.mark.parametrize("size", [1, 5, 255, 257, 300_000])
def test_a_map_of_any_size_is_drawn(tmp_path, size):
    data = (b"abcdefg" * (size // 7 + 1))[:size]
    inspect(made(tmp_path, "a", data), model="none", png=tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_the_command_shows_rows_and_summary(tmp_path):
    path = made(tmp_path, "a.txt", TEXT[:2000])
    runner = CliRunner()
    result = runner.invoke(app, ["inspect", str(path), "--model", "none", "--offset", "32", "--rows", "2"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("00000020 ")
    assert lines[0].split("  ")[-1] == "".join(chr(byte) if 32 <= byte < 127 else "." for byte in TEXT[32:48])
    assert lines[1].startswith("00000030 ")
    assert "2,000 bytes" in lines[2]
    result = runner.invoke(app, ["inspect", str(path), "--model", "none", "--patches", "space", "--rows", "4"])
    assert "|" in result.stdout.splitlines()[0]
    result = runner.invoke(app, ["inspect", str(path), "--model", "none", "--json"])
    told = json.loads(result.stdout)
    assert told["num_bytes"] == 2000
    assert told["patches"]["fixed"] == 250
    assert runner.invoke(app, ["inspect", str(tmp_path / "none")]).exit_code == 1
