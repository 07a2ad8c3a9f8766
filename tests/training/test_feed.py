"""Data made ahead are the same as those made in place, and coarse buckets give few shapes."""

import multiprocessing
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.tiny_training import tiny_recipe, write_recipe

from bytesim.training.data.examples import COARSE_SIZES, padded_length
from bytesim.training.data.feed import Feed
from bytesim.training.data.shards import pack
from bytesim.training.data.streams import ConvertStream, Mixture, open_streams
from bytesim.training.distributed import Workers
from bytesim.training.loss import Batch, arrays_of
from bytesim.training.recipe import load_recipe


def test_processes_work_ahead_before_the_length_is_known_and_end_with_the_training(tmp_path):
    recipe = load_recipe(write_recipe(tmp_path))
    mixture = Mixture(open_streams(recipe.data, recipe.model, tmp_path, ()), 0)
    ahead = Feed(mixture, recipe, Workers(), torch.device("cpu"), 1)
    lengths = (None, None, 5, 6, 4)
    for step, total in enumerate(lengths[:4]):
        made = ahead.step(step, total)
        expected = ahead.draw(step, total)
        assert made.num_bytes == expected.num_bytes
        for one, other in zip(made.micro_batches, expected.micro_batches, strict=True):
            assert all(np.array_equal(one[name], other[name]) for name in other)
    before = set(multiprocessing.active_children())
    assert before
    ahead.step(4, 5)
    assert not before & set(multiprocessing.active_children())


@pytest.mark.parametrize(
    ("length", "fine", "coarse"),
    [(1, 16, 16), (16, 16, 16), (17, 32, 32), (65, 80, 96), (97, 112, 128), (130, 144, 192)],
)
def test_lengths_are_rounded_up_to_buckets(length, fine, coarse):
    assert padded_length(length) == fine
    assert padded_length(length, coarse=True) == coarse


def test_coarse_buckets_waste_at_most_a_third_and_every_file_fits_its_bucket():
    sizes = np.arange(1, 3000)
    rounded = np.array([padded_length(int(size) * 16, coarse=True) // 16 for size in sizes])
    assert (rounded >= sizes).all()
    assert set(rounded) <= set(COARSE_SIZES)
    assert (rounded < 1.5 * sizes + 1).all()


@pytest.mark.parametrize("coarse", [False, True])
def test_padding_never_exceeds_what_the_model_holds(coarse):
    model = replace(tiny_recipe().model, max_patches=10, max_source_bytes=40)
    rows = [(b"a" * size, b"b" * (size // 2)) for size in range(8, 40)]
    stream = ConvertStream(tiny_recipe().data[0], pack(rows), model)
    arrays = arrays_of(stream.draw(np.random.default_rng(1), 400), model, coarse=coarse)
    assert arrays["patches"].shape[1] == 10
    assert arrays["targets"].shape[1] <= 10
    assert arrays["source"].shape[1] <= 40


def test_coarse_buckets_give_few_shapes_and_the_same_files():
    rng = random.Random(0)
    model = replace(tiny_recipe().model, max_patches=400, max_source_bytes=1600)
    rows = [(b"a" * (size // 4 + 1), b"b" * size) for size in (rng.randrange(1, 1500) for _ in range(200))]
    shapes = {}
    for coarse in (False, True):
        stream = ConvertStream(tiny_recipe().data[0], pack(rows), model)
        if coarse:
            stream.coarsen()
        draw = np.random.default_rng(1)
        batches = [Batch.of(arrays_of(stream.draw(draw, 4000), model, coarse=coarse)) for _ in range(200)]
        assert all(batch.patches.shape[1] <= model.max_patches for batch in batches)
        shapes[coarse] = {(batch.patches.shape, batch.source.shape) for batch in batches}
    assert len(shapes[True]) < 0.5 * len(shapes[False])
