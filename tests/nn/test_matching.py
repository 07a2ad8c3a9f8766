"""Where the bytes written so far occur in the source: matches, and the cursor."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from bytesim.nn.matching import MAX_MATCH, Places, Trace, match_lengths, next_match, next_words
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
    assert Places.before(source, written).match[0, 2].tolist() == [
        0,
        0,
        0,
        0,
    ]  # the source ends


def test_a_match_points_to_the_byte_that_follows_it():
    source, written = torch.tensor([list(b"name: Zoe")]), torch.tensor([list(b"x: Z")])
    before = Places.before(source, written).match[0]  # row n: before target byte n
    assert before[3].argmax() == 6  # after "x: " the match ": " is followed by Z
    assert before[3].max() == 2


def cursors(source: bytes, written: bytes) -> list[int]:
    """The cursor before each byte that is written."""
    return Places.before(torch.tensor([list(source)]), torch.tensor([list(written)])).cursor[0].tolist()


def test_the_cursor_passes_over_what_is_written_in_between():
    source, written = b"| one | 1 | 1 |", b"<td>one</td><td>1</td><td>1</td>"
    places = cursors(source, written)
    assert source[places[written.index(b"</td>")] :].startswith(b" | 1 | 1 |")
    assert source[places[written.index(b"1")] :].startswith(b" | 1 | 1 |")
    assert source[places[written.rindex(b"1")] :].startswith(b" | 1 |")
    assert places[-1] == len(source) - 2


def test_three_bytes_that_match_elsewhere_move_the_cursor_there():
    source = b"name: Anna\ncity: Rome\n"
    assert source[cursors(source, b"Rome, ")[4] :] == b"\n"


def test_the_next_word_is_the_next_letter_or_digit_or_the_place_itself():
    assert next_words(torch.tensor([list(b"a, b ")])).tolist() == [[0, 3, 3, 3, 4, 5]]


@given(few, few)
def test_a_trace_that_is_followed_byte_by_byte_gives_the_same_places(source, written):
    tokens, target = torch.tensor([source]), torch.tensor([written])
    whole = Places.before(tokens, target)
    trace = Trace.start(tokens)
    for index, token in enumerate(written):
        here = trace.ahead(tokens, target[:, :0])
        assert here.cursor[0, 0] == whole.cursor[0, index]
        assert here.match[0, 0].tolist() == whole.match[0, index].tolist()
        trace = trace.after(tokens, torch.tensor([[token]]))


@given(few, few)
def test_guessed_tokens_give_the_same_places_as_written_ones(source, written):
    tokens, target = torch.tensor([source]), torch.tensor([written])
    ahead = Trace.start(tokens).ahead(tokens, target[:, :-1])
    whole = Places.before(tokens, target)
    assert torch.equal(ahead.cursor, whole.cursor)
    assert torch.equal(ahead.match, whole.match)
