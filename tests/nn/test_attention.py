"""Attention with fewer key heads, other RoPE bases, with and without QK-norm, cached and not."""

import pytest
import torch

from bytesim.nn.attention import Attention, LayerCache
from bytesim.nn.kernels import attend
from bytesim.nn.rotary import rotary_table


def attention(**changes: object) -> Attention:
    torch.manual_seed(0)
    made = Attention(32, 4, "modern", **changes)
    torch.nn.init.normal_(made.out.weight, std=0.2)  # it starts at zero, which would hide every mistake
    return made


@pytest.mark.parametrize("num_kv_heads", [1, 2, 4])
@pytest.mark.parametrize("qk_norm", [False, True])
def test_positions_after_a_cache_equal_those_of_the_whole_sequence(num_kv_heads, qk_norm):
    layer = attention(num_kv_heads=num_kv_heads, qk_norm=qk_norm)
    table, x = rotary_table(10, 8, base=500.0), torch.randn(3, 10, 32)
    whole = layer(x, table)
    cache = LayerCache.empty(3, num_kv_heads, 10, 8, x)
    pieces = []
    for start, end in ((0, 4), (4, 5), (5, 10)):
        positions = torch.arange(start, end).expand(3, -1)
        rotary = table[:, positions][:, :, None]
        pieces.append(layer(x[:, start:end], rotary, cache=cache, positions=positions))
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-4, atol=1e-5)


def test_grouped_queries_read_the_keys_of_their_group():
    queries, keys, values = torch.randn(2, 6, 5, 8), torch.randn(2, 2, 7, 8), torch.randn(2, 2, 7, 8)
    grouped = attend(queries, keys, values)
    for head in range(6):
        alone = attend(queries[:, head, None], keys[:, head // 3, None], values[:, head // 3, None])
        torch.testing.assert_close(grouped[:, head, None], alone)


def test_multi_query_attention_has_one_head_of_keys_and_values():
    assert attention(num_kv_heads=1).qkv.weight.shape == ((4 + 2) * 8, 32)


def test_qk_norm_bounds_the_scores_and_can_be_left_out():
    normed, plain = attention(), attention(qk_norm=False)
    assert "scale" in dict(normed.named_parameters())
    assert "scale" not in dict(plain.named_parameters())
    queries, keys, _ = normed.project(torch.randn(1, 5, 32) * 100)
    assert (queries @ keys.transpose(-1, -2)).abs().max() <= 1.5 * 8 * 1.001
    queries, keys, _ = plain.project(torch.randn(1, 5, 32) * 100)
    assert (queries @ keys.transpose(-1, -2)).abs().max() > 100


def test_another_rope_base_turns_by_other_angles():
    assert not torch.allclose(rotary_table(10, 8), rotary_table(10, 8, base=500.0))
    assert torch.equal(rotary_table(10, 8), rotary_table(10, 8, base=10_000.0))
