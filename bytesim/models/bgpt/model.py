"""bGPT: a patch-level decoder reads the history patch by patch, a smaller byte-level decoder writes each patch.

Source: Wu et al. 2024, arXiv:2402.19155, section 3.1; the modern parts are described in docs/models.md.
Axes: B batch, P patches, Q scored patches, S bytes per patch, H hidden, V = 257 tokens, T source bytes. Times, for
models with a clock, are what the clock shows, on a last axis of C, see `bytesim.clocks`.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.clocks import CLOCK_WIDTH
from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.conditioning import Conditioning, Source
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.bgpt.session import BGPTSession
from bytesim.models.framing import frame
from bytesim.nn.attention import Attention, BlockAttention, CrossAttention, LayerCache, SourceKeys
from bytesim.nn.clock import ClockFeatures
from bytesim.nn.copying import Copying
from bytesim.nn.encoder_block import EncoderBlock
from bytesim.nn.matching import Places
from bytesim.nn.numbers import begin_as_numbers
from bytesim.nn.numerals import Numerals
from bytesim.nn.parts import FeedForward, make_norm, make_output
from bytesim.nn.reads import PatchReads, ResultHead
from bytesim.nn.rotary import rotary_table
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE, Patches
from bytesim.requests import Asked, Request


def _clock_features(size: int, config: BGPTConfig) -> ClockFeatures | None:
    return ClockFeatures(size, notation=config.clock_notation) if config.clock else None


class PatchEncoder(nn.Module):
    """Bidirectional attention among the bytes of each patch: (B, P, S, E) -> (B, P, S, E)."""

    mask: Tensor

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        size = config.byte_embedding_size
        self.positions = nn.Parameter(torch.randn(config.patch_size, size) * 0.5)
        self.blocks = nn.ModuleList(
            EncoderBlock(size, config.byte_head_size) for _ in range(config.patch_encoder_layers)
        )
        self.register_buffer("mask", torch.ones(1, 1, dtype=torch.bool), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        patches = (x + self.positions).flatten(0, 1)
        for block in self.blocks:
            patches = block(patches, None, self.mask)
        return patches.view_as(x)


class PatchEmbedding(nn.Module):
    """Patches (B, P, S) -> vectors (B, P, H)."""

    places: Tensor

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        if config.parts == "published":  # one-hot bytes times a matrix is a sum of that matrix's rows
            self.rows = nn.Embedding(config.patch_size * VOCAB_SIZE, config.hidden_size)
            nn.init.normal_(self.rows.weight, std=0.02)
            self.bias = nn.Parameter(torch.zeros(config.hidden_size))
        else:
            self.bytes = nn.Embedding(VOCAB_SIZE, config.byte_embedding_size)
            self.join = nn.Linear(config.patch_size * config.byte_embedding_size, config.hidden_size)
            if config.numeric_bytes:
                begin_as_numbers(self.bytes.weight, 1.0)
            if config.patch_encoder_layers:
                self.encoder = PatchEncoder(config)
        places = torch.arange(config.patch_size) * VOCAB_SIZE
        self.register_buffer("places", places, persistent=False)

    def forward(self, patches: Tensor) -> Tensor:
        if self.config.parts == "modern":
            embedded = self.bytes(patches)
            if self.config.patch_encoder_layers:
                embedded = self.encoder(embedded)
            joined = self.join(embedded.flatten(2))
            return F.rms_norm(joined, (joined.shape[-1],))
        rows = (patches + self.places).flatten(0, 1)
        return F.embedding_bag(rows, self.rows.weight, mode="sum").view(*patches.shape[:2], -1) + self.bias


class DecoderBlock(nn.Module):
    """One layer of a decoder. The decoder itself calls `attention`, and then `finish`."""

    def __init__(self, attention: Attention, size: int, config: BGPTConfig, *, reads_source: bool) -> None:
        super().__init__()
        self.attention_norm = make_norm(size, config.parts)
        self.attention = attention
        self.source_attention = None
        if reads_source:
            self.source_norm = make_norm(size, config.parts)
            self.source_attention = CrossAttention(
                size, config.source_hidden_size, attention.num_heads, config.parts, clock=config.clock
            )
        self.feed_forward_norm = make_norm(size, config.parts)
        self.feed_forward = FeedForward(size, config.parts)

    def finish(self, x: Tensor, keys: SourceKeys | None, given: Conditioning, times: Tensor | None) -> Tensor:
        """The layer after self-attention, for x (B, T, H) at `times`: cross-attention to the source, feed-forward."""
        if self.source_attention is not None and given.source is not None and keys is not None:
            x = x + self.source_attention(self.source_norm(x), keys, given.source.mask, times)
        return x + self.feed_forward(self.feed_forward_norm(x))


class PatchBlock(DecoderBlock):
    """One layer of the patch-level decoder."""

    def __init__(self, config: BGPTConfig, index: int) -> None:
        size = config.hidden_size
        attention = Attention(size, size // config.head_size, config.parts)
        super().__init__(attention, size, config, reads_source=config.patch_source_attention and index % 2 == 1)


class PatchDecoder(nn.Module):
    """Causal decoder over patches: (B, P, S) -> features (B, P, `config.feature_size`), row p of patches 0..p.

    With `patch_reads`, what is read of the last of them follows the H features.
    """

    rotary: Tensor | None

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = PatchEmbedding(config)
        self.reads = None
        if config.patch_reads:
            self.reads = PatchReads(
                config.patch_size,
                config.patch_reads,
                config.patch_reads_size,
                config.hidden_size,
                ask=config.patch_reads_ask,
                hard=config.patch_reads_hard,
            )
            self.read_output = make_output(config.hidden_size, config.hidden_size, config.parts)
        self.positions = nn.Parameter(torch.zeros(config.max_patches, config.hidden_size))
        nn.init.normal_(self.positions, std=0.02 if config.parts == "published" else 0.5)
        self.blocks = nn.ModuleList(PatchBlock(config, index) for index in range(config.num_layers))
        self.norm = make_norm(config.hidden_size, config.parts)
        table = rotary_table(config.max_patches, config.head_size) if config.parts == "modern" else None
        self.register_buffer("rotary", table, persistent=False)
        self.clock = _clock_features(config.hidden_size, config)

    def forward(
        self,
        patches: Tensor,
        given: Conditioning,
        caches: list[LayerCache] | None = None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """Features (B, P, `config.feature_size`). Without caches the patches are the first of their files.

        With a cache for each layer the patches have `positions` (B, P), after the patches that the caches hold.
        """
        places = slice(patches.shape[1]) if positions is None else positions
        x = self.embedding(patches) + self.positions[places]
        read = None if self.reads is None else self.reads(patches)
        if read is not None:
            x = x + self.read_output(read)
        if self.clock is not None and given.times is not None:
            x = x + self.clock(given.times)
        rotary = None if self.rotary is None else self.rotary[:, places]
        rotary = rotary[:, :, None] if rotary is not None and positions is not None else rotary
        for index, block in enumerate(self.layers):
            cache = None if caches is None else caches[index]
            x = x + block.attention(block.attention_norm(x), rotary, cache=cache, positions=positions)
            x = block.finish(x, given.source.patch_keys[index] if given.source else None, given, given.times)
        x = self.norm(x)
        return x if read is None else torch.cat([x, read.to(x.dtype)], -1)

    @property
    def layers(self) -> list[PatchBlock]:
        """The blocks, with their type for the type checker."""
        return cast("list[PatchBlock]", list(self.blocks))


class NearBytes(nn.Module):
    """A causal convolution over tokens, with the taps `config.near_offsets`."""

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.offsets = config.near_offsets
        self.reach = max(self.offsets)
        self.bytes = nn.Embedding(VOCAB_SIZE, config.byte_embedding_size)
        if config.numeric_bytes:
            begin_as_numbers(self.bytes.weight, 1.0)
        self.join = nn.Linear(len(self.offsets) * config.byte_embedding_size, config.byte_hidden_size, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Patches (B, P, S) -> (B, P, S, Hb); the padding before the first patch is END_OF_PATCH."""
        batch, blocks, size = patches.shape
        length = blocks * size
        embedded = self.bytes(F.pad(patches.flatten(1), (self.reach, 0), value=END_OF_PATCH))
        taps = [embedded[:, self.reach - offset : self.reach - offset + length] for offset in self.offsets]
        return self.join(torch.cat(taps, -1)).view(batch, blocks, size, -1)

    def after(self, recent: Tensor, count: int = 1) -> Tensor:
        """(B, count, Hb) for the last `count - 1` bytes of `recent` (B, reach + count - 1 or more) and the next byte.

        Row i is for the byte that follows all but the last `count - 1 - i` tokens.
        """
        embedded, end = self.bytes(recent), recent.shape[1] - count + 1
        taps = [embedded[:, end - offset : end - offset + count] for offset in self.offsets]
        return self.join(torch.cat(taps, -1))


