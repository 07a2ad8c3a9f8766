"""Data augmentation for converters: shared words are replaced in source and target alike."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bytesim.training.data.spans import Spans

words = st.lists(st.sampled_from([b"Anna", b"kim", b"ROME", b"1905", b"42", b"id", b"7"]), min_size=1, max_size=8)


def pairs(count: int = 100) -> list[tuple[bytes, bytes]]:
    names = [b"%c%c%c" % (97 + index % 26, 97 + index // 26, 97 + index * 7 % 26) for index in range(count)]
    return [(b"name %s\n" % name, b"<name>%s</name>" % name.upper()) for name in names]


def test_a_shared_word_is_replaced_in_both_files_in_the_case_of_each():
    spans, rng = Spans.of(pairs()), np.random.default_rng(0)
    rows = [spans.replaced(source, target, rng) for source, target in pairs()]
    for source, target in rows:
        word = re.fullmatch(rb"name (\w+)\n", source)
        assert word is not None
        assert target == b"<name>%s</name>" % word[1].upper()
    assert sum(row != pair for row, pair in zip(rows, pairs(), strict=True)) > 50


def test_words_of_many_examples_are_never_replaced():
    spans = Spans.of(pairs())
    assert b"name" in spans.common
    assert spans.replaced(b"name name", b"name name", np.random.default_rng(0)) == (b"name name", b"name name")


def test_a_word_that_both_files_do_not_hold_equally_often_stays():
    spans = Spans.of(pairs())
    rng = np.random.default_rng(0)
    assert all(spans.replaced(b"09 Sep", b"09-09", rng) == (b"09 Sep", b"09-09") for _ in range(20))


def test_binary_files_and_files_of_one_length_keep_their_lengths():
    binary = Spans.of([(b"station AB%d" % index, b"\x01\x02AB%d" % index) for index in range(30)])
    fixed = Spans.of([(b"%04d" % index, b"%04d." % index) for index in range(30)])
    assert binary.keep_lengths
    assert fixed.keep_lengths
    assert not Spans.of([(b"a", b"bc"), (b"aa", b"b")]).keep_lengths
    rng = np.random.default_rng(0)
    for _ in range(20):
        source, target = fixed.replaced(b"1234", b"1234.", rng)
        assert (len(source), target) == (4, source + b".")


@given(words, st.integers(0, 1000))
def test_numbers_stay_numbers_and_words_words(drawn, seed):
    text = b" ".join(drawn)
    source, target = Spans.of(pairs()).replaced(text, text, np.random.default_rng(seed))
    assert source == target
    for old, new in zip(drawn, source.split(b" "), strict=True):
        assert old.isdigit() == new.isdigit()
        assert old.isupper() == new.isupper()
        assert not (new.isdigit() and new[:1] == b"0")
