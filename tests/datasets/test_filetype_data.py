"""The filetype set: labels that do not move, files of the right type, parts that share no origin and no bytes."""

import csv
import gzip
import hashlib
import http.client
import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.paths import ROOT
from helpers.processes import start_process
from helpers.tools import needs_file, needs_magika
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from bytesim.cli import app
from bytesim.datasets.filetype import collect as filetype_collect
from bytesim.datasets.filetype import fetch as filetype_fetch
from bytesim.datasets.filetype import make as filetype_make
from bytesim.datasets.filetype.build import build_filetype, parts_of
from bytesim.datasets.filetype.checks.predicates import MIN_TEXT_BYTES
from bytesim.datasets.filetype.checks.recognise import BY_TYPE, may_be_wanted, recognise
from bytesim.datasets.filetype.collect import KEEP, Found, Shelf, collect_all, look_through, store, write_index
from bytesim.datasets.filetype.fetch import Package
from bytesim.datasets.filetype.make import HELD_OUT, contents_of, make_one
from bytesim.datasets.filetype.makers.maker import Job, Maker
from bytesim.datasets.filetype.makers.tables import DIALECTS, csv_table
from bytesim.datasets.filetype.shards import LIMITS, build_rows, choose, cut_fragments, cut_whole, limits_of
from bytesim.datasets.filetype.split import split_origins
from bytesim.errors import ConfigError, InputError, OutputError, ToolError
from bytesim.formats.filetypes import FILE_TYPES, LABELS, OUTLIERS, UNKNOWN, UNSEEN_DEV, UNSEEN_TEST
from bytesim.oracles.file_tools import label_of_magic, libmagic_labels, magika_labels, without_name
from bytesim.training.data.shards import load_shard, sha256_of

PYTHON = b'"""A module."""\n\nimport os\n\n\ndef where(name):\n    return os.path.join("a", name)\n' * 3
C_SOURCE = b'#include <stdio.h>\n\nint main(void)\n{\n    printf("%d", 1);\n    return 0;\n}\n' * 3


