"""Decides by a measurement how many threads share the products of a large model.

On a computer that is busy otherwise, or whose memory one core can saturate, a second thread makes them slower.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from bytesim.native.library import Kernels, num_cores
from bytesim.native.program import NO_CACHES, Program

LARGE_BYTES = 32 << 20
"""Weights below this size fit the caches of a core, and one thread reads them."""
_SIZE = 2048
_CALLS = 4


def share_products(kernels: Kernels, weight_bytes: int) -> int:
    """Let as many threads share the products of a large model as are fastest; returns how many.

    The number is that of the process: a small model, whose products are not shared, leaves it as it is.
    """
    return kernels.use_threads(_fastest(kernels)) if weight_bytes >= LARGE_BYTES else 1


@cache
def _fastest(kernels: Kernels) -> int:
    """1 or the number of cores, whichever multiplies a vector by a weight of 16 MiB faster."""
    cores = num_cores()
    if cores == 1:
        return 1
    program = Program(kernels)
    source, target = program.register(_SIZE), program.register(_SIZE)
    program.linear(source, target, np.full((_SIZE, _SIZE), 1 / 3, np.float32))
    seconds = {}
    for count in (1, cores):
        kernels.use_threads(count)
        program.run(1, 1, NO_CACHES, {})
        times = []
        for _ in range(_CALLS):
            start = time.perf_counter()
            program.run(1, 1, NO_CACHES, {})
            times.append(time.perf_counter() - start)
        seconds[count] = sorted(times)[_CALLS // 2]
    return min(seconds, key=lambda count: seconds[count])
