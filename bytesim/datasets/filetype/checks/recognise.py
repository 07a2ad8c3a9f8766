"""The type of a file by its name and a check of its content, which gives the filetype set reliable labels.

A name alone proves nothing (`.v` is Verilog or Coq, `.ts` TypeScript or Qt's XML), so every type has a check: its
signature, a parser, or a pattern of its syntax.
"""

from __future__ import annotations

import re

from bytesim.datasets.filetype.checks.outliers import OUTLIER_CHECKS
from bytesim.datasets.filetype.checks.predicates import Check
from bytesim.datasets.filetype.checks.signatures import SIGNED_CHECKS
from bytesim.datasets.filetype.checks.texts import PARSED_CHECKS, TEXT_CHECKS


def recognise(name: str, data: bytes) -> str | None:
    """The type of a file; None if its name and content do not agree on a type of the set."""
    base = name.rsplit("/", 1)[-1].lower()
    ending = "." + base.rsplit(".", 1)[1] if "." in base[1:] else ""
    for check in (*_checks_of(base, ending), *(() if ending else _by_content(base, data))):
        if check.test(data):
            return check.type
    return None


def may_be_wanted(name: str) -> bool:
    """Whether a file of this name can be of a type of the set; a cheap test before the file is read.

    What build tools write beside a Python package is left out, because it looks alike in all packages.
    """
    if _WRITTEN_BY_BUILDS.search(name):
        return False
    base = name.rsplit("/", 1)[-1].lower()
    return "." not in base[1:] or base in BY_NAME or "." + base.rsplit(".", 1)[1] in BY_NAME


def types_of_name(name: str) -> set[str]:
    """The types that a name allows; empty if only the content can tell."""
    base = name.rsplit("/", 1)[-1].lower()
    if "." not in base[1:] and base not in BY_NAME:
        return set()
    ending = "." + base.rsplit(".", 1)[1] if "." in base[1:] else ""
    return {check.type for check in _checks_of(base, ending)}


def _checks_of(base: str, ending: str) -> list[Check]:
    """The checks for a name: those of the whole name, such as `cmakelists.txt`, or else those of its ending."""
    return BY_NAME.get(base) or BY_NAME.get(ending, [])


def _by_content(base: str, data: bytes) -> tuple[Check, ...]:
    """The checks for a file without an ending: programs, scripts by their first line, and common text files."""
    if data[:4] == b"\x7fELF":
        return (BY_TYPE["elf"],)
    first = data[:80].split(b"\n", 1)[0]
    if first.startswith(b"#!"):
        for word, kind in (("python", "python"), ("perl", "perl"), ("ruby", "ruby"), ("tclsh", "tcl"), ("wish", "tcl")):
            if word.encode() in first:
                return (BY_TYPE[kind],)
        if re.search(rb"/(ba|da|k|z)?sh\b|env (ba)?sh\b", first):
            return (BY_TYPE["shell"],)
    if data[:3] == b"\x02\x01\x36" or data[:2] in (b"\x1a\x01", b"\x1e\x02"):
        return (BY_TYPE["terminfo"],)
    for magic, kind in ((b"TZif", "tzif"), (b"Xcur", "xcursor")):
        if data.startswith(magic):
            return (BY_TYPE[kind],)
    return (BY_TYPE["txt"],) if re.match(_PLAIN_NAMES, base) else ()


_WRITTEN_BY_BUILDS = re.compile(r"(^|/|\.)(egg-info|dist-info|EGG-INFO)/")
_PLAIN_NAMES = (
    r"readme|news|authors|copying|copyright|licen[sc]e|change(s|log)|todo|install"
    r"|notice|thanks|credits|hacking|contribut"
)
"""How the names of text files without an ending begin."""
CHECKS = (*TEXT_CHECKS, *PARSED_CHECKS, *SIGNED_CHECKS, *OUTLIER_CHECKS)

BY_TYPE: dict[str, Check] = {check.type: check for check in reversed(CHECKS)}
BY_NAME: dict[str, list[Check]] = {}
for _check in CHECKS:
    for _name in _check.names:
        BY_NAME.setdefault(_name, []).append(_check)