def numbered(text: bytes, number: int, length: int = 6000) -> bytes:
    """A Python source of some length that no other number gives."""
    rng = random.Random(number)
    lines = [text, *(b"value_%d = %d\n" % (index, rng.randint(0, 10**9)) for index in range(length // 24))]
    return b"".join(lines)


# --- the list --------------------------------------------------------------------------------


def test_the_labels_are_fixed():
    assert len(LABELS) == 121
    assert LABELS[-1] == UNKNOWN
    assert LABELS[:4] == ("abc", "ada", "asm", "bibtex")
    assert LABELS[-4:-1] == ("qm", "sqlite", "typelib")
    assert sha_of_list(LABELS) == "443bab94630e581b"
    assert sha_of_list((*UNSEEN_DEV, *UNSEEN_TEST)) == "8a78bc7519209cd8"  # outliers may be added, these may not move


def sha_of_list(names):
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def test_the_list_is_as_wide_as_it_claims_and_no_type_is_in_two_lists():
    names = [*LABELS[:-1], *OUTLIERS, *UNSEEN_DEV, *UNSEEN_TEST]
    assert len(set(names)) == len(names)
    assert len(LABELS) - 1 >= 100
    assert sum(each.kind != "text" for each in FILE_TYPES) >= 25
    assert len(OUTLIERS) >= 200
    assert len(UNSEEN_TEST) >= 20


def test_every_type_has_a_check_and_every_check_a_type():
    assert {*LABELS[:-1], *OUTLIERS, *UNSEEN_DEV, *UNSEEN_TEST} == BY_TYPE.keys()


# --- what a file is --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a/b.py", PYTHON, "python"),
        ("a.py", b"def broken(:\n" * 20, None),
        ("tool", b"#!/usr/bin/env python3\n" + PYTHON, "python"),
        ("a.ts", b"export interface Point {\n  x: number;\n}\n" * 5, "typescript"),
        ("a.ts", b"<?xml version='1.0'?>\n<TS version='2.1'>" + b"<context/>" * 20 + b"</TS>", "xml"),
        ("a.v", b"module adder(input a, output b);\nassign b = a;\nendmodule\n" * 4, "verilog"),
        ("a.v", b"Require Import Arith.\nLemma one : 1 = 1.\nProof. reflexivity. Qed.\n" * 4, "coq"),
        ("a.h", b"#ifndef A_H\n#define A_H\nint one(int two);\n#endif\n" * 4, "c"),
        ("a.h", b"#ifndef A_H\n#define A_H\nnamespace a {\nclass B;\n}\n#endif\n" * 4, "cpp"),
        ("a.pl", b"use strict;\nmy $x = 1;\nprint $x;\n" * 6, "perl"),
        ("a.pl", b":- module(a, [b/1]).\nb(X) :- c(X).\n" * 6, "prolog"),
        ("a.json", b'{"key": [1, 2, 3]}' + b" " * 200, "json"),
        ("a.json", b'{"key": [1, 2, 3' + b" " * 200, None),
        ("a.png", b"GIF89a" + bytes(200), None),
        ("libx.so.1", b"\x7fELF" + bytes(200), "elf"),
        ("libx.so", b"\xcf\xfa\xed\xfe" + bytes(200), "macho"),
        ("a.txt", b"Plain words of a letter that somebody wrote on a rainy day. " * 8, "txt"),
        ("a.txt", b"#!/bin/sh\nset -e; { true; }\n" * 8, None),
        ("requirements.txt", b"numpy>=1.2\ntyper[all]==0.9  # the shell\n", "txt"),
        ("README", b"A small tool\n============\n\nSee the manual.\n", "txt"),
        ("a.txt", b"<p>Not plain</p>\n" * 4, None),
        ("a.txt", b"int one;\nint two;\nint three;\n", None),
        ("a.txt", b"a,b,c\n1,2,3\n4,5,6\n7,8,9\n", None),
        (
            "LICENSE",
            b"THIS SOFTWARE IS IS ``AS IS'' AND ANY EXPRESS\nWARRANTIES ARE DISCLAIMED.\n",
            "txt",
        ),
        ("AUTHORS", b"Jane Doe <jane@example.org>\nJohn Roe <john@example.org>\n", "txt"),
        ("a.txt", b"import os\nfrom sys import path\nprint(path)\n", None),
        ("a.txt", b"One thing, another.\nA third thing, a fourth.\n", "txt"),
        ("CMakeLists.txt", b"install(FILES one.h DESTINATION include)\n", None),
        ("hello.asm", b"section .text\n  mov eax, 4\n  int 0x80\n", "asm"),
        ("rules", b"Note that: this is prose, and no rule at all.\n", None),
        ("Makefile", b"all: one\n\tcc one.c\n", "makefile"),
        ("a.xhtml", b"<?xml version='1.0'?>\n<html><body>One</body></html>\n", "html"),
        ("i386.md", b"(define_insn one\n  [(set (reg 0) (reg 1))])\n", None),
        ("a.cfg", b"Usage: words, and more of them.\n", None),
        ("a.csv", b"name,size\none,1\n", "csv"),
        ("a.csv", b"a,b,c\n1,2,3\n4,5,6\n7,8\n9,1,2\n", "csv"),
        ("a.csv", b"one line of words\nand another one\n", None),
        ("setup.cfg", b"[metadata]\nname = one\n", "ini"),
        ("theme.ini", b"# Colours\nback = white\nfore = black\n", "ini"),
        ("a.ini", b"Words that set nothing at all.\n" * 3, None),
        ("a.md", b"No heading here, and little else.\n", "markdown"),
        ("a.s", b"\t.globl main\n\t.text\nmain:\n\tret\n", "asm"),
        ("a.py", b"x = 1\n", None),  # too short
        ("Dockerfile", b"FROM debian\nRUN apt-get update\n" * 8, "dockerfile"),
        ("a.rc", b'IDI_MAIN ICON "main.ico"\n' * 8, "rc"),
        ("a.psd", b"8BPS" + bytes(200), "psd"),
        ("a.psd", b"8BPS is how such a picture begins. " * 8, None),
        ("a.8svx", b"FORM\0\0\0\0" + b"8SVX" + bytes(200), "svx"),
        ("a.8svx", b"FORM\0\0\0\0" + b"AIFF" + bytes(200), None),
        ("a.pdb", b"HETATM 1  O   HOH A 1\n" * 8, "pdbmol"),
    ],
)
def test_a_file_is_known_by_its_name_and_its_content_together(name, data, kind):
    assert recognise(name, data) == kind


@given(
    st.sampled_from(sorted({ending for check in BY_TYPE.values() for ending in check.names})),
    st.binary(max_size=600) | st.text(max_size=600).map(str.encode),
)
def test_no_content_stops_a_check(ending, data):
    recognise(f"file{ending}", data)


def test_what_build_tools_write_is_not_read_at_all():
    assert may_be_wanted("one-1.0/README.txt")
    assert not may_be_wanted("one-1.0/one.egg-info/SOURCES.txt")
    assert not may_be_wanted("one-1.0.dist-info/METADATA.json")


@pytest.mark.parametrize("ending", sorted({ending for check in BY_TYPE.values() for ending in check.names}))
def test_blank_lines_do_not_stall_a_check(ending):
    recognise(f"file{ending}", b"\n" * 20_000 + b"x")


# --- collecting ------------------------------------------------------------------------------


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def test_a_zip_archive_gives_its_files_and_a_damaged_one_those_before_the_damage(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("one-1/a.py", PYTHON)
        made.writestr("one-1/b.c", C_SOURCE)
    whole = buffer.getvalue()
    damage = whole.index(b"b.c") + 20
    for data, expected in (
        (whole, {"python", "c"}),
        (whole[:damage] + b"\xff" * 40 + whole[damage + 40 :], {"python"}),
    ):
        archive = tmp_path / "one-1.zip"
        archive.write_bytes(data)
        shelf = Shelf("one")
        look_through(archive, shelf)
        assert {file.type for file in shelf.save(tmp_path)} - {"zip"} == expected


def test_a_source_archive_gives_its_files_and_itself(tmp_path):
    archive = tmp_path / "thing_1.orig.tar.gz"
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as inner:
        inner.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        inner.writestr("A.class", b"\xca\xfe\xba\xbe\0\0\0\x34" + bytes(80))
    page = b".TH THING 1\n.SH NAME\nthing \\- does things\n" * 4
    archive.write_bytes(
        tar_of(
            {"t/a.py": PYTHON, "t/x.jar": jar.getvalue(), "t/thing.1.gz": gzip.compress(page), "t/no.xyz": b"x" * 300}
        )
    )
    shelf = Shelf("thing")
    look_through(archive, shelf)
    kinds = sorted(each.type for each in shelf.save(tmp_path))
    assert kinds == ["class", "gz", "gz", "jar", "man", "python"]


def test_a_damaged_archive_gives_what_comes_before_the_damage(tmp_path):
    archive = tmp_path / "thing_1.orig.tar.gz"
    archive.write_bytes(tar_of({f"{index}.py": numbered(PYTHON, index) for index in range(20)})[:-4000])
    shelf = Shelf("thing")
    look_through(archive, shelf)
    assert len(shelf.save(tmp_path)) > 3


def test_of_one_package_the_same_few_files_stay_in_whatever_order_they_come():
    files = [(f"{index}.py", numbered(PYTHON, index, 50)) for index in range(KEEP + 30)]
    kept = []
    for order in (files, files[::-1]):
        shelf = Shelf("thing")
        for name, data in order:
            shelf.offer(name, data)
        kept.append(sorted(name for _, name, _ in shelf._heaps["python"]))
    assert kept[0] == kept[1]
    assert len(kept[0]) == KEEP


def test_packages_are_looked_through_in_processes_and_only_once(tmp_path, monkeypatch):
    package = Package("npm", "thing")
    package.folder(tmp_path).mkdir(parents=True)
    (package.folder(tmp_path) / "thing-1.0.0.tgz").write_bytes(tar_of({"package/a.py": PYTHON}))
    monkeypatch.setattr(filetype_collect, "wanted_packages", lambda: [package])
    assert collect_all(tmp_path, jobs=1) == {"python": 1, "gz": 1}
    assert collect_all(tmp_path, jobs=1) == {}
    assert {each.origin for each in filetype_make.found_indexes(tmp_path)} == {"thing"}


def test_processes_end_with_the_one_that_started_them(tmp_path):
    code = (
        "import os\nfrom bytesim.processes import map_in_processes\n"
        "def work(folder, command):\n    return os.system(command)\n"
        "if __name__ == '__main__':\n"
        "    for _ in map_in_processes(os.getcwd, work, ['echo $PPID > pid; sleep 30'], jobs=1):\n        pass\n"
    )
    (tmp_path / "run.py").write_text(code)
    parent = start_process([sys.executable, "run.py"], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)})
    wait_for(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
    worker = int((tmp_path / "pid").read_text())
    assert not has_ended(worker)
    parent.kill()
    parent.wait()
    wait_for(lambda: has_ended(worker))


def has_ended(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


def wait_for(happened):
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen in a minute")


# --- splitting -------------------------------------------------------------------------------


ORIGINS_OF_TYPES = st.dictionaries(
    st.sampled_from("abcdefgh"),
    st.dictionaries(st.text("xyz", min_size=1, max_size=6), st.integers(1, 60), min_size=1, max_size=12),
    min_size=1,
)
"""Type -> origin -> count of files; types may share origins."""


@given(ORIGINS_OF_TYPES)
def test_every_origin_is_in_one_part(counts):
    parts = split_origins(counts)
    assert parts.keys() == {origin for of_type in counts.values() for origin in of_type}
    assert set(parts.values()) <= {"train", "dev", "test"}


@given(ORIGINS_OF_TYPES)
def test_training_has_files_of_every_type_whose_origins_are_its_own(counts):
    own = {kind: {f"{kind}/{name}": files for name, files in of_type.items()} for kind, of_type in counts.items()}
    parts = split_origins(own)
    for of_type in own.values():
        assert "train" in {parts[origin] for origin in of_type}


def test_a_type_of_three_origins_has_one_in_each_part():
    for number in range(40):
        counts = {"c": {f"{name}{number}": 20 for name in ("one", "two", "three")}}
        assert sorted(split_origins(counts).values()) == ["dev", "test", "train"]


def test_a_type_of_one_origin_is_trained_on():
    assert all(split_origins({"c": {f"only{number}": 9}}) == {f"only{number}": "train"} for number in range(40))


# --- cutting ---------------------------------------------------------------------------------


@given(st.integers(0, 12_000), st.sampled_from((512, 4096)), st.integers(1, 6), st.integers(0, 99))
def test_fragments_come_from_the_middle(length, size, count, seed):
    rng = random.Random(length)
    data = bytes(rng.randrange(1, 256) for _ in range(length))
    marked = b"\0" * 512 + data[512:-512] + b"\0" * 512 if length >= 1024 else data
    pieces = cut_fragments(marked, size, count, random.Random(seed))
    assert bool(pieces) == (length >= size + 1024)
    for piece in pieces:
        assert len(piece) == size
        assert 0 not in piece
        assert piece in marked


def test_padding_gives_no_fragment():
    assert cut_fragments(bytes(9000), 512, 6, random.Random(0)) == []


def test_a_long_file_is_shown_by_its_ends():
    data = bytes(range(256)) * 40
    assert cut_whole(data) == data[:2048] + data[-2048:]
    assert cut_whole(data[:4096]) == data[:4096]


def test_origins_take_turns_and_none_gives_more_than_its_share():
    files = [Found("c", f"o{index % 2}" if index < 100 else "o2", f"{index:064d}", 9, "") for index in range(103)]
    origins = [each.origin for each in choose(files, LIMITS["test"])]
    assert set(origins[:3]) == {"o0", "o1", "o2"}
    assert {name: origins.count(name) for name in set(origins)} == {"o0": 25, "o1": 25, "o2": 3}


def test_an_outlier_moves_no_origin_and_has_few_rows():
    found = [Found("python", f"o{index}", f"{index:064d}", 9, "") for index in range(40)]
    parts = parts_of(found)
    more = [Found("awk", f"o{index}", f"{100 + index:064d}", 9, "") for index in range(60)]
    both = parts_of([*found, *more])
    assert {origin: both[origin] for origin in parts} == parts
    assert len(both) == 60
    assert limits_of("awk", "train").whole < limits_of("python", "train").whole
    assert limits_of("kotlin", "unseen_test") == LIMITS["unseen_test"]


# --- the whole build -------------------------------------------------------------------------


@pytest.fixture
def material(tmp_path):
    """A work folder of Python and C files of thirty origins, with duplicates, one outlier type and two unseen ones."""
    work = tmp_path / "work"
    found = []
    for origin in range(30):
        for index in range(4):
            number = 10 * origin + index
            found.append(store(work, numbered(PYTHON, number), "python", f"origin{origin}", f"{index}.py"))
            found.append(store(work, numbered(C_SOURCE, number + 1000), "c", f"origin{origin}", f"{index}.c"))
        found.append(store(work, PYTHON, "python", f"origin{origin}", "same.py"))  # in every origin
        for kind in ("awk", "kotlin", "clojure"):
            found.append(store(work, numbered(b"", 7000 + origin) + kind.encode(), kind, f"origin{origin}", kind))
    (work / "index").mkdir()
    write_index(work / "index/deb-all.jsonl", found)
    return work


@pytest.fixture
def no_makers(monkeypatch):
    monkeypatch.setattr(filetype_make, "all_makers", list)


@pytest.mark.usefixtures("no_makers")
def test_a_build_shares_no_origin_and_no_bytes_between_its_parts(material, tmp_path):
    build = build_filetype(out=tmp_path / "out", material=material, fetch=False, jobs=1)
    assert len(build.not_fetched) > 6000  # all but those of this small material
    rows = {shard.part: load_shard(tmp_path / "out" / shard.file) for shard in build.shards}
    bytes_of = {part: [shard.row(index)[1] for index in range(len(shard))] for part, shard in rows.items()}
    everything = [data for part in bytes_of.values() for data in part]
    assert len(set(everything)) == len(everything)
    unknown = LABELS.index(UNKNOWN)
    python, c = LABELS.index("python"), LABELS.index("c")
    assert {*rows["train"].label} == {python, c, unknown}
    assert {*rows["test"].label} == {python, c}
    assert {*rows["unseen_test"].label} == {*rows["unseen_dev"].label} == {unknown}
    for part in ("train", "dev", "test"):
        sizes = {(int(group), len(data)) for group, data in zip(rows[part].group, bytes_of[part], strict=True) if group}
        assert sizes == {(1, 4096), (2, 512)}
    for shard in build.shards:
        assert sha256_of(tmp_path / "out" / shard.file) == shard.sha256
    assert json.loads((tmp_path / "out/filetype_build.json").read_text())["labels"] == list(LABELS)
    assert "ada in train" in build.absent


def test_the_rows_of_a_part_come_from_its_origins_alone(material):
    found = filetype_make.found_indexes(material)
    parts = split_origins({"python": {f"origin{index}": 5 for index in range(30)}})
    rows = build_rows(found, parts, material, seed=1)
    for first, second in (("train", "test"), ("train", "dev"), ("dev", "test"), ("train", "unseen_test")):
        assert rows[first].origins
        assert not rows[first].origins & rows[second].origins


@pytest.mark.usefixtures("no_makers")
def test_a_made_file_whose_origin_is_gone_is_left_out(material, tmp_path):
    kept, gone = (
        store(material, PYTHON + name.encode(), "python", name, "made-1", "x") for name in ("origin1", "gone")
    )
    write_index(material / "index" / "made-python-x-00000.jsonl", [kept, gone])
    build = build_filetype(out=tmp_path / "out", material=material, fetch=False, jobs=1)
    rows = [load_shard(tmp_path / "out" / shard.file) for shard in build.shards]
    found = {shard.row(index)[1] for shard in rows for index in range(len(shard))}
    assert PYTHON + b"origin1" in found
    assert PYTHON + b"gone" not in found


@pytest.mark.usefixtures("no_makers")
def test_the_same_material_gives_the_same_shards(material, tmp_path):
    once, again = (build_filetype(out=tmp_path / name, material=material, fetch=False, jobs=1) for name in ("a", "b"))
    assert [load_shard(once.folder / each.file).target.tobytes() for each in once.shards] == [
        load_shard(again.folder / each.file).target.tobytes() for each in again.shards
    ]


def test_settings_kept_for_the_test_make_no_training_file(material):
    found = filetype_make.found_indexes(material)
    parts = {f"origin{index}": ("train", "dev", "test")[index % 3] for index in range(30)}
    contents = contents_of(found, parts)

    def zipped(job: Job) -> bytes:
        return gzip.compress(job.read() + job.settings.encode(), mtime=0)

    maker = Maker("gz", zipped, ("usual", "kept"), "python")
    made = [made for which in range(120) if (made := make_one(maker, which, contents, material))]
    assert {parts[each.origin] for each in made} == {"train", "dev", "test"}
    held_out = [each for each in made if each.made_by.startswith(HELD_OUT)]
    assert held_out
    assert {parts[each.origin] for each in held_out} == {"test"}


@pytest.mark.slow
def test_a_program_that_runs_on_is_stopped_with_what_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr("bytesim.datasets.filetype.makers.maker.TIMEOUT_S", 3)
    job = Job((), (), "", random.Random(0), tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        job.run("sh", "-c", "sleep 60 & echo $! > child; sleep 60")
    child = int((tmp_path / "child").read_text())
    wait_for(lambda: has_ended(child))


def test_an_encoder_that_fails_gives_no_file(material):
    found = filetype_make.found_indexes(material)
    contents = contents_of(found, {f"origin{index}": "train" for index in range(30)})
    maker = Maker("gz", lambda job: job.run("false"), ("",), "python")
    assert not any(make_one(maker, which, contents, material) for which in range(3))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ["prices.csv", "notes.txt"])
def test_a_made_csv_is_a_table_in_its_dialect(tmp_path, dialect, name):
    (tmp_path / name).write_text("".join(f"{number},tea {number},{number / 7}\n" for number in range(60)))
    for seed in range(12):
        data = csv_table(Job((tmp_path / name,), (name,), dialect, random.Random(seed), tmp_path))
        text = data.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=DIALECTS[dialect].get("delimiter", ",")))
        assert len({len(row) for row in rows}) == 1
        assert len(rows[0]) >= 2
        assert text.endswith(DIALECTS[dialect]["lineterminator"])
        assert len(data) < MIN_TEXT_BYTES or BY_TYPE["csv"].test(data)


