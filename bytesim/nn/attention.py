"""Attention over a sequence, over blocks of a stream, and over a source.

Axes: B batch, T positions, H hidden, N heads, D = H / N, C cached positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.clock import ClockHands, waves_of
from bytesim.nn.parts import Parts, make_output
from bytesim.nn.rotary import rotate

LARGEST_PRODUCT = 1 << 25
"""Most scores of one head for which `attend` writes them out."""
WIDER = 4
"""A decoder so many times as wide as its source, or wider, reads the source itself on a CPU and not its keys."""
FEW_QUERIES = 32
"""So many queries, or fewer, of a file are a step of its decoding."""


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Attention of (B, N, T, D) queries to all C positions, or to those that `mask`, broadcast to (B, N, T, C), allows.

    Scores are multiplied by `scale`, D ** -0.5 where none is given. Values may be narrower than keys. On a CPU scores
    are written out where torch's fused attention is slower: in training, for its gradient, and in steps of decoding.
    """
    few = torch.is_grad_enabled() or queries.shape[2] <= FEW_QUERIES
    written_out = queries.device.type == "cpu" and few and queries.shape[2] * keys.shape[2] <= LARGEST_PRODUCT
    if not written_out:
        width, missing = values.shape[-1], queries.shape[-1] - values.shape[-1]
        values = F.pad(values, (0, missing)) if missing else values  # the fused kernels want one width
        whole = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal, scale=scale)
        return whole[..., :width]
    if causal:
        mask = torch.ones(queries.shape[2], keys.shape[2], dtype=torch.bool, device=queries.device).tril()
    scores = (queries * (queries.shape[-1] ** -0.5 if scale is None else scale)) @ keys.transpose(-1, -2)
    scores = scores if mask is None else scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1).to(values.dtype) @ values


