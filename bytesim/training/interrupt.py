"""Defers Ctrl-C and SIGTERM to the end of a step, because a half-done step cannot be saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

CTRL_C = (signal.SIGINT,)
ANY_STOP = (signal.SIGINT, signal.SIGTERM)
"""Ctrl-C, and the signal by which a rented machine or a scheduler announces the end."""


@dataclass(slots=True)
class Interrupt:
    """Whether the user has asked to stop."""

    asked: bool = False


@contextmanager
def deferred_interrupt(signals: tuple[signal.Signals, ...] = CTRL_C, *, once: bool = True) -> Iterator[Interrupt]:
    """Set `asked` at the first of these signals instead of ending; a second one raises KeyboardInterrupt at once.

    If not `once`, it does not: torchrun passes a signal on that its processes may have got already, and kills them
    after half a minute anyway.

    Does nothing outside the main thread; a signal that is ignored already stays ignored.
    """
    interrupt = Interrupt()

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.asked and once:
            raise KeyboardInterrupt
        interrupt.asked = True

    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = {number: signal.getsignal(number) for number in signals}
    deferred = [number for number in signals if before[number] != signal.SIG_IGN]
    for number in deferred:
        signal.signal(number, note)
    try:
        yield interrupt
    finally:
        for number in deferred:
            # A handler that was not set from Python is not known, and gives way to Python's own.
            default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, default if before[number] is None else before[number])
