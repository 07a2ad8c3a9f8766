"""Copying: pointers into the source, and the gate that mixes copied bytes into the output distribution."""

import torch

from bytesim.nn.copying import Copying
from bytesim.nn.matching import Places
from bytesim.patching import END_OF_PATCH


def test_an_open_gate_copies_bytes_that_the_output_layer_finds_impossible():
    torch.manual_seed(0)
    copying = Copying(8, 8)
    with torch.no_grad():
        copying.gates.bias.copy_(torch.tensor([0.0, 9.0, 0.0, -9.0]))
    tokens = torch.tensor([list(b"abcabd")])
    source = copying.source(tokens, torch.zeros(1, 6, 8))
    written = torch.tensor([[*list(b"ca"), 0]])
    places = Places.before(tokens, written)
    logits = torch.full((1, 3, 257), 0.0)
    logits[..., list(b"abcd")] = -50.0
    mixed = copying.mixed(logits, torch.zeros(1, 3, 8), source, places)
    assert mixed[0, 2].argmax() == ord("b")  # "ca" occurs once, before "b"
    assert torch.allclose(mixed.exp().sum(-1), torch.ones(1, 3), atol=1e-4)


def test_without_a_source_nothing_is_copied():
    copying = Copying(8, 8)
    tokens = torch.full((1, 1), END_OF_PATCH)
    source = copying.source(tokens, torch.zeros(1, 1, 8))
    logits = torch.randn(1, 2, 257)
    places = Places.before(tokens, torch.tensor([[1, 2]]))
    mixed = copying.mixed(logits, torch.zeros(1, 2, 8), source, places)
    assert torch.allclose(mixed, logits.log_softmax(-1), atol=1e-4)


def test_long_files_are_mixed_in_parts_with_the_same_result_and_gradients(monkeypatch):
    torch.manual_seed(0)
    copying = Copying(8, 8, numerals=True)
    tokens = torch.randint(0, 256, (2, 30))
    encoded, written = torch.randn(2, 30, 8), torch.randint(0, 256, (2, 40))
    logits, x = torch.randn(2, 40, 257), torch.randn(2, 40, 8)
    results = []
    for most in (1 << 22, 300):
        monkeypatch.setattr("bytesim.nn.copying._MOST_PAIRS", most)
        copying.zero_grad()
        source = copying.source(tokens, encoded)
        places = Places.before(tokens, written)
        mixed = copying.mixed(logits, x + copying.pointers(source, places), source, places)
        mixed.gather(2, written[..., None]).sum().backward()
        results.append((mixed.detach(), [part.grad.clone() for part in copying.parameters() if part.grad is not None]))
    (whole, grads), (parts, part_grads) = results
    assert torch.allclose(whole, parts, atol=1e-5)
    assert all(torch.allclose(one, two, rtol=1e-3, atol=1e-4) for one, two in zip(grads, part_grads, strict=True))
