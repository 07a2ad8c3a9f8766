"""Which of the rarer constructs of ABC notation a tune uses. Source: the ABC standard 2.1, section 4."""

from __future__ import annotations

import re

from bytesim.formats.abc.tokens import tokens_of

CONSTRUCTS = {
    "quoted": "chord symbols",
    "grace": "grace notes",
    "chord": "chords",
    "tuplet": "tuplets",
    "inline": "changes of key, meter or unit length",
}
"""Kind of token -> its name for the user."""


def count_notes(text: str) -> int:
    """The notes that a canonical text sounds, grace notes among them; tied notes are one."""
    count = 0
    for token in tokens_of(text.split("\n", 4)[4]):
        if token.kind in ("note", "chord", "grace"):
            count += len(re.findall("[A-Ga-g]", token.text))
        elif token.kind == "tie":
            count -= 1
    return count


def constructs(body: str) -> tuple[str, ...]:
    """The names of the constructs in the body of a tune, in the order of CONSTRUCTS."""
    kinds = {token.kind for token in tokens_of(body)}
    return tuple(name for kind, name in CONSTRUCTS.items() if kind in kinds)
