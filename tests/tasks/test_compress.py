"""compress and decompress: files, folders and models come back the same, and what is damaged ends in one line."""

import json
import os
import random
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError, ConfigError, ModelError, ToolError
from bytesim.formats import bsim
from bytesim.native.library import kernels
from bytesim.patching import half_windows
from bytesim.predictors.next_byte import NextByte
from bytesim.predictors.writer import load_writer
from bytesim.tasks.compress import coding, models
from bytesim.tasks.compress import compress as compress_module
from bytesim.tasks.compress.compress import compress
from bytesim.tasks.compress.decompress import decompress

pytestmark = pytest.mark.skipif(kernels() is None, reason="the kernels are not compiled")
BARS = [b"G2B d2B", b"A2c e2c", b"d2B G2B", b"cBA F2D", b"gfe dBG", b"AGA G3", b"ede dBA", b"B3 A3"]
TUNE = (
    b"X:1\nM:6/8\nL:1/8\nK:G\n"
    + b"|".join(BARS[place] for place in [0, 1, 2, 3, 0, 1, 2, 7, 4, 5, 6, 7, 4, 5, 6, 6, 0, 1, 2, 3])
    + b"|]\n"
)
TEXT = (ROOT / "README.md").read_bytes()[:3000]


def done(outcomes):
    (outcome,) = outcomes
    if outcome.error is not None:
        raise outcome.error
    return outcome.result


def there_and_back(path: Path, **options):
    data = path.read_bytes()
    result = done(compress(path, **options))
    path.unlink()
    again = done(decompress(result.output))
    assert again.output == str(path)
    assert path.read_bytes() == data
    assert (again.model, again.num_bytes) == (result.model, len(data))
    assert result.compressed_bytes == Path(result.output).stat().st_size
    return result


@pytest.mark.parametrize(
    ("name", "data", "model"),
    [
        ("tune.abc", TUNE, "music"),
        ("page.txt", TEXT, "text"),
        ("page.md", TEXT, "text"),
        ("empty.txt", b"", None),
        ("one.abc", b"X", None),
        ("noise.abc", random.Random(0).randbytes(500), None),
        ("noise", random.Random(0).randbytes(70_000), None),
        ("sparse.bin", bytes(300_000), None),
    ],
)
def test_a_file_comes_back_and_a_model_helps_where_it_fits(tmp_path, name, data, model):
    path = tmp_path / name
    path.write_bytes(data)
    result = there_and_back(path)
    assert result.model == model
    assert result.compressed_bytes <= len(data) + 12
    if model:
        assert result.compressed_bytes < 0.97 * there_and_back(path, fast=True, force=True).compressed_bytes


