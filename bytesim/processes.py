"""A pool of processes that do the same work on many items; none outlives its parent. No torch.

concurrent.futures is not used: on Python 3.11 its pool can wait for ever for a process that was killed as it started.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import TypeVar

from bytesim.errors import BytesimError

Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")


class EndedProcess(Exception):
    """A process was killed from outside, for example by the system when memory ran out."""


def map_in_processes(
    start: Callable[[], State], work: Callable[[State, Item], Result], items: Sequence[Item], *, jobs: int
) -> Generator[tuple[int, Result], None, None]:
    """Yield (index, work(state, item)) for every item, in the order in which `jobs` processes finish them.

    Each process calls `start` once and keeps the result as its own state. Functions, items and results go through
    pickle, so the functions must be defined in modules, or be partials of such. A BytesimError of a process is raised
    here; any other exception is raised as a RuntimeError with its traceback; EndedProcess is raised if a process dies.
    Close the iterator to stop the processes at once.
    """
    # Spawned, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    if os.name == "posix":
        resource_tracker.ensure_running()  # otherwise the first process would start it and unblock Ctrl-C
    watched, held = context.Pipe(duplex=False)
    processes: dict[Connection, SpawnProcess] = {}
    try:
        with _interrupts_held():  # the new processes inherit the block and leave Ctrl-C to this one
            for _ in range(min(jobs, len(items))):
                here, there = context.Pipe()
                process = context.Process(target=_serve, args=(there, watched, start, work), daemon=True)
                process.start()
                there.close()  # so that this side notices when the process dies
                processes[here] = process
        yield from _hand_out(processes, items)
    finally:
        held.close()
        watched.close()
        for connection, process in processes.items():
            process.kill()
            process.join()
            connection.close()


def _hand_out(processes: dict[Connection, SpawnProcess], items: Sequence[Item]) -> Iterator[tuple[int, Result]]:
    """Give every process an item, and the next one when its result arrives."""
    waiting = iter(enumerate(items))
    busy: dict[Connection, int] = {}

    def give(connection: Connection) -> None:
        if (item := next(waiting, None)) is not None:
            busy[connection] = item[0]
            connection.send(item[1])

    try:
        for connection in processes:
            give(connection)
        while busy:
            ready = wait([*busy, *(processes[connection].sentinel for connection in busy)])
            for connection in list(busy):
                if connection in ready or connection.poll():
                    result, error = connection.recv()
                    if error is not None:
                        raise error
                    index = busy.pop(connection)
                    give(connection)
                    yield index, result
                elif processes[connection].sentinel in ready:
                    raise EndedProcess
    except (EOFError, ConnectionError) as error:
        raise EndedProcess from error


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Block Ctrl-C inside the `with`, where the system can; one pressed meanwhile takes effect afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    connection: Connection,
    watched: Connection,
    start: Callable[[], State],
    work: Callable[[State, Item], Result],
) -> None:
    """The loop of a process: make the state, then work on items until killed. It ends after the first exception."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()
    try:
        state = start()
        while True:
            connection.send((work(state, connection.recv()), None))
    except BytesimError as error:
        connection.send((None, error))
    except Exception:
        connection.send((None, RuntimeError(traceback.format_exc())))


def _end_with_parent(watched: Connection) -> None:
    """End this process when the parent's end of the pipe closes, as it does when the parent is killed."""
    try:
        watched.recv()
    except (EOFError, OSError):
        os._exit(1)