# --- what can go wrong -----------------------------------------------------------------------


def test_an_existing_set_is_not_replaced(tmp_path):
    (tmp_path / "filetype_build.json").write_text("{}")
    with pytest.raises(OutputError, match="exists already"):
        build_filetype(out=tmp_path, material=tmp_path / "work", fetch=False)


def test_an_empty_work_folder_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no file of a type of the set"):
        build_filetype(out=tmp_path / "out", material=tmp_path / "work", fetch=False)


def test_a_system_without_apt_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get"):
        filetype_fetch.fetch_all(tmp_path)


def test_every_name_of_a_package_is_one_word():
    names = [package.name for package in filetype_fetch.wanted_packages()]
    assert len(names) > 1000
    assert [name for name in names if not re.fullmatch(r"@?[A-Za-z0-9][A-Za-z0-9.+_/-]*[A-Za-z0-9+]", name)] == []


def test_settings_out_of_range_are_refused(tmp_path):
    with pytest.raises(ConfigError):
        build_filetype(out=tmp_path, material=tmp_path, share=1.5)


def test_what_a_registry_does_not_give_is_noted_and_not_asked_for_again(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(filetype_fetch, "_run", lambda command, folder: calls.append(command) or "no such package")
    batch = [Package("deb", "one"), Package("deb", "two")]
    filetype_fetch.fetch(batch, tmp_path, ())
    assert all((each.folder(tmp_path) / filetype_fetch.NOT_FETCHED).read_text() == "no such package" for each in batch)
    assert len(calls) == 3  # both at once, then one by one


def test_the_packages_that_are_not_there_are_named(tmp_path, monkeypatch):
    there, refused, never = (Package("deb", name) for name in ("there", "refused", "never"))
    monkeypatch.setattr(filetype_fetch, "wanted_packages", lambda: [there, refused, never])
    for package, name in ((there, "there_1_all.deb"), (refused, filetype_fetch.NOT_FETCHED)):
        package.folder(tmp_path).mkdir(parents=True)
        (package.folder(tmp_path) / name).write_text("content")
    assert filetype_fetch.not_fetched(tmp_path) == [refused, never]


def test_a_source_package_without_its_archives_is_noted_as_not_to_be_had(tmp_path, monkeypatch):
    """Whole ones of the same batch are kept."""

    def download(command, folder):
        for name in {"one", "two"} & {*command}:
            (folder / f"{name}_1.dsc").write_text(f"Source: {name}\n {'a' * 64} 7 {name}_1.orig.tar.gz\n")
        if "two" in command:
            (folder / "two_1.orig.tar.gz").write_bytes(b"archive")
        return "404  Not Found"

    monkeypatch.setattr(filetype_fetch, "_run", download)
    monkeypatch.setattr(filetype_fetch, "_within_limit", lambda batch, apt, folder: batch)
    one, two = batch = [Package("source", "one"), Package("source", "two")]
    filetype_fetch.fetch(batch, tmp_path, ())
    assert [path.name for path in one.folder(tmp_path).iterdir()] == [filetype_fetch.NOT_FETCHED]
    assert {path.name for path in two.folder(tmp_path).iterdir()} == {"two_1.dsc", "two_1.orig.tar.gz"}


@pytest.fixture
def registry(monkeypatch):
    """Pages of a stand-in for PyPI: address -> bytes, or the error that its answer raises."""
    pages: dict[str, bytes | Exception] = {}

    def urlopen(address, timeout):
        page = pages.get(address, urllib.error.HTTPError(address, 404, "Not Found", Message(), None))
        if isinstance(page, Exception):
            raise page
        return io.BytesIO(page)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return pages


ARCHIVE = b"the archive"
SDIST = {
    "packagetype": "sdist",
    "filename": "one-1.tar.gz",
    "size": len(ARCHIVE),
    "url": "https://files/one-1.tar.gz",
    "digests": {"sha256": hashlib.sha256(ARCHIVE).hexdigest()},
}
WHEEL = {"packagetype": "bdist_wheel", "filename": "one-1-py3-none-any.whl", "size": 1, "url": "https://files/wheel"}


def fetch_sdist(folder, registry, files):
    """Fetch the package `one`, whose page at PyPI is `files`. Returns name -> bytes of its folder; None without one."""
    registry["https://pypi.org/pypi/one/json"] = files if isinstance(files, Exception) else json.dumps(files).encode()
    registry["https://files/one-1.tar.gz"] = ARCHIVE
    package = Package("sdist", "one")
    filetype_fetch.fetch([package], folder, ())
    if not package.folder(folder).exists():
        return None
    return {path.name: path.read_bytes() for path in package.folder(folder).iterdir()}


def test_a_source_distribution_is_downloaded(tmp_path, registry):
    ((name, data),) = fetch_sdist(tmp_path, registry, {"urls": [WHEEL, SDIST]}).items()
    assert (name[-7:], data) == (".tar.gz", ARCHIVE)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"urls": [WHEEL]}, "no source distribution"),
        ({"urls": [{**SDIST, "size": 10**9}]}, "larger than the limit"),
        ({"urls": [{**SDIST, "digests": {"sha256": "0" * 64}}]}, "differs from the SHA-256"),
        ({"urls": [{**SDIST, "digests": None}]}, "not as documented"),
        ({"urls": [{**SDIST, "filename": 7}]}, "not as documented"),
        ({"urls": [{**SDIST, "url": "file:///etc/passwd"}]}, "not an address of https"),
        ({"urls": [{**SDIST, "url": 7}]}, "not as documented"),
        ([], "not as documented"),
        (urllib.error.HTTPError("", 404, "Not Found", Message(), None), "404 Not Found"),
    ],
)
def test_why_there_is_no_source_distribution_is_noted(tmp_path, registry, answer, reason):
    ((name, data),) = fetch_sdist(tmp_path, registry, answer).items()
    assert name == filetype_fetch.NOT_FETCHED
    assert reason in data.decode()


