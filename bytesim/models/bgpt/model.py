"""bGPT: one decoder reads the history patch by patch, a smaller one spells each patch byte by byte.

Source: Wu et al. 2024, arXiv:2402.19155, section 3.1; the modern parts are described in docs/models.md.
Axes: B batch, P patches, Q scored patches, S bytes per patch, H hidden, V = 257 tokens, T source bytes. Times, for
models with a clock, are pairs of ticks on a last axis of 2, see `bytesim.clocks`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.models.bgpt.config import BGPTConfig
from bytesim.nn.attention import Attention, BlockAttention, CrossAttention, LayerCache
from bytesim.nn.clock import ClockFeatures
from bytesim.nn.encoder_block import EncoderBlock
from bytesim.nn.numbers import begin_as_numbers
from bytesim.nn.parts import FeedForward, make_norm
from bytesim.nn.rotary import rotary_table
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE

SourceKeys = list[tuple[Tensor, Tensor] | None]
"""One (keys, values) pair for each decoder layer that attends to the source, None for the others."""


@dataclass(slots=True)
class Source:
    """An encoded source: its mask (B, 1, 1, T) and what each decoder layer reads from it."""

    mask: Tensor
    patch_keys: SourceKeys
    byte_keys: SourceKeys


class PatchEncoder(nn.Module):
    """Bytes of patches (B, P, S, E) -> the same shape: each byte has seen the others of its patch."""

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
            spelled = self.bytes(patches)
            if self.config.patch_encoder_layers:
                spelled = self.encoder(spelled)
            joined = self.join(spelled.flatten(2))
            return F.rms_norm(joined, (joined.shape[-1],))
        rows = (patches + self.places).flatten(0, 1)
        return F.embedding_bag(rows, self.rows.weight, mode="sum").view(*patches.shape[:2], -1) + self.bias


class DecoderBlock(nn.Module):
    """One layer of a decoder: `attention`, which the two levels use each in its way, and what follows it."""

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

    def finish(
        self, x: Tensor, source: Source | None, keys: tuple[Tensor, Tensor] | None, times: Tensor | None
    ) -> Tensor:
        """What follows self-attention, for x (B, T, H): source attention where there is one, then feed-forward."""
        if self.source_attention is not None and source is not None and keys is not None:
            x = x + self.source_attention(self.source_norm(x), *keys, source.mask, times)
        return x + self.feed_forward(self.feed_forward_norm(x))


class PatchBlock(DecoderBlock):
    """One layer of the patch-level decoder."""

    def __init__(self, config: BGPTConfig, index: int) -> None:
        size = config.hidden_size
        attention = Attention(size, size // config.head_size, config.parts)
        super().__init__(attention, size, config, reads_source=config.patch_source_attention and index % 2 == 1)


class PatchDecoder(nn.Module):
    """Reads patches (B, P, S), gives features (B, P, H): row p knows patches 0..p."""

    rotary: Tensor | None

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = PatchEmbedding(config)
        self.positions = nn.Parameter(torch.zeros(config.max_patches, config.hidden_size))
        nn.init.normal_(self.positions, std=0.02 if config.parts == "published" else 0.5)
        self.blocks = nn.ModuleList(PatchBlock(config, index) for index in range(config.num_layers))
        self.norm = make_norm(config.hidden_size, config.parts)
        table = rotary_table(config.max_patches, config.head_size) if config.parts == "modern" else None
        self.register_buffer("rotary", table, persistent=False)
        self.clock = ClockFeatures(config.hidden_size) if config.clock else None

    def forward(self, patches: Tensor, source: Source | None = None, times: Tensor | None = None) -> Tensor:
        """`times` (B, P, 2) are those after each patch."""
        length = patches.shape[1]
        x = self._inputs(patches, self.positions[:length], times)
        rotary = None if self.rotary is None else self.rotary[:, :length]
        for index, block in enumerate(cast("list[PatchBlock]", self.blocks)):
            x = x + block.attention(block.attention_norm(x), rotary)
            x = block.finish(x, source, source.patch_keys[index] if source else None, times)
        return self.norm(x)

    def _inputs(self, patches: Tensor, positions: Tensor, times: Tensor | None) -> Tensor:
        x = self.embedding(patches) + positions
        return x if self.clock is None or times is None else x + self.clock(times)

    def cached(
        self,
        patches: Tensor,
        positions: Tensor,
        caches: list[LayerCache],
        source: Source | None,
        times: Tensor | None = None,
    ) -> Tensor:
        """`forward` for patches at `positions` (B, P), with what the caches hold of those B files before them."""
        x = self._inputs(patches, self.positions[positions], times)
        rotary = None if self.rotary is None else self.rotary[:, positions][:, :, None]
        blocks = cast("list[PatchBlock]", self.blocks)
        for index, (block, cache) in enumerate(zip(blocks, caches, strict=True)):
            x = x + block.attention.cached(block.attention_norm(x), rotary, positions, cache)
            x = block.finish(x, source, source.patch_keys[index] if source else None, times)
        return self.norm(x)


class NearBytes(nn.Module):
    """A causal convolution over tokens: what the bytes at certain offsets before a byte say about it."""

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.offsets = config.near_offsets
        self.reach = max(self.offsets)
        self.bytes = nn.Embedding(VOCAB_SIZE, config.byte_embedding_size)
        if config.numeric_bytes:
            begin_as_numbers(self.bytes.weight, 1.0)
        self.join = nn.Linear(len(self.offsets) * config.byte_embedding_size, config.byte_hidden_size, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Patches (B, P, S) -> (B, P, S, Hb); before the first there are tokens 256."""
        batch, blocks, size = patches.shape
        length = blocks * size
        spelled = self.bytes(F.pad(patches.flatten(1), (self.reach, 0), value=END_OF_PATCH))
        shown = [spelled[:, self.reach - offset : self.reach - offset + length] for offset in self.offsets]
        return self.join(torch.cat(shown, -1)).view(batch, blocks, size, -1)

    def after(self, recent: Tensor, count: int = 1) -> Tensor:
        """(B, count, Hb) for the bytes before the last ones of `recent` (B, reach + count - 1 or more), and the next.

        Row i is for the byte that follows all but the last `count - 1 - i` tokens.
        """
        ends = [recent.shape[1] - count + 1 + index for index in range(count)]
        places = torch.tensor([[end - offset for offset in self.offsets] for end in ends], device=recent.device)
        return self.join(self.bytes(recent[:, places]).flatten(2))


