"""Runs steps of a device as CUDA graphs: the host then starts all operations of a step at once.

A step of a small model is bound by the start of its operations, some 5 microseconds each, and not by the GPU.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable
from functools import cache

import torch

DEVICE_TYPES: tuple[str, ...] = ("cuda",)
"""Types of devices on which whole strides are written in one go."""


MOST_GRAPHS = 32
"""Graphs that are kept; those of caches that have grown are not used again."""


class CudaGraphs:
    """The graphs of one session, by the keys of their steps.

    The first steps of a key run as they are, which prepares libraries and memory; the second are captured. Where that
    fails, a warning says why, and all steps run as they are from then on. All graphs share one pool of memory: they run
    one after the other, and what they leave stands elsewhere.
    """

    def __init__(self, device: torch.device) -> None:
        self.captures = device.type == "cuda"
        self.device = device
        self._known: set[Hashable] = set()
        self._graphs: dict[Hashable, torch.cuda.CUDAGraph] = {}
        self._pool = torch.cuda.graph_pool_handle() if self.captures else None

    def run(self, key: Hashable, steps: Callable[[], None]) -> None:
        """Run the steps of this key."""
        if self.captures and key not in self._graphs and key in self._known:
            self._capture(key, steps)
        if key in self._graphs:
            self._graphs[key] = self._graphs.pop(key)  # the last one is the one that was used last
            self._graphs[key].replay()
        else:
            self._known.add(key)
            steps()

    def _capture(self, key: Hashable, steps: Callable[[], None]) -> None:
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self.device)
        stream = _capture_stream(self.device)
        try:
            with torch.cuda.graph(graph, pool=self._pool, stream=stream, capture_error_mode="thread_local"):
                steps()
        except RuntimeError as error:
            torch.cuda.set_stream(before)  # a capture that fails may leave its own
            self.captures = False
            self._graphs.clear()
            reason = str(error).strip().splitlines() or [type(error).__name__]
            warnings.warn(f"decoding without CUDA graphs, which is slower: {reason[0]}", stacklevel=2)
            return
        self._graphs[key] = graph
        if len(self._graphs) > MOST_GRAPHS:
            self._graphs.pop(next(iter(self._graphs)))


@cache
def _capture_stream(device: torch.device) -> torch.cuda.Stream:
    """One for all sessions, as libraries keep memory for every stream."""
    return torch.cuda.Stream(device)
