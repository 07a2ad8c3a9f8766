"""Self-attention over a sequence or over blocks of a stream, and cross-attention to a source.

Axes: B batch, T positions, H hidden, N heads, K key and value heads, D = H / N, C cached positions, Q blocks, S
positions of a block, Ts source positions, Hs width of the source.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.clock import ClockHands, waves_of
from bytesim.nn.kernels import absorbs_projections, attend, pads_values
from bytesim.nn.parts import Parts, make_output
from bytesim.nn.rotary import rotate


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

    def rows(self, first: int, last: int, length: int | None = None) -> LayerCache:
        """A view of the files `first` to `last`, of all positions or the first `length`; writes change this cache."""
        return LayerCache(self.keys[first:last, :, :length], self.values[first:last, :, :length])

    def write(self, positions: Tensor, keys: Tensor, values: Tensor, files: Tensor | None = None) -> None:
        """Store (B, N, T, D) keys and values at `positions` (B, T), in the rows `files` (B,) or in the first B."""
        files = torch.arange(len(positions), device=positions.device) if files is None else files
        files = files[:, None]
        self.keys[files, :, positions] = keys.transpose(1, 2).to(self.keys.dtype)
        self.values[files, :, positions] = values.transpose(1, 2).to(self.values.dtype)

    def read(self) -> tuple[Tensor, Tensor]:
        """Keys and values (B, N, C, D)."""
        return self.keys, self.values

    def picked(self, rows: Tensor) -> PickedCache:
        """The files `rows` (B',); writes change this cache."""
        return PickedCache(self, rows)

    def move(self, target: int, origin: int) -> None:
        """Copy the file in row `origin` to row `target`."""
        self.keys[target], self.values[target] = self.keys[origin], self.values[origin]

    def grow(self, positions: int) -> None:
        """Enlarge the cache to this many positions; its contents stay."""
        extra = positions - self.keys.shape[2]
        self.keys, self.values = (F.pad(tensor, (0, 0, 0, extra)) for tensor in (self.keys, self.values))


@dataclass(frozen=True, slots=True)
class PickedCache:
    """Some of the files of a cache, which need not stand beside each other; reading copies them."""

    cache: LayerCache
    files: Tensor
    """(B,) rows of the cache."""

    def write(self, positions: Tensor, keys: Tensor, values: Tensor) -> None:
        """Store (B, N, T, D) keys and values at `positions` (B, T)."""
        self.cache.write(positions, keys, values, self.files)

    def read(self) -> tuple[Tensor, Tensor]:
        """Keys and values (B, N, C, D)."""
        return self.cache.keys[self.files], self.cache.values[self.files]


class Attention(nn.Module):
    """Self-attention, causal or masked, of a whole sequence or of new positions after those in a cache.

    `num_kv_heads` below `num_heads` is grouped-query attention, 1 multi-query attention (arXiv:2305.13245). QK-norm
    (arXiv:2010.04245) norms queries and keys per head and gives each head a learned scale; modern parts have it unless
    `qk_norm` says otherwise. With a `window` (sliding-window attention, arXiv:2004.05150) a position sees the last that
    many positions only, itself included.
    """

    def __init__(
        self,
        hidden_size: int,
        num_heads: int,
        parts: Parts,
        *,
        num_kv_heads: int | None = None,
        qk_norm: bool | None = None,
        window: int = 0,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.num_kv_heads = num_heads if num_kv_heads is None else num_kv_heads
        self.window = window
        self.head_dim = hidden_size // num_heads
        width = (num_heads + 2 * self.num_kv_heads) * self.head_dim
        self.qkv = nn.Linear(hidden_size, width, bias=parts == "published")
        self.out = make_output(hidden_size, hidden_size, parts)
        normed = parts == "modern" if qk_norm is None else qk_norm
        self.scale = nn.Parameter(torch.full((num_heads, 1, 1), 1.5)) if normed else None

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, N, T, D), keys and values (B, K, T, D) of x (B, T, H), not yet rotated."""
        heads = self.qkv(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        queries, keys, values = heads.split([self.num_heads, self.num_kv_heads, self.num_kv_heads], 1)
        if self.scale is not None:
            queries = F.rms_norm(queries, (queries.shape[-1],)) * self.scale.to(queries.dtype)
            keys = F.rms_norm(keys, (keys.shape[-1],))
        return queries, keys, values

    def merge(self, x: Tensor) -> Tensor:
        """Join heads (B, N, T, D) and project them to (B, T, H)."""
        batch, heads, length, head_dim = x.shape
        return self.out(x.transpose(1, 2).reshape(batch, length, heads * head_dim))

    def forward(
        self,
        x: Tensor,
        rotary: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        cache: LayerCache | PickedCache | None = None,
        positions: Tensor | None = None,
    ) -> Tensor:
        """(B, T, H) -> (B, T, H). Causal without a `mask`; one, broadcast to (B, N, T, T), is true at visible keys.

        With a cache, x has `positions` (B, T): its keys and values are written there, and each position sees the cache
        up to and including itself. `rotary` is (2, T, D), or (2, B, 1, T, D) for given `positions`.
        """
        queries, keys, values = self.project(x)
        if rotary is not None:
            queries, keys = rotate(queries, rotary), rotate(keys, rotary)
        if cache is not None:
            assert positions is not None, "a cache needs positions"
            cache.write(positions, keys, values)
            keys, values = cache.read()
            mask = self._visible(positions[:, None], keys.shape[2])
        elif mask is None and 0 < self.window < x.shape[1]:
            mask = self._visible(torch.arange(x.shape[1], device=x.device), x.shape[1])
        return self.merge(attend(queries, keys, values, mask, causal=mask is None))

    def _visible(self, positions: Tensor, length: int) -> Tensor:
        """(..., T, length) true for the keys, of `length` positions, that queries at `positions` (..., T) see."""
        distances = positions[..., None] - torch.arange(length, device=positions.device)
        visible = distances >= 0
        return visible & (distances < self.window) if self.window else visible


class BlockAttention(Attention):
    """Self-attention over a stream of blocks: causal in its own block, full over the `context` blocks before it.

    A cache holds the values and unrotated keys of one window: `context` blocks and the current one.
    """

    mask: Tensor

    def __init__(self, hidden_size: int, num_heads: int, parts: Parts, block_size: int, context: int) -> None:
        super().__init__(hidden_size, num_heads, parts)
        self.block_size = block_size
        self.context = context
        window = (context + 1) * block_size
        mask = torch.arange(window) <= torch.arange(block_size)[:, None] + context * block_size
        self.register_buffer("mask", mask, persistent=False)

    def blocks(self, x: Tensor, rotary: Tensor | None, cache: LayerCache | None = None) -> Tensor:
        """(B, Q, S, H) -> (B, Q, S, H) for whole blocks; blocks before the first are zeros, as in a fresh cache.

        If given, the cache receives the unrotated keys and the values of the last `context` blocks.
        """
        batch, blocks, size, hidden = x.shape
        queries, raw_keys, values = self.project(x.reshape(batch, blocks * size, hidden))
        keys = raw_keys
        if rotary is not None:  # only relative positions matter, so positions may count from the start of the stream
            queries, keys = rotate(queries, rotary[:, : blocks * size]), rotate(keys, rotary[:, : blocks * size])
        keys, windows = self._windows(keys, blocks), self._windows(values, blocks)
        queries = queries.unflatten(2, (blocks, size)).transpose(1, 2).flatten(0, 1)
        attended = attend(queries, keys, windows, self.mask)
        attended = attended.unflatten(0, (batch, blocks)).transpose(1, 2).flatten(2, 3)
        kept = self.context * size
        if cache is not None and kept:
            for cached, new in ((cache.keys, raw_keys), (cache.values, values)):
                cached[:, :, :kept] = F.pad(new, (0, 0, max(0, kept - new.shape[2]), 0))[:, :, -kept:]
        return self.merge(attended).view(batch, blocks, size, hidden)

    def _windows(self, x: Tensor, blocks: int) -> Tensor:
        """(B, N, Q * S, D) -> (B * Q, N, (context + 1) * S, D)."""
        padded = F.pad(x, (0, 0, self.context * self.block_size, 0))
        padded = padded.unflatten(2, (self.context + blocks, self.block_size))
        shifted = [padded[:, :, start : start + blocks] for start in range(self.context + 1)]
        return torch.cat(shifted, 3).transpose(1, 2).flatten(0, 1)

    def within(self, x: Tensor, rotary: Tensor | None, start: int, cache: LayerCache) -> Tensor:
        """(B, n, H) -> (B, n, H) for n positions of the current block, from offset `start` on.

        The cache holds the positions before them, and receives theirs.
        """
        queries, keys, values = self.project(x)
        first = self.context * self.block_size + start
        end = first + x.shape[1]
        cache.keys[:, :, first:end], cache.values[:, :, first:end] = keys, values
        keys, values = cache.keys[:, :, :end], cache.values[:, :, :end]
        if rotary is not None:
            queries, keys = rotate(queries, rotary[:, first:end]), rotate(keys, rotary[:, :end])
        mask = None if x.shape[1] == 1 else self.mask[start : start + x.shape[1], :end]
        return self.merge(attend(queries, keys, values, mask))


@dataclass(slots=True)
class SourceKeys:
    """Two tensors (B, *, Ts, *) of encoded sources for cross-attention, computed once per file."""

    first: Tensor
    second: Tensor

    def changed(self, change: Callable[[Tensor], Tensor]) -> SourceKeys:
        """The same with both tensors changed."""
        return type(self)(change(self.first), change(self.second))

    def rows(self, rows: Tensor, width: int) -> SourceKeys:
        """The files `rows` (B',), cut to `width` source positions."""
        return self.changed(lambda tensor: tensor[rows, :, :width])

    def joined(self, other: SourceKeys, width: int) -> SourceKeys:
        """These files followed by those of `other`, padded to `width` source positions."""
        pairs = ((self.first, other.first), (self.second, other.second))
        padded = ([F.pad(tensor, (0, 0, 0, width - tensor.shape[2])) for tensor in pair] for pair in pairs)
        return type(self)(*(torch.cat(pair) for pair in padded))


class ProjectedSource(SourceKeys):
    """Projected keys (B, N, Ts, D + 2 * hands) and values (B, N, Ts, D)."""


class AbsorbedSource(SourceKeys):
    """The source and the waves of its times (B, 1, Ts, Hs + 2 * hands), and 1 / norm of every key (B, N, Ts, 1).

    Absorbed projections: instead of projecting the source to keys, each query is multiplied by the key matrix and
    compared with the source itself; values are projected after the weighted sum. Source: multi-head latent attention,
    arXiv:2405.04434, section 2.1.
    """


class CrossAttention(nn.Module):
    """Cross-attention from a decoder to source vectors of another width; with a clock, times affect the scores too."""

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
        self.rounds_source = False
        """Whether keys and values are rounded to bfloat16, as the native engine stores them beside int8 weights."""

    def source_keys(self, source: Tensor, times: Tensor | None = None) -> SourceKeys:
        """The keys for `forward` of encoded source bytes (B, Ts, Hs); `times` (B, Ts, C) before each, with a clock.

        On a CPU a decoder much wider than its source uses absorbed projections: a step then reads the source, which is
        smaller than its keys and values (`kernels.absorbs_projections`).
        """
        batch, length, _ = source.shape
        keys, values = self.key_value(source).view(batch, length, 2, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        times = None if self.hands is None else times
        if not self.rounds_source and absorbs_projections(source, self.query.weight.shape[0], self.num_heads):
            shared = [source] if times is None else [source, *waves_of(times)]
            norms = keys.float().square().mean(-1, keepdim=True) + torch.finfo(keys.dtype).eps
            joined = torch.cat([part.to(keys.dtype) for part in shared], -1)[:, None]
            return AbsorbedSource(joined, norms.rsqrt().to(keys.dtype))
        keys = F.rms_norm(keys, (keys.shape[-1],))
        if self.rounds_source:
            keys, values = (tensor.bfloat16().to(tensor.dtype) for tensor in (keys, values))
        if times is not None:
            waves = torch.cat(waves_of(times), -1)[:, None].to(keys.dtype)
            keys = torch.cat([keys, waves.expand(-1, self.num_heads, -1, -1)], -1)
            if pads_values(keys):
                values = F.pad(values, (0, keys.shape[-1] - values.shape[-1]))
        return ProjectedSource(keys, values)

    def forward(self, x: Tensor, keys: SourceKeys, mask: Tensor, times: Tensor | None = None) -> Tensor:
        """(B, T, H) -> (B, T, H), attending to the source positions where `mask` (B, 1, 1, Ts) is true.

        With a clock, `times` (B, T, C) are the times of the decoder's positions.
        """
        batch, length, hidden = x.shape
        queries = self.query(x).view(batch, length, self.num_heads, -1).transpose(1, 2)
        queries = F.rms_norm(queries, (queries.shape[-1],)) * self.scale.to(queries.dtype)
        scale = queries.shape[-1] ** -0.5
        hands = None
        if self.hands is not None and times is not None:
            hands = self.hands.queries(x, times) * queries.shape[-1] ** 0.5
        if isinstance(keys, AbsorbedSource):
            attended = self._absorbed(queries, hands, keys, mask, scale)
        else:
            head_dim = queries.shape[-1]
            queries = queries if hands is None else torch.cat([queries, hands], -1)
            attended = attend(queries, keys.first, keys.second, mask, scale=scale)[..., :head_dim]
        return self.out(attended.transpose(1, 2).reshape(batch, length, hidden))

    def _absorbed(
        self, queries: Tensor, hands: Tensor | None, keys: AbsorbedSource, mask: Tensor, scale: float
    ) -> Tensor:
        """Attention (B, N, T, D) with absorbed projections, of queries and, with a clock, of its hands."""
        batch, heads, length, head_dim = queries.shape
        width = self.key_value.weight.shape[1]
        to_keys, to_values = self.key_value.weight.view(2, heads, head_dim, width)
        shared, norms = keys.first[:, 0], keys.second
        source = shared[..., :width]
        scores = (queries @ to_keys).flatten(1, 2) @ source.transpose(1, 2)
        scores = scores.view(batch, heads, length, -1) * norms.transpose(2, 3)
        if hands is not None:
            scores = scores + (hands.flatten(1, 2) @ shared[..., width:].transpose(1, 2)).view_as(scores)
        shares = (scores * scale).masked_fill(~mask, float("-inf")).softmax(-1).to(source.dtype)
        summed = (shares.flatten(1, 2) @ source).view(batch, heads, length, width)
        return summed @ to_values.transpose(1, 2)
