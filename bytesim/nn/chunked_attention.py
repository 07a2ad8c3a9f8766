"""Attention for training on a CPU, in chunks whose scores stay in the processor's cache.

A chunk is some queries of one head, or several small files with all their heads. What no query of a chunk sees is left
out: keys after its last query where attention is causal, the padding of a source. Source: Rabe and Staats 2021,
arXiv:2112.05682; up to KEPT_SCORES the backward pass does not compute the shares again.

Axes: B batch, N heads, K key heads, T queries, C keys, D head size; in a chunk F files, M key heads, L queries, W keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

CHUNK_SCORES = 1 << 20
"""Scores of a chunk: as many as caches hold."""
STEP = 64
"""Queries of a chunk and the keys that it sees are a multiple of this, because every new shape costs a preparation."""
KEPT_SCORES = 1 << 26
"""Most scores of a batch whose shares are kept for the backward pass."""
ALL = slice(None)


def chunked_attention(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    """Attention of scaled (B, N, T, D) queries to keys (B, K, C, D) and values, as in `kernels.attend`.

    Under autocast everything is in its dtype, as for torch's matrix products.
    """
    if torch.is_autocast_enabled("cpu"):
        dtype = torch.get_autocast_dtype("cpu")
        queries, keys, values = queries.to(dtype), keys.to(dtype), values.to(dtype)
    attended: Tensor = _ChunkedAttention.apply(queries, keys, values, mask, causal)
    return attended


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Queries `rows` of some files and heads, which see some of the first `width` keys."""

    files: slice
    heads: slice
    """Of the queries; `key_heads` are those whose keys they see."""
    key_heads: slice
    rows: slice
    width: int
    hidden: Tensor | None
    """For the last of these keys, true where a query does not see them, broadcast to (F, heads, L, at most W)."""

    def of_queries(self, x: Tensor) -> Tensor:
        """(B, N, T, D) -> (F, N', L, D), a view."""
        return x[self.files, self.heads, self.rows]

    def of_keys(self, x: Tensor) -> Tensor:
        """(B, K, C, D) -> (F, M, W, D), a view."""
        return x[self.files, self.key_heads, : self.width]

    def shares(self, queries: Tensor, keys: Tensor) -> Tensor:
        """(F * M, R, W): the share of each key in what a query attends to; R counts the queries that share a key."""
        few, seen = self.of_queries(queries), self.of_keys(keys)
        scores = _product(_stacked(few, seen), seen.flatten(0, 1).transpose(1, 2))
        if self.hidden is not None:
            last = scores.view(*few.shape[:3], -1)[..., -self.hidden.shape[-1] :]
            last.masked_fill_(self.hidden, float("-inf"))
        return scores.softmax(-1)


class _ChunkedAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        attended = queries.new_empty(*queries.shape[:3], values.shape[-1])
        keeps = queries[..., 0].numel() * keys.shape[2] <= KEPT_SCORES
        ctx.chunks = []
        kept: list[Tensor | None] = []
        for chunk in _chunks(queries, keys, mask, causal):
            shares, part = chunk.shares(queries, keys), chunk.of_queries(attended)
            part.copy_(_product(shares, chunk.of_keys(values).flatten(0, 1)).view(part.shape))
            ctx.chunks.append(chunk)
            kept.append(shares if keeps else None)
        ctx.save_for_backward(queries, keys, values, *kept)  # which frees them after the backward pass
        return attended

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        queries, keys, values, *kept = ctx.saved_tensors
        to_queries = torch.empty_like(queries)
        to_keys, to_values = (torch.zeros_like(x, dtype=torch.float32) for x in (keys, values))
        for chunk, stored in zip(ctx.chunks, kept, strict=True):
            shares = chunk.shares(queries, keys) if stored is None else stored
            seen, part = chunk.of_keys(keys), chunk.of_queries(to_queries)
            above = _stacked(chunk.of_queries(gradient), seen)
            to_shares = _product(above, chunk.of_keys(values).flatten(0, 1).transpose(1, 2))
            to_scores = torch._softmax_backward_data(to_shares, shares, -1, shares.dtype)
            part.copy_(_product(to_scores, seen.flatten(0, 1)).view(part.shape))
            few = _stacked(chunk.of_queries(queries), seen)
            for total, share, rows in ((to_keys, to_scores, few), (to_values, shares, above)):
                target = chunk.of_keys(total)
                target.add_(_product(share.transpose(1, 2), rows).view(target.shape))
        return to_queries, to_keys.to(keys.dtype), to_values.to(values.dtype), None, None


