"""The times of requests as arrays, for models with a clock; zeros if the clock stands still. No torch.

Axes: B requests, P patches, S bytes per patch, T source bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import CLOCK_WIDTH, STILL, Clock, Times, clock_patches, padded_times
from bytesim.patching import END_OF_PATCH, Patches, header_patches
from bytesim.requests import Request

LongTimes = NDArray[np.int64]
"""Times of some positions, on a last axis of CLOCK_WIDTH."""


def before_patches(request: Request, answer: Patches) -> LongTimes | None:
    """(1, P + A, S, CLOCK_WIDTH) times before each byte of a request's history and of its answer (A, S)."""
    if request.times is None:
        return None
    tokens = answer.ravel()
    data = tokens[: np.append(tokens == END_OF_PATCH, True).argmax()].astype(np.uint8).tobytes()
    header = header_patches(answer.shape[1])
    times = clock_patches(request.times.clock().follow(data), answer.shape[1])[header : header + len(answer)]
    return np.concatenate([request.times.history, times]).astype(np.int64)[None]


def of_histories(requests: Sequence[Request], first: int) -> LongTimes:
    """(B, P, S, CLOCK_WIDTH) times before each byte of the histories, from patch `first` on, padded with zeros."""
    size = requests[0].history.shape[1]
    longest = max(len(request.history) for request in requests) - first
    histories = [None if request.times is None else request.times.history[first:] for request in requests]
    return padded_times(histories, (longest, size))


def after_patches(requests: Sequence[Request], num_patches: int) -> LongTimes:
    """(B, P, CLOCK_WIDTH) times after each patch of the histories, padded with zeros."""
    return padded_times([_after(request) for request in requests], (num_patches,))


def _after(request: Request) -> Times | None:
    if request.times is None:
        return None
    return np.concatenate([request.times.history[1:, 0], np.array([request.times.clock().now], np.int32)])


def of_sources(requests: Sequence[Request], num_bytes: int) -> LongTimes:
    """(B, T, CLOCK_WIDTH) times before each byte of the sources, padded with zeros."""
    sources = [None if request.times is None else request.times.source for request in requests]
    return padded_times(sources, (num_bytes,))


def ahead(clocks: Sequence[Clock | None], count: int) -> LongTimes | None:
    """(B, count, CLOCK_WIDTH) times before each of the next `count` bytes; None if these bytes decide them."""
    times = [clock.ahead(count) if clock else np.zeros((count, CLOCK_WIDTH), np.int32) for clock in clocks]
    known = [row for row in times if row is not None]
    if len(known) < len(times):
        return None
    return np.stack(known).astype(np.int64)


def now(clocks: Sequence[Clock | None]) -> LongTimes:
    """(B, 1, CLOCK_WIDTH) current times of the clocks."""
    return np.array([[clock.now if clock else STILL] for clock in clocks], np.int64)
