"""Grammars for constrained decoding: they follow a file byte by byte and say which tokens may come next.

A grammar is a generator: it yields the tokens that are allowed next and is sent the one that was chosen. It sees the
output alone, never the source.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

Allowed = NDArray[np.bool_]
"""(257,): True for each token that may come next, END_OF_PATCH among them where the file may end."""

Steps = Generator[Allowed, int, None]
"""The steps of a grammar; the last one allows END_OF_PATCH alone."""


@dataclass(slots=True)
class Ending:
    """Set by the decoder when a file must end: its grammar then allows only the shortest way to the end."""

    wanted: bool = False


class Grammar:
    """The state of a grammar inside one file."""

    def __init__(self, steps: Steps, ending: Ending | None = None) -> None:
        self._steps = steps
        self.ending = ending or Ending()
        """Read by `steps`, if these can bring a file to an end."""
        self.allowed: Allowed = next(steps)

    def advance(self, token: int) -> None:
        """Move past the token that was written.

        A token that was not allowed, for example in a prompt, ends the grammar: from then on everything is allowed.
        """
        if not self.allowed[token]:
            self._steps.close()
        try:
            self.allowed = self._steps.send(token)
        except StopIteration:
            self.allowed = ANYTHING


Tokens = bytes | range | tuple[int, ...] | frozenset[int]
GrammarMaker = Callable[[], Grammar]


@cache
def allow(tokens: Tokens) -> Allowed:
    """A read-only mask of the tokens."""
    mask = np.zeros(VOCAB_SIZE, np.bool_)
    mask[list(tokens)] = True
    mask.flags.writeable = False
    return mask


ANYTHING = allow(range(VOCAB_SIZE))
ANY_BYTE = allow(range(256))
END = allow((END_OF_PATCH,))
_SINGLE = [allow((byte,)) for byte in range(256)]


def literal(text: bytes) -> Steps:
    """Allow exactly these bytes."""
    for byte in text:
        yield _SINGLE[byte]


def choice(options: frozenset[bytes]) -> Generator[Allowed, int, bytes]:
    """Allow one of the options, none of which may begin another. Returns the one that was written."""
    written = b""
    while written not in options:
        written += bytes([(yield _continuations(options)[written])])
    return written


@cache
def _continuations(options: frozenset[bytes]) -> dict[bytes, Allowed]:
    """For every beginning of an option, the bytes that may follow it."""
    following: dict[bytes, set[int]] = {}
    for option in options:
        for length in range(len(option)):
            following.setdefault(option[:length], set()).add(option[length])
    return {beginning: allow(frozenset(following_bytes)) for beginning, following_bytes in following.items()}


def lead(grammar: Grammar, tokens: Iterable[int]) -> int | None:
    """Advance a grammar over the beginning of a file.

    Returns None, or the offset of the first token that does not fit; the grammar stops before that token.
    """
    for offset, token in enumerate(tokens):
        if not grammar.allowed[token]:
            return offset
        grammar.advance(token)
    return None


def grammar_after(make: GrammarMaker, beginning: bytes) -> Grammar:
    """A new grammar, advanced over the beginning of a file."""
    grammar = make()
    lead(grammar, beginning)
    return grammar


def only_way_on(grammar: Grammar) -> bytes:
    """The bytes that must come next because the grammar allows no others; it is advanced over them."""
    written = bytearray()
    while np.count_nonzero(grammar.allowed) == 1 and not grammar.allowed[END_OF_PATCH]:
        written.append(int(grammar.allowed.argmax()))
        grammar.advance(written[-1])
    return bytes(written)
