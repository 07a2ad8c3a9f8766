"""What decoding keeps of the files it writes: patch-level keys and values, sources, and the byte-level window.

The running files stand in the first rows of every tensor, so that a view of those rows is all that a step reads. When
a file leaves, the last one takes its row.

Axes: B running files, N rows, P patches, S bytes per patch, H hidden, T source bytes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.model import BGPT, Source, SourceKeys
from bytesim.nn.attention import LayerCache
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request

_GROWTH = 128
"""Patch-level caches grow by this many patches, so that short files take little memory."""


class Caches:
    """The state of the running files, `count` of them."""

    def __init__(self, model: BGPT, rows: int) -> None:
        assert model.byte_decoder is not None, "a classifier writes no bytes"
        self.model = model
        self.byte_decoder = model.byte_decoder
        like = next(model.parameters())
        self.device = like.device
        config = model.config
        heads = config.hidden_size // config.head_size
        self.capacity = min(_GROWTH, config.max_patches)
        self.patches = [
            LayerCache.empty(rows, heads, self.capacity, config.head_size, like) for _ in range(config.num_layers)
        ]
        block = config.patch_size + (config.parts == "published")
        window = (config.context_patches + 1) * block
        self.kept = config.context_patches * block
        byte_heads = config.byte_hidden_size // config.byte_head_size
        self.bytes = [
            LayerCache.empty(rows, byte_heads, window, config.byte_head_size, like)
            for _ in range(config.byte_num_layers)
        ]
        self.features = like.new_zeros(rows, config.hidden_size)
        self.last = torch.full((rows,), END_OF_PATCH, device=self.device)
        self.patch = torch.full((rows, config.patch_size), END_OF_PATCH, device=self.device)
        """(N, S) the patch before the current one."""
        near = self.byte_decoder.near
        self.recent = self.last.new_full((rows, near.reach if near else 0), END_OF_PATCH)
        """(N, reach) the last tokens before the current patch, for a model that is shown them together."""
        self.begun = self.recent[:, :0]
        """(B, place) the tokens of the current patch."""
        self.source: Source | None = None
        self.count = 0

    def enter(self, requests: list[Request]) -> None:
        """Read the histories of files that take the rows after those in use."""
        first, self.count = self.count, self.count + len(requests)
        lengths = torch.tensor([len(request.history) for request in requests], device=self.device)
        longest = int(lengths.max())
        self._grow(longest)
        patches = torch.full((len(requests), longest, self.model.config.patch_size), END_OF_PATCH)
        for row, request in enumerate(requests):
            patches[row, : len(request.history)] = torch.from_numpy(request.history)
        patches = patches.to(self.device)
        source = self._encode(requests)
        times = request_times.after_patches(requests, longest, self.device) if self.model.config.clock else None
        positions = torch.arange(longest, device=self.device).expand(len(requests), -1)
        caches = [cache.rows(first, self.count) for cache in self.patches]
        features = self.model.patch_decoder.cached(patches, positions, caches, source, times)
        every = torch.arange(len(requests), device=self.device)
        self.features[first : self.count] = features[every, lengths - 1]
        self.patch[first : self.count] = patches[every, lengths - 1]
        self.last[first : self.count] = self.patch[first : self.count, -1]
        for row, request in enumerate(requests):
            alone = None if source is None else _rows_of(source, every[row : row + 1])
            self._enter_window(first + row, request, patches[row], features[row], alone)
            self._enter_recent(first + row, patches[row, : len(request.history)])
        self.source = _joined(self.source, source)

    def _enter_window(
        self, row: int, request: Request, patches: Tensor, features: Tensor, source: Source | None
    ) -> None:
        """Set the byte-level window of a row: zeros, or the last patches of a prompt."""
        for cache in self.bytes:
            cache.keys[row], cache.values[row] = 0, 0
        first, length = request.first, len(request.history)
        if first >= length or not self.kept:
            return
        targets, before = patches[None, first:length], patches[None, first - 1 : length - 1, -1]
        times = request_times.of_histories([request], first, self.device) if self.model.config.clock else None
        near = self.byte_decoder.near(patches[None, :length])[:, first:] if self.byte_decoder.near else None
        _, tails = self.byte_decoder(features[None, first - 1 : length - 1], targets, before, source, times, near)
        for cache, (keys, values) in zip(self.bytes, tails, strict=True):
            cache.keys[row, :, : self.kept], cache.values[row, :, : self.kept] = keys[0], values[0]

    def _enter_recent(self, row: int, patches: Tensor) -> None:
        """Set the recent tokens of a row to the last ones of its history."""
        reach = self.recent.shape[1]
        if reach:
            self.recent[row] = F.pad(patches.flatten(), (reach, 0), value=END_OF_PATCH)[-reach:]

    def _encode(self, requests: list[Request]) -> Source | None:
        if self.model.source_encoder is None:
            return None
        width = max(1, *(len(request.source) for request in requests))
        tokens = torch.full((len(requests), width), END_OF_PATCH)
        for row, request in enumerate(requests):
            tokens[row, : len(request.source)] = torch.frombuffer(
                bytearray(request.source) or bytearray(1), dtype=torch.uint8
            )[: len(request.source)]
        times = request_times.of_sources(requests, width, self.device) if self.model.config.clock else None
        return self.model.encode_source(tokens.to(self.device), times)

    def leave(self, rows: list[int]) -> list[int]:
        """Forget the files in these rows. Returns which rows stay, in the order that they stand in from now on."""
        order = list(range(self.count))
        for row in sorted(rows, reverse=True):
            order[row] = order[-1]
            order.pop()
        for target, origin in enumerate(order):
            if target != origin:
                for cache in (*self.patches, *self.bytes):
                    cache.move(target, origin)
                for each in (self.features, self.last, self.patch, self.recent):
                    each[target] = each[origin]
        self.count = len(order)
        if self.source is not None:
            self.source = _rows_of(self.source, torch.tensor(order, device=self.device)) if order else None
        return order

    def byte_logits(self, place: int, times: Tensor | None = None) -> Tensor:
        """(B, V) logits of byte `place` of the current patch; `last` is the token before it, `times` (B, 2) are now."""
        window = [cache.rows(0, self.count) for cache in self.bytes]
        last, features = self.last[: self.count], self.features[: self.count]
        near = None
        if self.byte_decoder.near:
            self.begun = torch.cat([self.begun, last[:, None]], 1) if place else last.new_empty(self.count, 0)
            near = self.byte_decoder.near.after(torch.cat([self.recent[: self.count], self.begun], 1))
        return self.byte_decoder.step(place, last, features, window, self.source, times, near)

    def patch_logits(self, tokens: Tensor, times: Tensor | None = None) -> Tensor:
        """(B, S, V) logits of every byte of the current patch, were its bytes `tokens` (B, S); `times` (B, S, 2)."""
        window = [cache.rows(0, self.count) for cache in self.bytes]
        last, features = self.last[: self.count], self.features[: self.count]
        near = None
        if self.byte_decoder.near:
            stream = torch.cat([self.recent[: self.count], tokens[:, :-1]], 1)
            near = self.byte_decoder.near.after(stream, tokens.shape[1])
        return self.byte_decoder.steps(tokens, last, features, window, self.source, times, near)

    def advance(self, patches: Tensor, positions: Tensor, times: Tensor | None = None) -> None:
        """Read the patches (B, S) just written, at `positions` (B,), and move the byte-level window on.

        `times` (B, 2) are those after the patches.
        """
        self._grow(int(positions.max()) + 1)
        caches = [cache.rows(0, self.count) for cache in self.patches]
        times = None if times is None else times[:, None]
        features = self.model.patch_decoder.cached(patches[:, None], positions[:, None], caches, self.source, times)
        self.features[: self.count], self.last[: self.count] = features[:, 0], patches[:, -1]
        self.patch[: self.count] = patches
        if self.byte_decoder.near:
            reach = self.recent.shape[1]
            self.recent[: self.count] = torch.cat([self.recent[: self.count], patches], 1)[:, -reach:]
        if self.kept:
            for cache in self.bytes:
                cache.keys[:, :, : self.kept] = cache.keys[:, :, -self.kept :].clone()
                cache.values[:, :, : self.kept] = cache.values[:, :, -self.kept :].clone()

    def _grow(self, positions: int) -> None:
        if positions > self.capacity:
            wanted = -(-positions // _GROWTH) * _GROWTH
            self.capacity = min(wanted, self.model.config.max_patches)
            for cache in self.patches:
                cache.grow(self.capacity)


def _rows_of(source: Source, rows: Tensor) -> Source:
    """The source of some files, without the padding that none of them needs."""
    mask = source.mask[rows]
    width = int(mask.sum(-1).max())
    return Source(mask[..., :width], _cut(source.patch_keys, rows, width), _cut(source.byte_keys, rows, width))


def _cut(keys: SourceKeys, rows: Tensor, width: int) -> SourceKeys:
    return [None if pair is None else (pair[0][rows, :, :width], pair[1][rows, :, :width]) for pair in keys]


def _joined(first: Source | None, second: Source | None) -> Source | None:
    """The files of two sources as one batch, padded to the longest."""
    if first is None or second is None:
        return first or second
    width = max(first.mask.shape[-1], second.mask.shape[-1])

    def below(one: Tensor, other: Tensor) -> Tensor:
        return torch.cat([F.pad(each, (0, 0, 0, width - each.shape[2])) for each in (one, other)])

    def joined(ones: SourceKeys, others: SourceKeys) -> SourceKeys:
        return [
            None if one is None or other is None else (below(one[0], other[0]), below(one[1], other[1]))
            for one, other in zip(ones, others, strict=True)
        ]

    mask = torch.cat([F.pad(each.mask, (0, width - each.mask.shape[-1])) for each in (first, second)])
    return Source(mask, joined(first.patch_keys, second.patch_keys), joined(first.byte_keys, second.byte_keys))