def test_a_file_longer_than_the_history_is_read_in_windows(tmp_path):
    writer = load_writer("music", engine_backend="native")
    most = NextByte(writer, "abc").most
    data = b"".join(b"X:%d\nT:a\nM:3/4\nL:1/8\nK:G\nA>B(3ABc|z4{ab}d2|\n\n" % number for number in range(most // 40))
    assert most < len(data) < 2 * most
    path = tmp_path / "book.abc"
    path.write_bytes(data)
    assert there_and_back(path, model="music").model == "music"


def test_windows_are_those_of_evaluate_bpb():
    """The sum of what the reader expects is what `evaluate bpb` finds."""
    from bytesim.tasks.evaluate.bpb import bits_per_byte_of

    writer = load_writer("text", engine_backend="native")
    reader, nats = NextByte(writer, "txt"), 0.0
    data = (ROOT / "CHANGELOG.md").read_bytes()[: reader.most + 700]
    assert len(list(half_windows(len(data), reader.most))) == 2
    for byte in data:
        logits = reader.logits()[0].astype(float)
        nats += float(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[byte])
        reader.write(byte)
    assert nats / np.log(2) / len(data) == pytest.approx(bits_per_byte_of(writer, data, "txt"), rel=0.005)


def test_the_reader_begins_anew_with_every_tune():
    writer = load_writer("music", engine_backend="native")
    first, second = NextByte(writer, "abc"), NextByte(writer, "abc")
    for byte in TUNE.rstrip(b"\n") + b"\n\n":
        first.logits()
        first.write(byte)
    for byte in TUNE[:40]:
        assert np.array_equal(first.logits(), second.logits())
        first.write(byte)
        second.write(byte)


def test_a_header_with_a_suffix_that_is_not_text_is_one_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT[:3000])
    there_and_back(path)
    packed = tmp_path / "a.txt.bsim"
    data = bytearray(packed.read_bytes())
    place = data.index(b"txt", data.index(b"text") + 4)
    data[place + 1] = 0xE3
    packed.write_bytes(data)
    (outcome,) = decompress(packed, output=tmp_path / "b", force=True)
    assert outcome.error
    assert len(str(outcome.error).splitlines()) == 1
    assert not (tmp_path / "b").exists()


@pytest.mark.skipif(os.name == "nt" or sys.platform == "darwin", reason="such names are not allowed there")
def test_a_file_whose_suffix_is_not_text_comes_back(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a.t\xe3t"))
    path.write_bytes(TEXT[:3000])
    there_and_back(path)
    there_and_back(path, model="text", force=True)


def test_a_folder_comes_back_as_one(tmp_path):
    folder = tmp_path / "d"
    (folder / "in" / "ner").mkdir(parents=True)
    contents = {"a.txt": TEXT, "b.abc": TUNE, "in/c.txt": TEXT + b"more", "in/ner/empty": b"", "in/é ü.bin": b"\0" * 9}
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    result = done(compress(str(folder) + os.sep))
    assert (result.files, result.output) == (5, str(tmp_path / "d.bsim"))
    assert result.compressed_bytes < 0.6 * sum(map(len, contents.values()))
    assert str(done(compress(folder, fast=True, force=True)).output) == result.output
    back = done(decompress(result.output, output=tmp_path / "new"))
    assert (back.files, back.output) == (5, str(tmp_path / "new"))
    assert {name: (tmp_path / "new" / name).read_bytes() for name in contents} == contents
    assert sum(path.is_file() for path in (tmp_path / "new").rglob("*")) == 5
    with pytest.raises(BytesimError, match="exists already"):
        done(decompress(result.output, force=True))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_only_some_systems_have_come_back(tmp_path):
    names = [b"A.txt", b"a.txt", b"12:30 note", b"back\\slash", b"not utf-8 \xff", "straße".encode(), b"strasse", b"a "]
    folder = tmp_path / "d"
    folder.mkdir()
    for number, name in enumerate(names):
        (folder / os.fsdecode(name)).write_bytes(b"%d" % number)
    back = Path(done(decompress(done(compress(folder)).output, output=tmp_path / "e")).output)
    assert {os.fsencode(path.name): path.read_bytes() for path in back.iterdir()} == {
        name: b"%d" % number for number, name in enumerate(names)
    }


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()

    def refuse(path: str):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(BytesimError, match="cannot be read: Permission denied"):
        done(compress(tmp_path / "d"))


@pytest.mark.parametrize("data", [TEXT, random.Random(0).randbytes(50_000)])
@pytest.mark.parametrize("change", ["grows", "differs", "shrinks"])
def test_a_file_that_changes_while_it_is_read_is_not_written(tmp_path, monkeypatch, data, change):
    path = tmp_path / "a.txt"
    path.write_bytes(data)

    def encode_and_change(*given):
        yield from coding.encode(*given)
        with open(path, "r+b") as file:
            if change == "shrinks":
                file.truncate(len(data) // 2)
            else:
                file.seek(0 if change == "differs" else len(data))
                file.write(b"more")

    monkeypatch.setattr(compress_module, "encode", encode_and_change)
    (outcome,) = compress(path, fast=True)
    if change == "grows":  # what was there at first is kept
        monkeypatch.undo()
        assert Path(done(decompress(str(path) + ".bsim", output=tmp_path / "b")).output).read_bytes() == data
    else:
        assert "while it was read" in str(outcome.error)
        assert os.listdir(tmp_path) == ["a.txt"]


def test_outputs_go_where_they_are_named_or_an_error_says_why_not(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT)
    output = Path(done(compress(path, fast=True)).output)
    assert done(decompress(output, output=f"{tmp_path}/x/y/")).output == str(tmp_path / "x" / "y" / "a.txt")
    for outcome in decompress([output, output], output=path):
        assert "cannot be made" in str(outcome.error)
    monkeypatch.chdir(tmp_path / "x")
    assert done(compress(".", fast=True)).output == str(tmp_path / "x.bsim")
    assert done(compress("..", fast=True, output=tmp_path / "up.bsim")).files == 4
    os.rename(output, tmp_path / "..bsim")
    with pytest.raises(BytesimError, match="does not end in"):
        done(decompress(tmp_path / "..bsim"))
    with pytest.raises(BytesimError, match="has no name"):
        done(compress("/"))


def test_permissions_are_kept(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT)
    path.chmod(0o700)
    output = Path(done(compress(path, fast=True)).output)
    assert output.stat().st_mode & 0o777 == 0o700
    assert Path(done(decompress(output, output=tmp_path / "b")).output).stat().st_mode & 0o777 == 0o700


def test_a_model_in_any_folder_can_be_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT)
    shutil.copytree(ROOT / "models" / "text", tmp_path / "mine")
    output = done(compress(path, model=str(tmp_path / "mine"))).output
    with pytest.raises(ModelError, match="the model 'mine', which is not here"):
        done(decompress(output, output=tmp_path / "b"))
    done(decompress(output, output=tmp_path / "b", model=tmp_path / "mine"))
    assert (tmp_path / "b").read_bytes() == TEXT
    with pytest.raises(ModelError, match="other weights"):
        done(decompress(output, output=tmp_path / "c", model="music"))


@pytest.mark.parametrize("tasks", [None, 3, [None, 3], [{"task": "generate"}], {"task": "generate"}])
def test_cards_of_other_models_may_hold_anything(tasks):
    assert models._written({"tasks": tasks}) == set()


def test_an_empty_folder_comes_back(tmp_path):
    (tmp_path / "d").mkdir()
    result = done(compress(tmp_path / "d"))
    assert (result.files, result.num_bytes) == (0, 1)
    assert list(Path(done(decompress(result.output, output=tmp_path / "e")).output).iterdir()) == []


def test_many_sources_go_beside_or_into_a_folder(tmp_path):
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(TEXT)
    compress([tmp_path / "a.txt", tmp_path / "b.txt"], output=tmp_path / "out", fast=True)
    outputs = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in outputs] == ["a.txt.bsim", "b.txt.bsim"]
    decompress(outputs, output=tmp_path / "back")
    assert [path.read_bytes() for path in sorted((tmp_path / "back").iterdir())] == [TEXT, TEXT]


def test_one_bad_source_does_not_stop_the_others(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT)
    good, bad = compress([tmp_path / "a.txt", tmp_path / "missing"], fast=True)
    assert good.result
    assert "no such file" in str(bad.error)


@pytest.mark.parametrize("options", [{"fast": True}, {"model": "text"}])
def test_damage_ends_in_one_line_and_writes_nothing(tmp_path, options):
    path, rng = tmp_path / "a.txt", random.Random(0)
    path.write_bytes(TEXT[:300])
    whole = Path(done(compress(path, **options)).output).read_bytes()
    path.unlink()
    damaged = tmp_path / "a.txt.bsim"
    for _ in range(150 if options.get("fast") else 25):
        data = bytearray(whole)
        if rng.random() < 0.3:
            data = data[: rng.randrange(len(data))]
        for _ in range(rng.randint(len(data) == len(whole), 3)):
            if data:
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        damaged.write_bytes(data)
        (outcome,) = decompress(damaged)
        if bytes(data) == whole:
            continue
        assert outcome.error is not None
        assert "\n" not in str(outcome.error)
        assert os.listdir(tmp_path) == ["a.txt.bsim"]


def test_a_folder_whose_checksum_is_wrong_is_not_written(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(TEXT)
    output = Path(done(compress(tmp_path / "d", fast=True)).output)
    data = bytearray(output.read_bytes())
    data[-1] ^= 1
    output.write_bytes(data)
    with pytest.raises(BytesimError, match="checksum is wrong"):
        done(decompress(output, output=tmp_path / "e"))
    assert sorted(os.listdir(tmp_path)) == ["d", "d.bsim"]


def rewritten(path: Path, **changes: object) -> None:
    """Change the stamp of a compressed file."""
    data = path.read_bytes()
    header, length = bsim.parse(data, len(data))
    assert header.stamp
    path.write_bytes(bsim.serialize(replace(header, stamp=replace(header.stamp, **changes))) + data[length:])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": "nowhere"}, "compressed with the model 'nowhere', which is not here"),
        ({"model": "../../etc"}, "compressed with the model '../../etc'"),
        ({"weights": b"0000"}, "compressed with other weights of the model 'text'"),
        ({"numbers": b"0000"}, "the model 'text' computes other numbers here"),
    ],
)
def test_a_file_of_another_model_or_processor_is_refused(tmp_path, changes, message):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT)
    output = Path(done(compress(path, model="text")).output)
    rewritten(output, **changes)
    with pytest.raises(ModelError, match=message):
        done(decompress(output, output=tmp_path / "b"))


