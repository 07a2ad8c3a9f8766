"""Copying from a source: pointers to where the bytes written so far occur in it, and a gate on the output distribution.

Names and numbers that no training example held are copied as safely as known ones. Source: pointer-generator networks,
See et al. 2017, arXiv:1704.04368; relative positions, Shaw et al. 2018, arXiv:1803.02155.

Axes: B files, N positions of the target, T source bytes, K numbers, H width of the decoder, Hs of the source, V = 257.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from bytesim.nn.constants import BEFORE, CURSORS, KEY_SIZE, MOST_AGREEMENT, OFFSETS, SMALLEST, swapped_case
from bytesim.nn.matching import Places, next_words
from bytesim.nn.numeral_features import CHANNELS
from bytesim.nn.numerals import other_notation
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

_MOST_PAIRS = 1 << 22
"""Most pairs of target bytes and source bytes, over all files, whose scores are computed at a time."""


@dataclass(slots=True)
class CopySource:
    """What copying needs of encoded sources: their bytes (B, T), and vectors of every byte for pointers and copying."""

    tokens: Tensor
    pointed: Tensor
    """(B, T, 6 * H) what the six pointers to each byte add to the decoder's input."""
    keys: Tensor
    """(B, T, D) keys of the copy distribution."""
    numbers: Tensor
    """(B, K) bytes that write the source's numbers in the other notation, padded with END_OF_PATCH; K may be 0."""
    number_keys: Tensor
    """(B, K, D) their keys."""
    number_places: Tensor
    """(B, K, 1) the source bytes that they are made of."""

    def rows(self, rows: Tensor, width: int) -> CopySource:
        """The files `rows` (B',), cut to `width` source bytes."""
        numbers = self.numbers[rows]
        count = int((numbers != END_OF_PATCH).sum(1).max()) if numbers.numel() else 0
        return CopySource(
            tokens=self.tokens[rows, :width],
            pointed=self.pointed[rows, :width],
            keys=self.keys[rows, :width],
            numbers=numbers[:, :count],
            number_keys=self.number_keys[rows, :count],
            number_places=self.number_places[rows, :count],
        )

    def joined(self, other: CopySource) -> CopySource:
        """These files followed by those of `other`, padded to the longest."""
        pairs = [(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]
        return CopySource(*(_joined(one, two) for one, two in pairs))


def _joined(one: Tensor, two: Tensor) -> Tensor:
    """Two tensors (B, T, ...) as one, padded to the longer; tokens (B, T) are padded with END_OF_PATCH."""
    width = max(one.shape[1], two.shape[1])
    value = END_OF_PATCH if one.dim() == 2 else 0
    pads = [(0, 0) * (part.dim() - 2) + (0, width - part.shape[1]) for part in (one, two)]
    return torch.cat([F.pad(part, pad, value=value) for part, pad in zip((one, two), pads, strict=True)])


class Copying(nn.Module):
    """Pointers into the source as inputs of a decoder, and a gate on its output distribution.

    The gate mixes three distributions of the next byte: that of the decoder; that of bytes copied from the source, as
    they are or in the other case; and, with `numerals`, that of the bytes that write a number of the source in another
    notation (`numerals.other_notation`).
    """

    swapped: Tensor

    def __init__(self, hidden_size: int, source_size: int, *, numerals: bool = False) -> None:
        super().__init__()
        self.pointed = nn.Linear(source_size, (2 + 2 * CURSORS) * hidden_size, bias=False)
        self.agreements = nn.Embedding(MOST_AGREEMENT + 1, hidden_size)
        nn.init.normal_(self.agreements.weight, std=0.3)
        self.keys = nn.Linear(source_size, KEY_SIZE, bias=False)
        self.query = nn.Linear(hidden_size, KEY_SIZE, bias=False)
        self.offset_query = nn.Linear(hidden_size, 2 * CURSORS * KEY_SIZE, bias=False)
        self.offsets = nn.Parameter(torch.randn(2 * CURSORS, KEY_SIZE, OFFSETS) * 0.1)
        self.match_bias = nn.Parameter((torch.arange(MOST_AGREEMENT + 1) / 2).clamp(max=8))
        self.gates = nn.Linear(hidden_size, 4)
        nn.init.zeros_(self.gates.weight)
        with torch.no_grad():
            self.gates.bias.copy_(torch.tensor([0.0, -2.0, -2.0, -3.0]))
        self.register_buffer("swapped", torch.from_numpy(swapped_case()), persistent=False)
        self.numerals = numerals
        if numerals:
            self.number_keys = nn.Linear(source_size, KEY_SIZE, bias=False)
            self.channels = nn.Embedding(CHANNELS, KEY_SIZE)
            self.number_query = nn.Linear(hidden_size, KEY_SIZE, bias=False)

    def source(self, tokens: Tensor, encoded: Tensor) -> CopySource:
        """The part of encoded sources (B, T, Hs) of bytes (B, T) that copying needs, computed once per file."""
        keys = self.keys(encoded)
        numbers, number_keys, places = tokens[:, :0], keys[:, :0], tokens[:, :0]
        if self.numerals:
            numbers, places, channels = other_notation(tokens)
            of_places = self.number_keys(encoded).gather(1, places[..., None].expand(-1, -1, KEY_SIZE))
            number_keys = of_places + self.channels(channels).to(keys.dtype)
        return CopySource(tokens, self.pointed(encoded), keys, numbers, number_keys, places[..., None])

    def pointers(self, source: CopySource, places: Places) -> Tensor:
        """(B, N, H) what the pointers before each byte add to the decoder's input.

        They point to the first and the last of the longest matches, whose agreement is added, to each cursor, and to
        the next word after each.
        """
        return torch.cat([self._pointers(source, part) for part in places.parts(_MOST_PAIRS)], 1)

    def _pointers(self, source: CopySource, places: Places) -> Tensor:
        match = places.match
        longest = match.amax(-1)
        hits = match == longest[..., None]
        rank = torch.arange(1, match.shape[-1] + 1, device=match.device)  # argmax may return any of several equals
        found = longest > 0
        first, last = (hits * rank.flip(0)).argmax(-1), (hits * rank).argmax(-1)
        words = next_words(source.tokens)
        lengths = (source.tokens != END_OF_PATCH).sum(1, keepdim=True)
        targets = [(first, found), (last, found)]
        for cursor in places.cursors.unbind(2):
            word = words.gather(1, cursor)
            targets += [(cursor, cursor < lengths), (word, word < lengths)]
        total = self.agreements(longest.long())
        for vectors, (at, valid) in zip(source.pointed.chunk(len(targets), -1), targets, strict=True):
            at = at.clamp(max=match.shape[-1] - 1)[..., None].expand(-1, -1, vectors.shape[-1])
            total = total + vectors.gather(1, at) * valid[..., None]
        return total

    def mixed(self, logits: Tensor, x: Tensor, source: CopySource, places: Places) -> Tensor:
        """(B, N, V) log-probabilities of the mixture; a distribution without a byte to copy has no share in it.

        `x` (B, N, H) are the decoder's outputs and `logits` (B, N, V) those of its own distribution. Long files are
        mixed in parts, which training computes twice to save memory.
        """
        parts = places.parts(_MOST_PAIRS)
        if len(parts) == 1:
            return self._mixed(logits, x, source, places)
        sizes = [part.cursors.shape[1] for part in parts]
        rows = zip(logits.split(sizes, 1), x.split(sizes, 1), parts, strict=True)
        return torch.cat([checkpoint(self._mixed, *row[:2], source, row[2], use_reentrant=False) for row in rows], 1)

    def _mixed(self, logits: Tensor, x: Tensor, source: CopySource, places: Places) -> Tensor:
        gates = self.gates(x).float()
        of_bytes, of_numbers = self._offset_scores(x)
        at = torch.arange(source.tokens.shape[1], device=x.device)
        scores = self.query(x) @ source.keys.transpose(1, 2) + _of_offsets(of_bytes, at, places.cursors)
        written = [(source.tokens, scores, self.match_bias.float()[places.match.long()])]
        if self.numerals:
            of_places = _of_offsets(of_numbers, source.number_places.transpose(1, 2), places.cursors)
            scores = self.number_query(x) @ source.number_keys.transpose(1, 2) + of_places
            written.append((source.numbers, scores, torch.zeros_like(scores, dtype=torch.float32)))
        exist = [torch.ones_like(source.tokens[:, 0], dtype=torch.bool)]
        exist += [(tokens != END_OF_PATCH).any(1) for tokens, _, _ in written]
        shares = gates[..., : len(exist)].masked_fill(~torch.stack(exist, -1)[:, None], -1e4).softmax(-1)
        parts = [logits.float().softmax(-1)] + [_spread(tokens, scores, bias) for tokens, scores, bias in written]
        case = torch.sigmoid(gates[..., 3:])
        parts[1] = (1 - case) * parts[1] + case * parts[1][..., self.swapped]
        mixed = sum(share * part for share, part in zip(shares.split(1, -1), parts, strict=True))
        return (mixed + SMALLEST).log()

    def _offset_scores(self, x: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """(B, N, R) scores of the distances from each cursor: for bytes and for numbers."""
        queries = self.offset_query(x).chunk(2 * CURSORS, -1)
        scores = [query @ offsets.to(x.dtype) for query, offsets in zip(queries, self.offsets, strict=True)]
        return scores[:CURSORS], scores[CURSORS:]


def _of_offsets(scores: list[Tensor], at: Tensor, cursors: Tensor) -> Tensor:
    """(B, N, T) the sum of the scores (B, N, R) of the distances of places (T,) or (B, 1, T) from each cursor."""
    offsets = ((at - cursor[..., None] + BEFORE).clamp(0, OFFSETS - 1) for cursor in cursors.unbind(2))
    found = [of_cursor.gather(2, offset) for of_cursor, offset in zip(scores, offsets, strict=True)]
    return torch.stack(found).sum(0)


def _spread(tokens: Tensor, scores: Tensor, bias: Tensor) -> Tensor:
    """(B, N, V) the distribution of the tokens (B, K) with the softmax of scores and bias (B, N, K)."""
    scores = scores.float() * KEY_SIZE**-0.5 + bias
    shares = scores.masked_fill((tokens == END_OF_PATCH)[:, None], -1e4).softmax(-1)
    spread = shares.new_zeros(*shares.shape[:2], VOCAB_SIZE)
    return spread.scatter_add(2, tokens[:, None].expand(-1, shares.shape[1], -1), shares)
