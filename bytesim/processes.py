"""The same work on many items in several processes, none of which outlives the one that started it. No torch.

Not concurrent.futures: on Python 3.11 its pool can wait for ever for a process that was killed as it started.
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
    """A process was ended from outside, by the system where memory ran out, say."""


def map_in_processes(
    start: Callable[[], State], work: Callable[[State, Item], Result], items: Sequence[Item], *, jobs: int
) -> Generator[tuple[int, Result], None, None]:
    """(place, work(state, item)) of every item, as each is done, by `jobs` processes that each have a state of their
    own, made by `start`.

    Functions, items and results go through pickle, so functions are those of modules or partials of them. A
    BytesimError of theirs is raised here, any other exception as a RuntimeError with its traceback; EndedProcess where
    a process dies. Close the iterator to end the processes where they are.
    """
    # Started afresh, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    if os.name == "posix":
        resource_tracker.ensure_running()  # else the first process starts it, which lets Ctrl-C through from then on
    watched, held = context.Pipe(duplex=False)
    processes: dict[Connection, SpawnProcess] = {}
    try:
        with _interrupts_held():  # the processes that are started here inherit it, and leave Ctrl-C to this one
            for _ in range(min(jobs, len(items))):
                here, there = context.Pipe()
                process = context.Process(target=_serve, args=(there, watched, start, work), daemon=True)
                process.start()
                there.close()  # so that its end is seen here when the process dies
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
    """Give every process an item, and the next when its answer comes."""
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
                    place = busy.pop(connection)
                    give(connection)
                    yield place, result
                elif processes[connection].sentinel in ready:
                    raise EndedProcess
    except (EOFError, ConnectionError) as error:
        raise EndedProcess from error


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Keep Ctrl-C until the end, where the system can."""
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
    """What a process does: make its state, then answer items until it is ended. An exception is its last word."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to answer
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
    """End this process when the other end of the pipe is closed, as it is when the parent is killed."""
    try:
        watched.recv()
    except (EOFError, OSError):
        os._exit(1)
