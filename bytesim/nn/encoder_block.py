"""A bidirectional transformer layer with the modern parts of `nn.parts`."""

from __future__ import annotations

from torch import Tensor, nn

from bytesim.nn.attention import Attention
from bytesim.nn.parts import FeedForward, make_norm


class EncoderBlock(nn.Module):
    """One layer in which all positions attend to each other: bytes of a source or patch, or cells of a feature map."""

    def __init__(self, size: int, head_size: int) -> None:
        super().__init__()
        self.attention_norm = make_norm(size, "modern")
        self.attention = Attention(size, size // head_size, "modern")
        self.feed_forward_norm = make_norm(size, "modern")
        self.feed_forward = FeedForward(size, "modern")

    def forward(self, x: Tensor, rotary: Tensor | None, mask: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, H), each position attending to those where `mask`, broadcast to (B, N, T, T), is True."""
        x = x + self.attention(self.attention_norm(x), rotary, mask)
        return x + self.feed_forward(self.feed_forward_norm(x))
