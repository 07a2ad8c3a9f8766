"""Musical time as a model reads it."""

import pytest
import torch

from bytesim.clocks import CLOCK_WIDTH, clock_of
from bytesim.nn.attention import AbsorbedSource, CrossAttention
from bytesim.nn.clock import PEAK, ClockFeatures, ClockHands, NotationFeatures, waves_of
from bytesim.nn.kernels import attend

TIMES = torch.stack([torch.arange(0, 50_000, 120), torch.arange(0, 50_000, 120) % 1440], -1)[None]


def test_a_fresh_query_sees_its_own_time_most():
    queries = ClockHands(16, 2).queries(torch.randn(1, TIMES.shape[1], 16), TIMES)
    keys = torch.cat(waves_of(TIMES), -1)[:, None]
    scores = queries @ keys.transpose(-1, -2)
    assert scores.shape == (1, 2, TIMES.shape[1], TIMES.shape[1])
    assert (scores.argmax(-1) == torch.arange(TIMES.shape[1])).all()
    torch.testing.assert_close(scores.diagonal(dim1=-2, dim2=-1), torch.full((1, 2, TIMES.shape[1]), PEAK))


def test_a_query_depends_on_how_far_apart_two_times_are_alone():
    module = ClockHands(16, 2)
    torch.nn.init.normal_(module.waves.weight)
    x = torch.randn(1, 1, 16)
    for shift in (120, 1440, 30_000):
        one, other = torch.tensor([[[960, 0]]]), torch.tensor([[[1200, 0]]])
        pairs = [(one, other), (one + shift, other + shift)]
        scores = [(module.queries(x, a) * torch.cat(waves_of(b), -1)[:, None]).sum(-1) for a, b in pairs]
        torch.testing.assert_close(*scores, rtol=1e-3, atol=1e-3)


def test_features_are_zero_at_first_and_then_tell_times_apart():
    module = ClockFeatures(8)
    assert not module(TIMES).any()
    torch.nn.init.normal_(module.join.weight)
    features = module(TIMES)[0]
    distances = torch.cdist(features, features) + torch.eye(len(features)) * 100
    assert distances.min() > 0.1


def test_notation_features_add_up_what_each_part_of_the_notation_says():
    def features(text: str) -> torch.Tensor:
        return module(torch.from_numpy(clock_of(f"K:C\n{text}".encode(), "abc")[-1:]).long())[0]

    module = NotationFeatures(8)
    plain = features("")
    with torch.no_grad():
        differences = [features(text) - plain for text in ("C", "^F", "_e", '"Am"', '"D7/F#"')]
        assert all(difference.abs().max() > 0.05 for difference in differences)
        same = [features(text) for text in ("c", "c", "[K:Amin]c", "^A|c")]
        torch.testing.assert_close(same, same[:1] * 4)
        octave = features("c") - features("C")
        pitches = module.join.weight.T[:128]
        torch.testing.assert_close(octave, pitches[72] - pitches[60])
        sharp, symbol = features("^F|F^F") - features("^F|F=F"), features('"Am"^F,') - features("^F,")
        assert sharp.abs().max() > 0.05
        torch.testing.assert_close(symbol, features('"Am"') - plain)
        assert module(torch.zeros(2, 3, CLOCK_WIDTH, dtype=torch.long)).shape == (2, 3, 8)


def test_values_narrower_than_keys_are_attended_alike_written_out_and_fused(monkeypatch):
    queries, keys, values = torch.randn(2, 3, 5, 12), torch.randn(2, 3, 7, 12), torch.randn(2, 3, 7, 8)
    mask = torch.ones(2, 1, 1, 7, dtype=torch.bool)
    mask[1, :, :, 4:] = False
    written_out = attend(queries, keys, values, mask, scale=0.5)
    monkeypatch.setattr("bytesim.nn.kernels.LARGEST_PRODUCT", 0)
    fused = attend(queries, keys, values, mask, scale=0.5)
    assert fused.shape == written_out.shape == (2, 3, 5, 8)
    torch.testing.assert_close(written_out, fused, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(fused, attend(queries, keys, values, mask), atol=1e-3)


def test_without_a_clock_source_attention_has_no_part_for_it():
    plain, timed = CrossAttention(16, 8, 2, "modern"), CrossAttention(16, 8, 2, "modern", clock=True)
    assert {name for name, _ in timed.named_parameters()} - {name for name, _ in plain.named_parameters()} == {
        "hands.waves.weight",
        "hands.waves.bias",
    }


@pytest.mark.parametrize("clock", [False, True])
@pytest.mark.parametrize("queries", [1, 5])
def test_a_wide_decoder_reads_the_source_itself_and_sees_the_same(clock, queries):
    torch.manual_seed(0)
    attention = CrossAttention(64, 16, 4, "modern", clock=clock)
    for parameter in attention.parameters():
        parameter.data.add_(torch.randn_like(parameter) * 0.3)
    x, source = torch.randn(3, queries, 64), torch.randn(3, 20, 16)
    times, source_times = torch.randint(0, 9000, (3, queries, 2)), torch.randint(0, 9000, (3, 20, 2))
    mask = torch.rand(3, 1, 1, 20) > 0.2
    mask[..., 0] = True
    by_keys = attention(x, attention.source_keys(source, source_times), mask, times)
    with torch.no_grad():
        shared = attention.source_keys(source, source_times)
        by_source = attention(x, shared, mask, times)
    assert isinstance(shared, AbsorbedSource)
    assert torch.allclose(by_keys, by_source, atol=1e-5)
