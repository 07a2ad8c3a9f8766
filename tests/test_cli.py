"""The command line as a user meets it: real subprocesses, exit codes, help that can be pasted."""

import os
import subprocess
import sys

import pytest
from cli_tree import EVERYTHING
from typer.testing import CliRunner

import bytesim
from bytesim.cli import app

HEAVY = ("torch", "numpy", "music21", "matplotlib")


def run(*arguments: str, **options) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bytesim", *arguments]
    return subprocess.run(command, capture_output=True, timeout=120, check=False, **options)


@pytest.mark.parametrize("words", sorted(EVERYTHING))
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


def test_an_interrupt_exits_130():
    code = (
        "import sys, bytesim.cli, bytesim.tasks.models\n"
        "def interrupted(): raise KeyboardInterrupt\n"
        "bytesim.tasks.models.list_models = interrupted\n"
        "sys.argv = ['bytesim', 'models', 'list']\n"
        "bytesim.cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=False)
    assert done.returncode == 130
    assert b"Traceback" not in done.stderr
