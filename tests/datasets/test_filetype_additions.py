"""Files of one's own in the filetype set: folders, files of pieces, their split, what is refused, and noise."""

import io
import lzma
import random

import numpy as np
import pytest

from bytesim.datasets.filetype import make as filetype_make
from bytesim.datasets.filetype.additions import Addition, add_rows, read_additions, shard_of_addition, without_held_out
from bytesim.datasets.filetype.build import build_filetype
from bytesim.datasets.filetype.collect import Found, store, write_index
from bytesim.datasets.filetype.noise import NOISES, add_noise
from bytesim.datasets.filetype.shards import SHARDS, Rows, cut_whole
from bytesim.errors import FormatError, InputError
from bytesim.formats.filetypes import LABELS, UNKNOWN
from bytesim.training.data.shards import load_shard


def python_source(number, length=9000):
    rng = random.Random(number)
    lines = ["import os", *(f"value_{index} = {rng.random()}" for index in range(length // 28))]
    return "\n".join(lines).encode()


@pytest.fixture
def folder(tmp_path):
    own = tmp_path / "own"
    for origin in range(24):
        (own / f"project{origin}/src").mkdir(parents=True)
        (own / f"project{origin}/src/a.py").write_bytes(python_source(origin))
        tune = f"X:1\nT:{origin}\nM:4/4\nL:1/8\nK:C\n" + "CDEFGABc|" * 30
        (own / f"project{origin}/tune.abc").write_text(tune)
        (own / f"project{origin}/no_type.qqq").write_bytes(b"nothing")
    return own


def pieces_file(path, files):
    """An .npz of (label, origin, path, data)."""
    labels, origins = sorted({file[0] for file in files}), sorted({file[1] for file in files})
    parts = [piece for *_, data in files for piece in (data[:4096], data[-4096:], b"", b"")]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        data=np.frombuffer(b"".join(parts), np.uint8),
        offsets=np.cumsum([0, *map(len, parts)]),
        size=np.array([len(data) for *_, data in files]),
        label=np.array([labels.index(file[0]) for file in files], np.int32),
        labels=np.array(labels),
        origin=np.array([origins.index(file[1]) for file in files], np.int32),
        origins=np.array(origins),
        path=np.array([file[2] for file in files]),
    )
    path.write_bytes(lzma.compress(buffer.getvalue()) if path.suffix == ".xz" else buffer.getvalue())
    return path


def test_a_folder_gives_the_files_whose_names_and_contents_agree(folder):
    files = read_additions([folder], seed=1)
    assert {file.type for file in files} == {"python", "abc"}
    assert {file.origin for file in files} == {f"project{origin}" for origin in range(24)}
    first = next(file for file in files if file.name == "project0/src/a.py")
    data = (folder / first.name).read_bytes()
    assert first.whole == cut_whole(data)
    assert all(piece in data for piece in first.pieces)


@pytest.mark.parametrize("name", ["pieces.npz", "pieces.npz.xz"])
def test_pieces_give_the_rows_of_the_files_they_are_of(tmp_path, name):
    data = python_source(3)
    path = pieces_file(tmp_path / name, [("python", "someone/else", "a.py", data), ("other_xyz", "one", "b", b"\0x")])
    known, other = read_additions([path], seed=1)
    assert (known.type, known.origin, known.name, known.size) == ("python", "someone/else", "a.py", len(data))
    assert known.whole == cut_whole(data)
    assert other.whole == b"\0x"


def test_additions_are_split_by_origin(folder):
    shards = {name: Rows() for name in SHARDS}
    files = read_additions([folder], seed=1)
    add_rows(shards, files, seed=1)
    origins = [shards[name].origins for name in ("wild_train", "wild_dev", "wild_test")]
    assert all(origins)
    assert sum(map(len, origins)) == len(set.union(*origins)) == 24
    abc, python = LABELS.index("abc"), LABELS.index("python")
    assert {*shards["wild_test"].labels} == {abc, python}
    everything = [data for rows in shards.values() for data in rows.data]
    assert len(everything) == len(set(everything)) >= len(files)


def test_packages_of_projects_whose_files_measure_do_not_train():
    names = [f"someone/project{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]
    names += ["Someone/ImageMagick", "other/python-ale"]
    added = [Addition("python", name, "x", 1, (b"x",) * 4) for name in names]
    measuring = {file.origin for file in added if shard_of_addition(file) in ("wild_dev", "wild_test")}
    assert 3 < len(measuring) < 20
    projects = [name.rpartition("/")[2].lower() for name in names]
    origins = [f"{prefix}{project}" for project in projects for prefix in ("", "vim-", "lib")]
    origins += ["ale", "x"]
    kept = without_held_out([Found("python", origin, "0", 1, "x") for origin in origins], added)
    left_out = {name.rpartition("/")[2].lower() for name in measuring}
    assert {file.origin for file in kept} == {
        origin
        for origin in origins
        if not {origin, f"python-{origin}", origin.removeprefix("vim-").removeprefix("lib")} & left_out
    }
    assert len(kept) < len(origins)


def test_a_type_without_a_label_is_either_an_outlier_or_unseen():
    def shards_of(kind):
        return {shard_of_addition(Addition(kind, f"origin{number}", "x", 1, (b"x",) * 4)) for number in range(40)}

    assert shards_of("other_jp2") == {"wild_unseen_test"}
    assert shards_of("other_tga") == {"wild_unseen_dev"}
    assert shards_of("other_mkv") == {"wild_train", None}
    for number in range(30):
        several = shards_of(f"other_kind{number}") - {None}
        assert len(several) == 1


@pytest.mark.parametrize(
    "origin", ["apache/tika", "Corkami/pocs", "google~magika", "openpreserve/format-corpus", "a/test-documents/testPDF"]
)
def test_files_that_test_classifiers_are_refused(tmp_path, origin):
    path = pieces_file(tmp_path / "a.npz", [("python", origin, "a.py", b"import os\n")])
    with pytest.raises(InputError, match="kept for tests"):
        read_additions([path], seed=1)


def test_names_that_only_resemble_those_are_not_refused(tmp_path):
    path = pieces_file(tmp_path / "a.npz", [("python", "someone/magikarp", "attika/a.py", b"import os\n")])
    assert len(read_additions([path], seed=1)) == 1


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\3\4garbage"])
def test_a_file_that_holds_no_pieces_is_an_error(tmp_path, content):
    for name in ("a.npz", "a.npz.xz"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FormatError, match=r"not a file of pieces|cannot be unpacked|cut off"):
            read_additions([tmp_path / name], seed=1)
    with pytest.raises(InputError, match="no such folder"):
        read_additions([tmp_path / "none"], seed=1)


@pytest.mark.parametrize(
    "change",
    [
        {"size": np.array([1, 2])},
        {"label": np.array([1])},
        {"origin": np.array([-1])},
        {"offsets": np.array([0, 9, 4, 20, 20])},
        {"offsets": np.array([0.0, 10.0, 20.0, 20.0, 20.0])},
        {"data": np.zeros((4, 5), np.uint8)},
    ],
)
def test_pieces_whose_arrays_disagree_are_an_error(tmp_path, change):
    path = pieces_file(tmp_path / "a.npz", [("python", "one", "a.py", b"import os\n")])
    with np.load(path) as arrays:
        values = dict(arrays)
    np.savez(path, **{**values, **change})
    with pytest.raises(FormatError, match="disagree"):
        read_additions([path], seed=1)


@pytest.mark.parametrize("kind", NOISES)
def test_noise_has_the_length_that_is_asked_for(kind):
    for size in (16, 512, 4096):
        assert len(NOISES[kind](size, random.Random(1))) == size


def test_noise_is_unknown_and_in_training_and_dev_alone():
    shards = {name: Rows() for name in SHARDS}
    add_noise(shards, seed=1)
    assert len(shards["train"].data) > 1000
    assert {*shards["train"].labels, *shards["dev"].labels} == {LABELS.index(UNKNOWN)}
    assert not shards["test"].data
    assert not {*shards["train"].data} & {*shards["dev"].data}


def test_a_build_with_additions_writes_their_shards(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(filetype_make, "all_makers", list)
    work = tmp_path / "work"
    found = [store(work, python_source(100 + index), "python", f"origin{index}", "a.py") for index in range(20)]
    (work / "index").mkdir()
    write_index(work / "index/deb-all.jsonl", found)
    build = build_filetype(out=tmp_path / "out", material=work, add=[folder], fetch=False, jobs=1)
    written = {shard.part: load_shard(tmp_path / "out" / shard.file) for shard in build.shards}
    assert {"wild_train", "wild_dev", "wild_test", "wild_unseen_dev", "wild_unseen_test"} < written.keys()
    abc = LABELS.index("abc")
    assert abc in written["wild_train"].label
    assert abc not in written["train"].label
    assert abc in written["wild_test"].label
    assert abc not in written["test"].label
