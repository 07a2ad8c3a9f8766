"""Checks of answers: whether bytes are valid JSON, TOML, XML, CSV or UTF-8, or pass a function of the user's.

A check takes bytes and raises FormatError, with an offset where one is known. Checks run on what a model wrote, so they
are bounded: deep nesting is an error, XML entities may not be declared, and nothing is fetched.
"""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from xml.parsers import expat

from bytesim.errors import ConfigError, FormatError
from bytesim.formats.toml_keys import check_keys

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Check = Callable[[bytes], None]
"""Raises FormatError for bytes that are not valid."""

AUTO, NONE = "auto", "none"
PYTHON = "python:"
_TOO_DEEP = "nested too deeply to be read"
_MOST_KEY_PARTS = 500
"""Parts of a dotted key of TOML."""


def find_check(name: str, suffix: str) -> Check | None:
    """The check of a name: json, toml, xml, csv, utf8, python:MODULE:FUNCTION, none, or auto, by the suffix.

    MODULE is imported, from the current folder too, so a name may come from the user alone and never from a file. The
    function takes bytes; they are invalid if it returns False or raises. Raises ConfigError.
    """
    if name == AUTO:
        return _CHECKS.get(_BY_SUFFIX.get(suffix, NONE))
    if name.startswith(PYTHON):
        return _python_check(name)
    if name != NONE and name not in _CHECKS:
        known = ", ".join([AUTO, *_CHECKS, "python:MODULE:FUNCTION", NONE])
        raise ConfigError(f"check {name!r} is unknown; choose one of {known}.")
    return _CHECKS.get(name)


def check_utf8(data: bytes) -> None:
    """Raise FormatError for bytes that are not UTF-8."""
    _text(data)


def check_json(data: bytes) -> None:
    """Raise FormatError for bytes that are not one JSON value (RFC 8259) in UTF-8. NaN and Infinity are not JSON."""
    text = _text(data)
    try:
        # Numbers are kept as text: a number of many digits takes long to convert.
        json.loads(text, parse_int=str, parse_float=str, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise FormatError(f"{_lower(error.msg.removesuffix(' at'))}.", offset=_offset(text, error.pos)) from error
    except RecursionError as error:
        raise FormatError(f"{_TOO_DEEP}.") from error


def check_toml(data: bytes) -> None:
    """Raise FormatError for bytes that are not a TOML document."""
    text = _text(data)
    check_keys(text, _MOST_KEY_PARTS)
    try:
        tomllib.loads(text)
    except RecursionError as error:
        raise FormatError(f"{_TOO_DEEP}.") from error
    except ValueError as error:  # TOMLDecodeError, or a number or a date out of range
        message, _, place = str(error).partition(" (at ")
        numbers = re.match(r"line (\d+), column (\d+)", place)
        at_end = len(data) if place.startswith("end") else None
        offset = at_end if numbers is None else _line_offset(text, int(numbers[1]), int(numbers[2]))
        raise FormatError(f"{_lower(message)}.", offset=offset) from error


def check_xml(data: bytes) -> None:
    """Raise FormatError for bytes that are not well-formed XML, or that declare entities."""
    parser = expat.ParserCreate()

    def refuse(*_: Any) -> NoReturn:
        raise FormatError("entities may not be declared.", offset=parser.CurrentByteIndex)

    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise FormatError(f"{expat.ErrorString(error.code)}.", offset=parser.ErrorByteIndex) from error
    except (LookupError, ValueError) as error:  # of the encoding that the document names
        raise FormatError(f"its encoding cannot be read: {error}.") from error


def check_csv(data: bytes) -> None:
    """Raise FormatError for bytes that are not UTF-8 with balanced quotes (RFC 4180). Rows may differ in length."""
    text = _text(data)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for _ in rows:
            line = rows.line_num + 1
    except csv.Error as error:
        offset = _line_offset(text, line, 1, newline="")
        raise FormatError(f"this row is not valid: {_lower(str(error))}.", offset=offset) from error


_CHECKS: dict[str, Check] = {
    "json": check_json,
    "toml": check_toml,
    "xml": check_xml,
    "csv": check_csv,
    "utf8": check_utf8,
}
_BY_SUFFIX = {"json": "json", "geojson": "json", "toml": "toml", "xml": "xml", "svg": "xml", "csv": "csv"}


def _python_check(name: str) -> Check:
    module_name, _, function_name = name.removeprefix(PYTHON).partition(":")
    if not module_name or not function_name:
        raise ConfigError(f"check {name!r} is not of the form python:MODULE:FUNCTION.")
    try:
        with _current_folder_first():
            function = getattr(importlib.import_module(module_name), function_name)
    except Exception as error:  # the module is the user's, so anything may happen in it
        raise ConfigError(f"check {name!r} cannot be loaded: {_described(error)}.") from error
    if not callable(function):
        raise ConfigError(f"check {name!r} is not a function.")

    def check(data: bytes) -> None:
        try:
            valid = function(data)
        except FormatError:
            raise
        except Exception as error:  # a refusal of the user's function
            raise FormatError(f"{function_name} refuses it: {_described(error)}.") from error
        if valid is not None and not valid:
            raise FormatError(f"{function_name} returns {valid!r} for it.")

    return check


@contextmanager
def _current_folder_first() -> Iterator[None]:
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def _refuse_constant(name: str) -> NoReturn:
    raise FormatError(f"{name} is not JSON.")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"not UTF-8: {error.reason}.", offset=error.start) from error


def _offset(text: str, characters: int) -> int:
    """The offset in bytes of a character."""
    return len(text[:characters].encode("utf-8"))


def _line_offset(text: str, line: int, column: int, newline: str = "\n") -> int:
    """The offset in bytes of a line and a column, both from 1. `newline` as in `io.StringIO`: "" is any line end."""
    before = io.StringIO(text, newline=newline).readlines()[: line - 1]
    return _offset(text, sum(map(len, before)) + column - 1)


def _described(error: Exception) -> str:
    """A Python error in one line."""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{f': {text}' if text else ''}"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
