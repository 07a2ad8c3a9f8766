"""The probe finds the fastest size of micro-batches that fits, and leaves the training as it was."""

from dataclasses import replace

import pytest
import torch
from helpers.tiny_training import losses, write_classifier, write_recipe

from bytesim.errors import ConfigError
from bytesim.training.gradients import Wishes
from bytesim.training.loop import Trainer
from bytesim.training.probe import Trial, fastest, probe_sizes
from bytesim.training.recipe import load_recipe


def trainer(path, folder) -> Trainer:
    return Trainer(load_recipe(path), base=path.parent, folder=folder, device=torch.device("cpu"))


def trial(micro_bytes: int, bytes_per_s: float) -> Trial:
    return Trial(micro_bytes=micro_bytes, num_bytes=1200, seconds=1200 / bytes_per_s, memory_bytes=0)


@pytest.mark.parametrize("write", [write_recipe, write_classifier])
def test_a_probe_changes_nothing_of_the_training(tmp_path, write):
    path = write(tmp_path)
    plain = trainer(path, tmp_path / "plain")
    plain.run()
    probed = trainer(path, tmp_path / "probed")
    trials = probe_sizes(probed, [64, 128, 256], seconds=60)
    assert [one.micro_bytes for one in trials] == [64, 128, 256]
    assert all(one.bytes_per_s > 0 for one in trials)
    probed.run()
    assert losses(plain.folder) == losses(probed.folder)


def test_the_first_size_is_tried_whatever_the_time(tmp_path):
    assert len(probe_sizes(trainer(write_recipe(tmp_path), tmp_path / "run"), [64, 1 << 20], seconds=0)) == 1


def test_a_size_that_does_not_fit_ends_the_probe_and_is_not_taken(tmp_path, monkeypatch):
    one = trainer(write_recipe(tmp_path), tmp_path / "run")
    accumulate = one.gradients.accumulate

    def small_memory(data, wishes=Wishes):
        if data.num_bytes > 100:
            raise torch.OutOfMemoryError
        return accumulate(data, wishes)

    monkeypatch.setattr(one.gradients, "accumulate", small_memory)
    trials = probe_sizes(one, [32, 1024, 2048], seconds=60)
    assert [found.bytes_per_s > 0 for found in trials] == [True, False]
    assert fastest(trials).micro_bytes == 32


def test_a_larger_size_must_be_faster_and_short_enough():
    sizes = [trial(1, 100), trial(2, 102), trial(4, 150), trial(8, 151), trial(16, 400)]
    assert fastest(sizes).micro_bytes == 16
    assert fastest(sizes[:4]).micro_bytes == 4
    assert fastest(sizes[:2]).micro_bytes == 1
    slow = [trial(1, 100), Trial(micro_bytes=2, num_bytes=9000, seconds=30.0, memory_bytes=0)]
    assert fastest(slow, most_micro_seconds=9.0).micro_bytes == 1
    assert fastest(slow, most_micro_seconds=10.0).micro_bytes == 2
    assert fastest(slow, most_micro_seconds=9.0, always_bytes=2).micro_bytes == 2


def test_a_step_that_does_not_fit_is_done_in_smaller_micro_batches(tmp_path, monkeypatch):
    notes = []
    recipe = load_recipe(write_recipe(tmp_path))
    recipe = recipe_with(recipe, micro_bytes=4096, batch_bytes=4096, steps=2)
    device = torch.device("cpu")
    one = Trainer(recipe, base=tmp_path, folder=tmp_path / "run", device=device, on_note=notes.append)
    accumulate, sizes = one.gradients.accumulate, []

    def small_memory(data, wishes=Wishes):
        sizes.append(one.config.micro_bytes)
        if one.config.micro_bytes > 2048:
            raise torch.OutOfMemoryError
        return accumulate(data, wishes)

    monkeypatch.setattr(one.gradients, "accumulate", small_memory)
    assert one.run().step == 2
    assert sizes == [4096, 2048, 2048]
    assert "micro_bytes is 2,048 from step 0 on" in notes[0]


def test_a_step_that_never_fits_is_an_error_of_one_line(tmp_path, monkeypatch):
    one = trainer(write_recipe(tmp_path), tmp_path / "run")

    def no_memory(data, wishes=Wishes):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(one.gradients, "accumulate", no_memory)
    with pytest.raises(ConfigError, match="memory is too small"):
        one.run()


def recipe_with(recipe, **settings):
    return replace(recipe, training=recipe.training.replace(**settings))
