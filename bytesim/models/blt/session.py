"""The decoding state of a Byte Latent Transformer: caches in all of its parts, and the patch that is still open.

A byte goes through the entropy model, the encoder and the decoder once. When it ends a patch, the bytes of that patch
are pooled and the latent transformer reads one position more, for the files concerned alone. Published code recomputes
the latent transformer for every byte.

The running files take the first rows of every tensor. When a file leaves, the last one takes its row.

Axes: B running files, N rows, T bytes, K vectors of a patch, Hb width of the bytes, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.models.blt.borders import BorderState, Layout
from bytesim.models.rows import order_without
from bytesim.nn.attention import LayerCache
from bytesim.nn.vocabulary import to_ids
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request

if TYPE_CHECKING:
    from bytesim.models.blt.model import BLT

_GROWTH = 512
"""Caches grow by this many positions, so that short files take little memory."""


class BLTSession:
    """The `interface.Session` of a Byte Latent Transformer, with `count` running files.

    A byte is read only when the one after it is asked for: by then the files that ended with it have left.
    """

    stride = 1

    def __init__(self, model: BLT, rows: int) -> None:
        self.model = model
        config = model.config
        like = model.decoder.head.weight
        self.device = like.device
        self.longest = config.max_bytes + 1

        def caches(layers: int, heads: int, head_size: int) -> Growing:
            return Growing(rows, layers, heads, head_size, self.longest, like)

        flat = config.entropy_model if model.entropy is not None else None
        self.entropy = caches(flat.num_layers, flat.key_value_heads, flat.head_size) if flat else caches(0, 1, 2)
        byte = (config.byte_key_value_heads, config.byte_head_size)
        self.encoder, self.decoder = caches(config.encoder_layers, *byte), caches(config.decoder_layers, *byte)
        self.latent = caches(config.num_layers, config.key_value_heads, config.head_size)
        size = config.byte_hidden_size
        self.vectors = like.new_zeros(rows, config.patch_vectors, size)
        """(N, K, Hb) vectors of the last complete patch of each row."""
        self.open = like.new_zeros(rows, _GROWTH, size)
        """(N, ..., Hb) features of the bytes of the open patch of each row."""
        self.features = like.new_zeros(rows, size)
        """(N, Hb) features of the last byte that was read of each row."""
        reach = model.encoder.ngrams.reach if model.encoder.ngrams is not None else 0
        self.recent = torch.zeros(rows, reach, dtype=torch.long, device=self.device)
        """(N, reach) ids before the next byte."""
        self.state = BorderState.empty(rows, self.device)
        self.patches = torch.zeros(rows, dtype=torch.long, device=self.device)
        """(N,) number of complete patches of each row."""
        self.lengths: list[int] = []
        """Number of bytes of each row that were read."""
        self.unread: Tensor | None = None
        """(B,) last byte of each row, if it is written but not read yet."""

    @property
    def count(self) -> int:
        """Number of running files."""
        return len(self.lengths)

    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read()
        first, last = self.count, self.count + len(requests)
        lengths = [len(request.history) for request in requests]
        tokens = torch.full((len(requests), max(lengths)), END_OF_PATCH)
        for row, request in enumerate(requests):
            tokens[row, : lengths[row]] = torch.from_numpy(request.history[:, 0])
        self._prefill(first, last, tokens.to(self.device), torch.tensor(lengths, device=self.device))
        self.lengths += lengths

    def _prefill(self, first: int, last: int, tokens: Tensor, lengths: Tensor) -> None:
        """Read tokens (B, T) of new files of these lengths (B,) in the rows `first` to `last`."""
        model, config = self.model, self.model.config
        files = torch.arange(len(tokens), device=self.device)
        places = torch.arange(tokens.shape[1], device=self.device)
        positions = places.expand(len(tokens), -1)
        borders, entropies = model.borders(tokens, None, self.entropy.of(first, last, tokens.shape[1]), positions)
        ids = to_ids(tokens, config.byte_offset)
        x = model.encoder(ids, None, self.encoder.of(first, last, tokens.shape[1]), positions)
        layout = Layout.of(borders.ends)
        pooled = model.encoder.pool(x, layout.owners, layout.count)
        order = torch.arange(layout.count, device=self.device).expand(len(tokens), -1)
        latent = model.latent(pooled, self.latent.of(first, last, layout.count), order)
        vectors = model.decoder.patches(latent)
        decoded = model.decoder(x, vectors, layout.seen, self.decoder.of(first, last, tokens.shape[1]), positions)
        ends = lengths - 1
        complete = layout.seen[files, ends]
        self.features[first:last] = decoded[files, ends]
        self.vectors[first:last] = vectors[files, complete]
        self.patches[first:last] = complete + 1
        opened = borders.opens[files, ends]
        self._widen(int(opened.max()))
        for row in range(len(tokens)):
            length, count = int(lengths[row]), int(opened[row])
            self.open[first + row, :count] = x[row, length - count : length]
            reach = self.recent.shape[1]
            self.recent[first + row] = torch.cat([ids.new_zeros(reach), ids[row, :length]])[length:]
        self.state.put(first, borders.state(tokens, entropies, ends))

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""
        order = order_without(self.count, rows)
        tensors = (self.vectors, self.open, self.features, self.recent, self.patches, *self.state.tensors)
        for target, origin in enumerate(order):
            if target != origin:
                for caches in (self.entropy, self.encoder, self.latent, self.decoder):
                    caches.move(target, origin)
                for tensor in tensors:
                    tensor[target] = tensor[origin]
        self.lengths = [self.lengths[row] for row in order]
        self.unread = self.unread[order] if self.unread is not None and order else None
        return order

    def logits(self) -> Tensor:
        """(B, V) logits of the next byte of every row."""
        self._read()
        return self.model.logits(self.features[: self.count])

    def write(self, tokens: Tensor) -> None:
        """Append (B, 1) tokens to the rows."""
        self.unread = tokens[:, 0]

    def guess(self) -> Tensor | None:
        """None: a border depends on the bytes before it, so bytes ahead cannot be read at once."""
        return None

    def verify(self, guess: Tensor) -> Tensor:
        """Raises AssertionError: `guess` gives None, so the engine does not call this."""
        raise AssertionError("this session makes no guesses")

    def _read(self) -> None:
        """Read the unread byte of each row, and the patches that end with it."""
        if self.unread is None:
            return
        model, count, tokens = self.model, self.count, self.unread[:, None]
        self.unread = None
        length = max(self.lengths) + 1
        positions = torch.tensor(self.lengths, device=self.device)[:, None]
        state = self.state.rows(0, count)
        borders, entropies = model.borders(tokens, state, self.entropy.of(0, count, length), positions)
        ids = to_ids(tokens, model.config.byte_offset)
        x = model.encoder(ids, self.recent[:count], self.encoder.of(0, count, length), positions)
        self._widen(int(state.open.max()) + 1)
        self.open[torch.arange(count, device=self.device), state.open] = x[:, 0]
        ended = borders.ends[:, 0].nonzero()[:, 0]
        if len(ended):
            self._close(ended, state.open[ended] + 1)
        seen = torch.zeros_like(positions)
        decoded = model.decoder(x, self.vectors[:count, None], seen, self.decoder.of(0, count, length), positions)
        self.features[:count] = decoded[:, 0]
        if self.recent.shape[1]:
            self.recent[:count] = torch.cat([self.recent[:count, 1:], ids], 1)
        self.state.put(0, borders.state(tokens, entropies, torch.zeros_like(seen[:, 0])))
        self.lengths = [length + 1 for length in self.lengths]

    def _close(self, rows: Tensor, sizes: Tensor) -> None:
        """Pool the open patches of these rows (B,), which have `sizes` (B,) bytes, and read them."""
        model, longest = self.model, int(sizes.max())
        beyond = (torch.arange(longest, device=self.device) >= sizes[:, None]).long()
        pooled = model.encoder.pool(self.open[rows, :longest], beyond, 2)[:, :1]
        order = self.patches[rows]
        caches = [cache.picked(rows) for cache in self.latent.of(0, self.count, int(order.max()) + 1)]
        latent = model.latent(pooled, caches, order[:, None])
        self.vectors[rows] = model.decoder.patches(latent)[:, 0]
        self.patches[rows] = order + 1

    def _widen(self, length: int) -> None:
        """Make room for open patches of this many bytes."""
        extra = length - self.open.shape[1]
        if extra > 0:
            self.open = F.pad(self.open, (0, 0, 0, -(-extra // _GROWTH) * _GROWTH))


class Growing:
    """The caches of the layers of one part, which grow with the files."""

    def __init__(self, rows: int, layers: int, heads: int, head_size: int, longest: int, like: Tensor) -> None:
        self.longest = longest
        self.capacity = min(_GROWTH, longest)
        self.caches = [LayerCache.empty(rows, heads, self.capacity, head_size, like) for _ in range(layers)]

    def of(self, first: int, last: int, length: int) -> list[LayerCache]:
        """The caches of the rows `first` to `last`, of `length` positions."""
        if length > self.capacity:
            self.capacity = min(-(-length // _GROWTH) * _GROWTH, self.longest)
            for cache in self.caches:
                cache.grow(self.capacity)
        return [cache.rows(first, last, length) for cache in self.caches]

    def move(self, target: int, origin: int) -> None:
        """Copy the file in row `origin` to row `target`."""
        for cache in self.caches:
            cache.move(target, origin)
