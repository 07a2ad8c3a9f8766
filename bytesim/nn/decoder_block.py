"""A causal transformer layer, with or without a cache of keys and values."""

from __future__ import annotations

from torch import Tensor, nn

from bytesim.nn.attention import Attention, LayerCache, PickedCache
from bytesim.nn.parts import FeedForward, Parts, make_norm


class CausalBlock(nn.Module):
    """One layer in which each position attends to itself and to those before it."""

    def __init__(
        self,
        size: int,
        head_size: int,
        parts: Parts,
        *,
        key_value_heads: int | None = None,
        inner_size: int = 0,
        window: int = 0,
    ) -> None:
        super().__init__()
        self.attention_norm = make_norm(size, parts)
        self.attention = Attention(size, size // head_size, parts, num_kv_heads=key_value_heads, window=window)
        self.feed_forward_norm = make_norm(size, parts)
        self.feed_forward = FeedForward(size, parts, inner_size)

    def forward(
        self,
        x: Tensor,
        rotary: Tensor,
        cache: LayerCache | PickedCache | None = None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """(B, T, H) -> (B, T, H); with a cache, for `positions` (B, T) after those that it holds."""
        x = x + self.attention(self.attention_norm(x), rotary, cache=cache, positions=positions)
        return x + self.feed_forward(self.feed_forward_norm(x))
