"""The body of an ABC tune as tokens with offsets. Source: the ABC standard 2.1, section 4.

No pattern looks back and none is ambiguous, so tokenizing any text takes time proportional to its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LENGTH = r"\d*(?:/+\d*)?"
_NOTE = rf"(?:\^\^|__|[\^_=])?[A-Ga-g][,']*{_LENGTH}"

_PATTERNS = {
    "comment": r"%[^\n]*",
    "field": r"(?m:^)[KLMQPVTWNRIUmrsw]:(?![|:\]])[^\n%]*",
    "inline": r"\[[A-Za-z]:[^\]\n]*\]",
    "ending": r"\[[ ]?\d(?:[,\-]?\d)*\.?",
    "quoted": r'"[^"\n]*"',
    "decoration": r"![^!\n|]*!|\+[^+\n|]*\+",
    "grace": r"\{[^{}\n]*\}",
    "bar": r"(?:\]?\[\||:+\||\]?\||::|\])(?:[|\]:]|\[(?=\|))*(?:[ ]?\d(?:[,\-]\d)*)?",
    "chord": rf"\[(?:{_NOTE}|[ \-~.()]|\"[^\"\n]*\")+\]{_LENGTH}",
    "tuplet": r"\(\d(?::\d*){0,2}",
    "slur": r"\.?[()]",
    "note": _NOTE,
    "rest": rf"[zx]{_LENGTH}|[ZX]\d*",
    "broken": r"<+|>+",
    "tie": r"\.?-",
    "ornament": r"[~.HRT]",
    "letter": r"[I-QSU-Wh-w]",
    "overlay": r"&",
    "colon": r":",
    "space": r"(?:[ \t\r\\`$]|y\d*(?:/\d*)?)+",
    "newline": r"\n",
}
_LEXER = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _PATTERNS.items()), re.ASCII)


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a tune body: its kind, its text and its offset in characters from the start of the body."""

    kind: str
    text: str
    offset: int


def tokens_of(body: str) -> Iterator[Token]:
    """The tokens of a tune body in order; a character that begins no token becomes a token of kind `unknown`."""
    offset = 0
    while offset < len(body):
        match = _LEXER.match(body, offset)
        if match is None:
            yield Token("unknown", body[offset], offset)
            offset += 1
            continue
        assert match.lastgroup is not None
        yield Token(match.lastgroup, match.group(), offset)
        offset = match.end()
