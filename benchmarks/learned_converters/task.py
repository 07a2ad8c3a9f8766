"""A conversion task: a generator of source files, and the rule that converts them. No torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from random import Random

from .odd import Mutation, odd_kinds

TRIES = 200
"""Draws of one kind of odd input before it is given up."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A conversion of files of one suffix to another."""

    name: str
    source_suffix: str
    target_suffix: str
    make: Callable[[Random, bool], bytes]
    """Draws a source. With True its made-up words are held out: no source drawn with False has them."""
    rule: Callable[[bytes], bytes | None]
    """The right answer for a source; None where the rule defines none."""
    keywords: frozenset[str] = frozenset()
    """Words that odd inputs in another alphabet, or in capital letters, keep as they are."""
    odd_kinds: Mapping[str, Mutation] = field(default_factory=dict)
    """Kinds of odd inputs of this task alone."""
    not_odd: frozenset[str] = frozenset()
    """General kinds of odd inputs that are ordinary for this task."""

    def pairs(self, seed: int, count: int, *, held_out: bool = False, known: frozenset[bytes] = frozenset()) -> Pairs:
        """`count` different (source, target) pairs, none with a source in `known`.

        Raises ValueError if the task has too few sources.
        """
        rng = Random(f"{self.name} {seed} {held_out}")
        pairs: dict[bytes, bytes] = {}
        for _ in range(TRIES * count):
            if len(pairs) == count:
                return list(pairs.items())
            source = self.make(rng, held_out)
            target = self.rule(source)
            assert target is not None, f"the rule of {self.name} does not define {source!r}"
            if source not in known:
                pairs[source] = target
        raise ValueError(f"{self.name} has too few sources for {count} different pairs")

    def odd(self, seed: int, count: int, *, known: frozenset[bytes] = frozenset()) -> list[OddInput]:
        """`count` inputs unlike the sources of `pairs`, their kinds in turn, none with a source in `known`."""
        rng = Random(f"{self.name} {seed} odd")
        kinds = {name: kind for name, kind in odd_kinds(self.keywords).items() if name not in self.not_odd}
        kinds |= self.odd_kinds
        inputs: dict[bytes, OddInput] = {}
        while len(inputs) < count and kinds:
            for name in list(kinds):
                source = self._odd_source(rng, kinds[name], known | inputs.keys())
                if source is None:
                    del kinds[name]
                else:
                    inputs[source] = OddInput(kind=name, source=source, truth=self.rule(source))
        return list(inputs.values())[:count]

    def _odd_source(self, rng: Random, kind: Mutation, known: Collection[bytes]) -> bytes | None:
        """A new odd input of a kind; None if it has no more, or leaves the sources of this task unchanged."""
        for _ in range(TRIES):
            plain = self.make(rng, False)
            source = kind(rng, plain)
            if source and source != plain and source not in known:
                return source
        return None


Pairs = list[tuple[bytes, bytes]]
"""(source, target) of each pair."""


@dataclass(frozen=True, kw_only=True)
class OddInput:
    """An input unlike those that a converter learned from."""

    kind: str
    source: bytes
    truth: bytes | None
    """The right answer; None if the rule defines none, so that no answer deserves confidence."""
