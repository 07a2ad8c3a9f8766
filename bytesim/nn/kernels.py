"""Chooses the kernel for an attention: all rules that depend on the device, with their reasons.

- On a GPU, torch's fused attention: it never writes the scores to memory.
- On a CPU with gradients, chunks (`chunked_attention`): their scores stay in the cache, which takes a tenth off
  a training step of model `music`.
- In decode steps on a CPU, of at most FEW_QUERIES queries, the scores are written to memory: there the fused kernel is
  slower. Above LARGEST_PRODUCT scores they would not fit, so it is used.
- On a CPU, a decoder at least WIDER times as wide as its source decodes with absorbed projections: a step then reads
  fewer bytes.

Axes: B batch, N heads, K key heads, T queries, C keys, D head size.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.nn.chunked_attention import chunked_attention

LARGEST_PRODUCT = 1 << 26
"""Most scores of a batch that are written to memory."""
FEW_QUERIES = 32
"""Up to this many queries per file count as a decode step."""
WIDER = 4
"""Decoders at least this many times wider than their source use absorbed projections on a CPU."""


def attend(
    queries: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor | None = None,
    *,
    causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """Attention of (B, N, T, D) queries to all C keys, or to those where `mask`, broadcast to (B, N, T, C), is true.

    Scores are multiplied by `scale`, D ** -0.5 by default. Values may be narrower than keys. Keys and values may have
    fewer heads than queries (grouped-query attention, arXiv:2305.13245): head n then reads key head n * K // N.
    """
    if _is_chunked(queries):
        scaled = queries * (queries.shape[-1] ** -0.5 if scale is None else scale)
        return chunked_attention(scaled, keys, values, mask, causal)
    if not _writes_scores(queries, keys):
        groups = queries.shape[1] // keys.shape[1]
        if groups > 1:
            keys, values = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
        width, missing = values.shape[-1], queries.shape[-1] - values.shape[-1]
        values = F.pad(values, (0, missing)) if missing else values  # fused kernels need one width
        padded = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal, scale=scale)
        return padded[..., :width]
    if causal:
        mask = torch.ones(queries.shape[2], keys.shape[2], dtype=torch.bool, device=queries.device).tril()
    batch, heads, length, size = queries.shape
    queries = queries * (size**-0.5 if scale is None else scale)
    # The heads that share keys stand below each other, so that keys and values are not copied for each.
    grouped = queries.reshape(batch, keys.shape[1], -1, size)
    scores = (grouped @ keys.transpose(-1, -2)).view(batch, heads, length, -1)
    scores = scores if mask is None else scores.masked_fill(~mask, float("-inf"))
    shares = scores.softmax(-1).to(values.dtype).view(batch, keys.shape[1], -1, keys.shape[2])
    return (shares @ values).view(batch, heads, length, -1)


_whole = ContextVar("whole", default=False)


@contextmanager
def whole_products() -> Iterator[None]:
    """In this context no attention is chunked, so that its products count as they do on any device."""
    token = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(token)


def _is_chunked(queries: Tensor) -> bool:
    on_cpu = queries.device.type == "cpu"
    return on_cpu and torch.is_grad_enabled() and not torch.compiler.is_compiling() and not _whole.get()


def _writes_scores(queries: Tensor, keys: Tensor) -> bool:
    if queries.device.type != "cpu":
        return False
    few = torch.is_grad_enabled() or queries.shape[2] <= FEW_QUERIES
    scores = queries.shape[0] * queries.shape[1] * queries.shape[2] * keys.shape[2]
    return few and scores <= LARGEST_PRODUCT


def absorbs_projections(source: Tensor, hidden_size: int, num_heads: int) -> bool:
    """Whether cross-attention of this width uses absorbed projections of the source (B, T, Hs)."""
    decoding_on_cpu = source.device.type == "cpu" and not torch.is_grad_enabled()
    return decoding_on_cpu and num_heads > 1 and hidden_size >= WIDER * source.shape[-1]


def pads_values(keys: Tensor) -> bool:
    """Whether values are padded to the width of their keys, once before decoding: fused kernels need one width."""
    return keys.device.type != "cpu" and not torch.is_grad_enabled()
