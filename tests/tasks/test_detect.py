"""detect: the parts of files of mixed content, their borders to the byte, and their extraction."""

import gzip
import json
import random
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import EXAMPLES, ROOT
from helpers.tiny_classifiers import make_classifier, words
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.errors import BytesimError
from bytesim.native.library import kernels
from bytesim.tasks.detect.changes import best_path, exact_border, unlikeness
from bytesim.tasks.detect.detect import detect
from bytesim.tasks.detect.parts import runs
from bytesim.tasks.detect.windows import MOST_WINDOWS, step_of

README, CODE = (ROOT / "README.md").read_bytes(), (ROOT / "bytesim" / "files" / "writing.py").read_bytes()
PARTS = [
    ("abc", (EXAMPLES / "greensleeves.abc").read_bytes()),
    ("wav", (EXAMPLES / "bell.wav").read_bytes()),
    ("python", CODE),
    ("bmp", (EXAMPLES / "sunset.bmp").read_bytes()),
    ("padding", bytes(8192)),
    ("gz", gzip.compress(README)),
    ("markdown", README),
    ("png", (EXAMPLES / "sunset.png").read_bytes()),
]


@pytest.fixture
def mixed(tmp_path) -> Path:
    path = tmp_path / "mixed.bin"
    path.write_bytes(b"".join(data for _, data in PARTS))
    return path


def test_every_part_of_a_mixture_is_found_to_the_byte(mixed):
    found = detect(mixed)
    at, expected = 0, []
    for label, data in PARTS:
        expected.append((label, at, at + len(data)))
        at += len(data)
    assert [(each.label, each.start, each.end) for each in found.segments] == expected
    assert found.num_bytes == at == mixed.stat().st_size
    exact = {each.label for each in found.segments if each.exact}
    assert exact == {"wav", "bmp", "padding", "gz", "png"}
    assert all(each.probability > 0.5 for each in found.segments)


def test_bits_per_byte_tell_compressed_content_from_text(mixed):
    found = {each.label: each.bits_per_byte for each in detect(mixed).segments}
    if kernels() is None:
        assert set(found.values()) == {None}
    else:
        assert found["gz"] > 7.9
        assert 1 < found["markdown"] < 4
        assert found["padding"] is None


def test_extracted_parts_are_the_bytes_of_the_file(mixed, tmp_path):
    folder = tmp_path / "parts"
    found = detect(mixed, extract=folder)
    names = [Path(each.extracted) for each in found.segments if each.extracted]
    assert sorted(folder.iterdir()) == sorted(names)
    assert [path.read_bytes() for path in names] == [data for label, data in PARTS if label != "padding"]
    assert [path.suffix for path in names] == [".abc", ".wav", ".py", ".bmp", ".gz", ".md", ".png"]
    with pytest.raises(BytesimError, match="exists already"):
        detect(mixed, extract=folder)
    detect(mixed, extract=folder, force=True)


def test_a_label_cannot_lead_out_of_the_folder(tmp_path):
    known = {"../../a": words("digits", 20, length=600), "b/c": words("letters", 20, length=600)}
    model = make_classifier(tmp_path / "model", known, max_patches=80)
    (tmp_path / "a.bin").write_bytes(b"0123456789" * 300)
    detect(tmp_path / "a.bin", model=str(model), extract=tmp_path / "deep" / "parts")
    written = [path for path in (tmp_path / "deep").rglob("*") if path.is_file()]
    assert written
    assert all(path.parent == tmp_path / "deep" / "parts" for path in written)
    assert {path.name for path in tmp_path.iterdir()} == {"model", "a.bin", "deep"}


@pytest.mark.parametrize("count", [1, 513, 2000, 4095])
def test_padding_between_two_files_is_padding(tmp_path, count):
    path = tmp_path / "padded.bin"
    path.write_bytes(PARTS[1][1] + bytes(count) + PARTS[-1][1] + b"\xff" * count)
    assert [each.label for each in detect(path).segments] == ["wav", "padding", "png", "padding"]


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="the system has no /proc/cpuinfo")
def test_a_file_that_cannot_seek_to_its_end_is_one_line():
    with pytest.raises(BytesimError, match="cannot be read"):
        detect("/proc/cpuinfo")


