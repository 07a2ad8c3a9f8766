"""Decoding in several processes, each with the model to itself, for CPUs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from bytesim.engine.decode import decode
from bytesim.engine.requests import Reply, Request
from bytesim.errors import DecodeError
from bytesim.models.bgpt import BGPT
from bytesim.models.weights import load_model

SHARE_SLOTS = 4
"""Files that a process is given at a time, in slots: enough that a long answer does not keep it waiting."""


def decode_in_processes(
    folder: Path,
    dtype: torch.dtype,
    requests: Sequence[Request],
    *,
    jobs: int,
    slots: int,
    on_done: Callable[[int, Reply], None],
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Answer every request by the model of a folder, on the CPU, in `jobs` processes of `slots` files each.

    `on_done` hears of each as its share ends, `on_bytes` of how many bytes each share wrote. Raises DecodeError where a
    process is ended from outside; what was handed over before stays.
    """
    order = sorted(range(len(requests)), key=lambda index: -len(requests[index].history))
    rounds = -(-len(order) // (jobs * SHARE_SLOTS * slots))
    count = min(len(order), jobs * rounds)
    shares = [order[start::count] for start in range(count)]  # short and long files in each
    threads = max(1, torch.get_num_threads() // jobs)
    # Started afresh, not forked: a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    watched, held = context.Pipe(duplex=False)
    with ProcessPoolExecutor(jobs, context, _start, (str(folder), dtype, threads, watched)) as pool:
        try:
            with _interrupts_held():  # the processes that are started here inherit it, and leave Ctrl-C to this one
                futures = {pool.submit(_answer, [requests[index] for index in share], slots): share for share in shares}
            for future in as_completed(futures):
                _hand_over(future, futures[future], on_done, on_bytes)
        except BaseException as error:
            held.close()  # ends the processes where they are
            pool.shutdown(wait=False, cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise DecodeError("a decoding process was ended, for lack of memory say. Take fewer --jobs.") from error
            raise


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


def _hand_over(
    future: Future[list[Reply]],
    share: list[int],
    on_done: Callable[[int, Reply], None],
    on_bytes: Callable[[int], None] | None,
) -> None:
    replies = future.result()
    for index, reply in zip(share, replies, strict=True):
        on_done(index, reply)
    if on_bytes:
        on_bytes(sum(len(reply.data) for reply in replies))


_model: BGPT | None = None
"""The model of a process that decodes; None in every other."""


def _start(folder: str, dtype: torch.dtype, threads: int, watched: Connection) -> None:
    global _model
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to answer
    threading.Thread(target=_end_with_parent, args=(watched,), daemon=True).start()
    torch.set_num_threads(threads)
    model = load_model(Path(folder), dtype=dtype)
    assert isinstance(model, BGPT)
    _model = model


def _end_with_parent(watched: Connection) -> None:
    """End this process when the other end of the pipe is closed, as it is when the parent is killed."""
    try:
        watched.recv()
    except (EOFError, OSError):
        os._exit(1)


def _answer(requests: list[Request], slots: int) -> list[Reply]:
    assert _model is not None
    return decode(_model, requests, slots=slots)
