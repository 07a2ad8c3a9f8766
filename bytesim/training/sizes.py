"""Sizes of models for a user's own files. No torch."""

from __future__ import annotations

from typing import Any

from bytesim.errors import ConfigError
from bytesim.models.bgpt_config import BGPTConfig

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {
        "hidden_size": 128,
        "num_layers": 3,
        "head_size": 32,
        "byte_hidden_size": 64,
        "byte_num_layers": 1,
        "source_hidden_size": 64,
        "source_layers": 1,
    },
    "small": {
        "hidden_size": 192,
        "num_layers": 4,
        "byte_hidden_size": 96,
        "byte_num_layers": 2,
        "source_hidden_size": 96,
    },
    "base": {
        "hidden_size": 256,
        "num_layers": 6,
        "byte_hidden_size": 128,
        "byte_num_layers": 2,
        "source_hidden_size": 128,
    },
}
"""Name -> widths and depths. Parameters in millions, to generate, to convert, to classify:
tiny 0.8, 1.4, 0.7; small 2.3, 3.5, 2.0; base 5.5, 7.6, 5.0."""

_TASKS: dict[str, dict[str, Any]] = {
    "generate": {"patch_size": 16, "max_patches": 512, "context_patches": 1},
    "convert": {
        "patch_size": 8,
        "max_patches": 1024,
        "context_patches": 1,
        "source_attention": True,
        "patch_source_attention": True,
        "max_source_bytes": 6144,
    },
    "classify": {"patch_size": 16, "max_patches": 512},
}
"""Task -> the rest of the shape. Every history is 8 KiB; a conversion's holds source and target."""


def sized_config(task: str, size: str, num_classes: int = 0) -> BGPTConfig:
    """The model of a size for a task. Raises ConfigError for a size that is not in SIZES."""
    if size not in SIZES:
        raise ConfigError(f"size {size!r} is unknown; choose {', '.join(SIZES)}.")
    return BGPTConfig(parts="modern", byte_head_size=32, num_classes=num_classes, **SIZES[size], **_TASKS[task])
