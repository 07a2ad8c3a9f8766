"""Windows of files with a label that are longer than the history of the model. No torch.

Measuring reads them by a rule of WINDOW_RULES, as `classify file` does; training by the same, but where the rule is
`slide` it draws one window from anywhere in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bytesim.patching import history_bytes, plan_windows

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

WATCHED_WINDOWS = 8
"""Windows of a long file that are read to watch a training; the last measurement reads all."""


def window_bytes(config: ModelConfig) -> int:
    """Bytes of a window."""
    return history_bytes(config.max_patches, config.patch_size)


def drawn_window(data: bytes, config: ModelConfig, rule: str, rng: np.random.Generator | None) -> bytes:
    """What a step of training is shown of a file. Draws from `rng` only where there is a choice; without, the first."""
    size, patch_size = window_bytes(config), config.patch_size
    if rng is None or len(data) <= size or rule != "slide":
        return measured_windows(data, config, rule)[0]
    start = patch_size * int(rng.integers(-(-(len(data) - size) // patch_size) + 1))
    return data[start : start + size]


def measured_windows(data: bytes, config: ModelConfig, rule: str, most: int | None = None) -> list[bytes]:
    """The windows that a file is measured by, itself where it fits; at most `most` of them, evenly spread."""
    windows = plan_windows(len(data), window_bytes(config), config.patch_size, rule).windows
    count = min(len(windows), most or len(windows))
    places = [round(place * (len(windows) - 1) / max(1, count - 1)) for place in range(count)]
    return [b"".join(data[start:end] for start, end in windows[place]) for place in places]
