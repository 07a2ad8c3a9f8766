"""The decoding state of a flat byte transformer: the keys and values of every byte so far.

The running files take the first rows of every tensor, so that a step reads one view of them. When a file leaves, the
last one takes its row. With further heads the session guesses the bytes ahead and verifies them in the pass that reads
the last ones, which is exact: speculative decoding, Leviathan et al. 2022, arXiv:2211.17192, with greedy acceptance.

Axes: B running files, N rows, H hidden, S bytes of a stride, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bytesim.models.rows import order_without
from bytesim.nn.attention import LayerCache
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request

if TYPE_CHECKING:
    from bytesim.models.flat.model import Flat

_GROWTH = 512
"""Caches grow by this many bytes, so that short files take little memory."""


class FlatSession:
    """The `interface.Session` of a flat byte transformer, with `count` running files.

    A byte is read only when the one after it is asked for: by then the files that ended with it have left.
    """

    def __init__(self, model: Flat, rows: int) -> None:
        self.model = model
        config = model.config
        like = model.head.weight
        self.device = like.device
        self.stride = max(1, config.next_bytes - 1)
        """Bytes that are guessed at a time: of the bytes that the last pass predicted, all but the one it was for."""
        self.longest = config.max_bytes + config.next_bytes
        self.capacity = min(_GROWTH, self.longest)
        self.caches = [
            LayerCache.empty(rows, config.key_value_heads, self.capacity, config.head_size, like)
            for _ in range(config.num_layers)
        ]
        self.features = like.new_zeros(rows, config.hidden_size)
        """(N, H) features of the last byte that was read of each row."""
        self.unread = torch.empty(0, 0, dtype=torch.long, device=self.device)
        """(B, n) last bytes of the rows, which are written but not read yet."""
        self.lengths: list[int] = []
        """Number of bytes of each row that were read."""
        self.verified: Tensor | None = None
        """(B, H) features at the last byte but one of the guess that was verified last."""
        self.ahead: Tensor | None = None
        """(B, S) the guess of the next stride that came with the last pass; None if bytes were written one by one."""

    @property
    def count(self) -> int:
        """Number of running files."""
        return len(self.lengths)

    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read()
        first, last = self.count, self.count + len(requests)
        lengths = [len(request.history) for request in requests]
        longest = max(lengths)
        self._grow(longest)
        tokens = torch.full((len(requests), longest), END_OF_PATCH)
        for row, request in enumerate(requests):
            tokens[row, : lengths[row]] = torch.from_numpy(request.history[:, 0])
        positions = torch.arange(longest, device=self.device).expand(len(requests), -1)
        caches = [cache.rows(first, last, longest) for cache in self.caches]
        features = self.model.decoder(tokens.to(self.device), caches, positions)
        ends = torch.tensor(lengths, device=self.device) - 1
        self.features[first:last] = features[torch.arange(len(requests), device=self.device), ends]
        self.lengths += lengths
        self.unread = self.unread.new_empty(self.count, 0)
        self.ahead = self.verified = None

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        order = order_without(self.count, rows)
        for target, origin in enumerate(order):
            if target != origin:
                for cache in self.caches:
                    cache.move(target, origin)
                self.features[target] = self.features[origin]
        self.lengths = [self.lengths[row] for row in order]
        self.unread = self.unread[order] if order else self.unread.new_empty(0, 0)
        self.ahead = self.ahead[order] if self.ahead is not None and order else None
        self.verified = None
        return order

    def logits(self) -> Tensor:
        """(B, V) logits of the next byte of every row."""
        self._read()
        return self.model.logits(self.features[: self.count])

    def write(self, tokens: Tensor) -> None:
        """Append (B, n) tokens to the rows: n = 1 after `logits`, or the whole stride that `verify` scored."""
        if self.verified is None:
            self.unread = torch.cat([self.unread, tokens], 1) if self.unread.shape[1] else tokens
            self.ahead = None
            return
        # The pass that verified the stride has read all of it but its last byte.
        self.lengths = [length + self.stride - 1 for length in self.lengths]
        self.ahead = self._further(self.verified)[:, 1:]
        self.unread = tokens[:, -1:]
        self.verified = None

    def guess(self) -> Tensor | None:
        """(B, S) what the further heads predicted; None for a model without them."""
        if self.stride == 1:
            return None
        if self.ahead is None:
            self._read()
            self.ahead = self._further(self.features[: self.count])[:, : self.stride]
        return self.ahead

    def verify(self, guess: Tensor) -> Tensor:
        """(B, S, V) logits of the next stride, given a guess (B, S) of it, in one pass."""
        unread = self.unread.shape[1]
        features = self._pass(torch.cat([self.unread, guess[:, :-1]], 1))
        if unread:
            self.lengths = [length + unread for length in self.lengths]
            self.unread = self.unread[:, :0]
            self.features[: self.count] = features[:, unread - 1]
        else:
            features = torch.cat([self.features[: self.count, None], features], 1)
        self.verified = features[:, -1]
        return self.model.logits(features[:, -self.stride :])

    def _further(self, features: Tensor) -> Tensor:
        """(B, K) likeliest bytes at the K places after the one with features (B, H)."""
        logits = [self.model.logits(features), *self.model.further_logits(features)]
        return torch.stack(logits, 1).argmax(-1)

    def _read(self) -> None:
        """Read the unread bytes."""
        unread = self.unread.shape[1]
        if unread:
            self.features[: self.count] = self._pass(self.unread)[:, -1]
            self.lengths = [length + unread for length in self.lengths]
            self.unread = self.unread[:, :0]

    def _pass(self, tokens: Tensor) -> Tensor:
        """(B, n, H) features of tokens (B, n) that follow the bytes read so far; their keys and values are cached."""
        length = max(self.lengths) + tokens.shape[1]
        self._grow(length)
        starts = torch.tensor(self.lengths, device=self.device)[:, None]
        positions = starts + torch.arange(tokens.shape[1], device=self.device)
        caches = [cache.rows(0, self.count, length) for cache in self.caches]
        return self.model.decoder(tokens, caches, positions)

    def _grow(self, positions: int) -> None:
        if positions > self.capacity:
            self.capacity = min(-(-positions // _GROWTH) * _GROWTH, self.longest)
            for cache in self.caches:
                cache.grow(self.capacity)