@pytest.mark.parametrize(
    "error",
    [
        urllib.error.URLError("no network"),
        urllib.error.HTTPError("", 503, "Busy", Message(), None),
        http.client.IncompleteRead(b""),
    ],
)
def test_without_a_network_a_source_distribution_is_asked_for_again(tmp_path, registry, error):
    assert fetch_sdist(tmp_path, registry, error) is None
    assert fetch_sdist(tmp_path, registry, {"urls": [SDIST]}) is not None


def test_a_hostile_file_name_of_a_source_distribution_leaves_no_file_elsewhere(tmp_path, registry):
    for name in ("../../../one.zip", "a\0b.zip", "n" * 999 + ".zip", "\ud800.zip"):
        folder = tmp_path / str(len(name))
        ((file, _),) = fetch_sdist(folder, registry, {"urls": [{**SDIST, "filename": name}]}).items()
        assert file.endswith(".zip")
        assert len([path for path in folder.rglob("*") if path.is_file()]) == 1


def test_a_later_release_gives_what_the_archive_of_the_own_one_lacks(tmp_path, monkeypatch):
    asked = []

    def download(command, folder):
        asked.append(command[-1])
        assert not [*folder.iterdir()], "what another release left is removed"
        (folder / "one_2.dsc").write_text(f"Source: one\n {'a' * 64} 7 one_2.orig.tar.gz\n")
        if command[-1] == "one/sid":
            (folder / "one_2.orig.tar.gz").write_bytes(b"archive")
            return ""
        return "404  Not Found"

    sizes = {"one/trixie": 5, "one/sid": 5}
    monkeypatch.setattr(filetype_fetch, "_run", download)
    monkeypatch.setattr(filetype_fetch, "_source_sizes", lambda names, apt, folder: {"one": sizes.get(names[0], 5)})
    package = Package("source", "one")
    filetype_fetch.fetch([package], tmp_path / "a", ())
    assert asked == ["one", "one/trixie", "one/sid"]
    assert {path.name for path in package.folder(tmp_path / "a").iterdir()} == {"one_2.dsc", "one_2.orig.tar.gz"}

    sizes["one/trixie"] = filetype_fetch.MAX_SOURCE_BYTES + 1
    filetype_fetch.fetch([package], tmp_path / "b", ())
    assert asked[3:] == ["one"]
    assert (package.folder(tmp_path / "b") / filetype_fetch.NOT_FETCHED).read_text() == "larger than the limit"


