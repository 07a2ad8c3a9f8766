"""The command line as a user meets it: real subprocesses, exit codes, help that can be pasted."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.cli_tree import EVERYTHING
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app

HEAVY = ("torch", "numpy", "music21", "matplotlib")


def run(*arguments: str, **options) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bytesim", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)


@pytest.mark.parametrize("words", ["", *sorted(EVERYTHING)])
def test_every_help_shows_a_line_to_paste(words):
    shown = CliRunner().invoke(app, [*words.split(), "--help"], env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"})
    assert shown.exit_code == 0
    lines = [line.strip(" │") for line in shown.output.splitlines()]
    assert any(line.startswith(f"bytesim {words}") for line in lines), shown.output


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom bytesim.cli import main\nsys.argv = ['bytesim', '--help']\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "Usage: bytesim" in done.stdout
    assert done.stderr.strip() == "[]"


def test_version_is_the_answer_on_stdout():
    done = run("--version")
    assert (done.returncode, done.stdout.decode().strip(), done.stderr) == (0, bytesim.__version__, b"")


def test_the_installed_command_is_the_same_program():
    script = os.path.join(os.path.dirname(sys.executable), "bytesim")
    assert subprocess.run([script, "--version"], capture_output=True, check=True).stdout == run("--version").stdout


def test_wrong_usage_exits_2():
    for arguments in (["no-such-command"], ["models", "show"], ["models", "list", "--no-such-option"]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, b"")


def test_a_failure_is_one_line_on_stderr_and_exits_1():
    done = run("models", "show", "no such [bold]model[red]\nhere")
    assert (done.returncode, done.stdout) == (1, b"")
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("error: no model named 'no such [bold]model[red]\\nhere'")


def open_when_read(pipe: Path) -> int:
    """The writing end of a named pipe, once a reader has opened it and so waits for what we write."""
    for _ in range(600):
        with suppress(OSError):  # no reader yet
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        time.sleep(0.1)
    raise TimeoutError(f"nobody reads {pipe}")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes to wait at")
def test_an_interrupt_exits_130(tmp_path):
    pipe = tmp_path / "program.asm"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "bytesim", "simulate-cpu", str(pipe)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        end = open_when_read(pipe)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
        os.close(end)
    assert (process.returncode, stdout) == (130, b"")
    assert b"Traceback" not in stderr


# --- garbage ---------------------------------------------------------------------------------

GARBAGE = {
    "empty": b"",
    "zeros": b"\0" * 1000,
    "noise": bytes(random.Random(0).randbytes(3000)),
    "text": b"neither music nor a program\n" * 20,
    "high bytes": b"\xff\xfe\xfd" * 300,
    "a MIDI cut short": b"MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\xff\xff\xff\xff\0\x90",
    "a WAV that lies": b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff",
    "a BMP that lies": b"BM" + b"\xff" * 60,
}
TAKES_MANY = {
    "convert abc2midi --engine rules": "abc",
    "convert midi2abc --engine rules": "mid",
    "normalize --to wav": "wav",
    "normalize --to bmp": "png",
}
TAKES_ONE = {
    "evaluate convert": "jsonl",
    "models import": "pth",
    "simulate-cpu": "bin",
    "train recipe": "toml",
}
"""Command that reads files, or one file -> their suffix."""


def check_refused(done: subprocess.CompletedProcess[bytes], sources: list[Path]) -> None:
    """One line for each source, nothing on stdout, exit 1, and no other file beside the sources."""
    lines = done.stderr.decode().splitlines()
    assert (done.returncode, len(lines), done.stdout) == (1, len(sources), b""), done.stderr.decode()
    for line, source in zip(lines, sources, strict=True):
        assert line.startswith(f"error: {source}")
    assert sorted(sources[0].parent.iterdir()) == sorted(sources)


@pytest.mark.parametrize("words", TAKES_MANY)
def test_each_file_of_garbage_gives_a_line_of_its_own(words, tmp_path):
    sources = [tmp_path / f"it's [{kind}].{TAKES_MANY[words]}" for kind in GARBAGE]
    for source, data in zip(sources, GARBAGE.values(), strict=True):
        source.write_bytes(data)
    check_refused(run(*words.split(), *map(str, sources)), sources)


@pytest.mark.parametrize("kind", ["empty", "noise", "high bytes"])
@pytest.mark.parametrize("words", TAKES_ONE)
def test_garbage_gives_one_line_and_no_file(words, kind, tmp_path):
    source = tmp_path / f"it's [a] name.{TAKES_ONE[words]}"
    source.write_bytes(GARBAGE[kind])
    check_refused(run(*words.split(), str(source)), [source])
