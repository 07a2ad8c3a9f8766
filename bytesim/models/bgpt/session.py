"""The decoding state of a bGPT: patch-level keys and values, encoded sources, and the byte-level window.

The running files take the first rows of every tensor, so that a step reads one view of them. When a file leaves, the
last one takes its row.

Axes: B running files, N rows, P patches, S bytes per patch, H hidden, Ts source bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.conditioning import Conditioning, Source
from bytesim.models.bgpt.patch_steps import PatchSteps
from bytesim.models.interface import Choose, Run
from bytesim.models.rows import order_without
from bytesim.nn.attention import LayerCache
from bytesim.nn.matching import Places, Trace
from bytesim.patching import END_OF_PATCH
from bytesim.requests import Request

if TYPE_CHECKING:
    from bytesim.clocks import Clock
    from bytesim.models.bgpt.model import BGPT

_GROWTH = 128
"""Patch-level caches grow by this many patches, so that short files take little memory."""


class BGPTSession:
    """The `interface.Session` of a bGPT, with `count` running files.

    The patch-level decoder reads a finished patch only when the next one begins: by then the files that ended with it
    have left.
    """

    def __init__(self, model: BGPT, rows: int) -> None:
        assert model.byte_decoder is not None, "a classifier does not write bytes"
        self.model = model
        self.byte_decoder = model.byte_decoder
        like = next(model.parameters())
        self.device = like.device
        config = model.config
        self.stride = config.patch_size
        heads = config.hidden_size // config.head_size
        self.capacity = min(_GROWTH, config.max_patches)
        self.patch_caches = [
            LayerCache.empty(rows, heads, self.capacity, config.head_size, like) for _ in range(config.num_layers)
        ]
        window = (config.context_patches + 1) * config.patch_size
        self.kept = config.context_patches * config.patch_size
        byte_heads = config.byte_hidden_size // config.byte_head_size
        self.byte_caches = [
            LayerCache.empty(rows, byte_heads, window, config.byte_head_size, like)
            for _ in range(config.byte_num_layers)
        ]
        self.features = like.new_zeros(rows, config.feature_size)
        self.last = torch.full((rows,), END_OF_PATCH, device=self.device)
        """(N,) last token of each row."""
        near = self.byte_decoder.near
        self.recent = self.last.new_full((rows, near.reach if near else 0), END_OF_PATCH)
        """(N, reach) last tokens before the current patch, for a model with a convolution over nearby bytes."""
        self.positions = self.last.new_zeros(rows, 1)
        """(N, 1) number of patches of each row that the patch-level decoder has read; 0 in free rows."""
        self.current = self.last.new_empty(0, 0)
        """(B, n) tokens of the current patch so far; with n = S the patch-level decoder has yet to read it."""
        self.previous = self.last.new_full((rows, self.stride), END_OF_PATCH)
        """(N, S) the last patch that the patch-level decoder has read of each row."""
        self.source: Source | None = None
        self.trace: Trace | None = None
        """Where in their sources the rows are, for a model that copies."""
        self.clocks: list[Clock | None] = []
        """Clock of each row; None for one that stands still."""
        self.lengths: list[int] = []
        """The `positions` of the running files, known to the host."""
        self._steps: PatchSteps | None = None

    @property
    def count(self) -> int:
        """Number of running files."""
        return len(self.lengths)

    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""
        self._read_patch()
        first = self.count
        last = first + len(requests)
        self.lengths += [len(request.history) for request in requests]
        self.clocks += [_clock_of(request) for request in requests]
        lengths = torch.tensor(self.lengths[first:], device=self.device)
        longest = max(self.lengths[first:])
        self._grow(longest)
        patches = torch.full((len(requests), longest, self.stride), END_OF_PATCH)
        for row, request in enumerate(requests):
            patches[row, : len(request.history)] = torch.from_numpy(request.history)
        patches = patches.to(self.device)
        source = self._encode(requests)
        times = self._times(request_times.after_patches, requests, longest)
        positions = torch.arange(longest, device=self.device).expand(len(requests), -1)
        caches = [cache.rows(first, last, longest) for cache in self.patch_caches]
        features = self.model.patch_decoder(patches, Conditioning(source, times), caches, positions)
        rows = torch.arange(len(requests), device=self.device)
        self.features[first:last] = features[rows, lengths - 1]
        self.positions[first:last, 0] = lengths
        self.previous[first:last] = patches[rows, lengths - 1]
        self.last[first:last] = patches[rows, lengths - 1, -1]
        for row, request in enumerate(requests):
            row_source = None if source is None else source.rows(rows[row : row + 1])
            self._enter_window(first + row, request, patches[row], features[row], row_source)
            self._enter_recent(first + row, patches[row, : len(request.history)])
        self.source = source if self.source is None or source is None else self.source.joined(source)
        if source is not None and source.copy is not None:
            traces = [self._trace(request, source.copy.tokens[row]) for row, request in enumerate(requests)]
            for trace in traces:
                self.trace = trace if self.trace is None else self.trace.joined(trace)
        self.current = self.last.new_empty(self.count, 0)

    def _enter_window(
        self, row: int, request: Request, patches: Tensor, features: Tensor, source: Source | None
    ) -> None:
        """Fill the byte-level window of a row: with zeros, or with the last patches of a prompt."""
        caches = [cache.rows(row, row + 1) for cache in self.byte_caches]
        for cache in caches:
            cache.keys.zero_()
            cache.values.zero_()
        first, length = request.first, len(request.history)
        if first >= length or not self.kept:
            return
        stream = patches[None, :length].flatten(1)
        begin = first * self.stride
        tokens = stream[:, begin - 1 : -1].unflatten(1, (-1, self.stride))
        times = self._times(request_times.of_histories, [request], first)
        near = self.byte_decoder.near(patches[None, :length])[:, first:] if self.byte_decoder.near else None
        copied = None if source is None else source.copy
        places = None if copied is None else Places.before(copied.tokens, stream[:, begin:])
        given = Conditioning(source, times, near, places)
        self.byte_decoder(features[None, first - 1 : length - 1], tokens, given, caches)

    def _enter_recent(self, row: int, patches: Tensor) -> None:
        """Set the recent tokens of a row to the last tokens of its history."""
        reach = self.recent.shape[1]
        if reach:
            self.recent[row] = F.pad(patches.flatten(), (reach, 0), value=END_OF_PATCH)[-reach:]

    def _encode(self, requests: Sequence[Request]) -> Source | None:
        if self.model.source_encoder is None:
            return None
        width = max(1, *(len(request.source) for request in requests))
        tokens = torch.full((len(requests), width), END_OF_PATCH)
        for row, request in enumerate(requests):
            tokens[row, : len(request.source)] = torch.frombuffer(
                bytearray(request.source) or bytearray(1), dtype=torch.uint8
            )[: len(request.source)]
        times = self._times(request_times.of_sources, requests, width)
        return self.model.encode_source(tokens.to(self.device), times)

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows, between two patches. Returns the old indices of the others, in new order."""
        order = order_without(self.count, rows)
        for target, origin in enumerate(order):
            if target != origin:
                for cache in (*self.patch_caches, *self.byte_caches):
                    cache.move(target, origin)
                for tensor in (self.features, self.last, self.recent, self.previous, self.positions):
                    tensor[target] = tensor[origin]
        self.positions[len(order) :] = 0
        self.lengths = [self.lengths[row] for row in order]
        self.clocks = [self.clocks[row] for row in order]
        self.current = self.current[order] if order else self.last.new_empty(0, 0)
        if self.source is not None:
            self.source = self.source.rows(torch.tensor(order, device=self.device)) if order else None
        if self.trace is not None and self.source is not None:
            self.trace = self.trace.rows(torch.tensor(order, device=self.device), self.source.mask.shape[-1])
        elif not order:
            self.trace = None
        return order

    def logits(self) -> Tensor:
        """(B, V) logits of the next byte."""
        self._read_patch()
        times = self.times_now()
        last = self.last[: self.count, None]
        given = Conditioning(self.source, times, None, self._places(last[:, :0]))
        return self.byte_logits(last, self.current, given, self.current.shape[1])[:, 0]

    def guess(self) -> Tensor | None:
        """(B, S) the previous patch, as files often repeat.

        None for published parts, and if a clock depends on the values of the bytes to come.
        """
        config = self.model.config
        if config.parts == "published" or (config.clock and self.times_ahead() is None):
            return None
        self._read_patch()
        return self.previous[: self.count].clone()

    def times_ahead(self) -> Tensor | None:
        """(B, S, C) times of the next patch; None if they depend on its bytes."""
        return self._times(request_times.ahead, self.clocks, self.stride)

    def times_now(self) -> Tensor | None:
        """(B, 1, C) times before the next byte; None without a clock."""
        return self._times(request_times.now, self.clocks)

    def _times(self, times_of: Callable[..., request_times.LongTimes | None], *given: Any) -> Tensor | None:
        """Times on the device of the model; None if it has no clock, or if they are not known."""
        times = times_of(*given) if self.model.config.clock else None
        return None if times is None else torch.from_numpy(times).to(self.device)

    def verify(self, guess: Tensor) -> Tensor:
        """One step of Jacobi decoding: (B, S, V) logits of the next patch, given a guess (B, S) of its bytes."""
        times = self.times_ahead() if self.model.config.clock else None
        self._read_patch()
        before = guess[:, :-1]
        tokens = torch.cat([self.last[: self.count, None], before], 1)
        return self.byte_logits(tokens, before, Conditioning(self.source, times, None, self._places(before)), 0)

    def _places(self, tokens: Tensor) -> Places | None:
        """Where copying may go on before the next byte, and before the one after each of n guessed tokens (B, n)."""
        if self.trace is None or self.source is None or self.source.copy is None:
            return None
        return self.trace.ahead(self.source.copy.tokens, tokens)

    def _trace(self, request: Request, source: Tensor) -> Trace:
        """Where in its source (Ts,) a request is after its history, from patch `first` on."""
        written = torch.from_numpy(request.history[request.first :].astype(np.int64)).to(self.device)
        return Trace.start(source[None]).after(source[None], written.flatten()[None])

    def byte_logits(self, tokens: Tensor, current: Tensor, given: Conditioning, start: int) -> Tensor:
        """(B, n, V) logits of the n bytes that follow `tokens` (B, n), from offset `start` of the patch on.

        `current` (B, start + n - 1) are the bytes of the patch before the last of them; `given` has the times before
        each as (B, n, C), and not yet the nearby bytes.
        """
        rows, near = len(tokens), None
        if self.byte_decoder.near is not None:
            stream = torch.cat([self.recent[:rows], current], 1)
            near = self.byte_decoder.near.after(stream, tokens.shape[1])[:, None]
        times = None if given.times is None else given.times[:, None]
        given = replace(given, times=times, near=near)
        caches = [cache.rows(0, rows) for cache in self.byte_caches]
        return self.byte_decoder(self.features[:rows, None], tokens[:, None], given, caches, start)[:, 0]

    def write(self, tokens: Tensor) -> None:
        """Append (B, n) tokens to the current patches: n is 1, or S for a whole patch."""
        self.current = torch.cat([self.current, tokens], 1) if self.current.shape[1] else tokens
        self.last[: self.count] = tokens[:, -1]
        if self.trace is not None and self.source is not None and self.source.copy is not None:
            self.trace = self.trace.after(self.source.copy.tokens, tokens)
        self.follow(tokens)

    def follow(self, tokens: Tensor) -> None:
        """Advance the clocks by tokens (B, n) that were written."""
        if any(self.clocks):
            for clock, row in zip(self.clocks, tokens.tolist(), strict=True):
                written = bytes(token for token in row if token != END_OF_PATCH)
                if clock is not None and len(row) == 1 and written:
                    clock.advance(written[0])
                elif clock is not None:
                    clock.follow(written)

    def _read_patch(self) -> None:
        """If the current patch is whole, read it with the patch-level decoder and advance the byte-level window."""
        if self.current.shape[1] < self.stride:
            return
        patches = self.current
        length = self.begin_patch()
        self.read_patches(patches, Conditioning(self.source, self.times_now()), length)

    def begin_patch(self) -> int:
        """What the host does before the current patches are read. Returns the patches of the longest file after it."""
        self.current = self.last.new_empty(self.count, 0)
        self.lengths = [length + 1 for length in self.lengths]
        self._grow(max(self.lengths))
        return max(self.lengths)

    def read_patches(self, patches: Tensor, given: Conditioning, length: int) -> None:
        """Read the next patches (B, S) of the first B rows, all of which then have at most `length` patches."""
        rows = len(patches)
        caches = [cache.rows(0, rows, length) for cache in self.patch_caches]
        features = self.model.patch_decoder(patches[:, None], given, caches, self.positions[:rows])
        self.features[:rows] = features[:, 0]
        self.previous[:rows] = patches
        self.positions[:rows] += 1
        reach = self.recent.shape[1]
        if reach:
            self.recent[:rows] = torch.cat([self.recent[:rows], patches], 1)[:, -reach:]
        if self.kept:
            for cache in (cache.rows(0, rows) for cache in self.byte_caches):
                cache.keys[:, :, : self.kept] = cache.keys[:, :, -self.kept :].clone()
                cache.values[:, :, : self.kept] = cache.values[:, :, -self.kept :].clone()

    def writes_strides(self) -> bool:
        """Whether `write_stride` can write the running files: no byte of a patch decides about times or copying."""
        depends = self.model.config.clock and request_times.ahead(self.clocks, self.stride) is None
        return self.trace is None and not depends

    def write_stride(self, choose: Choose, run: Run) -> tuple[Tensor, Tensor]:
        """Write a whole patch of each file: its tokens (B, S), and their negative log-likelihoods (B, S) in nats."""
        self._steps = self._steps or PatchSteps(self)
        return self._steps.write(self, choose, run)

    def _grow(self, positions: int) -> None:
        if positions > self.capacity:
            blocks = -(-positions // _GROWTH)
            self.capacity = min(blocks * _GROWTH, self.model.config.max_patches)
            for cache in self.patch_caches:
                cache.grow(self.capacity)


def _clock_of(request: Request) -> Clock | None:
    clock = request.times.clock() if request.times else None
    return None if clock is None or clock.stands_still else clock
