"""Decides by a measurement how many threads share the work: of single operations, or of many files.

On a computer that is busy otherwise, or whose memory one core can saturate, a second thread makes both slower.
"""

from __future__ import annotations

import time
from functools import cache

import numpy as np

from bytesim.native.library import Kernels, num_cores
from bytesim.native.program import NO_CACHES, OPERATIONS, Program

LARGE_BYTES = 32 << 20
"""Weights below this size fit the caches of a core, and one thread reads them."""
MANY_FILES = 8
"""Files for which a session has room, from which on it is worth measuring whether threads should share them."""
LONG_KEYS = 512
"""Keys of one attention from which on that is worth measuring, too."""
_SIZE = 2048
_CALLS = 4


def share_operations(kernels: Kernels, weight_bytes: int, threads: int | None = None) -> int:
    """Let `threads` share the operations of a large model, by default as many as are fastest; returns how many.

    The number is that of the process: a small model, whose operations are not shared, leaves it as it is, or as given.
    """
    if weight_bytes >= LARGE_BYTES:
        kernels.shares_operations = True
        return kernels.use_threads(threads or kernels.most_threads or _fastest(kernels))
    if threads:
        kernels.use_threads(threads)
    return 1


def limit_threads(kernels: Kernels, count: int) -> None:
    """Let `count` threads of this process share the work from now on, instead of measuring how many are fastest."""
    kernels.most_threads = count
    kernels.use_threads(count)


def find_threads(kernels: Kernels, *, files: int = 1, longest: int = 0) -> None:
    """For many files, or a long history or source, find out how many threads share them, unless that is known.

    `files` is how many a session has room for, `longest` the greatest number of keys of an attention.
    """
    if not kernels.threads and (files >= MANY_FILES or longest >= LONG_KEYS):
        kernels.use_threads(_fastest(kernels))


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
        program.run(1, 1, NO_CACHES, {}, mode=OPERATIONS)
        times = []
        for _ in range(_CALLS):
            start = time.perf_counter()
            program.run(1, 1, NO_CACHES, {}, mode=OPERATIONS)
            times.append(time.perf_counter() - start)
        seconds[count] = sorted(times)[_CALLS // 2]
    return min(seconds, key=lambda count: seconds[count])
