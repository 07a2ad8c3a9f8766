"""Whether a grammar accepts a whole file."""

from bytesim.formats.grammar import Grammar, lead
from bytesim.patching import END_OF_PATCH


def accepts(grammar: Grammar, data: bytes) -> int | None:
    """None if all of `data` is a file of the grammar, else the offset of the first byte that does not fit."""
    return lead(grammar, [*data, END_OF_PATCH])
