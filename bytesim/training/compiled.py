"""Compiles functions with torch.compile if that works here, and in time; else they run eagerly."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar, cast

import torch

F = TypeVar("F", bound=Callable[..., object])

_WITHOUT = "training without torch.compile: "
_COMPILERS = ("c++", "g++", "clang++", "cl")


class TimeIsUpError(Exception):
    """Raised in the main thread by `time_out`."""


def compile_or_eager(function: F, device: torch.device, on_note: Callable[[str], None]) -> F:
    """The function compiled for dynamic shapes; or the function itself, after a call of `on_note` with the reason."""
    problem = _problem(device)
    if problem:
        on_note(f"{_WITHOUT}{problem}")
        return function
    return cast(F, torch.compile(function, dynamic=True))


def compile_in_time(
    function: F, use: Callable[[F], None], device: torch.device, seconds: float, on_note: Callable[[str], None]
) -> F:
    """The function compiled, if compiling it and using it once takes less than `seconds`; else the function itself.

    `use` calls the function it is given as the training will, backward pass included. Later calls with shapes that
    need another compilation run eagerly. `on_note` is called with the reason if the function is not compiled.
    """
    torch.compiler.set_stance("default")
    started = time.monotonic()
    notes: list[str] = []
    compiled = function
    try:
        with time_out(seconds), torch.autograd.set_multithreading_enabled(False):
            # The backward pass is compiled where it runs, and only the main thread can be interrupted.
            compiled = compile_or_eager(function, device, notes.append)
            if compiled is not function:
                use(compiled)
    except Exception as error:  # compilers raise many types of errors, also for an interruption; all mean eager
        reason = str(error).strip().splitlines() or [type(error).__name__]
        notes.append(f"{_WITHOUT}{reason[0]}")
    if notes:
        torch._dynamo.reset()
        late = time.monotonic() - started >= seconds >= 1
        on_note(f"{_WITHOUT}it takes more than {seconds:.0f} seconds." if late else notes[0])
        return function
    torch.compiler.set_stance("eager_on_recompile")
    return compiled


@contextmanager
def time_out(seconds: float) -> Iterator[None]:
    """Raise TimeIsUpError in this context after so many seconds, and again every second until the context is left.

    Raises it at once for less than a second, outside the main thread, and on systems without timers (Windows).
    """
    in_main = threading.current_thread() is threading.main_thread()
    if seconds < 1 or not in_main or not hasattr(signal, "setitimer"):
        raise TimeIsUpError("less than a second is left." if seconds < 1 else "this system or thread has no timer.")

    def ring(number: int, frame: FrameType | None) -> None:
        raise TimeIsUpError(f"it takes more than {seconds:.0f} seconds.")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _problem(device: torch.device) -> str:
    """Why torch.compile does not work here; empty if it does."""
    names = [os.environ["CXX"]] if os.environ.get("CXX") else _COMPILERS
    if device.type == "cpu" and not any(shutil.which(name) for name in names):
        return "no C++ compiler is installed (Debian: apt-get install g++)."
    try:
        torch.compile(_trial)(torch.ones(8, device=device))
    except TimeIsUpError:
        raise
    except Exception as error:  # compilers raise many types of errors; all of them mean eager
        lines = str(error).strip().splitlines()
        return f"{type(error).__name__}: {lines[0] if lines else 'no reason given'}"
    return ""


def _trial(x: torch.Tensor) -> torch.Tensor:
    return x * 2 + 1
