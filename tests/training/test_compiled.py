"""A model is compiled if that ends in time; else it runs eagerly, and the user is told why."""

import time
from contextlib import suppress

import pytest
import torch

from bytesim.training import compiled
from bytesim.training.compiled import TimeIsUpError, compile_in_time, time_out

CPU = torch.device("cpu")


def double(x: float) -> float:
    return 2 * x


def never_done(function, device, on_note):
    while True:
        time.sleep(0.01)


def test_what_takes_too_long_runs_eagerly(monkeypatch):
    notes = []
    monkeypatch.setattr(compiled, "compile_or_eager", never_done)
    assert compile_in_time(double, lambda function: function(1), CPU, 1.0, notes.append) is double
    assert notes == ["training without torch.compile: it takes more than 1 seconds."]


def test_what_fails_while_it_is_used_runs_eagerly(monkeypatch):
    notes = []
    monkeypatch.setattr(compiled, "compile_or_eager", lambda function, device, on_note: lambda x: 1 / 0)
    assert compile_in_time(double, lambda function: function(1), CPU, 60.0, notes.append) is double
    assert notes == ["training without torch.compile: division by zero"]


def test_what_is_compiled_in_time_is_used(monkeypatch):
    stances, notes = [], []
    monkeypatch.setattr(torch.compiler, "set_stance", stances.append)
    monkeypatch.setattr(compiled, "compile_or_eager", lambda function, device, on_note: lambda x: -function(x))
    made = compile_in_time(double, lambda function: function(1), CPU, 60.0, notes.append)
    assert made(4) == -8
    assert (stances, notes) == (["default", "eager_on_recompile"], [])


def test_no_time_at_all_is_told():
    notes = []
    assert compile_in_time(double, lambda function: function(1), CPU, 0.0, notes.append) is double
    assert notes == ["training without torch.compile: less than a second is left."]


def test_a_time_out_rings_until_it_is_heard():
    def swallow_one():
        with time_out(1.0):
            with suppress(TimeIsUpError):
                never_done(None, None, None)
            never_done(None, None, None)

    with pytest.raises(TimeIsUpError):
        swallow_one()
    time.sleep(1.1)  # a timer that still runs would end this test
