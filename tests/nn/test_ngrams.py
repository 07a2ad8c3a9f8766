"""Words of a file as table rows: what a word is, and that rows depend on the words alone."""

import pytest
import torch

from bytesim.errors import ConfigError
from bytesim.models.encoder.config import EncoderConfig
from bytesim.nn.ngrams import NgramBag, word_hashes


def tokens_of(*files):
    longest = max(map(len, files))
    return torch.tensor([[*each, *[256] * (longest - len(each))] for each in files])


def test_the_same_words_have_the_same_hashes_wherever_they_are():
    hashes, real = word_hashes(tokens_of(b"the cat, the hat", b"  hat -- the", b"", "\u00fcber".encode()))
    assert real.sum(1).tolist() == [4, 2, 0, 1]
    the, cat, again, hat = hashes[0].tolist()
    assert the == again
    assert len({the, cat, hat}) == 3
    assert hashes[1, :2].tolist() == [hat, the]


def test_words_of_the_same_letters_differ():
    hashes, _ = word_hashes(tokens_of(b"stop pots post a aa aaa"))
    assert len(set(hashes[0].tolist())) == 6


def test_pairs_of_words_are_rows_and_padding_is_none():
    bag = NgramBag(1000, 4, (1,), words=(2,))
    rows = bag.rows(tokens_of(b"red green red green", b"red green blue"))[:, -4:]
    first = rows[0].tolist()
    assert first[0] == 1000
    assert first[1] == first[3] == rows[1, 1]
    assert rows[1, 3] == 1000
    assert len({*first, *rows[1].tolist()}) == 4


def test_a_bag_without_words_reads_as_before():
    tokens = tokens_of(b"some text", b"else")
    torch.manual_seed(0)
    plain = NgramBag(100, 4, (1, 2))
    assert torch.equal(
        plain.rows(tokens), NgramBag(100, 4, (1, 2), words=(1,)).rows(tokens)[:, : plain.rows(tokens).shape[1]]
    )


def test_case_is_folded_in_words_too():
    bag = NgramBag(1000, 4, (1,), words=(1,), fold_case=True)
    rows = bag.rows(tokens_of(b"Word wORD"))
    assert rows[0, -1] == rows[0, -2]


@pytest.mark.parametrize(
    "fields", [{"words": (0,), "ngram_buckets": 9}, {"words": (6,), "ngram_buckets": 9}, {"words": (1,)}]
)
def test_wrong_words_are_refused(fields):
    with pytest.raises(ConfigError, match="words"):
        EncoderConfig(**fields)


def test_a_head_needs_n_grams():
    with pytest.raises(ConfigError, match="ngram_head"):
        EncoderConfig(ngram_head=True)
