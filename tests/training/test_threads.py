"""The number of threads of a training, by the times of its first steps."""

import pytest
import torch

from bytesim.training.threads import Threads


@pytest.fixture
def counts(monkeypatch) -> list[int]:
    """A torch of four threads; the numbers that were set, the last one in force."""
    numbers = [4]
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: numbers[-1])
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    return numbers


def steps(chosen: Threads, counts: list[int], seconds: dict[int, float], number: int = 8) -> list[int]:
    """The threads of the first steps, which take so many seconds with so many threads."""
    used = []
    for step in range(number):
        chosen.begin_step()
        used.append(counts[-1])
        chosen.end_step(100.0 if step == 0 else seconds[counts[-1]], 1000)
    return used


def test_one_thread_is_taken_where_it_is_faster_and_the_user_is_told(counts):
    notes: list[str] = []
    chosen = Threads(torch.device("cpu"), notes.append)
    assert steps(chosen, counts, {4: 6.0, 1: 0.1}) == [4, 4, 1, 4, 1, 1, 1, 1]
    assert notes == ["one thread trains 60.0 times as fast here as 4, and is used."]
    chosen.end()
    assert counts[-1] == 4


@pytest.mark.parametrize("one", [0.1, 0.09, 0.2])
def test_all_threads_stay_where_one_is_not_clearly_faster(counts, one):
    notes: list[str] = []
    chosen = Threads(torch.device("cpu"), notes.append)
    assert steps(chosen, counts, {4: 0.1, 1: one}) == [4, 4, 1, 4, 1, 4, 4, 4]
    assert notes == []


@pytest.mark.parametrize("why", ["gpu", "set", "one", "compiled"])
def test_nothing_is_tried_where_nothing_can_be_chosen(counts, why, monkeypatch):
    if why == "set":
        monkeypatch.setenv("OMP_NUM_THREADS", "4")
    if why == "one":
        counts.append(1)
    before = len(counts)
    chosen = Threads(torch.device("cuda" if why == "gpu" else "cpu"), pytest.fail, tried=why != "compiled")
    steps(chosen, counts, {4: 6.0, 1: 0.1})
    chosen.end()
    assert len(counts) == before
