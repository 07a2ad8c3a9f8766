"""The Byte Latent Transformer.

A local encoder reads bytes with the embeddings of their n-grams; cross-attention pools the bytes of a patch into a few
vectors; a latent transformer reads the patches; a local decoder predicts each byte from the bytes before it and from
the latent vectors of the last patch that is complete. Where patches begin is decided by `borders`, often from the
entropy of a small byte model, which is part of this one and is not trained with it.
Source: Pagnoni et al. 2024, arXiv:2412.09871.

Axes: B files, T bytes, P patches, K vectors of a patch, H latent width, Hb width of the bytes, Q scored bytes, V = 257.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from bytesim.models.blt.borders import Borders, BorderState, Layout, entropy_of, find_borders
from bytesim.models.blt.config import BLTConfig
from bytesim.models.blt.ngrams import NgramEmbedding
from bytesim.models.blt.patches import PatchAttention, largest
from bytesim.models.blt.session import BLTSession
from bytesim.models.flat.model import Flat
from bytesim.models.framing import frame
from bytesim.models.rows import scored
from bytesim.nn.attention import LayerCache, PickedCache
from bytesim.nn.decoder_block import CausalBlock
from bytesim.nn.parts import make_norm
from bytesim.nn.rotary import rotary_table
from bytesim.nn.vocabulary import to_ids, token_logits, vocabulary_size
from bytesim.patching import Patches
from bytesim.requests import Asked, Request

AnyCache = LayerCache | PickedCache


class Stack(nn.Module):
    """Causal blocks with rotary positions: (B, T, H) -> (B, T, H)."""

    rotary: Tensor

    def __init__(self, config: BLTConfig, part: str) -> None:
        super().__init__()
        size, head_size, key_value_heads, inner_size, layers = _shape(config, part)
        self.blocks = nn.ModuleList(
            CausalBlock(size, head_size, config.parts, key_value_heads=key_value_heads, inner_size=inner_size)
            for _ in range(layers)
        )
        self.register_buffer(
            "rotary", rotary_table(config.max_bytes + 1, head_size, config.rope_base), persistent=False
        )

    def layer(self, index: int, x: Tensor, caches: Sequence[AnyCache] | None, positions: Tensor | None) -> Tensor:
        """One layer; with caches, x has `positions` (B, T), after those that the caches hold."""
        rotary = self.rotary[:, : x.shape[1]] if positions is None else self.rotary[:, positions][:, :, None]
        block = cast("CausalBlock", self.blocks[index])
        return block(x, rotary, None if caches is None else caches[index], positions)

    def forward(self, x: Tensor, caches: Sequence[AnyCache] | None = None, positions: Tensor | None = None) -> Tensor:
        for index in range(len(self.blocks)):
            x = self.layer(index, x, caches, positions)
        return x


def _shape(config: BLTConfig, part: str) -> tuple[int, int, int, int, int]:
    """Width, head size, key heads, inner width and layers of a part."""
    if part == "latent":
        shape = (config.hidden_size, config.head_size, config.key_value_heads)
        return (*shape, config.feed_forward_size, config.num_layers)
    shape = (config.byte_hidden_size, config.byte_head_size, config.byte_key_value_heads)
    inner, layers = {
        "encoder": (config.encoder_feed_forward_size, config.encoder_layers),
        "decoder": (config.decoder_feed_forward_size, config.decoder_layers),
    }[part]
    return (*shape, inner, layers)


def _cross_attention(config: BLTConfig) -> PatchAttention:
    return PatchAttention(config.byte_hidden_size, config.byte_head_size, config.byte_key_value_heads, config.parts)


class LocalEncoder(nn.Module):
    """Reads bytes and pools them into patches."""

    def __init__(self, config: BLTConfig) -> None:
        super().__init__()
        size = config.byte_hidden_size
        self.bytes = nn.Embedding(vocabulary_size(config.byte_offset), size)
        nn.init.normal_(self.bytes.weight, std=0.5)
        self.ngrams = None
        if config.ngrams:
            self.ngrams = NgramEmbedding(config.ngram_buckets, size, config.ngrams, config.ngram_functions)
        self.stack = Stack(config, "encoder")
        self.vectors = config.patch_vectors
        self.spread = nn.Linear(size, config.patch_vectors * size, bias=False)
        self.attention = _cross_attention(config)

    def forward(
        self,
        ids: Tensor,
        before: Tensor | None = None,
        caches: Sequence[AnyCache] | None = None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """Features (B, T, Hb) of ids (B, T), after those `before` if they do not begin their files."""
        x = self.bytes(ids)
        if self.ngrams is not None:
            x = x + self.ngrams(ids, before)
        return self.stack(x, caches, positions)

    def pool(self, features: Tensor, owners: Tensor, count: int) -> Tensor:
        """(B, P, K, Hb) vectors of `count` patches from features (B, T, Hb); `owners` (B, T) are the bytes' patches."""
        patches = self.spread(largest(features, owners, count)).unflatten(-1, (self.vectors, -1))
        return self.attention.pool(patches, features, owners)


