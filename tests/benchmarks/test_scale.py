"""The cost model of docs/scale.md: its formulas hold in a simulation of workers that fail."""

import math
import statistics

import pytest

from benchmarks.simulation import Bulk, Training


def simulated(work, seeds=8):
    return statistics.mean(work.simulated_s(seed) for seed in range(seeds))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"worker_mtbf_s": 3600},
        {"worker_mtbf_s": 300},
        {"item_s": 0.001, "row_s": 2e-5},
        {"worker_mtbf_s": 3600, "driver_mtbf_s": 500},
    ],
    ids=str,
)
def test_the_time_of_bulk_work_on_1000_workers_is_as_computed(changes):
    work = Bulk(**{"items": 1_600_000, "workers": 1000, "item_s": 0.2, **changes})
    seeds = 40 if "driver_mtbf_s" in changes else 8  # it fails once or twice in a run
    assert simulated(work, seeds) == pytest.approx(work.expected_s(), rel=0.05)


def test_without_failures_the_work_is_shared_among_the_workers():
    work = Bulk(items=640_000, workers=100, item_s=0.5, spread=0.01, start_s=7)
    assert simulated(work) == pytest.approx(7 + 640_000 * 0.5 / 100, rel=0.02)


def test_failures_cost_time_and_no_share_is_lost():
    calm = Bulk(items=64_000, workers=50, item_s=0.5, spread=0.01)
    rough = Bulk(items=64_000, workers=50, item_s=0.5, spread=0.01, worker_mtbf_s=60)
    assert simulated(rough) > 1.2 * simulated(calm)
    assert rough.expected_s() > 1.2 * calm.expected_s()


def training(**changes):
    settings = {"computing_s": 10 * 86_400, "workers": 1000, "checkpoint_s": 60, "restart_s": 300}
    return Training(**{**settings, "worker_mtbf_s": 4.0e7, **changes})


@pytest.mark.parametrize("checkpoint_s", [5, 60, 400])
def test_the_time_of_a_training_on_1000_workers_is_as_computed(checkpoint_s):
    work = training(checkpoint_s=checkpoint_s)
    assert simulated(work) == pytest.approx(work.expected_s(), rel=0.02)


def test_the_interval_between_checkpoints_is_the_cheapest():
    best = training()

    class Changed(Training):
        factor = 1.0

        @property
        def interval_s(self) -> float:
            return best.interval_s * self.factor

    for factor in (0.25, 4.0):
        other = Changed(**{name: getattr(best, name) for name in Training.__dataclass_fields__})
        object.__setattr__(other, "factor", factor)
        assert other.expected_s() > best.expected_s()
        assert simulated(other) > simulated(best)


def test_a_training_that_never_fails_pays_for_its_checkpoints_alone():
    work = training(worker_mtbf_s=1e15)
    assert work.simulated_s(0) >= work.computing_s
    assert work.simulated_s(0) == pytest.approx(work.computing_s, rel=0.01)
    assert math.isfinite(work.interval_s)
