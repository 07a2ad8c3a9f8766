"""Counted operations are those that torch counts, whether a shape is new or has been met."""

import pytest
import torch
from helpers.tiny_training import write_recipe
from torch.utils.flop_counter import FlopCounterMode

from bytesim.nn import kernels
from bytesim.training.flops import FlopCount
from bytesim.training.loop import Trainer
from bytesim.training.recipe import load_recipe


def test_a_known_shape_counts_as_much_as_the_first_time(tmp_path):
    recipe = load_recipe(write_recipe(tmp_path))
    trainer = Trainer(recipe, base=tmp_path, folder=tmp_path / "run", device=torch.device("cpu"))
    batch = next(trainer.feed.draw(0, 9).batches(trainer.device))

    def work() -> None:
        trainer.gradients.losses(trainer.model, batch).sum().backward()

    with FlopCounterMode(display=False) as counter:
        work()
    expected = counter.get_total_flops()
    count = FlopCount()
    for times in (1, 2, 3):
        assert count.is_known(batch) == (times > 1)
        with count.counting(batch):
            work()
        assert count.total == times * expected > 0
    assert list(count.by_shape.values()) == [[expected]]


def test_of_a_shape_whose_operations_vary_the_mean_is_added_after_some_samples(tmp_path):
    recipe = load_recipe(write_recipe(tmp_path))
    trainer = Trainer(recipe, base=tmp_path, folder=tmp_path / "run", device=torch.device("cpu"))
    batch = next(trainer.feed.draw(0, 9).batches(trainer.device))
    count = FlopCount(samples=2)
    for size, known in ((8, False), (16, False), (64, True)):
        assert count.is_known(batch) == known
        before = count.total
        with count.counting(batch):
            torch.ones(1, size) @ torch.ones(size, 1)
    assert count.total - before == before // 2 == 24


def test_the_operations_and_the_waiting_of_each_step_stand_in_the_log(tmp_path):
    recipe = load_recipe(write_recipe(tmp_path))
    where = {"base": tmp_path, "device": torch.device("cpu")}
    reports = {}
    for counted in (False, True):
        trainer = Trainer(recipe, folder=tmp_path / str(counted), count_flops=counted, **where)
        reports[counted] = []
        trainer.run(reports[counted].append)
        logged = [line for line in trainer.log.lines() if "loss_nats" in line]
        assert [line["flops"] for line in logged] == [report.flops for report in reports[counted]]
        assert all(0 <= line["waited_s"] <= line["seconds"] for line in logged)
    assert all(report.flops == 0 for report in reports[False])
    assert all(report.flops > 0 for report in reports[True])
    assert [report.loss_nats for report in reports[True]] == [report.loss_nats for report in reports[False]]


@pytest.mark.parametrize("masked", [False, True])
def test_attention_counts_the_same_with_and_without_the_fused_kernel(tmp_path, monkeypatch, masked):
    recipe = load_recipe(write_recipe(tmp_path))
    trainer = Trainer(recipe, base=tmp_path, folder=tmp_path / "run", device=torch.device("cpu"))
    batch = next(trainer.feed.draw(0, 9).batches(trainer.device))
    mask = torch.ones(40, 40, dtype=torch.bool).tril() if masked else None
    for largest in (kernels.LARGEST_PRODUCT, 0):
        monkeypatch.setattr(kernels, "LARGEST_PRODUCT", largest)
        values = [torch.randn(2, 3, 40, 8, requires_grad=True) for _ in range(3)]
        count = FlopCount()
        with count.counting(batch):
            kernels.attend(*values, mask, causal=not masked).sum().backward()
        one_product = 2 * (2 * 3) * 40 * 40 * 8
        assert count.total == 6 * one_product  # two forward, four backward
