"""Data augmentation for converters: words and numbers that source and target share are replaced in both by random ones.

A converter then learns to copy whatever stands there, instead of the few names of its examples. Only words that occur
in few examples are replaced: frequent ones, such as keywords, may decide what else is written. No torch.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COMMON_SHARE = 0.05
"""A word that occurs in a larger share of the sources is never replaced."""
WORD_SHARE = 0.7
"""Probability that a shared word of an example is replaced."""
_WORD = re.compile(rb"[A-Za-z]{2,}|[0-9]{2,}")
_LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz", np.uint8)
_DIGITS = np.frombuffer(b"0123456789", np.uint8)
_TEXT = frozenset((*b"\t\n\r", *range(32, 127), *range(128, 256)))
_OTHER_LENGTHS = np.arange(-2, 5)


@dataclass(frozen=True, slots=True)
class Spans:
    """What may be replaced in the pairs of a data source."""

    common: frozenset[bytes]
    """Lower-case words that are never replaced."""
    keep_lengths: bool
    """Whether new words are as long as the old ones, because lengths have a meaning: in binary files, and where all
    sources or all targets are of one length."""

    @classmethod
    def of(cls, pairs: Sequence[tuple[bytes, bytes]]) -> Spans:
        """What may be replaced in these pairs, and in others like them."""
        counts = Counter(word for source, _ in pairs for word in {word.lower() for word in _WORD.findall(source)})
        binary = any(not _TEXT.issuperset(file) for pair in pairs for file in pair)
        one_length = any(len({len(pair[side]) for pair in pairs}) == 1 for side in (0, 1))
        most = max(1.0, COMMON_SHARE * len(pairs))
        return cls(frozenset(word for word, count in counts.items() if count > most), binary or one_length)

    def replaced(self, source: bytes, target: bytes, rng: np.random.Generator) -> tuple[bytes, bytes]:
        """The pair, with some of the words that both files hold equally often replaced by random words of their kind.

        Upper and lower case are kept: `Kim` and `KIM` become `Toru` and `TORU`.
        """
        counts = [Counter(word.lower() for word in _WORD.findall(file)) for file in (source, target)]
        shared = [word for word, count in counts[0].items() if counts[1][word] == count and word not in self.common]
        taken = {*counts[0], *counts[1]}
        new: dict[bytes, bytes] = {}
        for word in sorted(shared):
            if rng.random() < WORD_SHARE:
                random = self._random(word, rng)
                if random not in taken:
                    taken.add(random)
                    new[word] = random
        if not new:
            return source, target

        def exchange(match: re.Match[bytes]) -> bytes:
            word = match[0]
            return _cased(new[word.lower()], word) if word.lower() in new else word

        return _WORD.sub(exchange, source), _WORD.sub(exchange, target)

    def _random(self, word: bytes, rng: np.random.Generator) -> bytes:
        """A lower-case word of the same kind; half of them have few different letters, so that parts of them repeat."""
        symbols = _DIGITS if word.isdigit() else _LETTERS
        length = len(word) if self.keep_lengths else max(2, len(word) + int(rng.choice(_OTHER_LENGTHS)))
        if rng.random() < 0.5:
            symbols = rng.choice(symbols, int(rng.integers(2, 6)))
        drawn = rng.choice(symbols, length)
        if word.isdigit() and word[:1] != b"0" and drawn[0] == ord("0"):
            drawn[0] = rng.choice(_DIGITS[1:])  # a number without leading zeros stays one
        return drawn.tobytes()


def _cased(word: bytes, like: bytes) -> bytes:
    """A lower-case word in upper or lower case, or capitalized, as another one is."""
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word
