"""The flat byte transformer: one causal decoder over bytes.

Grouped-query attention, rotary positions and QK-norm, as OmniByteGPT intends; its published code has the call of the
rotary positions commented out, a vocabulary of 256 and no training. Multi-byte heads: Medusa, arXiv:2401.10774,
section 2.1.1, over bytes.

Axes: B files, T bytes, Q scored bytes, H hidden, K bytes predicted at each position, V = 257 tokens.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.models.flat.config import FlatConfig
from bytesim.models.flat.session import FlatSession
from bytesim.models.framing import frame
from bytesim.models.rows import scored
from bytesim.nn.attention import LayerCache
from bytesim.nn.decoder_block import CausalBlock
from bytesim.nn.parts import make_norm
from bytesim.nn.rotary import rotary_table
from bytesim.nn.vocabulary import to_ids, token_logits, vocabulary_size
from bytesim.patching import Patches
from bytesim.requests import Asked, Request


class ByteDecoder(nn.Module):
    """Causal decoder over bytes: tokens (B, T) -> features (B, T, H), row t of tokens 0..t."""

    rotary: Tensor

    def __init__(self, config: FlatConfig) -> None:
        super().__init__()
        self.byte_offset = config.byte_offset
        self.bytes = nn.Embedding(vocabulary_size(config.byte_offset), config.hidden_size)
        nn.init.normal_(self.bytes.weight, std=0.5)
        self.blocks = nn.ModuleList(
            CausalBlock(
                config.hidden_size,
                config.head_size,
                config.parts,
                key_value_heads=config.key_value_heads,
                inner_size=config.feed_forward_size,
                window=config.window,
            )
            for _ in range(config.num_layers)
        )
        self.norm = make_norm(config.hidden_size, config.parts)
        # Bytes that are guessed may lie beyond the history.
        table = rotary_table(config.max_bytes + config.next_bytes, config.head_size, config.rope_base)
        self.register_buffer("rotary", table, persistent=False)

    def forward(
        self, tokens: Tensor, caches: list[LayerCache] | None = None, positions: Tensor | None = None
    ) -> Tensor:
        """Features (B, T, H). Without caches the tokens are the first of their files.

        With a cache for each layer they have `positions` (B, T), after the tokens that the caches hold.
        """
        x = self.bytes(to_ids(tokens, self.byte_offset))
        rotary = self.rotary[:, : tokens.shape[1]] if positions is None else self.rotary[:, positions][:, :, None]
        for index, block in enumerate(self.layers):
            x = block(x, rotary, None if caches is None else caches[index], positions)
        return self.norm(x)

    @property
    def layers(self) -> list[CausalBlock]:
        """The blocks, with their type for the type checker."""
        return cast("list[CausalBlock]", list(self.blocks))


class FurtherHead(nn.Module):
    """Logits of a byte after the next one: features (..., H) -> (..., V). It begins as a linear map of the features."""

    def __init__(self, size: int, ids: int) -> None:
        super().__init__()
        self.inner = nn.Linear(size, size)
        nn.init.zeros_(self.inner.weight)
        nn.init.zeros_(self.inner.bias)
        self.out = nn.Linear(size, ids, bias=False)

    def forward(self, features: Tensor) -> Tensor:
        return self.out(features + F.silu(self.inner(features)))


class Flat(nn.Module):
    """A flat byte transformer; an `interface.ByteModel` whose patches are single bytes."""

    def __init__(self, config: FlatConfig) -> None:
        super().__init__()
        self.config = config
        self.decoder = ByteDecoder(config)
        ids = vocabulary_size(config.byte_offset)
        self.head = nn.Linear(config.hidden_size, ids, bias=False)
        self.further = nn.ModuleList(FurtherHead(config.hidden_size, ids) for _ in range(config.next_bytes - 1))

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
        return self.logits(scored(self.decoder(patches[:, :-1, 0]), first, rows))[:, :, None]

    def logits(self, features: Tensor) -> Tensor:
        """Features (..., H) -> (..., V) logits of the next byte."""
        return token_logits(self.head(features), self.config.byte_offset)

    def further_logits(self, features: Tensor) -> list[Tensor]:
        """Features (..., H) -> (..., V) logits of each of the K - 1 bytes after the next one."""
        return [token_logits(head(features), self.config.byte_offset) for head in self.further]

    def logits_ahead(self, patches: Tensor, first: Tensor, rows: int) -> Tensor:
        """(B, Q, K, V) logits of the byte `first + q`, as `forward` gives them, and of the K - 1 bytes after it.

        The further heads learn from the features as they are: no gradient of theirs reaches the decoder.
        """
        features = scored(self.decoder(patches[:, :-1, 0]), first, rows)
        return torch.stack([self.logits(features), *self.further_logits(features.detach())], 2)

    def answer_logits(self, request: Request, answer: Patches) -> Tensor:
        """Teacher forcing: (A, 1, V) logits of the bytes of an answer (A, 1), given the true bytes before each."""
        device = self.head.weight.device
        tokens = torch.from_numpy(np.concatenate([request.history, answer]).astype(np.int64)).to(device)
        return self(tokens[None])[0, len(request.history) - 1 :]

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; see `framing.frame`. Raises ContextError if no room is left for an answer."""
        return frame(self.config, asked, **options)

    def session(self, rows: int) -> FlatSession:
        """An empty decoding session for at most `rows` files."""
        return FlatSession(self, rows)