@pytest.mark.parametrize(
    ("name", "text", "signed"),
    [
        (
            "debian.sources",
            "Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm bookworm-updates\nComponents: main\n"
            "Signed-By: /key.gpg\n\n"
            "Types: deb\nURIs: http://deb.debian.org/debian-security\nSuites: bookworm-security\n",
            "Signed-By: /key.gpg\n",
        ),
        ("debian.list", "deb [arch=amd64] http://deb.debian.org/debian bookworm main\n", ""),
    ],
)
def test_apt_knows_the_sources_of_later_releases_and_prefers_its_own(tmp_path, monkeypatch, name, text, signed):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / name).write_text(text)
    monkeypatch.setattr(filetype_fetch, "APT_SOURCES", (folder / "sources.list", folder))
    monkeypatch.setattr(filetype_fetch.subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=0, stderr=""))
    monkeypatch.chdir(tmp_path)
    options = filetype_fetch.prepare_apt(Path("material"))
    assert f"-oDir::Etc::SourceParts={tmp_path}/material/apt/parts" in options  # apt reads relative paths from /etc/apt
    parts = {path.name: path.read_text() for path in (tmp_path / "material/apt/parts").iterdir()}
    assert {*parts} == {name, "trixie.sources", "sid.sources"}
    later = "Types: deb-src\nURIs: http://deb.debian.org/debian\nSuites: sid\nComponents: main\n"
    assert parts["sid.sources"] == later + signed
    assert "deb-src" in parts[name]
    assert "-oAPT::Default-Release=bookworm" in options


