"""Whether a grammar accepts a whole file, and files that a grammar accepts."""

import random

from bytesim.formats.grammar import Grammar, lead
from bytesim.patching import END_OF_PATCH


def accepts(grammar: Grammar, data: bytes) -> int | None:
    """None if all of `data` is a file of the grammar, else the offset of the first byte that does not fit."""
    return lead(grammar, [*data, END_OF_PATCH])


def walk(grammar: Grammar, rng: random.Random, length: int, ending: list[int]) -> bytes:
    """A file written by chance; from `length` bytes on the tokens of `ending` come first, where they may."""
    written = bytearray()
    for _ in range(100 * length):
        allowed = [token for token in range(257) if grammar.allowed[token]]
        closing = [token for token in ending if token in allowed] if len(written) >= length else []
        token = closing[0] if closing and rng.random() < 0.7 else rng.choice(allowed)
        grammar.advance(token)
        if token == END_OF_PATCH:
            return bytes(written)
        written.append(token)
    raise AssertionError("the walk finds no end")
