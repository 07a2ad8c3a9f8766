"""Work spread over processes that end when this one does, by Ctrl-C or killed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import Connection, wait
from typing import TypeVar

In = TypeVar("In")
Out = TypeVar("Out")


def spread(
    work: Callable[[In], Out], items: Iterable[In], jobs: int, set_up: Callable[..., None] | None = None, *given: object
) -> Iterator[Out]:
    """`work` of every item, in their order, done in `jobs` processes; each calls `set_up(*given)` first.

    `work` and `set_up` are functions of a module. Where the caller stops early, the processes end at once.
    """
    # Started afresh, not forked: a fork of a process with threads, such as a progress bar's, may hang.
    context = multiprocessing.get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(jobs, context, _begin, (watched, set_up, given))
    try:
        yield from pool.map(work, items)
    finally:
        held.close()
        pool.shutdown(wait=False, cancel_futures=True)


def _begin(watched: Connection, set_up: Callable[..., None] | None, given: tuple[object, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to answer
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()
    if set_up is not None:
        set_up(*given)


def _end_with_parent(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed, as it is when the parent is killed."""
    wait([watched])
    os._exit(1)
