"""Windows of labelled files that are longer than the model's history. No torch.

Validation reads files by a rule of WINDOW_RULES, like `classify file`. Training does the same, except that by the rule
`slide` it draws one window from anywhere in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bytesim.patching import history_bytes, plan_windows

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

WATCHED_WINDOWS = 8
"""Most windows of a file that are read in validations during a training; the last validation reads all."""


def window_bytes(config: ModelConfig) -> int:
    """Length of a window, in bytes."""
    return history_bytes(config.max_patches, config.patch_size)


def drawn_window(data: bytes, config: ModelConfig, rule: str, rng: np.random.Generator | None) -> bytes:
    """The window of a file for a training step: a random one if the rule allows a choice, else the first.

    Without `rng` it is the first. `rng` is not used if there is no choice.
    """
    size, patch_size = window_bytes(config), config.patch_size
    if rng is None or len(data) <= size or rule != "slide":
        return measured_windows(data, config, rule)[0]
    start = patch_size * int(rng.integers(-(-(len(data) - size) // patch_size) + 1))
    return data[start : start + size]


def measured_windows(data: bytes, config: ModelConfig, rule: str, most: int | None = None) -> list[bytes]:
    """The windows of a file for validation, the whole file if it fits; at most `most` of them, evenly spaced."""
    windows = plan_windows(len(data), window_bytes(config), config.patch_size, rule).windows
    count = min(len(windows), most or len(windows))
    chosen = [round(number * (len(windows) - 1) / max(1, count - 1)) for number in range(count)]
    return [b"".join(data[start:end] for start, end in windows[index]) for index in chosen]
