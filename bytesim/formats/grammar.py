"""Grammars that follow a file as it is written, byte by byte, and say which tokens may come next.

A grammar is written as a generator that yields the tokens allowed now and is sent the one that was chosen. It sees the
output alone, never a source.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

Allowed = NDArray[np.bool_]
"""(257,) which tokens may come next: bytes, and END_OF_PATCH where the file may end."""

Steps = Generator[Allowed, int, None]
"""The steps of a grammar. It ends after the step that allowed END_OF_PATCH alone."""


@dataclass(slots=True)
class Ending:
    """Whether a file is to end now; who writes it says so, and its grammar then leaves the shortest way to the end."""

    wanted: bool = False


class Grammar:
    """A grammar on its way through one file."""

    def __init__(self, steps: Steps, ending: Ending | None = None) -> None:
        self._steps = steps
        self.ending = ending or Ending()
        """What `steps` look at, where they can be told to come to an end."""
        self.allowed: Allowed = next(steps)

    def advance(self, token: int) -> None:
        """Take note of the token that was written. A token that was not allowed, a prompt's say, ends the grammar:
        from then on everything is allowed."""
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
    """The tokens as a read-only mask."""
    mask = np.zeros(VOCAB_SIZE, np.bool_)
    mask[list(tokens)] = True
    mask.flags.writeable = False
    return mask


ANYTHING = allow(range(VOCAB_SIZE))
ANY_BYTE = allow(range(256))
END = allow((END_OF_PATCH,))
_SINGLE = [allow((byte,)) for byte in range(256)]


def literal(text: bytes) -> Steps:
    """These bytes and no others."""
    for byte in text:
        yield _SINGLE[byte]


def choice(options: frozenset[bytes]) -> Generator[Allowed, int, bytes]:
    """One of the options, none of which begins another. Returns it."""
    written = b""
    while written not in options:
        written += bytes([(yield _continuations(options)[written])])
    return written


@cache
def _continuations(options: frozenset[bytes]) -> dict[bytes, Allowed]:
    """Every beginning of an option -> the bytes that may follow it."""
    following: dict[bytes, set[int]] = {}
    for option in options:
        for length in range(len(option)):
            following.setdefault(option[:length], set()).add(option[length])
    return {beginning: allow(frozenset(each)) for beginning, each in following.items()}


def accepts(grammar: Grammar, data: bytes) -> int | None:
    """None where the whole of `data` is a file of the grammar, else the offset of the first byte that does not fit."""
    return lead(grammar, _with_end(data))


def lead(grammar: Grammar, tokens: Iterable[int]) -> int | None:
    """Take a grammar through the beginning of a file. Returns None, or the offset of the first token that does not fit,
    where it stops."""
    for offset, token in enumerate(tokens):
        if not grammar.allowed[token]:
            return offset
        grammar.advance(token)
    return None


def grammar_after(make: GrammarMaker, beginning: bytes) -> Grammar:
    """A grammar that has seen the beginning of a file."""
    grammar = make()
    lead(grammar, beginning)
    return grammar


def only_way_on(grammar: Grammar) -> bytes:
    """The bytes that must come next, whatever the rest of the file is; the grammar is taken through them."""
    written = bytearray()
    while np.count_nonzero(grammar.allowed) == 1 and not grammar.allowed[END_OF_PATCH]:
        written.append(int(grammar.allowed.argmax()))
        grammar.advance(written[-1])
    return bytes(written)


def _with_end(data: bytes) -> Iterator[int]:
    yield from data
    yield END_OF_PATCH
