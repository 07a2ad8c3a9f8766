"""Tests whether bytes are of a type, by signature, parser or a pattern of its syntax."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sys
import warnings
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_PARSED_BYTES = 1 << 20
"""Longer texts are checked by patterns alone, not by a parser."""
MIN_TEXT_BYTES = 16
"""Shorter files show too little of their type."""


@dataclass(frozen=True, slots=True)
class Check:
    """How one type is recognised: by endings or whole names (lower case), and a test of the bytes."""

    type: str
    names: tuple[str, ...]
    """`.py` for an ending, `makefile` for a whole name."""
    test: Callable[[bytes], bool]
    how: str
    """A description of the test, for filetype_build.json."""


def is_text(data: bytes) -> bool:
    """Whether bytes are a text of some length: without control bytes that do not occur in text."""
    if len(data) < MIN_TEXT_BYTES or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    return not re.search(rb"[\x00-\x06\x0e-\x1a]", data[: 1 << 16])


def marks(pattern: str, *, without: str = "") -> Callable[[bytes], bool]:
    """A test for texts whose first 200,000 bytes match `pattern` and do not match `without` (multi-line mode)."""
    required = re.compile(pattern.encode(), re.M)
    forbidden = re.compile(without.encode(), re.M) if without else None

    def test(data: bytes) -> bool:
        head = data[:200_000]
        return is_text(data) and bool(required.search(head)) and not (forbidden and forbidden.search(head))

    return test


def magic(*starts: bytes, at: int = 0, end: bytes = b"") -> Callable[[bytes], bool]:
    """A test for any of `starts` at an offset, and for `end` at the end of the file."""
    return lambda data: any(data[at : at + len(start)] == start for start in starts) and data.endswith(end)


def is_python(data: bytes) -> bool:
    if not (is_text(data) and re.search(rb"^(import|from|def|class|if|@)\b|^\w+ = ", data, re.M)):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data[:MAX_PARSED_BYTES])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def is_json(data: bytes) -> bool:
    if not is_text(data) or data.lstrip()[:1] not in (b"{", b"["):
        return False
    if len(data) > MAX_PARSED_BYTES:
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def is_notebook(data: bytes) -> bool:
    return is_json(data) and b'"cells"' in data and b'"nbformat"' in data


def is_toml(data: bytes) -> bool:
    try:
        return is_text(data) and bool(tomllib.loads(data.decode()))
    except (ValueError, RecursionError):
        return False


def xml_root(data: bytes) -> str:
    """The name of the root element of an XML document; empty for other files. Expat limits entity expansion."""
    if not is_text(data) or b"<" not in data[:400]:
        return ""
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(data[: 1 << 16]), events=("start",)):
            return element.tag.rsplit("}", 1)[-1]
    except (ElementTree.ParseError, ValueError, LookupError):
        return ""
    return ""


def is_xml(data: bytes) -> bool:
    return xml_root(data) not in ("", "svg", "html")


def is_csv(data: bytes) -> bool:
    """Whether a text is a table: its lines have several fields, and most of them the same number of fields."""
    if not is_text(data) or data.lstrip()[:1] in (b"<", b"{"):
        return False
    lines = data[:_HEAD_BYTES].decode("utf-8", "replace").splitlines()
    whole = lines if len(data) <= _HEAD_BYTES else lines[:-1]
    for delimiter in ",;\t":
        try:
            widths = Counter(len(row) for row in csv.reader(whole, delimiter=delimiter) if row)
        except csv.Error:
            continue
        total = widths.total()
        if total >= 2 and widths[1] <= 0.2 * total and widths.most_common(1)[0][1] >= 0.6 * total:
            return True
    return False


def is_ini(data: bytes) -> bool:
    """Whether nine in ten lines are sections or `name = value`; comments and indented lines are not counted."""
    if not is_text(data):
        return False
    lines = [line.strip() for line in data[:_HEAD_BYTES].splitlines() if line.strip() and line[:1] not in b"#; \t"]
    settings = sum(bool(_SETTING.match(line)) for line in lines)
    return settings >= 1 and settings >= 0.9 * len(lines)


def is_plain(data: bytes) -> bool:
    """Whether a text has no clear sign of a markup language, a programming language or a table of three rows."""
    head = data[:_HEAD_BYTES]
    if not is_text(data) or head.lstrip()[:1] in (b"<", b"{", b"[") or _MARKUP.search(head):
        return False
    lines = [line.strip() for line in head.splitlines() if line.strip()]
    code = sum(bool(_CODE_LINE.search(line)) for line in lines)
    return code <= 0.1 * len(lines) and not (len(lines) >= 3 and is_csv(b"\n".join(lines)))


_HEAD_BYTES = 20_000
_SETTING = re.compile(rb"\[[^\]]+\]|[\w.${}/ -]+=")
_MARKUP = re.compile(
    rb"^(\.\. \w|#{2,6} |```|#!|#include|\\\w+\{|<!|from \w\S* import |def \w+\()|</\w+>|\]\(\w|``[^`'\n]+``", re.M
)
_CODE_LINE = re.compile(rb"([;{}]|<[^<>@]*>)$")


def is_zip_with(*names: bytes) -> Callable[[bytes], bool]:
    """A test for a zip archive with one of these file names, which its directory stores uncompressed."""
    return lambda data: data[:4] == b"PK\x03\x04" and any(name in data for name in names)


def is_plain_zip(data: bytes) -> bool:
    known = (b"[Content_Types].xml", b"META-INF/MANIFEST.MF", b"mimetypeapplication/")
    return data[:4] == b"PK\x03\x04" and b"PK\x05\x06" in data[-70_000:] and not any(name in data for name in known)


def is_gz(data: bytes) -> bool:
    return data[:3] == b"\x1f\x8b\x08" and len(data) > 40


def is_tar(data: bytes) -> bool:
    return data[257:262] == b"ustar" and len(data) % 512 == 0


def is_mp3(data: bytes) -> bool:
    if data[:3] == b"ID3":
        return True
    return len(data) > 200 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2


def is_ar(data: bytes) -> bool:
    return data[:8] == b"!<arch>\n" and not data.startswith(b"!<arch>\ndebian-binary") and b"\x7fELF" in data[: 1 << 20]


def is_tfm(data: bytes) -> bool:
    """Whether the first 16-bit number is the length in words, as in TeX font metric files."""
    return len(data) >= 100 and int.from_bytes(data[:2], "big") * 4 == len(data)


def is_pickle(data: bytes) -> bool:
    begins = (data[:1] == b"\x80" and data[1] <= 5) or data[:2] in (b"(l", b"(d")
    return len(data) > 60 and begins and data.endswith(b".")


def is_tracker(data: bytes) -> bool:
    return (
        data[:17] == b"Extended Module: " or data[:4] == b"IMPM" or data[44:48] == b"SCRM" or data[1080:1084] == b"M.K."
    )


def is_pe(data: bytes) -> bool:
    at = int.from_bytes(data[60:64], "little")
    return data[:2] == b"MZ" and data[at : at + 4] == b"PE\0\0"


def is_ogg(codec: bytes) -> Callable[[bytes], bool]:
    return lambda data: data[:4] == b"OggS" and codec in data[:80]
