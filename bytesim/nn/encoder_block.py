"""A bidirectional transformer layer of modern parts."""

from __future__ import annotations

from torch import Tensor, nn

from bytesim.nn.attention import Attention
from bytesim.nn.parts import FeedForward, make_norm


class EncoderBlock(nn.Module):
    """One layer in which all places see each other: bytes of a source, of a patch, or places of a map."""

    def __init__(self, size: int, head_size: int) -> None:
        super().__init__()
        self.attention_norm = make_norm(size, "modern")
        self.attention = Attention(size, size // head_size, "modern")
        self.feed_forward_norm = make_norm(size, "modern")
        self.feed_forward = FeedForward(size, "modern")

    def forward(self, x: Tensor, rotary: Tensor | None, mask: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, H), attending to what `mask`, broadcast to (B, N, T, T), allows."""
        x = x + self.attention(self.attention_norm(x), rotary, mask)
        return x + self.feed_forward(self.feed_forward_norm(x))
