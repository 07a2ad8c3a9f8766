"""Copying: match lengths, pointers, and the copy gate."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from bytesim.nn.copying import MAX_MATCH, Copying, match_before, match_lengths, next_match
from bytesim.patching import END_OF_PATCH

few = st.lists(st.integers(0, 2), min_size=1, max_size=40)


def by_hand(source: list[int], written: list[int], n: int, t: int) -> int:
    """The length of the longest common suffix of written[: n + 1] and source[: t + 1], at most MAX_MATCH."""
    length = 0
    while length < min(MAX_MATCH, n + 1, t + 1) and source[t - length] == written[n - length] != END_OF_PATCH:
        length += 1
    return length


@given(few, few)
def test_match_lengths_are_the_longest_common_suffixes(source, written):
    lengths = match_lengths(torch.tensor([source]), torch.tensor([written]))[0]
    wanted = [[by_hand(source, written, n, t) for t in range(len(source))] for n in range(len(written))]
    assert lengths.tolist() == wanted


@given(few, few)
def test_matches_that_are_followed_step_by_step_are_the_same(source, written):
    tokens = torch.tensor([source])
    match = torch.zeros_like(tokens, dtype=torch.uint8)
    rows = []
    for token in written:
        match = next_match(match, tokens, torch.tensor([token]))
        rows.append(match[0].tolist())
    assert rows == match_lengths(tokens, torch.tensor([written]))[0].tolist()


def test_padding_matches_nothing():
    source = torch.tensor([[1, 2, END_OF_PATCH, END_OF_PATCH]])
    written = torch.tensor([[1, 2, END_OF_PATCH, END_OF_PATCH]])
    assert match_lengths(source, written)[0, :, 2:].sum() == 0
    assert match_before(source, written)[0, 2].tolist() == [0, 0, 0, 0]  # "12" ends with the source: nothing follows


def test_a_match_points_to_the_byte_that_follows_it():
    source, written = torch.tensor([list(b"name: Zoe")]), torch.tensor([list(b"x: Z")])
    before = match_before(source, written)[0]  # row n: before target byte n
    assert before[3].argmax() == 6  # after "x: " the match ": " is followed by Z
    assert before[3].max() == 2


def test_an_open_gate_copies_bytes_that_the_output_layer_finds_impossible():
    torch.manual_seed(0)
    copying = Copying(8, 8)
    with torch.no_grad():
        copying.gates.bias.copy_(torch.tensor([0.0, 9.0, 0.0, -9.0]))
    tokens = torch.tensor([list(b"abcabd")])
    source = copying.source(tokens, torch.zeros(1, 6, 8))
    written = torch.tensor([[*list(b"ca"), 0]])
    match = match_before(tokens, written)
    logits = torch.full((1, 3, 257), 0.0)
    logits[..., list(b"abcd")] = -50.0
    mixed = copying.mixed(logits, torch.zeros(1, 3, 8), source, match)
    assert mixed[0, 2].argmax() == ord("b")  # "ca" occurs once, before "b"
    assert torch.allclose(mixed.exp().sum(-1), torch.ones(1, 3), atol=1e-4)


def test_without_a_source_nothing_is_copied():
    copying = Copying(8, 8)
    tokens = torch.full((1, 1), END_OF_PATCH)
    source = copying.source(tokens, torch.zeros(1, 1, 8))
    logits = torch.randn(1, 2, 257)
    match = match_before(tokens, torch.tensor([[1, 2]]))
    mixed = copying.mixed(logits, torch.zeros(1, 2, 8), source, match)
    assert torch.allclose(mixed, logits.log_softmax(-1), atol=1e-4)
