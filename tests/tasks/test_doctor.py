"""doctor says what is there, and the faster number type is the one that was measured faster."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from helpers.programs import hide_programs
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app
from bytesim.engine import hardware
from bytesim.oracles import abcmidi
from bytesim.tasks import doctor as task


def test_the_faster_type_is_the_one_with_the_higher_rate(monkeypatch):
    rates = {
        (torch.float32, 512): 50.0,
        (torch.bfloat16, 512): 400.0,
        (torch.float32, 1): 9.0,
        (torch.bfloat16, 1): 4.0,
    }
    monkeypatch.setattr(hardware, "matmul_gflops", lambda dtype, device, rows: rates[dtype, rows])
    assert hardware.faster_dtype("cpu") is torch.bfloat16
    assert hardware.faster_dtype(torch.device("cpu"), rows=1) is torch.float32


def test_a_rate_is_measured_once_per_process(monkeypatch):
    first = hardware.matmul_gflops(torch.float32, "cpu", 8)
    monkeypatch.setattr(hardware, "_best_time", lambda work, device: pytest.fail("measured again"))
    assert hardware.matmul_gflops(torch.float32, "cpu", 8) == first > 0


def test_a_type_the_device_cannot_multiply_has_rate_0():
    assert hardware.matmul_gflops(torch.bool, "cpu", 8) == 0.0


def test_the_cpu_is_always_there_and_last():
    assert hardware.devices()[-1] == "cpu"


@pytest.mark.slow
def test_the_diagnosis_holds_what_was_measured():
    found = task.doctor()
    cpu = found.devices[-1]
    assert cpu.fp32_gflops > 0
    assert cpu.bandwidth_gb_s > 0
    assert cpu.dtype == str(hardware.faster_dtype("cpu")).removeprefix("torch.")
    assert (found.torch, found.bytesim) == (torch.__version__, bytesim.__version__)
    assert found.cores >= 1


def test_a_tool_that_is_missing_comes_with_how_to_install_it(monkeypatch):
    hide_programs(monkeypatch)
    tools = {tool.name: tool for tool in task.doctor().tools}
    assert (tools["abc2midi"].version, tools["abc2midi"].path) == (None, None)
    assert tools["abc2midi"].install == "pip install symusic"
    assert (tools["abcm2ps"].version, tools["abcm2ps"].path) == (None, None)
    assert "apt-get install abcm2ps" in tools["abcm2ps"].install


@pytest.mark.slow
def test_abcmidi_comes_with_its_version_and_place():
    tools = {tool.name: tool for tool in task.doctor().tools}
    for name in ("abc2midi", "midi2abc"):
        assert tools[name].path == abcmidi.find_tool(name)
        assert tools[name].version == abcmidi.version_number(tools[name].path)


def test_a_variable_that_names_no_program_is_explained(monkeypatch):
    monkeypatch.setenv("BYTESIM_ABC2MIDI", "/no/such/program")
    tools = {tool.name: tool for tool in task.doctor().tools}
    assert tools["abc2midi"].version is None
    assert "BYTESIM_ABC2MIDI names '/no/such/program'" in tools["abc2midi"].install


@pytest.mark.parametrize(("text", "version"), [("4.84 January 20 2023 x", "4.84"), ("none", "?")])
def test_a_version_is_read_or_left_open(text, version):
    assert task._ask_version(sys.executable, f"-cprint({text!r})") == version
    assert task._ask_version("/no/such/program", "-v") == "?"


def test_the_command_prints_lines_for_people():
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    for text in ("fp32 matmul", "dtype auto", "abc2midi", f"Python {sys.version_info.major}"):
        assert text in result.stdout


def test_the_command_prints_json(tmp_path: Path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path))
    document = json.loads(CliRunner().invoke(app, ["doctor", "--json"]).stdout)
    assert document["devices"][-1]["name"] == "cpu"
    assert {"name": "mine", "place": "user", "folder": str(tmp_path / "mine")} in document["models"]
