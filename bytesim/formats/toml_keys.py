"""Dotted keys of TOML. The parsers of Python take time that grows with the square of a key's parts."""

from __future__ import annotations

import re

from bytesim.errors import FormatError

_NOT_KEYS = re.compile(r"""#[^\n]*|\"\"\"(?:\\.|[^\\])*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""", re.DOTALL)
"""The comments and the strings of a TOML text."""


def check_keys(text: str, most_parts: int) -> None:
    """Raise FormatError for a key of more parts, before a text is given to a parser."""
    for keys in re.finditer(r"[\w\-. \t]+", _NOT_KEYS.sub("_", text)):
        if keys[0].count(".") >= most_parts:
            raise FormatError(f"a key has more than {most_parts} parts ({keys[0].strip()[:20]}...).")
