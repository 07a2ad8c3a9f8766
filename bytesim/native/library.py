"""The compiled kernels, called through ctypes. Where they were not built, `kernels` says so and torch does the work."""

from __future__ import annotations

import ctypes
import importlib.util
import os
from collections.abc import Collection
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

TARGETS = ("plain", "avx2", "avx512")
"""Names of the sets of kernels, slowest first. `plain` is NEON on ARM."""

_Address = ctypes.c_void_p


NUM_CODES = 23
"""Number of kinds of operations, as in kernels/program.h."""
VERSION = 3
"""Version of kernels/mixer.c and bags.c."""
MOST_WORDS = 5
"""Longest n-gram of words, as in kernels/bags.c."""
OP_BYTES = 56
"""Size of the struct Op."""


class RunFields(ctypes.Structure):
    """The struct Run of kernels/program.h."""

    _fields_ = [
        ("files", ctypes.c_int32),
        ("steps", ctypes.c_int32),
        ("first_step", ctypes.c_int32),
        ("mode", ctypes.c_int32),
        ("workers", ctypes.c_int32),
        ("group", ctypes.c_int32),
        ("registers", _Address),
        ("widths", _Address),
        ("tokens", _Address * 2),
        ("positions", _Address),
        ("slots", _Address),
        ("visible", _Address),
        ("times", _Address),
        ("given", _Address),
        ("time_width", ctypes.c_int64),
        ("keys", _Address),
        ("values", _Address),
        ("capacities", _Address),
        ("features", _Address),
        ("source_keys", _Address),
        ("source_values", _Address),
        ("source_waves", _Address),
        ("source_lengths", _Address),
        ("source_capacities", _Address),
        ("scratch", _Address),
        ("scratch_width", ctypes.c_int64),
    ]


class Kernels:
    """The compiled library, with the fastest kernels that this processor can run."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        library.bytesim_layout.restype = ctypes.c_int32
        layout = OP_BYTES * 100_000 + ctypes.sizeof(RunFields) * 100 + NUM_CODES
        if library.bytesim_layout() != VERSION * 100_000_000 + layout:
            raise OSError("the library was built from another version of bytesim")
        library.bytesim_best_target.restype = ctypes.c_int32
        self.best = int(library.bytesim_best_target())
        self.target = self.best
        """Index into TARGETS of the kernels in use."""
        self.library = library
        self._ngrams, self._edges = library.bytesim_ngrams, library.bytesim_edges
        integer, number = ctypes.c_int32, ctypes.c_uint64
        self._ngrams.argtypes = [
            _Address, integer, _Address, integer, _Address, integer, number, _Address, integer, _Address,
        ]  # fmt: skip
        self._edges.argtypes = [_Address, integer, integer, number, _Address, integer, _Address]
        self._ngrams.restype = self._edges.restype = None
        self.threads = 0
        """Threads that share the work; 0 as long as nobody has said how many."""
        self.most_threads = 0
        """How many `share_operations` uses instead of measuring; 0 to measure."""
        self.shares_operations = False
        """Whether they share the work of single operations, as large models need it, or only files."""
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_threads)
        self._threads = library.bytesim_threads
        self._threads.restype, self._threads.argtypes = ctypes.c_int32, [ctypes.c_int32]
        self._run = library.bytesim_run
        self._run.restype = None
        self._run.argtypes = [ctypes.c_int32, _Address, ctypes.c_int32, ctypes.POINTER(RunFields)]

    def _forget_threads(self) -> None:
        """A child process has none of the threads."""
        self.threads = 0

    def use_threads(self, count: int) -> int:
        """Share files, and with `shares_operations` the work of operations, among so many threads.

        Returns how many there are.
        """
        self.threads = int(self._threads(count))
        return self.threads

    def run(self, ops: int, count: int, fields: RunFields) -> None:
        """Run `count` operations at the address `ops`. Other threads of Python go on meanwhile."""
        self._run(self.target, ops, count, ctypes.byref(fields))

    def ngram_bag(self, tokens: Integers, lengths: Collection[int], words: Collection[int], table: Floats) -> Floats:
        """(D,) the bag of the n-grams of tokens (L,) of such lengths, and of those of so many words, at most 5.

        The table (buckets + 1, D) has a last row that is not read.
        """
        wanted, wanted_words = _flags(lengths), _flags(words)
        if len(wanted_words) > MOST_WORDS + 1:
            raise ValueError(f"n-grams have at most {MOST_WORDS} words")
        out = np.empty(table.shape[1], np.float32)
        buckets, width = len(table) - 1, table.shape[1]
        self._ngrams(
            tokens.ctypes.data, len(tokens), wanted.ctypes.data, len(wanted) - 1, wanted_words.ctypes.data,
            len(wanted_words) - 1, buckets, table.ctypes.data, width, out.ctypes.data,
        )  # fmt: skip
        return out

    def edge_bag(self, edges: Integers, longest: int, table: Floats) -> Floats:
        """(D,) the bag of the n-grams of both edges (2, L) with their places, of lengths up to `longest`."""
        out = np.empty(table.shape[1], np.float32)
        buckets, width = len(table) - 1, table.shape[1]
        self._edges(edges.ctypes.data, edges.shape[1], longest, buckets, table.ctypes.data, width, out.ctypes.data)
        return out


def _flags(numbers: Collection[int]) -> NDArray[np.uint8]:
    """(largest + 1,): 1 at each of the numbers."""
    flags = np.zeros(max(numbers, default=0) + 1, np.uint8)
    flags[list(numbers)] = 1
    return flags


def num_cores() -> int:
    """Number of processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@lru_cache(maxsize=1)
def kernels() -> Kernels | None:
    """The compiled kernels; None where they were not built."""
    try:
        found = importlib.util.find_spec("bytesim.native._kernels")
        return None if found is None or found.origin is None else Kernels(found.origin)
    except (OSError, AttributeError):  # built for another system, or by another version of bytesim
        return None
