"""What users expect of any command line: -h, completion, advice for wrong words, quiet pipes, a log of long work."""

import json
import os
import shutil
import subprocess
import sys

import pytest
from helpers.cli_tree import COMMANDS, EVERYTHING
from helpers.music_models import make_model
from helpers.paths import EXAMPLES
from typer.testing import CliRunner

import bytesim
from bytesim import console
from bytesim.cli import _PANELS, app
from bytesim.commands.groups import meant_command
from bytesim.commands.model_page import result_rows

OTHER = """name = "other"
[[data]]
path = "none.npz"
task = "convert"
source_suffix = "csv"
target_suffix = "json"
"""


def run(*words: str, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bytesim", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


# --- help, version, completion ---------------------------------------------------------------


@pytest.mark.parametrize("words", ["", *sorted(EVERYTHING)])
def test_h_is_help(words):
    short, long = (CliRunner().invoke(app, [*words.split(), option]) for option in ("-h", "--help"))
    assert (short.exit_code, short.output) == (0, long.output)
    assert "--help" in short.output


def test_the_help_lists_every_command_once_under_its_purpose():
    page = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"}).output
    lines = [line.strip("│ ") for line in page.splitlines()]
    assert [line.strip("─╭╮ ") for line in lines if line.startswith("╭")] == ["Options", *_PANELS]
    for panel, commands in _PANELS.items():
        below = lines[next(number for number, line in enumerate(lines) if panel in line) + 1 :]
        shown = [line.split()[0] for line in below[: next(n for n, line in enumerate(below) if line.startswith("╰"))]]
        assert [name for name in shown if name in commands] == list(commands)


def test_the_version_names_the_program_and_the_models_that_come_with_it():
    first, second = run("--version").stdout.splitlines()
    assert first == f"bytesim {bytesim.__version__}"
    assert second.startswith("shipped models: agnews, ")
    assert "music" in second


def complete(line: str, **variables: str) -> list[str]:
    """What bash is offered for the last word of a line."""
    words = {"_BYTESIM_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1)}
    code = "import sys; sys.argv = ['bytesim']; from bytesim.cli import app; app(prog_name='bytesim')"
    environment = {**os.environ, **words, **variables}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_the_shell_completes_commands_and_names_of_models(tmp_path):
    make_model(tmp_path / "mine")
    assert complete("bytesim conv") == ["convert"]
    assert complete("bytesim convert abc2midi --model mus") == ["music"]
    assert complete("bytesim models show min", BYTESIM_MODELS=str(tmp_path)) == ["mine"]
    assert complete("bytesim generate --model ab") == ["abc"]


def test_the_root_offers_to_install_completion():
    page = CliRunner().invoke(app, ["--help"]).output
    assert "--install-completion" in page
    assert "--show-completion" in page


# --- a file where a subcommand is due --------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("convert tune.abc", "bytesim convert abc2midi tune.abc"),
        ("convert tune.MID -o x.abc", "bytesim convert midi2abc tune.MID -o x.abc"),
        ("convert table.csv", "bytesim convert files table.csv --model NAME"),
        ("classify downloads/", "bytesim classify file downloads/"),
        ("evaluate tune.abc", "bytesim evaluate bpb tune.abc"),
        ("models music", "bytesim models show music"),
        ("models abc", "bytesim models show abc"),
        ("data music", "bytesim data build music"),
        ("tune.abc", "bytesim convert abc2midi tune.abc"),
        ("multiply.asm --steps 3", "bytesim simulate-cpu multiply.asm --steps 3"),
        ("recipe.toml", "bytesim train recipe.toml"),
        ("photo.jpg", "bytesim classify file photo.jpg"),
    ],
)
def test_a_file_where_a_command_is_due_says_what_was_meant(words, meant):
    done = CliRunner().invoke(app, words.split(), env={"COLUMNS": "120", "TERMINAL_WIDTH": "120"})
    assert done.exit_code == 2
    assert f"Did you mean `{meant}`?" in done.output
    known = [word for word in meant.split()[1:] if f"{word} ".startswith(tuple(f"{name} " for name in EVERYTHING))]
    assert known, "the command that is named does not exist"


def test_what_was_meant_is_quoted_for_the_shell_and_not_guessed_of_a_typing_error():
    assert meant_command("bytesim convert", ["my tune.abc"]) == "bytesim convert abc2midi 'my tune.abc'"
    assert meant_command("bytesim convert", ["abc2mid"]) == ""
    assert meant_command("bytesim", ["konvert"]) == ""
    done = CliRunner().invoke(app, ["convert", "abc2mid"])
    assert done.exit_code == 2
    assert "Did you mean 'abc2midi'" in done.output.replace("\n", " ")


