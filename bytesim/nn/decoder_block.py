"""A causal transformer layer with the modern parts of `nn.parts`, with or without a cache of keys and values."""

from __future__ import annotations

from torch import Tensor, nn

from bytesim.nn.attention import Attention, LayerCache
from bytesim.nn.parts import FeedForward, make_norm


class CausalBlock(nn.Module):
    """One layer in which each position attends to itself and to those before it."""

    def __init__(self, size: int, head_size: int, key_value_heads: int) -> None:
        super().__init__()
        self.attention_norm = make_norm(size, "modern")
        self.attention = Attention(size, size // head_size, "modern", num_kv_heads=key_value_heads)
        self.feed_forward_norm = make_norm(size, "modern")
        self.feed_forward = FeedForward(size, "modern")

    def forward(
        self, x: Tensor, rotary: Tensor, cache: LayerCache | None = None, positions: Tensor | None = None
    ) -> Tensor:
        """(B, T, H) -> (B, T, H); with a cache, for `positions` (B, T) after those that it holds."""
        x = x + self.attention(self.attention_norm(x), rotary, cache=cache, positions=positions)
        return x + self.feed_forward(self.feed_forward_norm(x))