def _stacked(x: Tensor, keys: Tensor) -> Tensor:
    """(F, N', L, D) -> (F * M, R, D): the queries of heads that share keys (F, M, W, D) stand below each other."""
    return x.reshape(keys.shape[0] * keys.shape[1], -1, x.shape[-1])


def _product(a: Tensor, b: Tensor) -> Tensor:
    """The matrix products of two batches; a batch of one needs no copies of transposed matrices."""
    return (a[0] @ b[0])[None] if len(a) == 1 else a @ b


def _chunks(queries: Tensor, keys: Tensor, mask: Tensor | None, causal: bool) -> Iterator[_Chunk]:
    """Chunks that cover all queries."""
    (batch, heads, length, _), total = queries.shape, keys.shape[2]
    hidden = None if mask is None else ~mask.view(*(1,) * (4 - mask.dim()), *mask.shape).expand(-1, -1, -1, total)
    scores = heads * length * total
    if causal and scores <= CHUNK_SCORES:
        hidden = _later(length, total)
    count = max(1, CHUNK_SCORES // max(1, scores))
    for start in range(0, batch, count):
        files = slice(start, start + count)
        own = hidden if hidden is None or len(hidden) == 1 else hidden[files]
        width = total if own is None else _visible(own)
        if scores <= CHUNK_SCORES:
            yield _Chunk(files, ALL, ALL, ALL, width, _of_width(own, width))
        else:
            group = heads // keys.shape[1]
            yield from _chunks_of_file(files, group, queries.shape[1:3], own, width, causal)


def _chunks_of_file(
    file: slice, group: int, shape: tuple[int, ...], hidden: Tensor | None, visible: int, causal: bool
) -> Iterator[_Chunk]:
    """Chunks of a file with a `shape` of heads and queries; each `group` of heads shares keys."""
    heads, length = shape
    count = max(1, CHUNK_SCORES // (group * visible * STEP)) * STEP
    for start in range(0, length, count):
        rows = slice(start, min(start + count, length))
        width = min(visible, rows.stop) if causal else visible
        of_rows = hidden if hidden is None or hidden.shape[2] == 1 else hidden[:, :, rows]
        later = _later(rows.stop - start, width - start) if causal and start < width else None
        for first in range(0, heads, group):
            chosen = slice(first, first + group)
            own = of_rows if of_rows is None or of_rows.shape[1] == 1 else of_rows[:, chosen]
            unseen = later if causal else _of_width(own, width)
            yield _Chunk(file, chosen, slice(first // group, first // group + 1), rows, width, unseen)


def _later(queries: int, keys: int) -> Tensor:
    """(1, 1, queries, keys) true for keys after each query, the first of both being at the same place."""
    return torch.ones(1, 1, queries, keys, dtype=torch.bool).triu(1)


def _visible(hidden: Tensor) -> int:
    """The number of keys up to the last that any query sees, by `hidden` (..., C), rounded up; all if none sees any."""
    seen = (~hidden).flatten(0, -2).any(0).nonzero()
    return min(hidden.shape[-1], -(-(int(seen[-1]) + 1) // STEP) * STEP) if len(seen) else hidden.shape[-1]


def _of_width(hidden: Tensor | None, width: int) -> Tensor | None:
    """`hidden` of the first `width` keys, without those before the first that is hidden; None if all are seen."""
    if hidden is None:
        return None
    somewhere = hidden[..., :width].flatten(0, -2).any(0).nonzero()
    return hidden[..., int(somewhere[0]) : width] if len(somewhere) else None
