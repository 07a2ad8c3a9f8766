"""The command line as a user meets it: real subprocesses, exit codes, help that can be pasted."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.cli_tree import COMMANDS, EVERYTHING
from helpers.paths import EXAMPLES
from helpers.processes import start_bytesim, start_process
from helpers.tiny_training import write_recipe
from typer.testing import CliRunner

import bytesim
from bytesim import cli
from bytesim.cli import app
from bytesim.engine.hardware import devices
from bytesim.oracles.abcmidi import render_abc2midi

TUNE = "X:1\nT:Bits\nM:4/4\nL:1/8\nK:D\nDFAd fdAF|GBAG FAD2|\n"
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
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().split()[:2] == ["bytesim", bytesim.__version__]


def test_the_installed_command_is_the_same_program():
    script = os.path.join(os.path.dirname(sys.executable), "bytesim")
    assert subprocess.run([script, "--version"], capture_output=True, check=True).stdout == run("--version").stdout


def test_wrong_usage_exits_2():
    for arguments in (["no-such-command"], ["models", "show"], ["models", "list", "--no-such-option"]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (2, b"")


# --- one kind of mistake, one exit code ------------------------------------------------------

VALID = {
    "classify file": "bell.wav --model filetype",
    "classify fragments": "bell.wav",
    "compress": "bell.wav",
    "decompress": "bell.wav",
    "detect": "bell.wav",
    "convert abc2midi": "tunes/bits.abc",
    "convert files": "tunes/bits.abc --model music",
    "convert midi2abc": "bits.mid",
    "evaluate bpb": "tunes/bits.abc",
    "evaluate classify": "sorted",
    "evaluate compare": "recipe.toml",
    "evaluate convert": "tunes",
    "evaluate cpu": "--count 1",
    "evaluate generate": "-n 1",
    "generate": "",
    "inspect": "bell.wav",
    "models compress": "",
    "models export": "-o out",
    "models pull": "not-a-repository",
    "models push": "o/n",
    "models path": "",
    "models show": "",
    "models verify": "",
    "simulate-cpu": "gcd.asm --engine model",
    "train classify": "sorted",
    "train convert": "tunes --from abc --to mid",
    "train generate": "tunes",
    "train recipe": "recipe.toml",
}
"""Command that takes a device or a model -> words with which it would work, but for those two."""
MISSING = {
    "classify file": "missing.bin",
    "classify fragments": "missing.img",
    "compress": "missing.abc",
    "convert abc2midi": "missing.abc",
    "convert files": "missing.abc --model music",
    "convert midi2abc": "missing.mid",
    "decompress": "missing.bsim",
    "detect": "missing.img",
    "data build media": "digits missing.npz.xz --out set",
    "data build music": "--tunes missing.jsonl --no-corpus --out set",
    "evaluate bpb": "missing.abc",
    "evaluate classify": "missing.npz",
    "evaluate compare": "missing.toml",
    "evaluate convert": "missing.jsonl",
    "evaluate cpu": "missing.npz",
    "evaluate generate": "-n 1 --against missing.npz",
    "generate": "--prompt-file missing.txt",
    "inspect": "missing.bin",
    "models import": "missing.pth",
    "normalize": "missing.wav",
    "simulate-cpu": "missing.asm",
    "train classify": "missing",
    "train convert": "missing --from abc --to mid",
    "train generate": "missing",
    "train recipe": "missing.toml",
}
"""Command that reads files -> words that name one that is not there."""
READ_NO_FILE = {
    "data build cpu", "data build filetype", "doctor", "models compress", "models export", "models list", "models path",
    "models pull", "models push", "models show", "models verify",
}  # fmt: skip


@pytest.fixture
def one_error(tmp_path, monkeypatch, capsys):
    """Runs a command, which must fail with exit 1, nothing on stdout and one line on stderr, in a folder of files."""
    (tmp_path / "tunes").mkdir()
    (tmp_path / "sorted" / "bmp").mkdir(parents=True)
    (tmp_path / "tunes" / "bits.abc").write_text(TUNE)
    (tmp_path / "bits.mid").write_bytes(render_abc2midi(TUNE).midi)
    for name in ("bell.wav", "gcd.asm", "sunset.bmp"):
        shutil.copy(EXAMPLES / name, tmp_path)
    shutil.copy(EXAMPLES / "sunset.bmp", tmp_path / "sorted" / "bmp")
    write_recipe(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BYTESIM_MODELS", str(tmp_path / "store"))

    def call(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["bytesim", *words])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        out, err = capsys.readouterr()
        assert (stopped.value.code, out, len(err.splitlines())) == (1, "", 1), err
        return err.strip()

    return call


def taking(parameter: str) -> list[str]:
    """The commands with a parameter of that name."""
    return [words for words, command in COMMANDS.items() if parameter in {each.name for each in command.params}]


@pytest.mark.parametrize("words", taking("device"))
def test_a_device_that_is_not_there_is_the_same_error_of_every_command(words, one_error):
    line = one_error(*words.split(), *VALID[words].split(), "--device", "abacus")
    assert line == f"error: device 'abacus' cannot be used here. This machine has: {', '.join(devices())}."


@pytest.mark.parametrize("words", [*taking("model"), "models verify"])
def test_a_model_that_is_not_there_is_the_same_error_of_every_command(words, one_error):
    other = VALID[words].split()
    line = one_error(*words.split(), *(["nix", *other] if words.startswith("models") else [*other, "--model", "nix"]))
    assert "no model named 'nix'. Available: agnews" in line


@pytest.mark.parametrize("words", MISSING)
def test_a_file_that_is_not_there_is_one_line_that_names_it(words, one_error):
    (named,) = [word for word in MISSING[words].split() if word.startswith("missing")]
    assert one_error(*words.split(), *MISSING[words].split()).startswith(f"error: {named}: ")


def test_every_command_that_reads_files_is_asked_for_one_that_is_not_there():
    assert MISSING.keys() | READ_NO_FILE == COMMANDS.keys()


@pytest.mark.parametrize("words", COMMANDS)
def test_an_option_that_no_command_has_is_wrong_usage(words):
    assert CliRunner().invoke(app, [*words.split(), "--no-such-option"]).exit_code == 2


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
    with start_bytesim("simulate-cpu", str(pipe), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
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
    "decompress": "bsim",
    "normalize --to wav": "wav",
    "normalize --to bmp": "png",
}
TAKES_ONE = {
    "evaluate compare": "toml",
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


@pytest.mark.slow
@pytest.mark.parametrize("words", sorted(EVERYTHING))
def test_no_help_loses_brackets(words):
    """Brackets are markup there, so `[[validation]]` would be shown as `[]`."""
    assert "[]" not in CliRunner().invoke(app, [*words.split(), "--help"]).stdout


@pytest.mark.parametrize("kind", ["empty", "noise", "high bytes"])
@pytest.mark.parametrize("words", TAKES_ONE)
def test_garbage_gives_one_line_and_no_file(words, kind, tmp_path):
    source = tmp_path / f"it's [a] name.{TAKES_ONE[words]}"
    source.write_bytes(GARBAGE[kind])
    check_refused(run(*words.split(), str(source)), [source])


@pytest.mark.parametrize("words", sorted(EVERYTHING))
def test_only_the_root_offers_to_install_completion(words):
    """Each group is made by Typer on its own, which would add options for shell completion."""
    page = CliRunner().invoke(app, [*words.split(), "--help"]).stdout
    assert "--help" in page
    assert "--install-completion" not in page


# --- a stdout that takes nothing, and Ctrl-C at odd moments ---------------------------------------


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize(
    "words",
    [["models", "list"], ["models", "list", "--json"], ["--help"], ["--version"], ["models", "show", "music"]],
    ids=" ".join,
)
def test_a_full_disk_behind_stdout_is_one_line(words):
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "bytesim", *words]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (1, b"error: stdout: cannot be written: no space left on device.\n")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes files")
@pytest.mark.parametrize("option", ["", "--json"])
def test_with_stdout_closed_files_are_written_and_errors_are_told(tmp_path, option):
    (tmp_path / "tune.abc").write_text(TUNE)
    words = f"convert abc2midi tune.abc missing.abc -o out/ --engine rules {option}"
    line = f'exec "{sys.executable}" -m bytesim {words} >&-'
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "error: missing.abc: no such file. Check the name and the folder.",
        "error: stdout: there is no stdout to write to.",
    ]
    assert (tmp_path / "out" / "tune.mid").read_bytes() == render_abc2midi(TUNE).midi


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes files")
def test_with_all_standard_files_closed_no_output_is_mixed_with_what_is_printed(tmp_path):
    (tmp_path / "tune.abc").write_text(TUNE)
    line = f'exec "{sys.executable}" -m bytesim convert abc2midi tune.abc -o tune.mid --engine rules <&- >&- 2>&-'
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, timeout=120, check=False).returncode == 1
    assert (tmp_path / "tune.mid").read_bytes() == render_abc2midi(TUNE).midi


def test_ctrl_c_while_the_program_ends_is_no_traceback():
    code = (
        "import atexit, os, signal, sys\nfrom bytesim.__main__ import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.argv = ['bytesim', '--version']\nmain()"
    )
    with start_process([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, b"")
    assert said.startswith(b"bytesim ")
