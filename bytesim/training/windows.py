"""Windows of files with a label that are longer than the history of the model. No torch.

Training draws a window anywhere in the file; measuring reads windows by the rule `slide`, as `classify file` does.
"""

from __future__ import annotations

import numpy as np

from bytesim.models.config import ModelConfig
from bytesim.patching import history_bytes, plan_windows

RULE = "slide"
"""One of WINDOW_RULES."""
WATCHED_WINDOWS = 8
"""Windows of a long file that are read to watch a training; the last measurement reads all."""


def window_bytes(config: ModelConfig) -> int:
    """Bytes of a window."""
    return history_bytes(config.max_patches, config.patch_size)


def random_window(data: bytes, size: int, patch_size: int, rng: np.random.Generator) -> bytes:
    """At most `size` bytes, from a random place where a patch begins. Draws from `rng` for a longer file only."""
    if len(data) <= size:
        return data
    start = patch_size * int(rng.integers(-(-(len(data) - size) // patch_size) + 1))
    return data[start : start + size]


def measured_windows(data: bytes, config: ModelConfig, most: int | None = None) -> list[bytes]:
    """The windows that a file is measured by, itself where it fits; at most `most` of them, evenly spread."""
    windows = plan_windows(len(data), window_bytes(config), config.patch_size, RULE).windows
    count = min(len(windows), most or len(windows))
    places = [round(place * (len(windows) - 1) / max(1, count - 1)) for place in range(count)]
    return [b"".join(data[start:end] for start, end in windows[place]) for place in places]
