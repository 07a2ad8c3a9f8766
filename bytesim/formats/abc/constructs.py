"""Which of the rarer parts of ABC notation a tune uses. Source: the ABC standard 2.1, section 4."""

from __future__ import annotations

from bytesim.formats.abc.tokens import tokens_of

CONSTRUCTS = {
    "quoted": "chord symbols",
    "grace": "grace notes",
    "chord": "chords",
    "tuplet": "tuplets",
    "inline": "changes of key, meter or unit length",
}
"""Kinds of token, and what they are called."""


def constructs(body: str) -> tuple[str, ...]:
    """The names of those that the body of a tune holds, in the order of CONSTRUCTS."""
    kinds = {token.kind for token in tokens_of(body)}
    return tuple(name for kind, name in CONSTRUCTS.items() if kind in kinds)
