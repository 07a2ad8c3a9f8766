"""Byte tables that begin as numbers."""

import torch

from bytesim.nn.numbers import begin_as_numbers, number_features


def test_bits_of_a_byte_stand_first_and_every_byte_is_its_own():
    features = number_features()
    bits = (features[:, :8] > 0).long() @ (1 << torch.arange(8))
    assert bits.tolist() == list(range(256))
    assert len(set(map(tuple, features.tolist()))) == 256


def test_magnitude_rises_and_sums_are_sums():
    values = number_features()[:, 8]
    assert torch.all(values.diff() > 0)
    assert torch.allclose(values[40] - values[30], values[230] - values[220], atol=1e-5)


def test_a_table_is_as_large_as_it_was_asked_to_be_at_any_width():
    for width in (4, 18, 64):
        weight = torch.empty(257, width)
        begin_as_numbers(weight, 0.5)
        assert 0.4 < float(weight.square().mean().sqrt()) < 0.6
        assert torch.equal(weight[:256, :8] > 0, number_features()[:, :width][:, :8] > 0)