def test_the_command_reports_what_was_written(material, tmp_path, monkeypatch):
    monkeypatch.setattr(filetype_make, "all_makers", list)
    words = [
        "data",
        "build",
        "filetype",
        "--out",
        str(tmp_path / "o"),
        "--material",
        str(material),
        "--no-fetch",
        "--jobs",
        "1",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert "filetype_train.npz: 4 types" in done.stdout


# --- the tools compared with -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("application/gzip; gzip compressed data, from Unix", "gz"),
        ("text/x-script.python; Python script, ASCII text executable", "python"),
        ("text/plain; ASCII text", "txt"),
        ("application/octet-stream; data", UNKNOWN),
        ("audio/x-wav; RIFF (little-endian) data, WAVE audio", "wav"),
    ],
)
def test_names_of_libmagic_stand_for_our_labels(answer, label):
    assert label_of_magic(answer) == label


@needs_file
def test_libmagic_answers_for_every_file():
    assert libmagic_labels([gzip.compress(PYTHON), b"\x7fELF\2\1\1" + bytes(60), b"\0" * 40])[0] == "gz"


@needs_magika
def test_magika_answers_for_every_file():
    assert magika_labels([gzip.compress(C_SOURCE * 9), b"\x89PNG\r\n\x1a\n" + bytes(100)])[0] == "gz"
    assert "tfm" in without_name("magika")
    assert "tfm" not in without_name("libmagic")