@dataclass(slots=True)
class LayerCache:
    """Keys and values of one layer, (B, N, C, D) each, preallocated; unwritten positions are zero."""

    keys: Tensor
    values: Tensor

    @staticmethod
    def empty(batch: int, heads: int, positions: int, head_dim: int, like: Tensor) -> LayerCache:
        """A cache of zeros on the device and in the dtype of `like`."""
        shape = (batch, heads, positions, head_dim)
        return LayerCache(like.new_zeros(shape), like.new_zeros(shape))

    def rows(self, first: int, last: int) -> LayerCache:
        """The files `first` to `last` alone; what is written there is written here."""
        return LayerCache(self.keys[first:last], self.values[first:last])

    def write(self, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Store (B, N, T, D) keys and values at `positions` (B, T)."""
        files = torch.arange(len(positions), device=positions.device)[:, None]
        self.keys[files, :, positions] = keys.transpose(1, 2).to(self.keys.dtype)
        self.values[files, :, positions] = values.transpose(1, 2).to(self.values.dtype)

    def move(self, target: int, origin: int) -> None:
        """Put one file in the place of another."""
        self.keys[target], self.values[target] = self.keys[origin], self.values[origin]

    def grow(self, positions: int) -> None:
        """Make room for more positions; what is held stays."""
        extra = positions - self.keys.shape[2]
        self.keys, self.values = (F.pad(each, (0, 0, 0, extra)) for each in (self.keys, self.values))


class Attention(nn.Module):
    """Self-attention. Modern parts norm queries and keys per head and give each head a learned scale."""

    def __init__(self, hidden_size: int, num_heads: int, parts: Parts) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(hidden_size, 3 * hidden_size, bias=parts == "published")
        self.out = make_output(hidden_size, hidden_size, parts)
        self.scale = nn.Parameter(torch.full((num_heads, 1, 1), 1.5)) if parts == "modern" else None

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of x (B, T, H), each (B, N, T, D), not yet rotated."""
        batch, length, hidden = x.shape
        qkv = self.qkv(x).view(batch, length, 3, self.num_heads, hidden // self.num_heads)
        queries, keys, values = qkv.permute(2, 0, 3, 1, 4)
        if self.scale is not None:
            queries = F.rms_norm(queries, (queries.shape[-1],)) * self.scale.to(queries.dtype)
            keys = F.rms_norm(keys, (keys.shape[-1],))
        return queries, keys, values

    def merge(self, x: Tensor) -> Tensor:
        """Heads (B, N, T, D) joined and mapped back to (B, T, H)."""
        batch, heads, length, head_dim = x.shape
        return self.out(x.transpose(1, 2).reshape(batch, length, heads * head_dim))

    def forward(self, x: Tensor, rotary: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """(B, T, H) -> (B, T, H). Causal without `mask`, else as the mask (broadcast to (B, N, T, T)) allows."""
        queries, keys, values = self.project(x)
        if rotary is not None:
            queries, keys = rotate(queries, rotary), rotate(keys, rotary)
        return self.merge(attend(queries, keys, values, mask, causal=mask is None))

    def cached(self, x: Tensor, rotary: Tensor | None, positions: Tensor, cache: LayerCache) -> Tensor:
        """Like `forward`, for `positions` (B, T), seeing what the cache holds up to each position.

        `rotary` is (2, B, 1, T, D), looked up for these positions.
        """
        queries, keys, values = self.project(x)
        if rotary is not None:
            queries, keys = rotate(queries, rotary), rotate(keys, rotary)
        cache.write(positions, keys, values)
        length = int(positions.max()) + 1
        seen = torch.arange(length, device=x.device) <= positions[:, None, :, None]
        keys, values = cache.keys[:, :, :length], cache.values[:, :, :length]
        return self.merge(attend(queries, keys, values, seen))


class BlockAttention(Attention):
    """Self-attention over a stream cut into blocks: causal in a block, whole over the `context` blocks before it."""

    mask: Tensor

    def __init__(self, hidden_size: int, num_heads: int, parts: Parts, block_size: int, context: int) -> None:
        super().__init__(hidden_size, num_heads, parts)
        self.block_size = block_size
        self.context = context
        window = (context + 1) * block_size
        mask = torch.arange(window) <= torch.arange(block_size)[:, None] + context * block_size
        self.register_buffer("mask", mask, persistent=False)

    def blocks(self, x: Tensor, rotary: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """(B, Q, S, H) -> (B, Q, S, H), and the unrotated keys and values of the last `context` blocks.

        Blocks before the first are zeros, as in a fresh cache. The keys and values are (B, N, context * S, D).
        """
        batch, blocks, size, hidden = x.shape
        queries, raw_keys, values = self.project(x.reshape(batch, blocks * size, hidden))
        keys = raw_keys
        if rotary is not None:  # relative positions alone matter, so the stream's own serve as well as the window's
            queries, keys = rotate(queries, rotary[:, : blocks * size]), rotate(keys, rotary[:, : blocks * size])
        keys, windows = self._windows(keys, blocks), self._windows(values, blocks)
        queries = queries.unflatten(2, (blocks, size)).transpose(1, 2).flatten(0, 1)
        attended = attend(queries, keys, windows, self.mask)
        attended = attended.unflatten(0, (batch, blocks)).transpose(1, 2).flatten(2, 3)
        kept = self.context * size
        tails = [F.pad(each, (0, 0, max(0, kept - each.shape[2]), 0))[:, :, -kept:] for each in (raw_keys, values)]
        return self.merge(attended).view(batch, blocks, size, hidden), tails[0], tails[1]

    def _windows(self, x: Tensor, blocks: int) -> Tensor:
        """(B, N, Q * S, D) -> (B * Q, N, (context + 1) * S, D)."""
        padded = F.pad(x, (0, 0, self.context * self.block_size, 0))
        padded = padded.unflatten(2, (self.context + blocks, self.block_size))
        shifted = [padded[:, :, start : start + blocks] for start in range(self.context + 1)]
        return torch.cat(shifted, 3).transpose(1, 2).flatten(0, 1)

    def step(self, x: Tensor, rotary: Tensor | None, index: int, cache: LayerCache) -> Tensor:
        """(B, 1, H) -> (B, 1, H) for byte `index` of the block; the cache holds the unrotated keys of one window."""
        queries, keys, values = self.project(x)
        place = self.context * self.block_size + index
        cache.keys[:, :, place], cache.values[:, :, place] = keys[:, :, 0], values[:, :, 0]
        keys, values = cache.keys[:, :, : place + 1], cache.values[:, :, : place + 1]
        if rotary is not None:
            queries, keys = rotate(queries, rotary[:, place : place + 1]), rotate(keys, rotary[:, : place + 1])
        return self.merge(attend(queries, keys, values))

    def steps(self, x: Tensor, rotary: Tensor | None, cache: LayerCache) -> Tensor:
        """`step` for all the bytes of a block at once, (B, S, H) -> (B, S, H)."""
        queries, keys, values = self.project(x)
        first = self.context * self.block_size
        cache.keys[:, :, first:], cache.values[:, :, first:] = keys, values
        keys = cache.keys
        if rotary is not None:
            window = keys.shape[2]
            queries, keys = rotate(queries, rotary[:, first:window]), rotate(keys, rotary[:, :window])
        return self.merge(attend(queries, keys, cache.values, self.mask))


class CrossAttention(nn.Module):
    """Attention from a decoder to source vectors of another width; with a clock, to times of the source, too."""

    def __init__(
        self, hidden_size: int, source_size: int, num_heads: int, parts: Parts, *, clock: bool = False
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(hidden_size, hidden_size, bias=False)
        self.key_value = nn.Linear(source_size, 2 * hidden_size, bias=False)
        self.out = make_output(hidden_size, hidden_size, parts)
        self.scale = nn.Parameter(torch.full((num_heads, 1, 1), 1.5))
        self.hands = ClockHands(hidden_size, num_heads) if clock else None

    def source_keys(self, source: Tensor, times: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Keys and values (B, N, T, D) of encoded source bytes (B, T, Hs); computed once per file.

        With a clock, `times` (B, T, 2) are those before each byte, and keys are D + 2 * hands wide. Where the decoder
        is far wider than its source, a step on a CPU would read far more keys than there is source: it is then given
        what `_forward_shared` takes.
        """
        batch, length, width = source.shape
        keys, values = self.key_value(source).view(batch, length, 2, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        on_cpu = source.device.type == "cpu" and not torch.is_grad_enabled()
        if on_cpu and self.num_heads > 1 and self.query.weight.shape[0] >= WIDER * width:
            shared = [source] if self.hands is None or times is None else [source, *waves_of(times)]
            sizes = keys.float().square().mean(-1, keepdim=True) + torch.finfo(keys.dtype).eps
            return torch.cat([each.to(keys.dtype) for each in shared], -1)[:, None], sizes.rsqrt().to(keys.dtype)
        keys = F.rms_norm(keys, (keys.shape[-1],))
        if self.hands is not None and times is not None:
            waves = torch.cat(waves_of(times), -1)[:, None].to(keys.dtype)
            keys = torch.cat([keys, waves.expand(-1, self.num_heads, -1, -1)], -1)
            if keys.device.type != "cpu" and not torch.is_grad_enabled():  # once for all the steps of a decoding
                values = F.pad(values, (0, keys.shape[-1] - values.shape[-1]))
        return keys, values

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor, times: Tensor | None = None) -> Tensor:
        """(B, T, H) -> (B, T, H), seeing the source positions that `mask` (B, 1, 1, Ts) allows.

        With a clock, `times` (B, T, 2) are those of the decoder.
        """
        batch, length, hidden = x.shape
        queries = self.query(x).view(batch, length, self.num_heads, -1).transpose(1, 2)
        queries = F.rms_norm(queries, (queries.shape[-1],)) * self.scale.to(queries.dtype)
        head_dim = queries.shape[-1]
        if keys.shape[1] < self.num_heads:
            return self._forward_shared(x, queries, keys[:, 0], values, mask, times)
        if self.hands is not None and times is not None:
            queries = torch.cat([queries, self.hands.queries(x, times) * head_dim**0.5], -1)
        attended = attend(queries, keys, values, mask, scale=head_dim**-0.5)[..., :head_dim]
        return self.out(attended.transpose(1, 2).reshape(batch, length, hidden))

    def _forward_shared(
        self, x: Tensor, queries: Tensor, shared: Tensor, norms: Tensor, mask: Tensor, times: Tensor | None
    ) -> Tensor:
        """`forward` from what all heads share, (B, Ts, Hs + 2 * hands): the source with the waves of its times.

        A key is a matrix times the source, so a query times that matrix may meet the source instead; the norms of keys
        are numbers, `norms` (B, N, Ts, 1). Values are mapped after they are summed. Source: the absorbed matrices of
        multi-head latent attention, arXiv:2405.04434, section 2.1.
        """
        batch, heads, length, head_dim = queries.shape
        width = self.key_value.weight.shape[1]
        to_keys, to_values = self.key_value.weight.view(2, heads, head_dim, width)
        source = shared[..., :width]
        scores = (queries @ to_keys).flatten(1, 2) @ source.transpose(1, 2)
        scores = scores.view(batch, heads, length, -1) * norms.transpose(2, 3)
        if self.hands is not None and times is not None:
            hands = self.hands.queries(x, times).flatten(1, 2) * head_dim**0.5
            scores = scores + (hands @ shared[..., width:].transpose(1, 2)).view_as(scores)
        shares = (scores * head_dim**-0.5).masked_fill(~mask, float("-inf")).softmax(-1).to(source.dtype)
        summed = (shares.flatten(1, 2) @ source).view(batch, heads, length, width)
        attended = summed @ to_values.transpose(1, 2)
        return self.out(attended.transpose(1, 2).reshape(batch, length, heads * head_dim))
