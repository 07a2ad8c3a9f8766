"""Copying on the native engine: what `nn/copying.py` and `nn/matching.py` compute, for one file at a time. No torch.

Axes: T source bytes, K numbers, n bytes, Hb width of the byte-level decoder, D width of a key, V = 257 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.models.arrays import NamedWeights
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.nn.constants import (
    BEFORE,
    CURSORS,
    KEY_SIZE,
    MAX_MATCH,
    MOST_AGREEMENT,
    OFFSETS,
    QUICK,
    SMALLEST,
    STEADY,
    swapped_case,
)
from bytesim.nn.numeral_features import CHANNELS, other_notation
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


class NativeCopying:
    """The weights of copying, and what is computed with them."""

    def __init__(self, config: BGPTConfig, weights: NamedWeights) -> None:
        size, source, name = config.byte_hidden_size, config.source_hidden_size, "byte_decoder.copying"
        self.pointed = weights.take(f"{name}.pointed.weight", (2 + 2 * CURSORS) * size, source)
        self.agreements = weights.take(f"{name}.agreements.weight", MOST_AGREEMENT + 1, size)
        self.keys = weights.take(f"{name}.keys.weight", KEY_SIZE, source)
        self.query = weights.take(f"{name}.query.weight", KEY_SIZE, size)
        self.offset_query = weights.take(f"{name}.offset_query.weight", 2 * CURSORS * KEY_SIZE, size)
        self.offsets = weights.take(f"{name}.offsets", 2 * CURSORS, KEY_SIZE, OFFSETS)
        self.match_bias = weights.take(f"{name}.match_bias", MOST_AGREEMENT + 1)
        self.gates = weights.take(f"{name}.gates.weight", 4, size)
        self.gate_bias = weights.take(f"{name}.gates.bias", 4)
        self.numerals = config.numerals
        if config.numerals:
            self.number_keys = weights.take(f"{name}.number_keys.weight", KEY_SIZE, source)
            self.channels = weights.take(f"{name}.channels.weight", CHANNELS, KEY_SIZE)
            self.number_query = weights.take(f"{name}.number_query.weight", KEY_SIZE, size)
        self.swapped = swapped_case()

    def source(self, tokens: Integers, encoded: Floats) -> CopiedSource:
        """What copying needs of an encoded source (T, Hs) of bytes (T,), computed once per file."""
        numbers, places = tokens[:0], tokens[:0]
        number_keys = np.zeros((0, KEY_SIZE), np.float32)
        if self.numerals:
            numbers, places, channels = (each[0] for each in other_notation(tokens[None]))
            number_keys = (encoded @ self.number_keys.T)[places] + self.channels[channels]
        return CopiedSource(
            tokens=tokens,
            folded=_folded(tokens),
            words=_next_words(tokens),
            pointed=(encoded @ self.pointed.T).reshape(len(tokens), 2 + 2 * CURSORS, -1),
            keys=encoded @ self.keys.T,
            numbers=numbers,
            number_keys=number_keys,
            number_places=places,
        )

    def pointers(self, source: CopiedSource, place: Place) -> Floats:
        """(Hb,) what the pointers before a byte add to the decoder's input."""
        longest = int(place.match.max())
        hits = np.flatnonzero(place.match == longest)
        length = int((source.tokens != END_OF_PATCH).sum())
        targets = [(int(hits[0]), longest > 0), (int(hits[-1]), longest > 0)]
        for cursor in place.cursors:
            word = int(source.words[cursor])
            targets += [(cursor, cursor < length), (word, word < length)]
        total = self.agreements[longest].copy()
        for index, (at, valid) in enumerate(targets):
            if valid:
                total += source.pointed[min(at, len(source.tokens) - 1), index]
        return total

    def mixed(self, logits: Floats, x: Floats, source: CopiedSource, place: Place) -> Floats:
        """(V,) log-probabilities of the mixture, from the decoder's output x (Hb,) and its own logits (V,)."""
        gates = self.gates @ x + self.gate_bias
        queries = (self.offset_query @ x).reshape(2 * CURSORS, 1, KEY_SIZE)
        of_offsets: Floats = (queries @ self.offsets)[:, 0].astype(np.float32)
        scores = source.keys @ (self.query @ x) + _of_offsets(
            of_offsets[:CURSORS], np.arange(len(source.tokens)), place.cursors
        )
        parts = [_softmax(logits)]
        exist = [True, bool((source.tokens != END_OF_PATCH).any())]
        copied = _spread(source.tokens, scores, self.match_bias[place.match])
        case = 1 / (1 + np.exp(-gates[3]))
        parts.append((1 - case) * copied + case * copied[self.swapped])
        if self.numerals:
            scores = source.number_keys @ (self.number_query @ x) + _of_offsets(
                of_offsets[CURSORS:], source.number_places, place.cursors
            )
            exist.append(bool((source.numbers != END_OF_PATCH).any()))
            parts.append(_spread(source.numbers, scores, np.float32(0.0)))
        shares = _softmax(np.where(exist, gates[: len(exist)], np.float32(-1e4)))
        return np.log(sum(share * part for share, part in zip(shares, parts, strict=True)) + np.float32(SMALLEST))