class ByteBlock(DecoderBlock):
    """One layer of the byte-level decoder."""

    attention: BlockAttention

    def __init__(self, config: BGPTConfig) -> None:
        size, parts = config.byte_hidden_size, config.parts
        heads = size // config.byte_head_size
        attention = BlockAttention(size, heads, parts, config.patch_size, config.context_patches)
        super().__init__(attention, size, config, reads_source=config.source_attention and config.byte_source_attention)


class ByteDecoder(nn.Module):
    """Predicts each byte of a patch from the patch feature, the bytes before it and the source."""

    rotary: Tensor | None

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        size = config.byte_hidden_size
        self.bytes = nn.Embedding(VOCAB_SIZE, size)
        self.clock = _clock_features(size, config)
        self.near = NearBytes(config) if config.near_bytes else None
        self.result = ResultHead(config.hidden_size, size) if config.patch_reads else None
        self.copying = Copying(size, config.source_hidden_size, numerals=config.numerals) if config.copying else None
        self.blocks = nn.ModuleList(ByteBlock(config) for _ in range(config.byte_num_layers))
        self.norm = make_norm(size, config.parts)
        if config.parts == "published":
            nn.init.normal_(self.bytes.weight, std=0.02)
            self.positions = nn.Parameter(torch.zeros(config.patch_size + 1, size))
            nn.init.normal_(self.positions, std=0.02)
            self.register_buffer("rotary", None, persistent=False)
        else:
            nn.init.normal_(self.bytes.weight, std=0.5)
            self.feature = nn.Linear(config.hidden_size, size * (config.patch_size if config.byte_features else 1))
            self.head = nn.Linear(size, VOCAB_SIZE, bias=False)
            if config.numeric_bytes:
                begin_as_numbers(self.bytes.weight, 0.5)
                begin_as_numbers(self.head.weight, (3 * size) ** -0.5)  # the scale of torch's own initialisation
            stream = (config.max_patches + config.context_patches + 1) * config.patch_size
            self.register_buffer("rotary", rotary_table(stream, config.byte_head_size), persistent=False)

    def forward(
        self,
        features: Tensor,
        tokens: Tensor,
        given: Conditioning,
        caches: list[LayerCache] | None = None,
        start: int | None = None,
    ) -> Tensor:
        """Logits (B, Q, n, V) of the bytes that follow `tokens` (B, Q, n) in Q patches with features (B, Q, ...).

        Without `start` the patches are whole, n = S (teacher forcing); caches, if given, then hold the last context
        patches. With `start`, Q is 1: the n bytes at offset `start` of the current patch follow those in the caches.
        The logits of a byte depend only on the tokens before it.
        """
        features, read = features.split([self.config.hidden_size, features.shape[-1] - self.config.hidden_size], -1)
        x = self._inputs(features, tokens, start or 0)
        x = x if given.near is None else x + given.near
        copied = given.copied
        if self.copying is not None and copied is not None:
            x = x + self.copying.pointers(*copied).view_as(x)
        batch, blocks, size, hidden = x.shape
        times = None if given.times is None else given.times.flatten(1, 2)
        if self.clock is not None and given.times is not None:
            x = x + self.clock(given.times)
        for index, block in enumerate(self.layers):
            cache = None if caches is None else caches[index]
            if start is None:
                x = x + block.attention.blocks(block.attention_norm(x), self.rotary, cache)
            else:
                assert cache is not None, "decoding from an offset of a patch needs caches"
                x = x + block.attention.within(block.attention_norm(x[:, 0]), self.rotary, start, cache)[:, None]
            x = x.view(batch, blocks * size, hidden)
            x = block.finish(x, given.source.byte_keys[index] if given.source else None, given, times)
            x = x.view(batch, blocks, size, hidden)
        x = self.norm(x)
        if self.config.parts == "published":
            return F.linear(x, self.bytes.weight)
        logits = self.head(x)
        if self.result is not None:
            logits = logits + self.result.gated(read, x)
        if self.copying is not None and copied is not None:
            return self.copying.mixed(logits.flatten(1, 2), x.flatten(1, 2), *copied).view_as(logits)
        return logits

    def _inputs(self, features: Tensor, tokens: Tensor, start: int) -> Tensor:
        """(B, Q, n, Hb): embeddings of the tokens before each byte.

        The patch feature is added to each; with published parts it replaces the first.
        """
        end = start + tokens.shape[2]
        if self.config.parts == "published":
            embedded = self.bytes(tokens)
            if start == 0:
                embedded = torch.cat([features[:, :, None], embedded[:, :, 1:]], 2)
            return embedded + self.positions[start:end]
        spread = self.feature(features).unflatten(-1, (-1, self.config.byte_hidden_size))
        return self.bytes(tokens) + (spread[:, :, start:end] if self.config.byte_features else spread)

    @property
    def layers(self) -> list[ByteBlock]:
        """The blocks, with their type for the type checker."""
        return cast("list[ByteBlock]", list(self.blocks))


