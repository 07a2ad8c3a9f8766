"""Epochs: each file once, whatever the number of processes, and wherever a training was stopped."""

from collections import Counter

import pytest
import torch
from helpers.tiny_training import RECIPE, losses, tiny_recipe, write_recipe

from bytesim.errors import ConfigError
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.training.data.epochs import Epochs, open_mixture
from bytesim.training.data.programs import CpuStream
from bytesim.training.data.streams import Mixture, open_streams
from bytesim.training.distributed import Workers
from bytesim.training.interrupt import Interrupt
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe
from bytesim.training.sources import CpuSource

BATCH, MICRO = 512, 64


@pytest.fixture
def streams(tmp_path):
    write_recipe(tmp_path)
    recipe = tiny_recipe()
    return open_streams(recipe.data, recipe.model, tmp_path, ())


def names(micro_batches):
    """What tells the examples apart: their bytes."""
    return [example.patches.tobytes() for examples in micro_batches for example in examples]


def first_epoch(streams):
    """The micro-batches of the first epoch."""
    epochs = Epochs(streams, seed=3)
    return [epochs.batch(number, 0, MICRO, MICRO)[0] for number in range(epochs._size(MICRO))]


def test_every_file_is_in_an_epoch_once(streams):
    expected = Counter(names([[stream.example(index) for index in range(len(stream))] for stream in streams]))
    seen = Counter(names(first_epoch(streams)))
    assert seen == expected
    assert sum(seen.values()) == sum(map(len, streams))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_processes_share_an_epoch_and_no_file_is_seen_twice(streams, size):
    epochs = Epochs(streams, seed=3)
    seen = Counter()
    for step in range(-(-epochs._size(MICRO) * MICRO // BATCH) - 1):  # the last step begins the next epoch
        micro_batches = epochs.batch(step, 0, BATCH, MICRO)
        shares = [Workers(rank, size).share(micro_batches) for rank in range(size)]
        assert sum(map(len, shares)) == len(micro_batches)
        seen.update(name for share in shares for name in names(share))
    expected = Counter(names(first_epoch(streams)))
    assert not seen - expected
    assert sum(seen.values()) >= sum(expected.values()) - sum(map(len, epochs.batch(step, 0, BATCH, MICRO)))


def test_a_step_is_the_same_wherever_a_training_begins(streams):
    whole = Epochs(streams, seed=3)
    steps = [names(whole.batch(step, 0, BATCH, MICRO)) for step in range(60)]
    for step in (59, 0, 31, 32, 7):
        assert names(Epochs(streams, seed=3).batch(step, 0.9, BATCH, MICRO)) == steps[step]
        assert names(whole.batch(step, 0, BATCH, MICRO)) == steps[step]
    assert names(Epochs(streams, seed=4).batch(0, 0, BATCH, MICRO)) != steps[0]


def test_epochs_have_different_orders(streams):
    epochs = Epochs(streams, seed=3)
    length = epochs._size(MICRO)
    first, second = (
        names(epochs.batch(epoch * length + number, 0, MICRO, MICRO)[0] for number in range(length)) for epoch in (0, 1)
    )
    assert first != second
    assert Counter(first) == Counter(second)


def test_the_recipe_chooses(streams):
    assert type(open_mixture(streams, 3, "random")) is Mixture
    assert type(open_mixture(streams, 3, "epochs")) is Epochs
    with pytest.raises(ConfigError, match="random or epochs"):
        tiny_recipe().training.replace(sampling="all")


def test_sources_with_weights_have_no_epochs(streams, tmp_path):
    recipe = tiny_recipe()
    weighted = [source.replace(start_weight=2.0) for source in recipe.data]
    with pytest.raises(ConfigError, match="has a weight"):
        open_mixture(open_streams(weighted, recipe.model, tmp_path, ()), 3, "epochs")


def test_programs_of_the_cpu_have_no_epochs():
    source = CpuSource(shortest=1, longest=4)
    with pytest.raises(ConfigError, match="not for programs"):
        open_mixture([CpuStream(source, BGPTConfig(patch_size=16))], 3, "epochs")


def test_a_training_by_epochs_goes_on_where_it_was_stopped(tmp_path):
    recipe = load_recipe(write_recipe(tmp_path, RECIPE.replace("[training]", '[training]\nsampling = "epochs"')))

    def trained(folder, stops):
        for stop in stops:
            interrupt = Interrupt()
            trainer = Trainer(recipe, base=tmp_path, folder=tmp_path / folder, device=torch.device("cpu"))

            def on_step(report, stop=stop, interrupt=interrupt):
                interrupt.asked = report.step == stop

            trainer.run(on_step, interrupt=interrupt)
        return losses(tmp_path / folder)

    assert trained("whole", [20]) == trained("parts", [7, 13, 20])
