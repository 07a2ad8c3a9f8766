"""A limit of time: no step begins that would not end in it, and some of it is kept for writing."""

from dataclasses import dataclass

import pytest

from bytesim.training import time_limit
from bytesim.training.time_limit import TimeLimit


@dataclass
class Clock:
    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time_limit, "time", made)
    return made


def test_the_reserve_is_not_left_for_training(clock):
    limit = TimeLimit(end=160.0)
    assert limit.left_s() == 60.0
    limit.reserve_s = 10.0
    assert limit.left_s() == 50.0
    clock.now = 155.0
    assert limit.left_s() == -5.0


def test_a_step_that_would_end_too_late_is_not_allowed(clock):
    limit = TimeLimit(end=160.0, reserve_s=10.0)
    limit.add_step(8.0)
    clock.now = 141.0
    assert limit.allows_step()
    clock.now = 142.5
    assert not limit.allows_step()


def test_a_slow_step_counts_less_and_less(clock):
    limit = TimeLimit(end=160.0)
    limit.add_step(30.0)
    for _ in range(40):
        limit.add_step(1.0)
    assert limit.longest_step_s == 1.0