# --- pipes and logs --------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="a pipe of a shell")
@pytest.mark.parametrize(
    "words",
    ["models list", "models list --json", "models show music", "-h", pytest.param("doctor", marks=pytest.mark.slow)],
)
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(words, tmp_path):
    """The reader closes before the first line, so every write fails."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "bytesim", *words.split()]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=120, check=False)
    os.close(write)
    assert done.stderr == b"" or b"Measuring" in done.stderr
    assert done.returncode == (1 if words == "-h" else console.CLOSED_PIPE)


def test_long_work_leaves_lines_in_a_log(monkeypatch, capsys):
    monkeypatch.setattr(console, "LOG_INTERVAL_S", 0.0)
    with console.byte_progress("convert") as show:
        show(1000, 4000)
        show(4000, 4000)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("convert: 1,000 of 4,000 (25%), ")
    assert second.startswith("convert: 4,000 of 4,000 (100%), ")


def test_a_line_about_steps_does_not_count_them_twice(monkeypatch, capsys):
    monkeypatch.setattr(console, "LOG_INTERVAL_S", 0.0)
    with console.progress() as bar:
        bar.update(bar.add_task("", total=8, speed=""), completed=2, description="step 2 of 8, loss 1.5000")
    assert capsys.readouterr().err.startswith("step 2 of 8, loss 1.5000: 25%, ")


def test_short_work_leaves_no_line(capsys):
    with console.progress("files/s") as bar:
        bar.update(bar.add_task("classify", total=3, speed=""), completed=3)
    assert capsys.readouterr().err == ""


# --- advice ----------------------------------------------------------------------------------


def test_a_kind_of_file_in_place_of_a_model_names_the_model_that_writes_it():
    with pytest.raises(
        bytesim.ModelError,
        match=r"no model named 'txt'\. \.txt files are written by the models blt-text, flat-text, text\. ",
    ):
        CliRunner().invoke(app, ["generate", "--model", "txt"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("classify file bell.wav --csv there --model speech", "--csv"),
        ("classify fragments bell.wav --csv there", "--csv"),
        ("classify fragments bell.wav --picture there", "--picture"),
        ("simulate-cpu gcd.asm --trace there", "--trace"),
        ("generate --model image --sheet there", "--sheet"),
        ("evaluate bpb bell.wav --picture there", "--picture"),
    ],
)
def test_an_output_that_exists_is_renamed_by_its_own_option(words, option, tmp_path, monkeypatch):
    for name in ("bell.wav", "gcd.asm"):
        shutil.copy(EXAMPLES / name, tmp_path)
    (tmp_path / "there").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(bytesim.OutputError, match=f"exists already. Use --force to replace it, or {option} to name"):
        CliRunner().invoke(app, words.split(), catch_exceptions=False)


# --- the page of a model ---------------------------------------------------------------------


def test_the_page_of_a_model_is_read_from_the_top():
    done = CliRunner().invoke(app, ["models", "show", "music"])
    lines = done.output.splitlines()
    assert done.exit_code == 0
    assert lines[0].startswith("music: ABC notation to MIDI")
    assert lines[2].startswith("licence   The weights follow the terms")
    assert "  bytesim convert abc2midi FILE.abc --model music" in lines
    assert any(line.split() == ["identical", "notes", "0.9091"] for line in lines)
    assert len(lines) < 40
    assert max(len(line) for line in lines if "bytesim evaluate" not in line) <= 120
    assert not any("{" in line for line in lines)


@pytest.mark.parametrize("name", ["agnews", "audio", "cifar10", "cpu", "digits", "filetype", "image", "speech", "text"])
def test_every_page_has_a_licence_a_command_that_exists_and_a_result(name):
    lines = CliRunner().invoke(app, ["models", "show", name]).output.splitlines()
    assert any(line.startswith("licence   ") for line in lines)
    used = lines[lines.index("use it:") + 1].split()
    assert used[0] == "bytesim"
    assert any(words in COMMANDS for words in (used[1], " ".join(used[1:3])))
    assert any(line.startswith("results  ") for line in lines)


def test_a_strange_card_gives_a_page_and_no_signs_for_the_terminal(tmp_path):
    fields = {"licence": "\x1b[31mred", "labels": [1], "results": {"a": [{}, 3]}}
    folder = make_model(tmp_path / "odd", OTHER, card=fields)
    card = json.loads((folder / "card.json").read_text())
    for tasks in (None, 3, [3], [{}], "convert"):
        (folder / "card.json").write_text(json.dumps({**card, "tasks": tasks}))
        done = CliRunner().invoke(app, ["models", "show", str(folder)])
        assert (done.exit_code, "\x1b" in done.output) == (0, False)
        assert "licence   ?[31mred" in done.output
        assert "use it: the card does not say" in done.output


def test_the_page_of_a_training_shows_its_validation():
    results = {"metric": "bits per byte", "validation": [{"source": "../tunes", "value": 5.5, "files": 3}]}
    assert list(result_rows({"results": results})) == [("validation: tunes", "3", "bits per byte", "5.5000")]
    assert list(result_rows({"results": {"accuracy": 0.5}})) == [("held-out files", "", "accuracy", "0.5000")]


def test_the_page_of_a_model_of_one_s_own_says_how_to_use_it(tmp_path, monkeypatch):
    make_model(tmp_path / "run" / "run", OTHER)
    monkeypatch.chdir(tmp_path)
    lines = CliRunner().invoke(app, ["models", "show", "run"]).output.splitlines()
    assert f"  bytesim convert files FILE.csv --model .{os.sep}run" in lines
    assert "results: none in the card" in lines
    assert any(line.startswith("licence   none stated") for line in lines)


def test_a_name_cannot_command_the_terminal(capsys):
    console.print_line("\x1b]0;title\x07 a\tb\nc")
    console.print_error(bytesim.InputError("is \x1b[2J gone", file="\x9b31m"))
    out, err = capsys.readouterr()
    assert out == "\\x1b]0;title\\x07 a\tb\\nc\n"
    assert err == "error: \\x9b31m: is \\x1b[2J gone\n"


def test_a_word_between_colons_is_no_emoji(capsys):
    console.print_error(bytesim.InputError("Stream map '0:a:0' matches nothing.", file="my :smile: file"))
    assert capsys.readouterr().err == "error: my :smile: file: Stream map '0:a:0' matches nothing.\n"
