"""Windows of files with a label that are longer than the history of the model. No torch.

Training draws a window anywhere in the file; measuring takes several, spread from its start to its end.
"""

from __future__ import annotations

import numpy as np

from bytesim.models.config import ModelConfig

MOST_WINDOWS = 8
"""Windows that a long file is measured by."""


def window_bytes(config: ModelConfig) -> int:
    """Bytes that a history holds between extension patch and closing patch."""
    return max(1, (config.max_patches - 2) * config.patch_size)


def random_window(data: bytes, size: int, patch_size: int, rng: np.random.Generator) -> bytes:
    """At most `size` bytes, from a random place where a patch begins. Draws from `rng` for a longer file only."""
    if len(data) <= size:
        return data
    start = patch_size * int(rng.integers(-(-(len(data) - size) // patch_size) + 1))
    return data[start : start + size]


def spread_windows(data: bytes, size: int) -> list[bytes]:
    """The windows of `size` bytes that a file is measured by: the whole file, or up to MOST_WINDOWS, evenly spread."""
    count = min(MOST_WINDOWS, -(-len(data) // size))
    starts = [round(place * (len(data) - size) / (count - 1)) for place in range(count)] if count > 1 else [0]
    return [data[start : start + size] for start in starts]
