"""The times of requests as tensors, for models with a clock; those of a clock that stands still are zeros.

Axes: B requests, P patches, S bytes per patch, T source bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from bytesim.clocks import Clock, clock_patches
from bytesim.engine.requests import Request


def before_bytes(request: Request, data: bytes, patch_size: int, device: torch.device) -> Tensor | None:
    """(1, P, S, 2) times before each byte of a request's history and of its answer, closing patch included."""
    if request.clock is None or request.times is None:
        return None
    answer = clock_patches(request.clock().follow(data), patch_size)[1:]
    return torch.from_numpy(np.concatenate([request.times, answer]).astype(np.int64)).to(device)[None]


def after_patches(requests: Sequence[Request], num_patches: int, device: torch.device) -> Tensor:
    """(B, P, 2) times after each patch of the histories, padded with zeros."""
    times = np.zeros((len(requests), num_patches, 2), np.int64)
    for row, request in zip(times, requests, strict=True):
        if request.clock is not None and request.times is not None:
            row[: len(request.times) - 1] = request.times[1:, 0]
            row[len(request.times) - 1] = request.clock().now
    return torch.from_numpy(times).to(device)


def of_sources(requests: Sequence[Request], num_bytes: int, device: torch.device) -> Tensor:
    """(B, T, 2) times before each byte of the sources, padded with zeros."""
    times = np.zeros((len(requests), num_bytes, 2), np.int64)
    for row, request in zip(times, requests, strict=True):
        if request.source_times is not None:
            row[: len(request.source_times)] = request.source_times
    return torch.from_numpy(times).to(device)


def now(clocks: Sequence[Clock | None], device: torch.device) -> Tensor:
    """(B, 2) what the clocks show."""
    return torch.tensor([clock.now if clock else (0, 0) for clock in clocks], device=device)
