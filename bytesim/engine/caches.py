"""What decoding keeps of the files in its slots: patch-level keys and values, sources, and the byte-level window.

Patch-level caches and sources stay in their slots. What the byte-level decoder touches at every byte is held
for the running files only, gathered anew when one comes or goes.

Axes: B running files, N slots, P patches, S bytes per patch, H hidden, T source bytes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.engine.requests import Request
from bytesim.models.bgpt import BGPT, Source, SourceKeys
from bytesim.nn.attention import LayerCache
from bytesim.patching import END_OF_PATCH

_GROWTH = 128
"""Patch-level caches grow by this many patches, so that short files take little memory."""


class Caches:
    """The state of every slot, and the running files' part of it."""

    def __init__(self, model: BGPT, slots: int) -> None:
        assert model.byte_decoder is not None, "a classifier writes no bytes"
        self.model = model
        self.bytes = model.byte_decoder
        self.like = next(model.parameters())
        self.device = self.like.device
        config = model.config
        heads = config.hidden_size // config.head_size
        self.capacity = min(_GROWTH, config.max_patches)
        self.patches = [
            LayerCache.empty(slots, heads, self.capacity, config.head_size, self.like) for _ in range(config.num_layers)
        ]
        block = config.patch_size + (config.parts == "published")
        self.window = (config.context_patches + 1) * block
        self.kept = config.context_patches * block
        byte_heads = config.byte_hidden_size // config.byte_head_size
        self.slot_bytes = [
            LayerCache.empty(slots, byte_heads, self.window, config.byte_head_size, self.like)
            for _ in range(config.byte_num_layers)
        ]
        self.slot_features = self.like.new_zeros(slots, config.hidden_size)
        self.slot_last = torch.full((slots,), END_OF_PATCH, device=self.device)
        self.slot_sources: list[Source | None] = [None] * slots
        self.rows = torch.empty(0, dtype=torch.long)
        self.active_bytes: list[LayerCache] = []
        self.features, self.last = self.slot_features[:0], self.slot_last[:0]
        self.source: Source | None = None

    def prefill(self, entering: list[tuple[int, Request]]) -> None:
        """Read the histories of files that enter slots."""
        slots = torch.tensor([slot for slot, _ in entering], device=self.device)
        requests = [request for _, request in entering]
        self._put_back()
        lengths = torch.tensor([len(request.history) for request in requests], device=self.device)
        longest = int(lengths.max())
        self._grow(longest)
        patches = torch.full((len(requests), longest, self.model.config.patch_size), END_OF_PATCH)
        for row, request in enumerate(requests):
            patches[row, : len(request.history)] = torch.from_numpy(request.history)
        patches = patches.to(self.device)
        source = self._encode(requests)
        order = torch.argsort(slots)  # caches are written by ascending rows
        slots, patches, lengths = slots[order], patches[order], lengths[order]
        requests = [requests[int(row)] for row in order]
        source = None if source is None else _rows_of(source, order)
        positions = torch.arange(longest, device=self.device).expand(len(requests), -1)
        features = self.model.patch_decoder.cached(patches, slots, positions, self.patches, source)
        every = torch.arange(len(requests), device=self.device)
        self.slot_features[slots] = features[every, lengths - 1]
        self.slot_last[slots] = patches[every, lengths - 1, -1]
        for row, slot in enumerate(slots.tolist()):
            self.slot_sources[slot] = None if source is None else _rows_of(source, every[row : row + 1])
            self._prefill_bytes(slot, requests[row], patches[row], features[row], self.slot_sources[slot])

    def _prefill_bytes(
        self, slot: int, request: Request, patches: Tensor, features: Tensor, source: Source | None
    ) -> None:
        """Set the byte-level window of a slot: zeros, or the last patches of a prompt."""
        for cache in self.slot_bytes:
            cache.keys[slot], cache.values[slot] = 0, 0
        first, length = request.first, len(request.history)
        if first >= length or not self.kept:
            return
        targets, before = patches[None, first:length], patches[None, first - 1 : length - 1, -1]
        _, tails = self.bytes(features[None, first - 1 : length - 1], targets, before, source)
        for cache, (keys, values) in zip(self.slot_bytes, tails, strict=True):
            cache.keys[slot, :, : self.kept], cache.values[slot, :, : self.kept] = keys[0], values[0]

    def _encode(self, requests: list[Request]) -> Source | None:
        if self.model.source_encoder is None:
            return None
        width = max(1, *(len(request.source) for request in requests))
        tokens = torch.full((len(requests), width), END_OF_PATCH)
        for row, request in enumerate(requests):
            tokens[row, : len(request.source)] = torch.frombuffer(
                bytearray(request.source) or bytearray(1), dtype=torch.uint8
            )[: len(request.source)]
        return self.model.encode_source(tokens.to(self.device))

    def select(self, slots: list[int]) -> None:
        """Make these slots, ascending, the running files."""
        self.rows = torch.tensor(slots, device=self.device)
        self.active_bytes = [LayerCache(each.keys[self.rows], each.values[self.rows]) for each in self.slot_bytes]
        self.features, self.last = self.slot_features[self.rows], self.slot_last[self.rows]
        self.source = _joined([self.slot_sources[slot] for slot in slots])

    def _put_back(self) -> None:
        """Store the running files' part in their slots."""
        if len(self.rows):
            for slot_cache, cache in zip(self.slot_bytes, self.active_bytes, strict=True):
                slot_cache.keys[self.rows], slot_cache.values[self.rows] = cache.keys, cache.values
            self.slot_features[self.rows], self.slot_last[self.rows] = self.features, self.last

    def keep(self, stay: Tensor, slots: list[int]) -> None:
        """Go on with the running files `stay` only, which have these slots."""
        self._put_back()
        self.select(slots)

    def byte_logits(self, place: int) -> Tensor:
        """(B, V) logits of byte `place` of the current patch; `last` is the token before it."""
        return self.bytes.step(place, self.last, self.features, self.active_bytes, self.source)

    def advance(self, patches: Tensor, positions: Tensor) -> None:
        """Read the patches (B, S) just written, at `positions` (B,), and move the byte-level window on."""
        self._grow(int(positions.max()) + 1)
        features = self.model.patch_decoder.cached(
            patches[:, None], self.rows, positions[:, None], self.patches, self.source
        )
        self.features, self.last = features[:, 0], patches[:, -1]
        if self.kept:
            for cache in self.active_bytes:
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


def _joined(sources: list[Source | None]) -> Source | None:
    """Sources of one file each as one batch, padded to the longest."""
    present = [source for source in sources if source is not None]
    if not present:
        return None
    width = max(source.mask.shape[-1] for source in present)
    mask = torch.cat([F.pad(source.mask, (0, width - source.mask.shape[-1])) for source in present])

    def padded(which: str, layer: int, part: int) -> Tensor:
        pairs = [getattr(source, which)[layer][part] for source in present]
        return torch.cat([F.pad(each, (0, 0, 0, width - each.shape[2])) for each in pairs])

    def layers(which: str) -> SourceKeys:
        first: SourceKeys = getattr(present[0], which)
        return [
            None if pair is None else (padded(which, layer, 0), padded(which, layer, 1))
            for layer, pair in enumerate(first)
        ]

    return Source(mask, layers("patch_keys"), layers("byte_keys"))