@pytest.mark.parametrize("data", [b"a", b"\0", b"ab\n" * 7, bytes(5000), bytes(4095) + b"x"])
def test_short_files_and_one_value_have_parts_that_cover_them(tmp_path, data):
    path = tmp_path / "short"
    path.write_bytes(data)
    segments = detect(path).segments
    assert (segments[0].start, segments[-1].end) == (0, len(data))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell how much memory was used")
def test_a_sparse_file_is_read_in_bounded_memory(tmp_path):
    path = tmp_path / "sparse.img"
    with path.open("wb") as file:
        file.write(PARTS[1][1])
        file.seek(1 << 29)
        file.write(PARTS[-1][1])
    code = (
        "import re, sys, bytesim\n"
        "found = bytesim.detect(sys.argv[1])\n"
        "most = re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]\n"
        "print([each.label for each in found.segments], most)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=ROOT)
    labels, _, memory = done.stdout.rpartition("]")
    assert labels == "['wav', 'padding', 'png'"
    assert int(memory) * 1024 < 1 << 29


def test_the_command_shows_a_line_for_each_part(mixed):
    done = CliRunner().invoke(app, ["detect", str(mixed)])
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert len(lines) == len(PARTS) + 1
    assert lines[-1].endswith(f"{mixed.stat().st_size:,} bytes, {len(PARTS)} parts")
    told = json.loads(CliRunner().invoke(app, ["detect", str(mixed), "--json"]).stdout)
    assert [each["label"] for each in told["segments"]] == [label for label, _ in PARTS]


def test_stdin_is_read(mixed):
    done = subprocess.run(
        [sys.executable, "-m", "bytesim", "detect", "-", "--json"],
        input=mixed.read_bytes(),
        capture_output=True,
        check=True,
        cwd=ROOT,
    )
    assert len(json.loads(done.stdout)["segments"]) == len(PARTS)


@pytest.mark.parametrize("words", [["missing.bin"], ["."], ["mixed.bin", "--model", "music"], ["empty"]])
def test_bad_input_is_one_line(mixed, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    done = subprocess.run(
        [sys.executable, "-m", "bytesim", "detect", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not done.stdout


# --- its parts -------------------------------------------------------------------------------


def test_the_path_changes_where_the_evidence_outweighs_the_cost():
    evidence = np.log(np.repeat([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]], [40, 40, 3], 0))
    assert best_path(evidence, {}) == [(0, 40, 0), (40, 83, 1)]  # three blocks are too few for a change


def test_a_signature_makes_a_change_cheaper():
    evidence = np.log(np.repeat([[0.9, 0.1], [0.1, 0.9]], [20, 8], 0))
    assert best_path(evidence, {}) == [(0, 28, 0)]
    assert best_path(evidence, {20: [1]}) == [(0, 20, 0), (20, 28, 1)]


def test_the_exact_border_of_text_and_code_and_of_two_texts():
    noise = random.Random(3).randbytes(4000)
    assert exact_border(CODE[:4000], CODE[4000:4300] + noise[:300], noise[300:], lines=False) == pytest.approx(
        300, abs=2
    )
    numbers = b"".join(b"%d,%d,%d\n" % (n, n * n, n * 7) for n in range(1000, 1400))
    assert exact_border(README[:6000], README[-300:] + numbers[:200], numbers[200:], lines=True) == 300


def test_content_is_like_itself():
    assert unlikeness(CODE[:4000], CODE[4000:8000]) < 0.4
    assert unlikeness(CODE[:4000], random.Random(3).randbytes(4000)) > 1
    assert unlikeness(b"a", CODE) == float("inf")


@given(st.lists(st.tuples(st.sampled_from(b"\0\xffA"), st.sampled_from([1, 3, 4095, 4096, 5000, 1 << 20])), max_size=8))
def test_runs_are_all_long_stretches_of_one_value(pieces):
    data = b"".join(bytes([value]) * count for value, count in pieces)
    expected, at = [], 0
    for _, run in groupby(pieces, key=lambda piece: piece[0]):
        length = sum(count for _, count in run)
        if length >= 4096:
            expected.append((at, at + length))
        at += length
    assert list(runs(data)) == expected


def test_windows_of_long_files_lie_farther_apart():
    assert step_of(1) == 128
    assert step_of(10 << 30) * MOST_WINDOWS >= 10 << 30
