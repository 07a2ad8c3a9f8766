"""Shards: rows go in and come out, and a file that is no shard is told so."""

import io
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import FormatError, InputError, OutputError
from bytesim.training.data.shards import Shard, load_shard, pack, save_shard, some_rows, xz_bytes

ROWS = [(b"one", b"ONE"), (b"", b"TWO"), (b"three", b"")]


@given(
    rows=st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=9),
    groups=st.data(),
)
def test_a_shard_gives_back_its_rows(tmp_path_factory, rows, groups):
    marks = groups.draw(st.lists(st.integers(0, 255), min_size=len(rows), max_size=len(rows)))
    path = tmp_path_factory.mktemp("shards") / "rows.npz"
    save_shard(path, pack(rows, marks, marks))
    shard = load_shard(path)
    assert [shard.row(index) for index in range(len(shard))] == rows
    assert shard.group.tolist() == shard.label.tolist() == marks
    lengths = [each.tolist() for each in shard.lengths()]
    assert lengths == [[len(row[side]) for row in rows] for side in (0, 1)]


def test_the_same_rows_make_the_same_file(tmp_path):
    for name in ("a.npz", "b.npz"):
        save_shard(tmp_path / name, pack(ROWS))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def packed() -> bytes:
    stream = io.BytesIO()
    shard = pack(ROWS)
    np.savez_compressed(stream, **{name: getattr(shard, name) for name in Shard.__slots__})
    return stream.getvalue()


WHOLES = {"rows.npz": packed(), "rows.npz.xz": xz_bytes(pack(ROWS))}


@given(name=st.sampled_from(list(WHOLES)), place=st.floats(0, 1), value=st.integers(0, 255), cut=st.floats(0, 1))
def test_a_damaged_shard_loads_or_explains(tmp_path_factory, name, place, value, cut):
    path = tmp_path_factory.mktemp("shards") / name
    whole = WHOLES[name]
    index = int(place * (len(whole) - 1))
    for data in (whole[:index] + bytes([value]) + whole[index + 1 :], whole[: int(cut * len(whole))]):
        path.write_bytes(data)
        with suppress(FormatError):
            shard = load_shard(path)
            assert all(shard.row(index) for index in range(len(shard)))


@pytest.mark.parametrize(
    "changed",
    [
        {"target_ends": np.array([3, 6, 5])},
        {"target_ends": np.array([3, 6, 7])},
        {"source_ends": np.array([-1, 3, 8])},
        {"group": np.zeros(2, np.uint8)},
        {"label": np.zeros((3, 1), np.int32)},
        {"target": np.zeros(6, np.float64)},
        {"target": np.array([b"ONETWO"], object)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changed):
    shard = pack(ROWS)
    np.savez(tmp_path / "rows.npz", **{name: getattr(shard, name) for name in Shard.__slots__} | changed)
    with pytest.raises(FormatError):
        load_shard(tmp_path / "rows.npz")


def test_a_missing_shard_and_another_archive_are_told(tmp_path):
    with pytest.raises(InputError, match="no such shard"):
        load_shard(tmp_path / "rows.npz")
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(FormatError):
        load_shard(tmp_path / "rows.npz")
    with pytest.raises(OutputError):
        save_shard(tmp_path / "no" / "rows.npz", pack(ROWS))


def test_a_shard_in_xz_holds_the_same_and_unpacks_to_no_more_than_the_limit(tmp_path, monkeypatch):
    path = tmp_path / "rows.npz.xz"
    save_shard(path, pack(ROWS, [1, 2, 3], [4, 5, 6]))
    shard = load_shard(path)
    assert [shard.row(index) for index in range(3)] == ROWS
    assert (shard.group.tolist(), shard.label.tolist()) == ([1, 2, 3], [4, 5, 6])
    monkeypatch.setattr("bytesim.training.data.shards.MAX_UNPACKED_BYTES", 100)
    with pytest.raises(FormatError, match="longer than"):
        load_shard(path)


def test_some_rows_keep_their_groups_and_labels():
    shard = some_rows(pack(ROWS, [1, 2, 3], [4, 5, 6]), [2, 0])
    assert [shard.row(index) for index in range(len(shard))] == [ROWS[2], ROWS[0]]
    assert (shard.group.tolist(), shard.label.tolist()) == ([3, 1], [6, 4])
