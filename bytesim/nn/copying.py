"""Copying from a source: where the bytes written so far occur in it, and an output distribution that copies from there.

The longest suffix of what is written that also occurs in the source shows where copying goes on, whatever the bytes
are: a name that no training example held is copied as safely as a known one. Sources: pointer-generator networks, See
et al. 2017, arXiv:1704.04368; induction heads, Olsson et al. 2022, arXiv:2209.11895.

Axes: B files, N positions of the target, T source bytes, H width of the decoder, Hs of the source, V = 257 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.numerals import CHANNELS, other_notation
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

MAX_MATCH = 16
"""Longer matches count as this long."""
_KEY_SIZE = 32
_SMALLEST = 1e-9
"""Probability that is added to every token, so that its logarithm is finite."""


def match_lengths(source: Tensor, written: Tensor) -> Tensor:
    """(B, N, T) uint8: for source (B, T) and target tokens (B, N), how long a match ends at each pair of bytes.

    The entry (n, t) is the length, up to MAX_MATCH, of the longest common suffix of target bytes 0..n and source bytes
    0..t, upper and lower case being equal. END_OF_PATCH matches nothing.
    """
    equal = (_folded(written)[:, :, None] == _folded(source)[:, None]) & (source != END_OF_PATCH)[:, None]
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
    equal = (_folded(source) == _folded(token)[:, None]) & (source != END_OF_PATCH)
    return torch.where(equal, longer, torch.zeros_like(longer))


def _folded(tokens: Tensor) -> Tensor:
    """The tokens with upper-case letters in lower case."""
    return tokens + 32 * ((tokens >= 65) & (tokens <= 90))


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
    """(B, T, 2 * H) what pointers to each byte add to the decoder's input."""
    keys: Tensor
    """(B, T, D) keys of the copy distribution."""
    numbers: Tensor
    """(B, K) bytes that write the source's numbers in the other notation, padded with END_OF_PATCH; K may be 0."""
    number_keys: Tensor
    """(B, K, D) their keys."""

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
        self.pointed = nn.Linear(source_size, 2 * hidden_size, bias=False)
        self.lengths = nn.Embedding(MAX_MATCH + 1, hidden_size)
        nn.init.normal_(self.lengths.weight, std=0.3)
        self.keys = nn.Linear(source_size, _KEY_SIZE, bias=False)
        self.query = nn.Linear(hidden_size, _KEY_SIZE, bias=False)
        self.match_bias = nn.Parameter(torch.arange(MAX_MATCH + 1).float().clamp(max=8))
        self.gates = nn.Linear(hidden_size, 4)
        nn.init.zeros_(self.gates.weight)
        with torch.no_grad():
            self.gates.bias.copy_(torch.tensor([0.0, -2.0, -2.0, -3.0]))
        swapped = torch.arange(VOCAB_SIZE)
        swapped[65:91], swapped[97:123] = torch.arange(97, 123), torch.arange(65, 91)
        self.register_buffer("swapped", swapped, persistent=False)
        self.numerals = numerals
        if numerals:
            self.number_keys = nn.Linear(source_size, _KEY_SIZE, bias=False)
            self.channels = nn.Embedding(CHANNELS, _KEY_SIZE)
            self.number_query = nn.Linear(hidden_size, _KEY_SIZE, bias=False)

    def source(self, tokens: Tensor, encoded: Tensor) -> CopySource:
        """The part of encoded sources (B, T, Hs) of bytes (B, T) that copying needs, computed once per file."""
        keys = self.keys(encoded)
        numbers, number_keys = tokens[:, :0], keys[:, :0]
        if self.numerals:
            numbers, places, channels = other_notation(tokens)
            of_places = self.number_keys(encoded).gather(1, places[..., None].expand(-1, -1, _KEY_SIZE))
            number_keys = of_places + self.channels(channels).to(keys.dtype)
        return CopySource(tokens, self.pointed(encoded), keys, numbers, number_keys)

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
        """(B, N, V) log-probabilities of the mixture; a distribution without a byte to copy has no share in it.

        `x` (B, N, H) are the decoder's outputs and `logits` (B, N, V) those of its own distribution, `match` (B, N, T)
        the matches before each byte.
        """
        gates = self.gates(x).float()
        written = [(source.tokens, self.query(x) @ source.keys.transpose(1, 2), self.match_bias.float()[match.long()])]
        if self.numerals:
            scores = self.number_query(x) @ source.number_keys.transpose(1, 2)
            written.append((source.numbers, scores, torch.zeros_like(scores, dtype=torch.float32)))
        exist = [torch.ones_like(source.tokens[:, 0], dtype=torch.bool)]
        exist += [(tokens != END_OF_PATCH).any(1) for tokens, _, _ in written]
        shares = gates[..., : len(exist)].masked_fill(~torch.stack(exist, -1)[:, None], -1e4).softmax(-1)
        parts = [logits.float().softmax(-1)] + [_spread(tokens, scores, bias) for tokens, scores, bias in written]
        case = torch.sigmoid(gates[..., 3:])
        parts[1] = (1 - case) * parts[1] + case * parts[1][..., self.swapped]
        mixed = sum(share * part for share, part in zip(shares.split(1, -1), parts, strict=True))
        return (mixed + _SMALLEST).log()


def _spread(tokens: Tensor, scores: Tensor, bias: Tensor) -> Tensor:
    """(B, N, V) the distribution of the tokens (B, K) with the softmax of scores and bias (B, N, K)."""
    scores = scores.float() * _KEY_SIZE**-0.5 + bias
    shares = scores.masked_fill((tokens == END_OF_PATCH)[:, None], -1e4).softmax(-1)
    spread = shares.new_zeros(*shares.shape[:2], VOCAB_SIZE)
    return spread.scatter_add(2, tokens[:, None].expand(-1, shares.shape[1], -1), shares)
