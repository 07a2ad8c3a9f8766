"""Chunked attention equals torch's, forward and backward, whatever is hidden and however the chunks fall."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from engine.test_engine import AS_SHIPPED, small_model
from torch import Tensor

from bytesim.nn import chunked_attention as chunked
from bytesim.nn.kernels import attend, whole_products

BATCH, HEADS, QUERIES, KEYS, SIZE, VALUE_SIZE = 3, 4, 150, 170, 16, 8


def _inputs(key_heads: int, keys: int, dtype: torch.dtype) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = ((BATCH, HEADS, QUERIES, SIZE), (BATCH, key_heads, keys, SIZE), (BATCH, key_heads, keys, VALUE_SIZE))
    return [torch.randn(shape, dtype=dtype).requires_grad_() for shape in shapes]


def _mask(kind: str, keys: int) -> Tensor | None:
    places = torch.arange(keys)
    if kind == "padding":  # one file sees everything, one less than a step of keys, one a single key
        return (places < torch.tensor([keys, 40, 1])[:, None])[:, None, None]
    if kind == "none":  # one value for all queries and keys
        return torch.ones(1, 1, dtype=torch.bool)
    if kind == "gap":
        return (places != 5)[None]
    if kind == "window":
        distances = torch.arange(QUERIES)[:, None] - places
        return (distances >= 0) & (distances < 20)
    if kind == "heads":
        return (places < torch.tensor([1, 20, 90, keys])[:, None, None]).expand(BATCH, HEADS, QUERIES, keys)
    return None


def _by_torch(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    groups = HEADS // keys.shape[1]
    keys, values = keys.repeat_interleave(groups, 1), values.repeat_interleave(groups, 1)
    padded = F.pad(values, (0, SIZE - VALUE_SIZE))
    attended = F.scaled_dot_product_attention(queries, keys, padded, attn_mask=mask, is_causal=causal, scale=0.3)
    return attended[..., :VALUE_SIZE]


def _difference(ours: Tensor, theirs: Tensor) -> float:
    return float(((ours - theirs).abs().max() / theirs.abs().max()).detach())


@pytest.mark.parametrize("kind", ["all", "none", "causal", "padding", "gap", "window", "heads"])
@pytest.mark.parametrize("key_heads", [HEADS, 2, 1])
@pytest.mark.parametrize("scores", [1 << 20, 1 << 17, 1 << 10])
@pytest.mark.parametrize("kept", [1 << 26, 0])
def test_equals_torch(monkeypatch: pytest.MonkeyPatch, kind: str, key_heads: int, scores: int, kept: int) -> None:
    """In float64, so that only a wrong formula can differ."""
    monkeypatch.setattr(chunked, "CHUNK_SCORES", scores)
    monkeypatch.setattr(chunked, "KEPT_SCORES", kept)
    causal, keys = kind == "causal", QUERIES if kind == "causal" else KEYS
    inputs = _inputs(key_heads, keys, torch.float64)
    ours = attend(*inputs, _mask(kind, keys), causal=causal, scale=0.3)
    theirs = _by_torch(*inputs, _mask(kind, keys), causal)
    assert _difference(ours, theirs) < 1e-12
    weights = torch.randn_like(theirs)
    gradients = (torch.autograd.grad((out * weights).sum(), inputs) for out in (ours, theirs))
    for own, other in zip(*gradients, strict=True):
        assert _difference(own, other) < 1e-6  # those of keys and values are summed in float32


def test_no_file_sees_another() -> None:
    inputs = _inputs(HEADS, KEYS, torch.float32)
    attended = attend(*inputs, _mask("padding", KEYS))
    (gradient,) = torch.autograd.grad(attended[1].sum(), inputs[:1])
    assert gradient[1].abs().sum() > 0
    assert gradient[[0, 2]].abs().sum() == 0


def test_is_chunked_only_for_training(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr("bytesim.nn.kernels.chunked_attention", lambda *given: calls.append(1) or given[0])
    inputs = _inputs(HEADS, KEYS, torch.float32)
    attend(*inputs)
    assert len(calls) == 1
    with torch.no_grad():
        attend(*inputs)
    with whole_products():
        attend(*inputs)
    assert len(calls) == 1


def test_autocast_gives_bfloat16() -> None:
    inputs = _inputs(HEADS, KEYS, torch.float32)
    exact = attend(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        attended = attend(*inputs)
    assert attended.dtype == torch.bfloat16
    assert 0 < _difference(attended.float(), exact) < 0.02
    attended.float().sum().backward()
    assert all(x.grad is not None and x.grad.dtype == torch.float32 for x in inputs)


@pytest.mark.parametrize("changes", [{"patch_encoder_layers": 1}, {"clock": True}, {"copying": True}, AS_SHIPPED])
def test_a_model_computes_the_same_with_and_without_gradients(changes: dict[str, Any]) -> None:
    model = small_model(**changes)
    patches = torch.randint(0, 256, (2, 20, model.config.patch_size))
    source = torch.randint(0, 256, (2, 50))
    source[1, 30:] = 256
    given = source if model.config.source_attention else None
    with torch.no_grad():
        expected = model(patches, given)
    torch.testing.assert_close(model(patches, given), expected, atol=1e-4, rtol=1e-4)


def test_second_derivatives_are_refused() -> None:
    inputs = _inputs(HEADS, KEYS, torch.float32)
    (gradient,) = torch.autograd.grad(attend(*inputs).square().sum(), inputs[:1], create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.sum().backward()


def test_what_is_kept_for_the_backward_pass_is_freed_by_it() -> None:
    inputs = _inputs(HEADS, KEYS, torch.float32)
    attended = attend(*inputs)
    node = attended.grad_fn
    attended.sum().backward()
    with pytest.raises(RuntimeError, match="freed"):
        node.saved_tensors  # noqa: B018
