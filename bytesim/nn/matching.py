"""Where the bytes written so far occur in the source: matches, and the cursors.

A match is a common suffix of what is written and of a part of the source. A cursor is the place in the source up to
which the writing has come: it follows as long as the bytes written are those at the cursor or those of the next word,
and what is written in between, such as tags, leaves it where it is. The steady cursor moves elsewhere for a match of
three bytes, for most conversions keep an order; the quick one moves elsewhere for one byte, if its match is unique.
These are rules, not predictions; they tell the decoder where to go on, whatever the bytes.
Source: induction heads, Olsson et al. 2022, arXiv:2209.11895.

Axes: B files, N positions of the target, T source bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.nn.constants import CURSORS, MAX_MATCH, QUICK, STEADY
from bytesim.patching import END_OF_PATCH


@dataclass(slots=True)
class Places:
    """Where copying may go on, before each of N target bytes."""

    match: Tensor
    """(B, N, T) uint8: the agreement of the match that ends before each source byte."""
    cursors: Tensor
    """(B, N, 2) the source bytes at the steady and at the quick cursor; the number of source bytes at the end."""

    @classmethod
    @torch.compiler.disable  # a compiler would unroll the loop over the target
    @torch.no_grad()
    def before(cls, source: Tensor, written: Tensor) -> Places:
        """The places before each token of a target (B, N), for sources (B, T) padded with END_OF_PATCH."""
        agreements = agreement(match_lengths(folded(source), folded(written)), match_lengths(source, written))
        words = next_words(source)
        cursor = _first_cursors(source)
        cursors = [cursor]
        for match in agreements[:, :-1].unbind(1):
            cursor = next_cursors(cursor, words, match)
            cursors.append(cursor)
        ended = F.pad(agreements, (0, 0, 1, 0))[:, :-1]
        return cls(following(ended, source), torch.stack(cursors, 1))

    def parts(self, most_pairs: int) -> list[Places]:
        """The same in parts of some of the N bytes each, with at most about `most_pairs` entries of `match`."""
        batch, _, width = self.match.shape
        step = max(1, most_pairs // (batch * width))
        return [Places(*part) for part in zip(self.match.split(step, 1), self.cursors.split(step, 1), strict=True)]


@dataclass(slots=True)
class Trace:
    """The matches and the cursors after the last byte of each file that is being written."""

    folded: Tensor
    """(B, T) uint8: the length of the match in any case that ends with each source byte."""
    exact: Tensor
    """(B, T) uint8: the same, in the same case."""
    cursors: Tensor
    """(B, 2)"""

    @classmethod
    def start(cls, source: Tensor) -> Trace:
        """The trace before the first byte, for sources (B, T)."""
        nothing = torch.zeros_like(source, dtype=torch.uint8)
        return cls(nothing, nothing, _first_cursors(source))

    @property
    def match(self) -> Tensor:
        """(B, T) uint8: the agreement of the match that ends with each source byte."""
        return agreement(self.folded, self.exact)

    def after(self, source: Tensor, tokens: Tensor) -> Trace:
        """The trace after more tokens (B, n)."""
        trace = self
        for token in tokens.unbind(1):
            in_any_case = next_match(trace.folded, folded(source), folded(token))
            exact = next_match(trace.exact, source, token)
            cursors = next_cursors(trace.cursors, next_words(source), agreement(in_any_case, exact))
            trace = Trace(in_any_case, exact, cursors)
        return trace

    def ahead(self, source: Tensor, tokens: Tensor) -> Places:
        """The places before the next byte, and before the byte after each of n guessed tokens (B, n)."""
        traces = [self]
        for index in range(tokens.shape[1]):
            traces.append(traces[-1].after(source, tokens[:, index : index + 1]))
        match = torch.stack([trace.match for trace in traces], 1)
        return Places(following(match, source), torch.stack([trace.cursors for trace in traces], 1))

    def rows(self, rows: Tensor, width: int) -> Trace:
        """The files `rows` (B',), cut to `width` source bytes."""
        return Trace(self.folded[rows, :width], self.exact[rows, :width], self.cursors[rows])

    def joined(self, other: Trace) -> Trace:
        """These files followed by those of `other`, padded to the longer source."""
        width = max(self.folded.shape[1], other.folded.shape[1])

        def padded(one: Tensor, two: Tensor) -> Tensor:
            return torch.cat([F.pad(match, (0, width - match.shape[1])) for match in (one, two)])

        cursors = torch.cat([self.cursors, other.cursors])
        return Trace(padded(self.folded, other.folded), padded(self.exact, other.exact), cursors)


def _first_cursors(source: Tensor) -> Tensor:
    return torch.zeros(len(source), CURSORS, dtype=torch.long, device=source.device)


def match_lengths(source: Tensor, written: Tensor) -> Tensor:
    """(B, N, T) uint8: for source (B, T) and target tokens (B, N), how long a match ends at each pair of bytes.

    The entry (n, t) is the length, up to MAX_MATCH, of the longest common suffix of target bytes 0..n and source bytes
    0..t. END_OF_PATCH matches nothing.
    """
    equal = (written[:, :, None] == source[:, None]) & (source != END_OF_PATCH)[:, None]
    lengths = equal.to(torch.uint8)
    known = 1
    while known < MAX_MATCH:  # a run of `known` bytes continues with the run that ends `known` bytes before it
        before = F.pad(lengths, (known, 0, known, 0))[:, : lengths.shape[1], : lengths.shape[2]]
        lengths = torch.where(lengths == known, lengths + before, lengths)
        known *= 2
    return lengths


def next_match(match: Tensor, source: Tensor, token: Tensor) -> Tensor:
    """`match` (B, T) after one more token (B,): the last row of `match_lengths` for a target one token longer."""
    longer = (F.pad(match, (1, 0))[:, :-1] + 1).clamp(max=MAX_MATCH)
    equal = (source == token[:, None]) & (source != END_OF_PATCH)
    return torch.where(equal, longer, torch.zeros_like(longer))


def agreement(in_any_case: Tensor, exact: Tensor) -> Tensor:
    """Twice the lengths of matches in any case, and one more where they are as long in the same case; 0 for none."""
    return 2 * in_any_case + ((in_any_case == exact) & (exact > 0))


def following(match: Tensor, source: Tensor) -> Tensor:
    """(B, N, T) matches that end at each byte of source (B, T) -> matches that end before it; 0 before padding."""
    return F.pad(match, (1, 0))[..., :-1] * (source != END_OF_PATCH)[:, None]


def folded(tokens: Tensor) -> Tensor:
    """The tokens with upper-case letters in lower case."""
    return tokens + 32 * ((tokens >= 65) & (tokens <= 90))


def next_words(source: Tensor) -> Tensor:
    """(B, T + 1) the first place at or after each place with a letter, a digit or a byte outside ASCII.

    The place itself if there is none.
    """
    lower, width = folded(source), source.shape[1]
    word = ((lower >= 97) & (lower <= 122)) | ((lower >= 48) & (lower <= 57)) | ((lower >= 128) & (lower < 256))
    places = torch.arange(width + 1, device=source.device).expand(len(source), -1)
    following = F.pad(torch.where(word, places[:, :-1], width), (0, 1), value=width)
    following = following.flip(1).cummin(1).values.flip(1)
    return torch.where(following < width, following, places)


def next_cursors(cursors: Tensor, words: Tensor, match: Tensor) -> Tensor:
    """(B, 2) the cursors after one more byte; `match` (B, T) are the agreements of the matches that end with it."""
    width = match.shape[1]
    match_here = F.pad(match, (0, 1))  # nothing matches at the end
    word = words.gather(1, cursors)
    here, at_word = match_here.gather(1, cursors), match_here.gather(1, word)
    is_next, is_word = here > 0, at_word > 0
    longest = match.amax(1, keepdim=True)
    hits = match == longest
    places = torch.arange(width, device=match.device)
    ahead = places >= cursors[:, :, None]
    jump = (hits[:, None] * (width - places + width * ahead)).argmax(2) + 1  # the first one ahead, else the first one
    unique = (hits.sum(1, keepdim=True) == 1) & (longest >= QUICK) & ~is_next & ~is_word
    elsewhere = (longest >= STEADY) & (here < longest)
    elsewhere[:, 1:] |= unique[:, 1:]
    following = torch.where(is_next, cursors + 1, torch.where(is_word, word + 1, cursors))
    return torch.where(elsewhere, jump, following)