class LatentTransformer(nn.Module):
    """Reads patches (B, P, K, Hb) -> (B, P, H)."""

    def __init__(self, config: BLTConfig) -> None:
        super().__init__()
        joined = config.patch_vectors * config.byte_hidden_size
        self.join = None
        if joined != config.hidden_size or config.parts == "modern":
            self.join = nn.Linear(joined, config.hidden_size, bias=False)
        self.stack = Stack(config, "latent")

    def forward(
        self, patches: Tensor, caches: Sequence[AnyCache] | None = None, positions: Tensor | None = None
    ) -> Tensor:
        x = patches.flatten(2)
        return self.stack(x if self.join is None else self.join(x), caches, positions)


class LocalDecoder(nn.Module):
    """Bytes read the latent vectors of the last complete patch, and the bytes before them."""

    def __init__(self, config: BLTConfig) -> None:
        super().__init__()
        size = config.byte_hidden_size
        self.vectors = config.patch_vectors
        self.spread = nn.Linear(config.hidden_size, config.patch_vectors * size, bias=False)
        self.attention = nn.ModuleList(
            _cross_attention(config) for _ in range(config.decoder_layers if config.read_each_layer else 1)
        )
        self.stack = Stack(config, "decoder")
        self.norm = make_norm(size, config.parts)
        self.head = nn.Linear(size, vocabulary_size(config.byte_offset), bias=False)

    def patches(self, latent: Tensor) -> Tensor:
        """Latent vectors (B, P, H) -> (B, P, K, Hb), as bytes read them."""
        return self.spread(latent).unflatten(-1, (self.vectors, -1))

    def forward(
        self,
        x: Tensor,
        patches: Tensor,
        seen: Tensor,
        caches: Sequence[AnyCache] | None = None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """Features (B, T, Hb) of the encoder, and patches (B, P, K, Hb) of which each byte reads `seen` -> the same."""
        for index in range(len(self.stack.blocks)):
            if index < len(self.attention):
                x = cast("PatchAttention", self.attention[index]).read(x, patches, seen)
            x = self.stack.layer(index, x, caches, positions)
        return self.norm(x)


class BLT(nn.Module):
    """A Byte Latent Transformer; an `interface.ByteModel` whose patches, in the sense of the framing, are bytes."""

    def __init__(self, config: BLTConfig) -> None:
        super().__init__()
        self.config = config
        self.entropy = None
        if config.needs_entropy:
            self.entropy = Flat(config.entropy_model).requires_grad_(False)
        self.encoder = LocalEncoder(config)
        self.latent = LatentTransformer(config)
        self.decoder = LocalDecoder(config)

    def forward(
        self,
        patches: Tensor,
        source: Tensor | None = None,
        first: Tensor | None = None,
        rows: int | None = None,
        times: Tensor | None = None,
        source_times: Tensor | None = None,
    ) -> Tensor:
        """Score bytes, given the true bytes before each (teacher forcing).

        Takes tokens (B, T, 1). Returns logits (B, Q, 1, V); row q scores byte `first + q` of each file. By default
        `first` (B,) is 1 and `rows` is T - 1. The other inputs are those of other architectures, and are not read.
        """
        tokens = patches[:, :-1, 0]
        features = self.features(tokens, self.borders(tokens)[0])
        return self.logits(scored(features, first, rows))[:, :, None]

    def logits(self, features: Tensor) -> Tensor:
        """Features (..., Hb) -> logits (..., V) of the next byte."""
        return token_logits(self.decoder.head(features), self.config.byte_offset)

    @torch.no_grad()
    def borders(
        self,
        tokens: Tensor,
        state: BorderState | None = None,
        caches: Sequence[AnyCache] | None = None,
        positions: Tensor | None = None,
    ) -> tuple[Borders, Tensor]:
        """The borders after tokens (B, T), and the entropies (B, T) of the bytes after them, zeros if none are needed.

        With a state and caches of the entropy model the tokens have `positions` (B, T), after those that they hold.
        """
        entropies = torch.zeros(tokens.shape, device=tokens.device)
        if self.entropy is not None:
            # In the dtype of the weights also under autocast: entropies near the threshold must not depend on it.
            with torch.autocast(tokens.device.type, enabled=False):
                features = self.entropy.decoder(tokens, caches, positions)
                entropies = entropy_of(self.entropy.head(features))
        return find_borders(self.config, tokens, entropies, state), entropies

    def features(self, tokens: Tensor, borders: Borders) -> Tensor:
        """(B, T, Hb) features from which the byte after each token is predicted, given the borders."""
        layout = Layout.of(borders.ends)
        x = self.encoder(to_ids(tokens, self.config.byte_offset))
        pooled = self.encoder.pool(x, layout.owners, layout.count)
        return self.decoder(x, self.decoder.patches(self.latent(pooled)), layout.seen)

    def answer_logits(self, request: Request, answer: Patches) -> Tensor:
        """Teacher forcing: (A, 1, V) logits of the bytes of an answer (A, 1), given the true bytes before each."""
        device = self.decoder.head.weight.device
        tokens = torch.from_numpy(np.concatenate([request.history, answer]).astype(np.int64)).to(device)
        return self(tokens[None])[0, len(request.history) - 1 :]

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; see `framing.frame`. Raises ContextError if no room is left for an answer."""
        return frame(self.config, asked, **options)

    def session(self, rows: int) -> BLTSession:
        """An empty decoding session for at most `rows` files."""
        return BLTSession(self, rows)
