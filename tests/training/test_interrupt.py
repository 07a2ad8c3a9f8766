"""Ctrl-C and SIGTERM wait for the end of a step; a second one does not."""

import signal

import pytest

from bytesim.training.interrupt import ANY_STOP, deferred_interrupt

by_signal = pytest.mark.parametrize("number", ANY_STOP, ids=lambda number: number.name)


@by_signal
def test_the_first_signal_is_noted_and_the_second_stops(number):
    before = signal.getsignal(number)
    with deferred_interrupt(ANY_STOP) as interrupt:
        assert not interrupt.asked
        signal.raise_signal(number)
        assert interrupt.asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) == before


@by_signal
def test_a_signal_that_is_ignored_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with deferred_interrupt(ANY_STOP) as interrupt:
            signal.raise_signal(number)
            assert not interrupt.asked
        assert signal.getsignal(number) == signal.SIG_IGN
    finally:
        signal.signal(number, before)