class SourceEncoder(nn.Module):
    """Bidirectional encoder of source bytes (B, T), padded with 256 -> (B, T, Hs): a convolution, then attention."""

    rotary: Tensor

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        size = config.source_hidden_size
        self.bytes = nn.Embedding(VOCAB_SIZE, size)
        if config.numeric_bytes:
            begin_as_numbers(self.bytes.weight, 1.0)
        self.numerals = Numerals(size) if config.numerals else None
        self.kernel = config.source_kernel
        self.neighbours = nn.Linear(size * config.source_kernel, size)
        self.positions = nn.Parameter(torch.randn(config.max_source_bytes, size) * 0.3)
        self.blocks = nn.ModuleList(EncoderBlock(size, config.byte_head_size) for _ in range(config.source_layers))
        self.norm = make_norm(size, "modern")
        table = rotary_table(config.max_source_bytes, config.byte_head_size)
        self.register_buffer("rotary", table, persistent=False)
        self.clock = _clock_features(size, config)

    def forward(self, source: Tensor, times: Tensor | None = None) -> Tensor:
        """Encoded source bytes (B, T, Hs); `times` (B, T, C) are the times before each byte."""
        mask = source_mask(source)
        x = self.bytes(source)
        if self.numerals is not None:
            x = x + self.numerals(source)
        x = x * (source != END_OF_PATCH)[..., None]  # padding is zero for the convolution
        # A convolution written as a matrix product, because torch.compile then allows shapes to vary.
        windows = F.pad(x, (0, 0, self.kernel // 2, self.kernel // 2)).unfold(1, self.kernel, 1)
        x = x + self.neighbours(windows.flatten(2)) + self.positions[: source.shape[1]]
        if self.clock is not None and times is not None:
            x = x + self.clock(times)
        for block in self.blocks:
            x = block(x, self.rotary[:, : source.shape[1]], mask)
        return self.norm(x)


def source_mask(source: Tensor) -> Tensor:
    """(B, 1, 1, T) true at visible source positions: every byte, and position 0 even if the source is empty."""
    mask = source != END_OF_PATCH
    mask[:, 0] = True
    return mask[:, None, None]


class BGPT(nn.Module):
    """A bGPT model with published or modern parts, as `config` says."""

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_decoder = PatchDecoder(config)
        self.source_encoder = SourceEncoder(config) if config.source_attention else None
        self.byte_decoder = None if config.num_classes else ByteDecoder(config)
        self.class_head = nn.Linear(config.feature_size, config.num_classes) if config.num_classes else None

    def encode_source(self, source: Tensor, times: Tensor | None = None) -> Source:
        """Encode source bytes (B, T), padded with 256, once per file; `times` (B, T, C) are before each byte."""
        assert self.source_encoder is not None
        times = self._times(times, source.shape)
        encoded = self.source_encoder(source, times)
        byte_blocks = list(self.byte_decoder.blocks) if self.byte_decoder is not None else []
        copying = None if self.byte_decoder is None else self.byte_decoder.copying
        return Source(
            mask=source_mask(source),
            patch_keys=[_source_keys(block, encoded, times) for block in self.patch_decoder.blocks],
            byte_keys=[_source_keys(block, encoded, times) for block in byte_blocks],
            copy=copying.source(source, encoded) if copying is not None else None,
        )

    def answer_logits(self, request: Request, answer: Patches) -> Tensor:
        """Teacher forcing: (A, S, V) logits of the patches of an answer (A, S), given the true patches before each."""
        device = self.patch_decoder.positions.device
        patches = torch.from_numpy(np.concatenate([request.history, answer]).astype(np.int64)).to(device)[None]
        source = torch.tensor([list(request.source)], device=device) if request.source else None
        before = request_times.before_patches(request, answer)
        times = None if before is None else torch.from_numpy(before).to(device)
        source_times = None
        if source is not None:
            source_times = torch.from_numpy(request_times.of_sources([request], source.shape[1])).to(device)
        first, context = torch.tensor([request.first], device=device), len(request.history) - request.first
        return self(patches, source, first, context + len(answer), times, source_times)[0, context:]

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; see `framing.frame`. Raises ContextError if no room is left for an answer."""
        return frame(self.config, asked, **options)

    def session(self, rows: int) -> BGPTSession:
        """An empty decoding session for at most `rows` files."""
        return BGPTSession(self, rows)

    def _times(self, times: Tensor | None, shape: torch.Size) -> Tensor | None:
        """Times (..., C) of tokens (...); zeros for a model with a clock if none are given."""
        if times is None and self.config.clock:
            return torch.zeros(*shape, CLOCK_WIDTH, dtype=torch.long, device=self.patch_decoder.positions.device)
        return times

    def features(self, patches: Tensor) -> Tensor:
        """Patch-level features (B, P, `config.feature_size`) of patches (B, P, S), without a source."""
        return self.patch_decoder(patches, Conditioning())

    def forward(
        self,
        patches: Tensor,
        source: Tensor | None = None,
        first: Tensor | None = None,
        rows: int | None = None,
        times: Tensor | None = None,
        source_times: Tensor | None = None,
    ) -> Tensor:
        """Score patches, given the true patches before each (teacher forcing).

        Takes (B, P, S) token ids. Returns logits (B, Q, S, V); row q scores patch `first + q` of each file. By default
        `first` (B,) is 1 and `rows` is P - 1. `source` (B, T), padded with 256, goes to the source encoder, if the
        model has one; by default it is empty. `times` (B, P, S, C) and `source_times` (B, T, C) are the times before
        each byte, for a model with a clock.
        """
        assert self.byte_decoder is not None, "a classifier does not score bytes"
        if source is None:
            source = torch.full((len(patches), 1), END_OF_PATCH, device=patches.device)
        encoded = self.encode_source(source, source_times) if self.source_encoder is not None else None
        times = self._times(times, patches.shape)
        after = None if times is None else _after_patches(times)
        features = self.patch_decoder(patches, Conditioning(encoded, after))
        if first is None:
            picked = torch.arange(1, patches.shape[1], device=patches.device).expand(len(patches), -1)
        else:
            assert rows is not None
            picked = first[:, None] + torch.arange(rows, device=patches.device)
            picked = picked.clamp(max=patches.shape[1] - 1)
        before = patches[:, :, -1].gather(1, picked - 1)
        targets = patches.gather(1, picked[..., None].expand(-1, -1, patches.shape[2]))
        features = features.gather(1, (picked - 1)[..., None].expand(-1, -1, features.shape[-1]))
        if times is not None:
            times = times.gather(1, picked[..., None, None].expand(-1, -1, *times.shape[2:]))
        near = None
        if self.byte_decoder.near is not None:
            near = self.byte_decoder.near(patches)
            near = near.gather(1, picked[..., None, None].expand(-1, -1, *near.shape[2:]))
        copies = self.byte_decoder.copying is not None
        places = Places.before(source, targets.flatten(1)) if copies else None
        tokens = torch.cat([before[..., None], targets[..., :-1]], -1)
        return self.byte_decoder(features, tokens, Conditioning(encoded, times, near, places))

    def results(self, patches: Tensor) -> Tensor:
        """Logits (N, V) of the byte to which the reads of each patch (N, S) amount, for the auxiliary loss."""
        assert self.patch_decoder.reads is not None, "this model reads no single bytes of a patch"
        assert self.byte_decoder is not None
        assert self.byte_decoder.result is not None
        return self.byte_decoder.result(self.patch_decoder.reads(patches))

    def classify(self, patches: Tensor, lengths: Tensor) -> Tensor:
        """Class logits (B, num_classes): the mean feature of each file's first `lengths` (B,) patches, then linear."""
        assert self.class_head is not None, "this model has no classification head"
        features = self.features(patches)
        real = (torch.arange(patches.shape[1], device=patches.device) < lengths[:, None])[..., None]
        return self.class_head((features * real).sum(1) / lengths[:, None])


def _after_patches(times: Tensor) -> Tensor:
    """Times before each byte (B, P, S, C) -> times after each patch (B, P, C).

    For the last patch it is the time before its last byte.
    """
    return torch.cat([times[:, 1:, 0], times[:, -1:, -1]], 1)


def _source_keys(block: nn.Module, encoded: Tensor, times: Tensor | None) -> SourceKeys | None:
    attention = block.source_attention
    return attention.source_keys(encoded, times) if isinstance(attention, CrossAttention) else None
