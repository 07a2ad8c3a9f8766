"""Micro-batches of pairs: bounded by the bytes of their targets, and of their sources with padding."""

from collections import Counter

import numpy as np
import pytest
from helpers.tiny_training import RECIPE, tiny_recipe

from bytesim.training.data.shards import pack, save_shard
from bytesim.training.data.streams import open_streams

SOURCE_SHARE = 3
BUDGET = 256
"""Holds four targets of 64 bytes, or 16 patches, and the sources that go with them."""


def opened(folder, source_lengths, recipe=RECIPE):
    """A stream of pairs with sources of these lengths and targets of a few bytes."""
    rows = [(bytes([index]) * length, b"%d" % index) for index, length in enumerate(source_lengths)]
    save_shard(folder / "pairs.npz", pack(rows))
    parsed = tiny_recipe(recipe.replace("max_source_bytes = 64", "max_source_bytes = 512\nsource_patches = false"))
    return open_streams(parsed.data, parsed.model, folder, ())[0]


def drawn(stream, count=50):
    """Micro-batches of the stream, drawn one after the other."""
    rng = np.random.default_rng(0)
    return [stream.draw(rng, BUDGET) for _ in range(count)]


def padded(examples):
    """Bytes of the sources of a micro-batch, each as long as the longest."""
    return len(examples) * max(len(example.source) for example in examples)


def test_ordinary_sources_do_not_change_the_number_of_examples(tmp_path):
    assert {len(examples) for examples in drawn(opened(tmp_path, [5, 100, 192]))} == {4}


def test_long_sources_make_a_micro_batch_smaller(tmp_path):
    micro_batches = drawn(opened(tmp_path, [5] * 16 + [300, 512]))
    assert {len(examples) for examples in micro_batches} == {1, 2, 4}
    assert max(map(padded, micro_batches)) <= SOURCE_SHARE * BUDGET


def test_a_recipe_may_allow_more_bytes_of_sources(tmp_path):
    recipe = RECIPE.replace('source_suffix = "low"\n', 'source_suffix = "low"\nsource_share = 1000\n')
    assert {len(examples) for examples in drawn(opened(tmp_path, [5] * 16 + [300, 512], recipe))} == {4}


def test_every_pair_is_drawn_whatever_the_length_of_its_source(tmp_path):
    names = {example.source[:1] for examples in drawn(opened(tmp_path, [5] * 9 + [512])) for example in examples}
    assert names == {bytes([index]) for index in range(10)}


@pytest.mark.parametrize("lengths", [[5] * 20, [5, 300] * 10, [5] * 11 + [200, 300, 512], [512] * 3])
def test_epochs_have_each_pair_once_in_equally_many_groups_that_fit(tmp_path, lengths):
    stream = opened(tmp_path, lengths)
    numbers = set()
    for seed in range(20):
        groups = stream.groups(np.random.default_rng(seed), BUDGET)
        numbers.add(len(groups))
        assert Counter(int(index) for group in groups for index in group) == Counter(range(len(lengths)))
        for group in groups:
            examples = [stream.example(int(index)) for index in group]
            assert len(group) <= 4
            assert len(group) == 1 or padded(examples) <= SOURCE_SHARE * BUDGET
    assert len(numbers) == 1
