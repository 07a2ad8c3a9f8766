"""Lists and opens devices, and measures their speed: matrix products in float32 and bfloat16, and memory bandwidth.

Which dtype is faster depends on the processor (some convert bfloat16 to float32 and back) and on how many rows share
one read of the weights. So a small product is timed, once per process and setting, in well under a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import torch

from bytesim.errors import ConfigError

DTYPES = ("auto", "float32", "bfloat16")
"""Names of the number types that a model is loaded for."""
ROWS = 512
"""Rows of a product, as in prefill and training; decoding has one per file in the batch."""

_BUDGET_S = 0.15
_MAX_CALLS = 50
_COPY_BYTES = 64 * 1024 * 1024


def devices() -> list[str]:
    """The devices of this machine by their torch names; `auto` takes the first."""
    gpus = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    gpus += ["mps"] if torch.backends.mps.is_available() else []
    return [*gpus, "cpu"]


def open_device(name: str) -> torch.device:
    """The device of that name; `auto` is the first of `devices()`. Raises ConfigError for one that cannot be used."""
    try:
        device = torch.device(devices()[0] if name == "auto" else name)
        torch.zeros(1, device=device).item()  # reading back tells a device that stores nothing, such as meta
    except (RuntimeError, AssertionError, ImportError) as error:
        raise ConfigError(f"device {name!r} cannot be used here. This machine has: {', '.join(devices())}.") from error
    return device


def open_dtype(name: str, device: str | torch.device = "cpu", *, rows: int = ROWS) -> torch.dtype:
    """The number type of a name in DTYPES; `auto` is the faster one for `rows` vectors. Raises ConfigError."""
    if name == "int8":
        raise ConfigError("dtype int8 is for the native engine, and for models that it can run.")
    if name not in DTYPES:
        raise ConfigError(f"dtype {name!r} is none of {', '.join(DTYPES)}.")
    dtype: torch.dtype = faster_dtype(device, rows=rows) if name == "auto" else getattr(torch, name)
    return dtype


def faster_dtype(device: str | torch.device = "cpu", *, rows: int = ROWS) -> torch.dtype:
    """bfloat16 or float32, whichever multiplies `rows` vectors by a weight matrix faster on the device."""
    fast = matmul_gflops(torch.bfloat16, str(device), rows) > matmul_gflops(torch.float32, str(device), rows)
    return torch.bfloat16 if fast else torch.float32


@cache
def matmul_gflops(dtype: torch.dtype, device: str = "cpu", rows: int = ROWS) -> float:
    """Speed, in 1e9 operations per second, of `rows` vectors times a square weight matrix; 0 if it is not supported.

    The matrix has 512 columns on a CPU, like the shipped models, and 4096 on a GPU, where a smaller one would mostly
    time the kernel launch.
    """
    width = 512 if torch.device(device).type == "cpu" else 4096
    try:
        with torch.inference_mode():
            vectors = torch.randn(rows, width, device=device).to(dtype)
            weights = torch.randn(width, width, device=device).to(dtype)
            seconds = _best_time(lambda: torch.nn.functional.linear(vectors, weights), device)
    except (RuntimeError, TypeError):  # the device has no product in this dtype, or no memory left
        return 0.0
    return 2 * rows * width * width / seconds / 1e9


_PEAK_TFLOPS = (
    ("H200 NVL", 835.0),
    ("H200", 989.0),
    ("H100 PCIe", 756.0),
    ("H100 NVL", 835.0),
    ("H100", 989.0),
    ("A100", 312.0),
)
"""Part of the name of a GPU -> 1e12 bfloat16 operations per second with float32 sums, not sparse, by its data sheet."""


def peak_flops(dtype: torch.dtype, device: str = "cpu") -> tuple[float, str]:
    """The greatest rate of matrix products of a device, in operations per second, and where the figure is from.

    For bfloat16 on an H100, H200 or A100 it is that of the data sheet; else that of a measured product.
    """
    if torch.device(device).type == "cuda" and dtype == torch.bfloat16:
        name = torch.cuda.get_device_name(device)
        for part, tflops in _PEAK_TFLOPS:
            if part in name:
                return tflops * 1e12, f"data sheet of the {part}"
    return matmul_gflops(dtype, device) * 1e9, "measured matrix product"


@cache
def bandwidth_gb_s(device: str = "cpu") -> float:
    """Memory bandwidth, in 1e9 bytes per second, of a large copy; each byte counts twice, as read and as written.

    0 if there is not enough memory.
    """
    size = _COPY_BYTES if torch.device(device).type == "cpu" else 8 * _COPY_BYTES
    try:
        source = torch.ones(size, dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        seconds = _best_time(lambda: target.copy_(source), device)
    except RuntimeError:
        return 0.0
    return 2 * size / seconds / 1e9


def _best_time(work: Callable[[], object], device: str) -> float:
    """Seconds of the fastest of several calls. The first, which includes allocation, is not counted."""
    _timed(work, device)
    best = _timed(work, device)
    end = time.perf_counter() + _BUDGET_S
    for _ in range(_MAX_CALLS):
        if time.perf_counter() > end:
            break
        best = min(best, _timed(work, device))
    return best


def _timed(work: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    work()
    _synchronize(device)
    return max(time.perf_counter() - start, 1e-9)


def _synchronize(device: str) -> None:
    """Wait for the device: calls to a GPU return before the work is done."""
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.synchronize(device)
    elif kind == "mps":
        torch.mps.synchronize()
