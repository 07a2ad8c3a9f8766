"""Where the bytes written so far occur in the source: matches, and the cursor.

A match is a common suffix of what is written and of a part of the source. The cursor is the place in the source up to
which the writing has come, as most conversions keep an order: it follows as long as the bytes written are those at the
cursor or those of the next word; three bytes that match elsewhere move it there; what is written in between, such as
tags, leaves it where it is. Both are rules, not predictions; they tell the decoder where to go on, whatever the bytes.
Source: induction heads, Olsson et al. 2022, arXiv:2209.11895.

Axes: B files, N positions of the target, T source bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.patching import END_OF_PATCH

MAX_MATCH = 16
"""Longer matches count as this long."""
JUMP = 3
"""Bytes that must match elsewhere to move the cursor there."""


@dataclass(slots=True)
class Places:
    """Where copying may go on, before each of N target bytes."""

    match: Tensor
    """(B, N, T) uint8: the length of the match that ends before each source byte."""
    cursor: Tensor
    """(B, N) the source byte at the cursor; the number of source bytes at the end."""

    @classmethod
    @torch.no_grad()
    def before(cls, source: Tensor, written: Tensor) -> Places:
        """The places before each token of a target (B, N), for sources (B, T) padded with END_OF_PATCH."""
        lengths, words = match_lengths(source, written), next_words(source)
        cursor = torch.zeros(len(source), dtype=torch.long, device=source.device)
        cursors = [cursor]
        for match in lengths[:, :-1].unbind(1):
            cursor = next_cursor(cursor, words, match)
            cursors.append(cursor)
        ended = F.pad(lengths, (0, 0, 1, 0))[:, :-1]
        return cls(following(ended, source), torch.stack(cursors, 1))

    def parts(self, most_pairs: int) -> list[Places]:
        """The same in parts of some of the N bytes each, with at most about `most_pairs` entries of `match`."""
        batch, _, width = self.match.shape
        step = max(1, most_pairs // (batch * width))
        return [Places(*part) for part in zip(self.match.split(step, 1), self.cursor.split(step, 1), strict=True)]


@dataclass(slots=True)
class Trace:
    """The matches and the cursor after the last byte of each file that is being written."""

    match: Tensor
    """(B, T) uint8: the length of the match that ends with each source byte."""
    cursor: Tensor
    """(B,)"""

    @classmethod
    def start(cls, source: Tensor) -> Trace:
        """The trace before the first byte, for sources (B, T)."""
        return cls(torch.zeros_like(source, dtype=torch.uint8), torch.zeros_like(source[:, 0]))

    def after(self, source: Tensor, tokens: Tensor) -> Trace:
        """The trace after more tokens (B, n)."""
        trace = self
        for token in tokens.unbind(1):
            match = next_match(trace.match, source, token)
            trace = Trace(match, next_cursor(trace.cursor, next_words(source), match))
        return trace

    def ahead(self, source: Tensor, tokens: Tensor) -> Places:
        """The places before the next byte, and before the byte after each of n guessed tokens (B, n)."""
        traces = [self]
        for index in range(tokens.shape[1]):
            traces.append(traces[-1].after(source, tokens[:, index : index + 1]))
        match = torch.stack([trace.match for trace in traces], 1)
        return Places(following(match, source), torch.stack([trace.cursor for trace in traces], 1))

    def rows(self, rows: Tensor, width: int) -> Trace:
        """The files `rows` (B',), cut to `width` source bytes."""
        return Trace(self.match[rows, :width], self.cursor[rows])

    def joined(self, other: Trace) -> Trace:
        """These files followed by those of `other`, padded to the longer source."""
        width = max(self.match.shape[1], other.match.shape[1])
        match = torch.cat([F.pad(trace.match, (0, width - trace.match.shape[1])) for trace in (self, other)])
        return Trace(match, torch.cat([self.cursor, other.cursor]))


def match_lengths(source: Tensor, written: Tensor) -> Tensor:
    """(B, N, T) uint8: for source (B, T) and target tokens (B, N), how long a match ends at each pair of bytes.

    The entry (n, t) is the length, up to MAX_MATCH, of the longest common suffix of target bytes 0..n and source bytes
    0..t, upper and lower case being equal. END_OF_PATCH matches nothing.
    """
    equal = (folded(written)[:, :, None] == folded(source)[:, None]) & (source != END_OF_PATCH)[:, None]
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
    equal = (folded(source) == folded(token)[:, None]) & (source != END_OF_PATCH)
    return torch.where(equal, longer, torch.zeros_like(longer))


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


def next_cursor(cursor: Tensor, words: Tensor, match: Tensor) -> Tensor:
    """(B,) the cursor after one more byte; `match` (B, T) are the lengths of the matches that end with it."""
    width = match.shape[1]
    here = cursor.clamp(max=width - 1)[:, None]
    word = words.gather(1, cursor[:, None])
    at_word = word.clamp(max=width - 1)
    is_next = (match.gather(1, here)[:, 0] > 0) & (cursor < width)
    is_word = (match.gather(1, at_word)[:, 0] > 0) & (word[:, 0] < width)
    longest = match.amax(1)
    places = torch.arange(width, device=match.device)
    hits = match == longest[:, None]
    ahead = hits & (places >= cursor[:, None])
    jump = (torch.where(ahead.any(1, keepdim=True), ahead, hits) * (width - places)).argmax(1) + 1
    elsewhere = (longest >= JUMP) & ~(is_next & (match.gather(1, here)[:, 0] == longest))
    following = torch.where(is_next, cursor + 1, torch.where(is_word, word[:, 0] + 1, cursor))
    return torch.where(elsewhere, jump, following)
