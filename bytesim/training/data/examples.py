"""Training examples: one framed file each; and the sizes that they are padded to. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import Times
from bytesim.patching import Patches

BUCKET_PATCHES = 16
"""Files whose lengths round up to the same multiple of this share a bucket; a micro-batch is drawn from one bucket."""
COARSE_SIZES = np.array([1, *(factor << power for power in range(24) for factor in (2, 3))], np.int64)
"""Sizes of coarse buckets, in multiples of the fine ones: 1, 2, 3, 4, 6, 8, 12, 16, ... Padding is at most a third."""


def coarse_sizes(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each size (any shape, 1 or more) rounded up to one of COARSE_SIZES."""
    rounded: NDArray[np.int64] = COARSE_SIZES[np.searchsorted(COARSE_SIZES, sizes)]
    return rounded


def padded_length(length: int, step: int = BUCKET_PATCHES, *, coarse: bool = False) -> int:
    """The length rounded up to a multiple of `step`; if `coarse`, to one of COARSE_SIZES times `step`."""
    size = -(-length // step)
    return step * (int(coarse_sizes(np.array(max(size, 1)))) if coarse else size)


@dataclass(frozen=True, slots=True)
class Example:
    """A framed file."""

    patches: Patches
    """(P, S) tokens of the file, after those of its source if the history holds it."""
    first: int
    """First patch that the byte-level decoder reads."""
    source: bytes
    """Source bytes for cross-attention; empty without a source."""
    label: int
    """Class of the file; 0 without classes."""
    num_bytes: int
    """Scored bytes, without END_OF_PATCH and padding."""
    shown: Patches | None = None
    """(P, S) inputs of the model, if they differ from `patches`."""
    times: Times | None = None
    """(P, S, C) times before each byte, for a model with a clock."""
    source_times: Times | None = None
    """(n, C) times before each byte of the source."""
    given: int = 0
    """Patches from `first` on that are not scored: context for the byte-level decoder."""
    states_alone: Patches | None = None
    """(N, S) patches that the model reads alone, for the auxiliary head of its reads."""
    results: NDArray[np.uint8] | None = None
    """(N,) the byte that this head is to give for each of them."""
    mix_label: int = 0
    """Mixup: class of the file that was blended into this one."""
    mix_weight: float = 1.0
    """Mixup: weight of this file itself."""
