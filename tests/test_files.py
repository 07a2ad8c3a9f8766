"""Files are read whole or refused in one line, and written whole or not at all."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bytesim import console, files
from bytesim.errors import InputError, OutputError
from bytesim.files import writing


def leftovers(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_is_read_whole(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"abc")
    assert files.read_input(tmp_path / "a.bin", limit_bytes=3) == b"abc"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing", "no such file"),
        ("folder", "a folder"),
        ("empty", "is empty"),
        ("long", "limit of 3"),
        ("a\0b", "null"),
    ],
)
def test_what_cannot_be_read_is_explained_in_one_line(tmp_path, name, says):
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "long").write_bytes(b"abcd")
    with pytest.raises(InputError, match=says) as caught:
        files.read_input(tmp_path / name, limit_bytes=3)
    assert str(caught.value).startswith(str(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_dash_reads_stdin_and_writes_stdout(monkeypatch, capfdbinary):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff\x00")))
    files.write_output("-", files.read_input("-"))
    assert capfdbinary.readouterr().out == b"\xff\x00"


@pytest.mark.skipif(os.name == "nt", reason="Windows forbids such names")
@pytest.mark.parametrize("name", ["[red].wav", "two\nlines.wav", "-x.wav", "é.wav", "y" * 251 + ".wav"])
def test_any_name_the_system_allows_is_written_and_read(tmp_path, name):
    name = name.encode()[-255:].decode()
    files.write_output(tmp_path / name, b"1")
    assert files.read_input(tmp_path / name) == b"1"
    assert leftovers(tmp_path) == [name]


def test_an_existing_output_is_replaced_only_with_force(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match="--force"):
        files.write_output(target, b"new")
    assert target.read_bytes() == b"old"
    files.write_output(target, b"new", force=True)
    assert target.read_bytes() == b"new"
    assert leftovers(tmp_path) == ["a.bin"]


def test_missing_parents_and_files_in_place_of_folders_are_explained(tmp_path):
    (tmp_path / "file").touch()
    for path, says in [("no/a.bin", "does not exist"), ("file/a.bin", "is a file"), (".", "is a folder")]:
        with pytest.raises(OutputError, match=says):
            files.check_output(tmp_path / path)


def test_a_closed_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere, so ask for the answer
    with pytest.raises(OutputError, match="cannot be written to"):
        files.write_output(tmp_path / "a.bin", b"1")


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_interrupted_write_leaves_nothing_behind(tmp_path, monkeypatch, stop):
    def interrupted(*_):
        raise stop

    (tmp_path / "a.bin").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises((KeyboardInterrupt, OutputError)):
        files.write_output(tmp_path / "a.bin", b"new", force=True)
    assert leftovers(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"old"


@pytest.mark.skipif(writing._unnamed_file(Path()) is None, reason="this system has no files without a name")
def test_a_program_killed_while_it_writes_leaves_nothing_behind(tmp_path):
    code = (
        "import os, signal, sys\nfrom bytesim.files import open_output\n"
        "with open_output(sys.argv[1]) as file:\n"
        "    file.write(bytes(1 << 20))\n    file.flush()\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.bin")], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("unnamed", [True, False])
def test_of_two_programs_that_write_the_same_file_one_succeeds(tmp_path, monkeypatch, unnamed):
    if not unnamed:
        monkeypatch.setattr(writing, "_unnamed_file", lambda folder: None)
    path = tmp_path / "a.bin"
    second = files.open_output(path)
    second.__enter__().write(b"second")
    files.write_output(path, b"first")
    with pytest.raises(OutputError, match="exists already"):
        second.__exit__(None, None, None)
    assert path.read_bytes() == b"first"
    assert leftovers(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("failing", ["link", "link and O_TMPFILE"])
def test_file_systems_without_links_are_written_to(tmp_path, monkeypatch, failing):
    def refuse(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    if failing != "link":
        monkeypatch.setattr(writing, "_unnamed_file", lambda folder: None)
    path = tmp_path / "a.bin"
    files.write_output(path, b"new")
    files.write_output(path, b"newer", force=True)
    with pytest.raises(OutputError, match="exists already"):
        files.write_output(path, b"newest")
    assert path.read_bytes() == b"newer"
    assert leftovers(tmp_path) == ["a.bin"]


def test_an_output_that_is_its_own_source_is_refused_even_with_force(tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(b"1")
    (tmp_path / "link.bin").symlink_to(source)
    for path in (source, tmp_path / "link.bin", tmp_path / "no" / ".." / "a.bin"):
        with pytest.raises(OutputError):
            files.check_output(path, force=True, source=source)
    files.check_output(tmp_path / "b.bin", force=True, source=source)


def test_the_null_device_is_written_to_and_never_replaced():
    files.write_output(os.devnull, b"1")
    assert not Path(os.devnull).is_file()


def test_a_run_does_not_write_one_file_twice(tmp_path):
    taken: set[str] = set()
    files.check_output(tmp_path / "a.bin", force=True, taken=taken)
    with pytest.raises(OutputError, match="another input"):
        files.check_output(tmp_path / "a.bin", force=True, taken=taken)


def test_an_output_stands_beside_its_source_unless_named():
    where = files.output_path
    assert where("in/book.abc", output=None, suffix="mid", many=True) == Path("in/book.mid")
    assert where("in/book.abc", output=None, suffix=".mid", many=False, index=1) == Path("in/book-001.mid")
    assert where("in/book.abc", output="x.midi", suffix="mid", many=False) == Path("x.midi")
    assert where("in/book.abc", output="x.midi", suffix="mid", many=False, index=12) == Path("x-012.midi")
    assert where("-", output=None, suffix="mid", many=False) == "-"
    assert where("in/book.abc", output="-", suffix="mid", many=False) == "-"
    assert where("in/a.wav", output=None, suffix="wav", many=False, tag="-8k") == Path("in/a-8k.wav")


def test_an_output_never_replaces_its_own_source_unasked():
    with pytest.raises(OutputError, match="own source"):
        files.output_path("a.wav", output=None, suffix="wav", many=False)


def test_several_outputs_cannot_share_stdout():
    with pytest.raises(OutputError, match="stdout"):
        files.output_path("a.abc", output="-", suffix="mid", many=True)
    with pytest.raises(OutputError, match="stdout"):
        files.output_path("-", output=None, suffix="mid", many=False, index=1)


def test_an_output_folder_is_made_and_keeps_the_tree_of_its_sources(tmp_path):
    (tmp_path / "in" / "cat").mkdir(parents=True)
    source = tmp_path / "in" / "cat" / "1.png"
    target = files.output_path(source, output=tmp_path / "out", suffix="bmp", many=True, roots=[tmp_path / "in"])
    assert target == tmp_path / "out" / "cat" / "1.bmp"
    assert target.parent.is_dir()
    assert files.output_path("x.png", output=f"{tmp_path}/new/", suffix="bmp", many=False).parent.is_dir()


@pytest.mark.parametrize("source", ["../../x.png", "..", "/etc/x.png", "in/../../x.png"])
def test_no_source_name_escapes_the_output_folder(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    target = files.output_path(source, output="out", suffix="bmp", many=True, roots=["in", "."])
    assert target.parent.resolve() == (tmp_path / "out").resolve()


@pytest.mark.parametrize("suffix", ["../x", "a/b", "a\\b", "", "a\0"])
def test_no_suffix_escapes_the_output_folder(suffix):
    with pytest.raises(OutputError, match="not a file suffix"):
        files.output_path("a.abc", output="out", suffix=suffix, many=False)


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_a_link_does_not_lead_out_of_the_output_folder(tmp_path):
    (tmp_path / "in" / "cat").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cat").symlink_to(tmp_path)
    with pytest.raises(OutputError, match="link"):
        files.output_path(
            tmp_path / "in/cat/1.png", output=tmp_path / "out", suffix="bmp", many=True, roots=[tmp_path / "in"]
        )


def test_folders_are_walked_in_order_and_hidden_files_passed_over(tmp_path):
    for name in ["b/2.ABC", "b/1.abc", "a.abc", "a.txt", ".git/x.abc", "b/.hidden.abc"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = files.expand_inputs([tmp_path, "named.txt", "-"], suffixes={"abc"})
    assert found == [str(tmp_path / "a.abc"), str(tmp_path / "b/1.abc"), str(tmp_path / "b/2.ABC"), "named.txt", "-"]
    assert len(files.expand_inputs([tmp_path])) == 4


def test_a_folder_without_a_file_to_read_is_reported_as_itself(tmp_path):
    assert files.expand_inputs([tmp_path], suffixes={"abc"}) == [str(tmp_path)]
    with pytest.raises(InputError, match="nothing to read"):
        files.read_input(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need a right on Windows")
def test_a_link_that_cannot_be_followed_is_one_failed_input_of_its_folder(tmp_path):
    (tmp_path / "good.bin").write_bytes(b"abc")
    (tmp_path / "loop.bin").symlink_to("loop.bin")  # the system refuses to look at it, even for root
    (tmp_path / "gone.bin").symlink_to("nothing")
    names = files.expand_inputs(tmp_path)
    assert names == [str(tmp_path / "good.bin"), str(tmp_path / "loop.bin")]
    good, loop = files.run_each(names, files.read_input)
    assert (good.result, str(loop.error)) == (b"abc", f"{names[1]}: cannot be read: too many levels of symbolic links.")
    assert files.expand_inputs(tmp_path, suffixes={"abc"}) == [str(tmp_path)]


def test_a_closed_folder_in_a_folder_is_one_failed_input(tmp_path, monkeypatch):
    (tmp_path / "closed").mkdir()
    (tmp_path / "good.bin").write_bytes(b"abc")
    scandir = os.scandir

    def refuse(path):  # root may look everywhere, so the answer is a stand-in
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    closed, good = files.run_each(files.expand_inputs(tmp_path), files.read_input)
    assert good.result == b"abc"
    assert str(closed.error) == f"{tmp_path / 'closed'}: this folder cannot be read: permission denied."


def test_one_bad_input_does_not_stop_the_rest(tmp_path, capsys):
    (tmp_path / "good [1]\nx").write_bytes(b"abc") if os.name != "nt" else (tmp_path / "good [1]").write_bytes(b"abc")
    sources = [str(tmp_path / "missing"), *files.expand_inputs([tmp_path])]
    heard: list[str] = []
    outcomes = files.run_each(sources, files.read_input, on_done=lambda outcome: heard.append(outcome.source))
    code = console.report_outcomes(outcomes, as_json=False, line=lambda data: f"{len(data)} [bytes]\nread")
    out, err = capsys.readouterr()
    assert (code, heard, out) == (1, sources, "3 [bytes]\\nread\n")
    assert err.startswith("error: ")


def test_json_holds_results_and_errors_side_by_side(capsys):
    outcomes = [files.Outcome("a\udcff", result=1), files.Outcome("b", error=InputError("bad", file="b"))]
    assert console.report_outcomes(outcomes, as_json=True, line=str) == 1
    document = json.loads(capsys.readouterr().out)
    assert document == [
        {"source": "a\udcff", "result": 1, "error": None},
        {"source": "b", "result": None, "error": "b: bad"},
    ]


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        files.run_each(["0"], lambda source: 1 // int(source))
