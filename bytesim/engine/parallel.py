"""Decoding in several processes, each with the model to itself, for CPUs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import torch

from bytesim.engine.decode import decode
from bytesim.errors import DecodeError
from bytesim.models.bgpt.model import BGPT
from bytesim.models.weights import load_model
from bytesim.processes import EndedProcess, map_in_processes
from bytesim.requests import Reply, Request

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
    start = partial(_start, folder, dtype, threads)
    items = [[requests[index] for index in share] for share in shares]
    try:
        with closing(map_in_processes(start, partial(_answer, slots=slots), items, jobs=jobs)) as answers:
            for place, replies in answers:
                for index, reply in zip(shares[place], replies, strict=True):
                    on_done(index, reply)
                if on_bytes:
                    on_bytes(sum(len(reply.data) for reply in replies))
    except EndedProcess as error:
        raise DecodeError("a decoding process was ended, for lack of memory say. Take fewer --jobs.") from error


def _start(folder: Path, dtype: torch.dtype, threads: int) -> BGPT:
    torch.set_num_threads(threads)
    model = load_model(folder, dtype=dtype)
    assert isinstance(model, BGPT)
    return model


def _answer(model: BGPT, requests: list[Request], slots: int) -> list[Reply]:
    return decode(model, requests, slots=slots)
