"""Whether bytes are text, whatever the language and the encoding. No torch, no numpy."""

from __future__ import annotations

import re

_CONTROLS = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
"""Control bytes that no text has; bell, backspace, tab, line ends, form feed and escape occur in texts."""
_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
"""Byte order marks of the encodings whose text has zero bytes."""
_MOST_HIGH = 0.3
"""Greatest share of bytes from 0x80 on in a text that is not UTF-8, such as one in Latin-1."""
_CUT = 3
"""Most bytes that are left of a character that is cut."""
_MOST_CUT = 4 * _CUT
"""Most wrong bytes in UTF-8: a file is read in one or two pieces, each with a start and an end."""
_ASCII = bytes(range(0x80))
_CONTINUATIONS = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that continue a character."""


def is_text(data: bytes) -> bool:
    """Whether the bytes are text: UTF-8, UTF-16 or UTF-32 with a byte order mark, or an older encoding.

    The bytes may be a piece of a file that was cut inside a character. No bytes are not text.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decodes(data[len(mark) :], encoding)
    if not data or _CONTROLS.search(data):
        return False
    return _is_utf8(data) or len(data.translate(None, _ASCII)) <= _MOST_HIGH * len(data)


def _is_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8, but for characters that were cut at the ends and where pieces were joined."""
    if _decodes(data[:_CUT].lstrip(_CONTINUATIONS) + data[_CUT:], "utf-8"):
        return True
    text = data.decode("utf-8", "replace")
    wrong = text.count("\N{REPLACEMENT CHARACTER}")
    right = sum(character >= "\x80" for character in text) - wrong
    return wrong <= _MOST_CUT and right >= 4 * wrong


def _decodes(data: bytes, encoding: str) -> bool:
    """Whether all bytes but a character that is cut at the end are text in an encoding."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.end < len(data) or error.start < len(data) - _CUT:
            return False
        text = data[: error.start].decode(encoding)
    return bool(text) and "\0" not in text
