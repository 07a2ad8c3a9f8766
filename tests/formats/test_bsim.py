"""The container .bsim: headers and tables, whole and damaged."""

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import FormatError
from bytesim.formats.bsim import (
    CHECKSUM_BYTES,
    HEADER_BYTES,
    Coding,
    Entry,
    Header,
    Stamp,
    parse,
    read_table,
    serialize,
    serialize_table,
    stays_inside,
)

NAMES = st.text(st.characters(codec="utf-8"), max_size=60)
STAMPS = st.builds(
    Stamp,
    model=NAMES,
    suffix=NAMES,
    weights=st.binary(min_size=4, max_size=4),
    numbers=st.binary(min_size=4, max_size=4),
)
PARTS = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=8).filter(
    lambda part: part not in (".", "..")
)
ENTRIES = st.lists(
    st.builds(Entry, st.lists(PARTS, min_size=1, max_size=3).map("/".join), st.integers(0, 1 << 40)),
    unique_by=lambda entry: entry.path,
    max_size=6,
)


def read_all(table: bytes, num_bytes: int) -> tuple[list[Entry], int]:
    return read_table(io.BytesIO(table).read, num_bytes)


@given(st.integers(0, 1 << 50), st.booleans(), st.none() | STAMPS)
def test_headers_are_read_as_they_were_written(num_bytes, is_folder, stamp):
    coding = Coding.MIXED if stamp is None else Coding.WITH_MODEL
    header = Header(coding=coding, num_bytes=num_bytes, is_folder=is_folder, stamp=stamp)
    data = serialize(header)
    assert len(data) <= HEADER_BYTES
    assert parse(data + b"more", len(data) + num_bytes // 1000 + CHECKSUM_BYTES) == (header, len(data))


@given(st.binary(max_size=40), st.binary(max_size=3))
def test_any_bytes_are_a_header_or_refused(rest, magic):
    for data in (magic + rest, b"\xb5BS" + rest):
        with suppress(FormatError):
            header, length = parse(data, len(data))
            assert length <= len(data)
            assert header.num_bytes <= (len(data) + 16) << 16


@pytest.mark.parametrize("coding", list(Coding))
def test_a_header_that_promises_more_than_its_code_can_hold_is_refused(coding):
    stamp = Stamp(model="text", suffix="txt", weights=b"1234", numbers=b"5678")
    header = Header(coding=coding, num_bytes=10**15, stamp=stamp if coding is Coding.WITH_MODEL else None)
    data = serialize(header)
    with pytest.raises(FormatError, match="promises 1,000,000,000,000,000 bytes"):
        parse(data, len(data) + 1000)


@given(ENTRIES)
def test_tables_are_read_as_they_were_written(entries):
    table = serialize_table(entries)
    total = len(table) + sum(entry.num_bytes for entry in entries)
    assert read_all(table, total) == (entries, len(table))
    with pytest.raises(FormatError, match="does not fit its length"):
        read_all(table, total + 1)


@given(st.binary(max_size=60), st.integers(0, 1000))
def test_any_bytes_are_a_table_or_refused(data, num_bytes):
    with suppress(FormatError):
        entries, _ = read_all(data, num_bytes)
        assert all(".." not in entry.path.split("/") for entry in entries)


@pytest.mark.parametrize("path", ["../x", "/x", "a/../x", "a//x", "", ".", "a/", "./x", "a\0", "a/./b", ".."])
def test_no_path_of_a_table_leaves_its_folder(path):
    table = serialize_table([Entry(path, 0)])
    with pytest.raises(FormatError, match="cannot be written"):
        read_all(table, len(table))


def test_a_path_comes_once():
    table = serialize_table([Entry("a/B", 0), Entry("a/B", 0)])
    with pytest.raises(FormatError, match="'a/B', which cannot"):
        read_all(table, len(table))


@pytest.mark.parametrize(
    "path", ["a\\..\\x", "C:x", "a:stream", "NUL", "a/con.txt", "com1", "a.", "a ", "b?", "x/aux .c"]
)
def test_windows_is_spared_names_that_mean_something_else_there(path):
    assert stays_inside(path, windows=False)
    assert not stays_inside(path, windows=True)
    assert stays_inside("12:30 note.txt", windows=False)


def test_names_that_are_not_utf_8_are_kept():
    entry = Entry(b"a/\xff\xfe.txt".decode("utf-8", "surrogateescape"), 0)
    table = serialize_table([entry])
    assert read_all(table, len(table))[0] == [entry]
