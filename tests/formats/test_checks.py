"""Checks of answers: what is valid passes, what is not is refused at its offset, and nothing takes long."""

import csv
import io
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.errors import ConfigError, FormatError
from bytesim.formats.checks import find_check

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


def offset_of(name: str, data: bytes) -> int | None:
    """The offset at which a check refuses the bytes."""
    with pytest.raises(FormatError) as refused:
        find_check(name, "")(data)
    return refused.value.offset


@given(VALUES)
def test_what_json_writes_is_json(value):
    for ascii_only in (True, False):
        with suppress(UnicodeEncodeError):  # a lone surrogate is not UTF-8
            find_check("json", "")(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8"))


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1), min_size=1))
def test_what_csv_writes_is_csv(rows):
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    find_check("csv", "")(text.getvalue().encode("utf-8"))


@pytest.mark.parametrize("name", ["json", "toml", "xml", "csv", "utf8"])
@given(data=st.binary(max_size=64))
def test_any_bytes_pass_or_are_refused(name, data):
    with suppress(FormatError):
        find_check(name, "")(data)


@pytest.mark.parametrize(
    ("name", "data", "offset"),
    [
        ("json", '{"á": 1, "b" 2}'.encode(), 14),
        ("json", b'{"a": 1} {"b": 2}', 9),
        ("json", b'{"a": NaN}', None),
        ("json", b"[" * 100_000, None),
        ("json", b"\xff", 0),
        ("json", b"", 0),
        ("toml", b"[a]\nb = 1\nb = 2\n", 15),
        ("toml", "[a]\nname = 'é'\nb = \n".encode(), 20),
        ("toml", b"a = " + b"[" * 100_000, None),
        ("toml", b"a = 2021-02-31", None),
        ("xml", b"<a><b></a>", 8),
        ("xml", b"<a>" * 100_000, 300_000),
        ("xml", b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', None),
        ("csv", b'a,b\n"c",d\n"e"f,g\n', 10),
        ("csv", b'a,b\r\nc,"d\r\n', 5),
        ("utf8", b"abc\xe9", 3),
    ],
)
def test_what_is_not_valid_is_refused_at_its_offset(name, data, offset):
    found = offset_of(name, data)
    assert offset is None or found == offset


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("json", b"9" * 100_000),
        ("toml", b"[a]\nb = 1979-05-27\n"),
        ("xml", b'<?xml version="1.0"?>\n<a b="c">&amp;</a>\n'),
        ("csv", b'a,"b ""c""",\n\n"d\ne",f\n'),
    ],
)
def test_what_is_valid_passes(name, data):
    find_check(name, "")(data)


@pytest.mark.parametrize(("suffix", "bad"), [("json", b"{"), ("toml", b"="), ("svg", b"<"), ("csv", b'"')])
def test_the_suffix_names_the_check(suffix, bad):
    with pytest.raises(FormatError):
        find_check("auto", suffix)(bad)
    assert find_check("none", suffix) is None


def test_an_unknown_suffix_has_no_check():
    assert find_check("auto", "xyz") is None


MODULE = """
def positive(data):
    return int(data) > 0
def quiet(data):
    if not data:
        raise KeyError("no data")
number = 5
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the current folder."""
    (tmp_path / "checks_of_mine.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("module")
def test_a_function_of_the_user_checks():
    positive, quiet = (find_check(f"python:checks_of_mine:{name}", "json") for name in ("positive", "quiet"))
    positive(b"5")
    quiet(b"5")
    with pytest.raises(FormatError, match="positive returns False for it"):
        positive(b"-5")
    with pytest.raises(FormatError, match="positive refuses it: ValueError: invalid literal"):
        positive(b"five")
    with pytest.raises(FormatError, match="quiet refuses it: KeyError: 'no data'"):
        quiet(b"")


@pytest.mark.usefixtures("module")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("yaml", "check 'yaml' is unknown; choose one of auto, json"),
        ("python:checks_of_mine", "not of the form python:MODULE:FUNCTION"),
        ("python:no_such_module:f", "cannot be loaded: ModuleNotFoundError"),
        ("python:checks_of_mine:f", "cannot be loaded: AttributeError"),
        ("python:checks_of_mine:number", "is not a function"),
    ],
)
def test_a_check_that_does_not_exist_is_refused(name, words):
    with pytest.raises(ConfigError, match=words):
        find_check(name, "json")
