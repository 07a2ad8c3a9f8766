"""Where the bytes written so far occur in the source: matches, and the cursor."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from bytesim.nn.matching import MAX_MATCH, Places, Trace, match_lengths, next_match, next_words
from bytesim.patching import END_OF_PATCH

few = st.lists(st.sampled_from(b"aAb "), min_size=1, max_size=40)


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
    assert before[3].max() == 2 * 2 + 1


def cursors(source: bytes, written: bytes, which: int = 0) -> list[int]:
    """The steady or the quick cursor before each byte that is written."""
    places = Places.before(torch.tensor([list(source)]), torch.tensor([list(written)]))
    return places.cursors[0, :, which].tolist()


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


def test_a_match_in_the_same_case_is_better_than_one_in_another():
    source = b"mail: rome@x, city: Rome!"
    assert source[cursors(source, b"Rome, ")[4] :] == b"!"


def test_two_letters_and_a_sign_in_another_case_do_not_move_the_cursor():
    source = b'depth = Trudro "tomirt"'
    assert source[cursors(source, b'depth = "Tru')[-1] :] == b'udro "tomirt"'


def test_a_single_byte_that_occurs_once_moves_the_quick_cursor_alone():
    source, written = b"name: Anna\ntel: +4 34 32\n", b"no +43432"
    steady, quick = (cursors(source, written, which) for which in (0, 1))
    assert source[quick[4] :] == b"4 34 32\n"
    assert source[quick[8] :] == b"2\n"
    assert source[steady[4] :] != b"4 34 32\n"


def test_the_next_word_is_the_next_letter_or_digit_or_the_place_itself():
    assert next_words(torch.tensor([list(b"a, b ")])).tolist() == [[0, 3, 3, 3, 4, 5]]


@given(few, few)
def test_a_trace_that_is_followed_byte_by_byte_gives_the_same_places(source, written):
    tokens, target = torch.tensor([source]), torch.tensor([written])
    whole = Places.before(tokens, target)
    trace = Trace.start(tokens)
    for index, token in enumerate(written):
        here = trace.ahead(tokens, target[:, :0])
        assert here.cursors[0, 0].tolist() == whole.cursors[0, index].tolist()
        assert here.match[0, 0].tolist() == whole.match[0, index].tolist()
        trace = trace.after(tokens, torch.tensor([[token]]))


@given(few, few)
def test_guessed_tokens_give_the_same_places_as_written_ones(source, written):
    tokens, target = torch.tensor([source]), torch.tensor([written])
    ahead = Trace.start(tokens).ahead(tokens, target[:, :-1])
    whole = Places.before(tokens, target)
    assert torch.equal(ahead.cursors, whole.cursors)
    assert torch.equal(ahead.match, whole.match)


def test_a_compiler_does_not_unroll_the_loop_over_the_target():
    source = torch.tensor([list(b"name: Anna")])

    def operations(length: int) -> int:
        torch.compiler.reset()
        written = torch.zeros(1, length, dtype=torch.long)
        found = torch._dynamo.explain(lambda text: Places.before(source, text).match.float() * 2)(written)
        return int(found.op_count)

    assert operations(4) == operations(40)
