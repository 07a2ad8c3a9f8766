"""Which of the rarer constructs of ABC notation a tune uses. Source: the ABC standard 2.1, section 4."""

from __future__ import annotations

from bytesim.formats.abc.tokens import tokens_of

CONSTRUCTS = {
    "quoted": "chord symbols",
    "grace": "grace notes",
    "chord": "chords",
    "tuplet": "tuplets",
    "inline": "changes of key, meter or unit length",
}
"""Kind of token -> its name for the user."""


def constructs(body: str) -> tuple[str, ...]:
    """The names of the constructs in the body of a tune, in the order of CONSTRUCTS."""
    kinds = {token.kind for token in tokens_of(body)}
    return tuple(name for kind, name in CONSTRUCTS.items() if kind in kinds)