@dataclass(frozen=True, slots=True)
class CopiedSource:
    """What copying needs of an encoded source."""

    tokens: Integers
    folded: Integers
    """(T,) the tokens with upper-case letters in lower case."""
    words: Integers
    """(T + 1,) the next word at or after each place."""
    pointed: Floats
    """(T, 6, Hb) what the six pointers to each byte add to the decoder's input."""
    keys: Floats
    """(T, D) keys of the copy distribution."""
    numbers: Integers
    """(K,) bytes that write the source's numbers in the other notation."""
    number_keys: Floats
    """(K, D) their keys."""
    number_places: Integers
    """(K,) the source bytes that they are made of."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where copying may go on before a byte."""

    match: Integers
    """(T,) the agreement of the match that ends before each source byte."""
    cursors: tuple[int, ...]
    """The source bytes at the steady and at the quick cursor; the number of source bytes at the end."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The matches and the cursors after the last byte of a file that is being written."""

    folded: Integers
    """(T,) the length of the match in any case that ends with each source byte."""
    exact: Integers
    """(T,) the same, in the same case."""
    cursors: tuple[int, ...]

    @classmethod
    def start(cls, source: CopiedSource) -> Trace:
        """The trace before the first byte."""
        nothing = np.zeros_like(source.tokens)
        return cls(nothing, nothing, (0,) * CURSORS)

    def after(self, source: CopiedSource, token: int) -> Trace:
        """The trace after one more token."""
        lower = token + 32 if 65 <= token <= 90 else token
        in_any_case = _next_match(self.folded, source.folded, lower)
        exact = _next_match(self.exact, source.tokens, token)
        return Trace(in_any_case, exact, _next_cursors(self.cursors, source, _agreement(in_any_case, exact)))

    def place(self, source: CopiedSource) -> Place:
        """Where copying may go on before the next byte."""
        ended = np.concatenate([[0], _agreement(self.folded, self.exact)[:-1]])
        return Place(ended * (source.tokens != END_OF_PATCH), self.cursors)


def _next_match(match: Integers, source: Integers, token: int) -> Integers:
    longer = np.minimum(np.concatenate([[0], match[:-1]]) + 1, MAX_MATCH)
    return np.where((source == token) & (source != END_OF_PATCH), longer, 0)


def _agreement(in_any_case: Integers, exact: Integers) -> Integers:
    return 2 * in_any_case + ((in_any_case == exact) & (exact > 0))


def _next_cursors(cursors: tuple[int, ...], source: CopiedSource, match: Integers) -> tuple[int, ...]:
    """The cursors after one more byte; `match` (T,) are the agreements of the matches that end with it."""
    width, longest = len(match), int(match.max())
    hits = np.flatnonzero(match == longest)

    def at(place: int) -> int:
        return int(match[place]) if place < width else 0  # nothing matches at the end

    following = []
    for index, cursor in enumerate(cursors):
        word = int(source.words[cursor])
        here, is_word = at(cursor), at(word) > 0
        elsewhere = longest >= STEADY and here < longest
        if index:
            elsewhere = elsewhere or (len(hits) == 1 and longest >= QUICK and not here and not is_word)
        if elsewhere:
            ahead = hits[hits >= cursor]
            following.append(int(ahead[0] if len(ahead) else hits[0]) + 1)
        elif here:
            following.append(cursor + 1)
        else:
            following.append(word + 1 if is_word else cursor)
    return tuple(following)


def _folded(tokens: Integers) -> Integers:
    return tokens + 32 * ((tokens >= 65) & (tokens <= 90))


def _next_words(source: Integers) -> Integers:
    """(T + 1,) the first place at or after each with a letter, digit or byte outside ASCII; else the place itself."""
    lower, width = _folded(source), len(source)
    word = ((lower >= 97) & (lower <= 122)) | ((lower >= 48) & (lower <= 57)) | ((lower >= 128) & (lower < 256))
    places = np.arange(width + 1)
    following = np.append(np.where(word, places[:-1], width), width)
    following = np.minimum.accumulate(following[::-1])[::-1]
    return np.where(following < width, following, places)


def _of_offsets(scores: Floats, at: Integers, cursors: tuple[int, ...]) -> Floats:
    """The sum of the scores (CURSORS, OFFSETS) of the distances of places from each cursor."""
    found: Any = 0.0
    for of_cursor, cursor in zip(scores, cursors, strict=True):
        found = found + of_cursor[np.clip(at - cursor + BEFORE, 0, OFFSETS - 1)]
    return found


def _spread(tokens: Integers, scores: Floats, bias: Any) -> Floats:
    """(V,) the distribution of tokens (K,) with the softmax of scores and bias (K,)."""
    if not len(tokens):
        return np.zeros(VOCAB_SIZE, np.float32)
    shares = _softmax(np.where(tokens == END_OF_PATCH, np.float32(-1e4), scores * np.float32(KEY_SIZE**-0.5) + bias))
    return np.bincount(tokens, shares, VOCAB_SIZE).astype(np.float32)


def _softmax(scores: Floats) -> Floats:
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()