class ByteBlock(DecoderBlock):
    """One layer of the byte-level decoder."""

    attention: BlockAttention

    def __init__(self, config: BGPTConfig) -> None:
        size, parts = config.byte_hidden_size, config.parts
        # A published block holds the feature besides its bytes, so one position more.
        block_size = config.patch_size + (parts == "published")
        heads = size // config.byte_head_size
        attention = BlockAttention(size, heads, parts, block_size, config.context_patches)
        super().__init__(attention, size, config, reads_source=config.source_attention and config.byte_source_attention)


class ByteDecoder(nn.Module):
    """Spells patches: each byte from the patch feature, the bytes before it and the source."""

    rotary: Tensor | None

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        size = config.byte_hidden_size
        self.bytes = nn.Embedding(VOCAB_SIZE, size)
        self.clock = ClockFeatures(size) if config.clock else None
        self.near = NearBytes(config) if config.near_bytes else None
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
                begin_as_numbers(self.head.weight, (3 * size) ** -0.5)  # as large as torch makes it
            stream = (config.max_patches + config.context_patches + 1) * config.patch_size
            self.register_buffer("rotary", rotary_table(stream, config.byte_head_size), persistent=False)

    def forward(
        self,
        features: Tensor,
        targets: Tensor,
        before: Tensor,
        source: Source | None = None,
        times: Tensor | None = None,
        near: Tensor | None = None,
    ) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Logits (B, Q, S, V) for target patches (B, Q, S), one feature (B, Q, H) each.

        `before` (B, Q) holds the last token of the patch before each, `times` (B, Q, S, 2) those before each byte,
        `near` (B, Q, S, Hb) what `self.near` makes of the bytes before each. Also returns each layer's unrotated keys
        and values of the last context patches, from which `step` goes on.
        """
        x = self._inputs(features, targets, before)
        x = x if near is None else x + near
        batch, blocks, size, hidden = x.shape
        if self.clock is not None and times is not None:
            x, times = x + self.clock(times), times.flatten(1, 2)
        tails = []
        for index, block in enumerate(cast("list[ByteBlock]", self.blocks)):
            attended, keys, values = block.attention.blocks(block.attention_norm(x), self.rotary)
            tails.append((keys, values))
            x = (x + attended).view(batch, blocks * size, hidden)
            x = block.finish(x, source, source.byte_keys[index] if source else None, times)
            x = x.view(batch, blocks, size, hidden)
        return self._logits(x[:, :, : self.config.patch_size]), tails

    def _inputs(self, features: Tensor, targets: Tensor, before: Tensor) -> Tensor:
        if self.config.parts == "published":
            return torch.cat([features[:, :, None], self.bytes(targets)], 2) + self.positions
        shifted = torch.cat([before[..., None], targets[..., :-1]], -1)
        return self.bytes(shifted) + self._spread(features)

    def _spread(self, features: Tensor) -> Tensor:
        """Features (..., H) -> what they add to each byte, (..., S, Hb), or to all of them, (..., 1, Hb)."""
        return self.feature(features).unflatten(-1, (-1, self.config.byte_hidden_size))

    def _logits(self, x: Tensor) -> Tensor:
        x = self.norm(x)
        return F.linear(x, self.bytes.weight) if self.config.parts == "published" else self.head(x)

    def step(
        self,
        index: int,
        last: Tensor,
        features: Tensor,
        caches: list[LayerCache],
        source: Source | None,
        times: Tensor | None = None,
        near: Tensor | None = None,
    ) -> Tensor:
        """Logits (B, V) for byte `index` of the current patch, given the token before it, `last` (B,).

        `times` (B, 2) are those before the byte, `near` (B, 1, Hb) comes from `self.near.after`.
        """
        if self.config.parts == "published":
            x = features if index == 0 else self.bytes(last)
            x = (x + self.positions[index])[:, None]
        else:
            x = self.bytes(last)[:, None] + self._spread(features)[:, index if self.config.byte_features else 0, None]
        x = x if near is None else x + near
        if self.clock is not None and times is not None:
            times = times[:, None]
            x = x + self.clock(times)
        blocks = cast("list[ByteBlock]", self.blocks)
        for layer, (block, cache) in enumerate(zip(blocks, caches, strict=True)):
            x = x + block.attention.step(block.attention_norm(x), self.rotary, index, cache)
            x = block.finish(x, source, source.byte_keys[layer] if source else None, times)
        return self._logits(x[:, 0])

    def steps(
        self,
        tokens: Tensor,
        last: Tensor,
        features: Tensor,
        caches: list[LayerCache],
        source: Source | None,
        times: Tensor | None = None,
        near: Tensor | None = None,
    ) -> Tensor:
        """`step` for every byte of the current patch at once, for modern parts: logits (B, S, V).

        `tokens` (B, S) stand for the bytes of the patch, `last` (B,) is the token before them; `times` (B, S, 2) are
        those before each byte, `near` (B, S, Hb) comes from `self.near.after`. The logits of a byte depend on the
        tokens before it alone.
        """
        x = self.bytes(torch.cat([last[:, None], tokens[:, :-1]], 1)) + self._spread(features)
        x = x if near is None else x + near
        if self.clock is not None and times is not None:
            x = x + self.clock(times)
        blocks = cast("list[ByteBlock]", self.blocks)
        for layer, (block, cache) in enumerate(zip(blocks, caches, strict=True)):
            x = x + block.attention.steps(block.attention_norm(x), self.rotary, cache)
            x = block.finish(x, source, source.byte_keys[layer] if source else None, times)
        return self._logits(x)


class SourceEncoder(nn.Module):
    """Source bytes (B, T), padded with 256 -> vectors (B, T, Hs); each knows its neighbours and its place."""

    rotary: Tensor

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        size = config.source_hidden_size
        self.bytes = nn.Embedding(VOCAB_SIZE, size)
        if config.numeric_bytes:
            begin_as_numbers(self.bytes.weight, 1.0)
        self.kernel = config.source_kernel
        self.neighbours = nn.Linear(size * config.source_kernel, size)
        self.positions = nn.Parameter(torch.randn(config.max_source_bytes, size) * 0.3)
        self.blocks = nn.ModuleList(EncoderBlock(size, config.byte_head_size) for _ in range(config.source_layers))
        self.norm = make_norm(size, "modern")
        table = rotary_table(config.max_source_bytes, config.byte_head_size)
        self.register_buffer("rotary", table, persistent=False)
        self.clock = ClockFeatures(size) if config.clock else None

    def forward(self, source: Tensor, times: Tensor | None = None) -> Tensor:
        """`times` (B, T, 2) are those before each byte."""
        mask = source_mask(source)
        x = self.bytes(source) * (source != END_OF_PATCH)[..., None]  # padding is as nothing to the convolution
        # A convolution written as a product: its compiled shapes may vary.
        windows = F.pad(x, (0, 0, self.kernel // 2, self.kernel // 2)).unfold(1, self.kernel, 1)
        x = x + self.neighbours(windows.flatten(2)) + self.positions[: source.shape[1]]
        if self.clock is not None and times is not None:
            x = x + self.clock(times)
        for block in self.blocks:
            x = block(x, self.rotary[:, : source.shape[1]], mask)
        return self.norm(x)


def source_mask(source: Tensor) -> Tensor:
    """(B, 1, 1, T) which source positions are seen: every byte, and the first place even where there is no byte."""
    mask = source != END_OF_PATCH
    mask[:, 0] = True
    return mask[:, None, None]


class BGPT(nn.Module):
    """A bGPT model of either family; `config` says which."""

    def __init__(self, config: BGPTConfig) -> None:
        super().__init__()
        self.config = config
        self.patch_decoder = PatchDecoder(config)
        self.source_encoder = SourceEncoder(config) if config.source_attention else None
        self.byte_decoder = None if config.num_classes else ByteDecoder(config)
        self.class_head = nn.Linear(config.hidden_size, config.num_classes) if config.num_classes else None

    def encode_source(self, source: Tensor, times: Tensor | None = None) -> Source:
        """Encode source bytes (B, T), padded with 256, once per file; `times` (B, T, 2) are those before each byte."""
        assert self.source_encoder is not None
        times = self._times(times, source.shape)
        encoded = self.source_encoder(source, times)
        byte_blocks = list(self.byte_decoder.blocks) if self.byte_decoder is not None else []
        return Source(
            mask=source_mask(source),
            patch_keys=[_source_keys(block, encoded, times) for block in self.patch_decoder.blocks],
            byte_keys=[_source_keys(block, encoded, times) for block in byte_blocks],
        )

    def _times(self, times: Tensor | None, shape: torch.Size) -> Tensor | None:
        """The times of tokens (...), (..., 2); of a clock that stands still where none are given."""
        if times is None and self.config.clock:
            return torch.zeros(*shape, 2, dtype=torch.long, device=self.patch_decoder.positions.device)
        return times

    def features(self, patches: Tensor) -> Tensor:
        """Patch-level features (B, P, H) of patches (B, P, S), without a source."""
        return self.patch_decoder(patches)

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

        Takes (B, P, S) token ids. Returns logits (B, Q, S, V); row q scores patch `first + q` of each file. `first`
        (B,) is 1 and `rows` P - 1 where they are not given. `source` (B, T), padded with 256, goes to the source
        encoder; where a model with one is given no source, it reads an empty one. `times` (B, P, S, 2) and
        `source_times` (B, T, 2) are those before each byte, for a model with a clock.
        """
        assert self.byte_decoder is not None, "a classifier scores classes, not bytes"
        if source is None:
            source = torch.full((len(patches), 1), END_OF_PATCH, device=patches.device)
        encoded = self.encode_source(source, source_times) if self.source_encoder is not None else None
        times = self._times(times, patches.shape)
        features = self.patch_decoder(patches, encoded, None if times is None else _after_patches(times))
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
        return self.byte_decoder(features, targets, before, encoded, times, near)[0]

    def classify(self, patches: Tensor, lengths: Tensor) -> Tensor:
        """Class logits (B, num_classes): mean over the features of each file's `lengths` (B,) patches, then linear."""
        assert self.class_head is not None, "this model has no classification head"
        features = self.patch_decoder(patches)
        real = (torch.arange(patches.shape[1], device=patches.device) < lengths[:, None])[..., None]
        return self.class_head((features * real).sum(1) / lengths[:, None])


def _after_patches(times: Tensor) -> Tensor:
    """Times before each byte (B, P, S, 2) -> times after each patch (B, P, 2); after the last, those before its end."""
    return torch.cat([times[:, 1:, 0], times[:, -1:, -1]], 1)


def _source_keys(block: nn.Module, encoded: Tensor, times: Tensor | None) -> tuple[Tensor, Tensor] | None:
    attention = block.source_attention
    return attention.source_keys(encoded, times) if isinstance(attention, CrossAttention) else None
