"""Copying from a source: where the bytes written so far occur in it, and an output distribution that copies from there.

The longest suffix of what is written that also occurs in the source shows where copying goes on, whatever the bytes
are: a name that no training example held is copied as safely as a known one. Sources: pointer-generator networks, See
et al. 2017, arXiv:1704.04368; induction heads, Olsson et al. 2022, arXiv:2209.11895.

Axes: B files, N positions of the target, T source bytes, H width of the decoder, Hs of the source, V = 257 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

MAX_MATCH = 16
"""Longer matches count as this long."""
_KEY_SIZE = 32
_SMALLEST = 1e-9
"""Probability that is added to every token, so that its logarithm is finite."""


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
    return torch.where((source == token[:, None]) & (source != END_OF_PATCH), longer, torch.zeros_like(longer))


def following(match: Tensor, source: Tensor) -> Tensor:
    """(B, N, T) matches that end at each byte of source (B, T) -> matches that end before it; 0 before padding."""
    return F.pad(match, (1, 0))[..., :-1] * (source != END_OF_PATCH)[:, None]


def match_before(source: Tensor, written: Tensor) -> Tensor:
    """(B, N, T) for each target byte n and source byte t: the length of the match that ends before both."""
    return following(F.pad(match_lengths(source, written), (0, 0, 1, 0))[:, :-1], source)


@dataclass(slots=True)
class CopySource:
    """What copying needs of encoded sources: their bytes (B, T), and vectors of every byte for pointers and copying."""

    tokens: Tensor
    pointed: Tensor
    """(B, T, H) what a pointer to each byte adds to the decoder's input."""
    keys: Tensor
    """(B, T, D) keys of the copy distribution."""

    def rows(self, rows: Tensor, width: int) -> CopySource:
        """The files `rows` (B',), cut to `width` source bytes."""
        return CopySource(self.tokens[rows, :width], self.pointed[rows, :width], self.keys[rows, :width])

    def joined(self, other: CopySource, width: int) -> CopySource:
        """These files followed by those of `other`, padded to `width` source bytes."""

        def join(one: Tensor, two: Tensor, value: int = 0) -> Tensor:
            pads = [(0, 0) * (part.dim() - 2) + (0, width - part.shape[1]) for part in (one, two)]
            return torch.cat([F.pad(part, pad, value=value) for part, pad in zip((one, two), pads, strict=True)])

        return CopySource(
            join(self.tokens, other.tokens, END_OF_PATCH),
            join(self.pointed, other.pointed),
            join(self.keys, other.keys),
        )


class Copying(nn.Module):
    """Pointers into the source as inputs of a decoder, and a copy gate on its output distribution."""

    def __init__(self, hidden_size: int, source_size: int) -> None:
        super().__init__()
        self.pointed = nn.Linear(source_size, 2 * hidden_size, bias=False)
        self.lengths = nn.Embedding(MAX_MATCH + 1, hidden_size)
        nn.init.normal_(self.lengths.weight, std=0.3)
        self.keys = nn.Linear(source_size, _KEY_SIZE, bias=False)
        self.query = nn.Linear(hidden_size, _KEY_SIZE, bias=False)
        self.match_bias = nn.Parameter(torch.arange(MAX_MATCH + 1).float().clamp(max=8))
        self.gate = nn.Linear(hidden_size, 1)
        nn.init.zeros_(self.gate.weight)
        nn.init.constant_(self.gate.bias, -2.0)

    def source(self, tokens: Tensor, encoded: Tensor) -> CopySource:
        """The part of encoded sources (B, T, Hs) of bytes (B, T) that copying needs, computed once per file."""
        return CopySource(tokens, self.pointed(encoded), self.keys(encoded))

    def pointers(self, source: CopySource, match: Tensor) -> Tensor:
        """(B, N, H) of the longest matches before each byte (B, N, T): the first and the last of them, their length."""
        longest = match.amax(-1)
        hits = match == longest[..., None]
        rank = torch.arange(1, match.shape[-1] + 1, device=match.device)  # argmax may return any of several equals
        first, last = (hits * rank.flip(0)).argmax(-1), (hits * rank).argmax(-1)
        one, two = source.pointed.chunk(2, -1)
        width = one.shape[-1]
        at = [
            vectors.gather(1, places[..., None].expand(-1, -1, width))
            for vectors, places in ((one, first), (two, last))
        ]
        found = (longest > 0)[..., None]
        return self.lengths(longest.long()) + (at[0] + at[1]) * found

    def mixed(self, logits: Tensor, x: Tensor, source: CopySource, match: Tensor) -> Tensor:
        """(B, N, V) log-probabilities: the gate mixes softmax of `logits` with the distribution of copied bytes.

        `x` (B, N, H) are the decoder's outputs, `match` (B, N, T) the matches before each byte.
        """
        scores = self.query(x) @ source.keys.transpose(1, 2) * _KEY_SIZE**-0.5
        scores = scores.float() + self.match_bias.float()[match.long()]
        scores = scores.masked_fill((source.tokens == END_OF_PATCH)[:, None], -1e4)
        shares = scores.softmax(-1)
        bytes_ = source.tokens[:, None].expand(-1, shares.shape[1], -1)
        copied = shares.new_zeros(*shares.shape[:2], VOCAB_SIZE).scatter_add(2, bytes_, shares)
        gate = torch.sigmoid(self.gate(x).float()) * (source.tokens != END_OF_PATCH).any(1)[:, None, None]
        mixed = gate * copied + (1 - gate) * logits.float().softmax(-1)
        return (mixed + _SMALLEST).log()