def test_a_code_that_would_not_come_back_is_not_written(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT)
    monkeypatch.setattr(compress_module, "decode", lambda code, count, *given: iter([bytes(count)]))
    with pytest.raises(BytesimError, match="would not decompress"):
        done(compress(path, fast=True))
    assert os.listdir(tmp_path) == ["a.txt"]


def test_without_kernels_a_sentence_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr("bytesim.tasks.compress.coding.kernels", lambda: None)
    with pytest.raises(ToolError, match="compiled kernels"):
        done(compress(tmp_path))


def test_what_contradicts_itself_or_cannot_be_written_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(TEXT)
    with pytest.raises(ConfigError, match="--fast works without a model"):
        compress(path, fast=True, model="text")
    (tmp_path / "a.txt.bsim").write_bytes(b"kept")
    with pytest.raises(ModelError, match="no model named 'nowhere'"):
        compress(path, model="nowhere", force=True)
    for wrong in ({"fast": True}, {"model": "agnews", "force": True}):
        with pytest.raises(BytesimError):
            done(compress(path, **wrong))
    assert (tmp_path / "a.txt.bsim").read_bytes() == b"kept"
    with pytest.raises(BytesimError, match=r"not a \.bsim file"):
        done(decompress(tmp_path / "a.txt.bsim", force=True))
    os.rename(tmp_path / "a.txt.bsim", tmp_path / "b")
    done(compress(path, output=tmp_path / "b", fast=True, force=True))
    with pytest.raises(BytesimError, match="does not end in"):
        done(decompress(tmp_path / "b"))


def test_the_trial_takes_no_model_that_is_damaged(tmp_path, monkeypatch):
    def refuse(name: str):
        raise ModelError("damaged")

    monkeypatch.setattr(models, "loaded", refuse)
    assert models.chosen_writer(TEXT, "txt", "auto") is None


def test_the_commands(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_bytes(TUNE)
    runner = CliRunner()
    result = runner.invoke(app, ["compress", str(path), "--json"])
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.stdout)
    assert (told["result"]["model"], told["result"]["num_bytes"]) == ("music", len(TUNE))
    result = runner.invoke(app, ["decompress", str(path) + ".bsim", "-o", str(tmp_path / "b")])
    assert result.exit_code == 0
    assert (tmp_path / "b").read_bytes() == TUNE
    result = runner.invoke(app, ["decompress", str(path)])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1


def test_standard_input_and_output(tmp_path):
    command = [sys.executable, "-m", "bytesim"]
    code = subprocess.run([*command, "compress", "-", "--fast"], input=TEXT, capture_output=True, check=True).stdout
    assert len(code) < 0.6 * len(TEXT)
    assert subprocess.run([*command, "decompress", "-"], input=code, capture_output=True, check=True).stdout == TEXT
