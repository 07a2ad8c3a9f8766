"""Decodes many files, in this process or in several, as one iterator of (index, reply)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bytesim.engine.decode import DEFAULT_SLOTS, Decodes, OnBytes, decode, is_native
from bytesim.errors import DecodeError
from bytesim.models.native import load_native
from bytesim.requests import Reply, Request

if TYPE_CHECKING:
    import torch

    from bytesim.models.interface import ByteModel

SHARE_SLOTS = 4
"""Requests per slot that a process gets at a time: enough that one long answer does not leave its other slots idle."""


def decode_all(
    model: ByteModel | Decodes,
    folder: Path,
    requests: Sequence[Request],
    *,
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
) -> Iterator[tuple[int, Reply]]:
    """Answer every request, here or in `jobs` processes on a CPU; yields (index of the request, reply) as each ends.

    Each process decodes `slots` files at a time and loads the model from `folder`; a GPU is used by one process only.
    `on_bytes` is called with the number of bytes written since its last call. Raises DecodeError if a process was
    killed from outside; replies yielded before are valid.
    """
    jobs = min(jobs, len(requests))
    start = _starter(model, folder, jobs) if jobs > 1 else None
    if start is not None:
        slots = min(slots, -(-len(requests) // jobs))
        yield from _in_processes(start, requests, slots, jobs, on_bytes)
    else:
        yield from decode(model, requests, slots=slots, on_bytes=on_bytes)


def _starter(
    model: ByteModel | Decodes, folder: Path, jobs: int
) -> Callable[[], Decodes] | Callable[[], ByteModel] | None:
    """What loads the model in each of `jobs` processes; None for a model on a GPU."""
    if is_native(model):
        return partial(load_native, folder, number_type=model.number_type, threads=1)
    import torch

    weights = next(cast("ByteModel", model).parameters())
    if weights.device.type != "cpu":
        return None
    return partial(_start, folder, weights.dtype, max(1, torch.get_num_threads() // jobs))


def _in_processes(
    start: Callable[[], Decodes] | Callable[[], ByteModel],
    requests: Sequence[Request],
    slots: int,
    jobs: int,
    on_bytes: OnBytes | None,
) -> Iterator[tuple[int, Reply]]:
    from bytesim.processes import EndedProcess, map_in_processes

    order = sorted(range(len(requests)), key=lambda index: -len(requests[index].history))
    rounds = -(-len(order) // (jobs * SHARE_SLOTS * slots))
    count = min(len(order), jobs * rounds)
    shares = [order[start::count] for start in range(count)]  # each has short and long files
    items = [[requests[index] for index in share] for share in shares]
    try:
        with closing(map_in_processes(start, partial(_answer, slots=slots), items, jobs=jobs)) as answered:
            for number, replies in answered:
                if on_bytes:
                    on_bytes(sum(len(reply.data) for reply in replies.values()))
                for row, reply in replies.items():
                    yield shares[number][row], reply
    except EndedProcess as error:
        raise DecodeError("a decoding process was killed, perhaps for lack of memory. Choose fewer jobs.") from error


def _start(folder: Path, dtype: torch.dtype, threads: int) -> ByteModel:
    import torch

    from bytesim.models.interface import writes_bytes
    from bytesim.models.weights import load_model

    torch.set_num_threads(threads)
    model = load_model(folder, dtype=dtype)
    assert writes_bytes(model), "a classifier does not answer requests"
    return model


def _answer(model: ByteModel | Decodes, requests: Sequence[Request], slots: int) -> dict[int, Reply]:
    return dict(decode(model, requests, slots=slots))
