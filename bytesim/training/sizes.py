"""The model sizes tiny, small and base, for training on a user's own files. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.models.blt.config import BLTConfig
from bytesim.models.encoder.config import EncoderConfig
from bytesim.models.flat.config import FlatConfig

if TYPE_CHECKING:
    from bytesim.models.registry import WriterConfig

HISTORY_BYTES = 8192
"""Longest history, in bytes."""

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
"""Name -> widths and depths of models that write files. Millions of parameters, to generate and to convert:
tiny 0.8, 1.6; small 2.3, 3.8; base 5.5, 7.9."""

_CLASSIFIERS: dict[str, dict[str, Any]] = {
    "tiny": {
        "byte_embedding_size": 16,
        "channels": (32, 64),
        "blocks_per_stage": (0, 0),
        "hidden_size": 64,
        "num_layers": 1,
    },
    "small": {
        "channels": (64, 128),
        "blocks_per_stage": (0, 1),
        "hidden_size": 128,
        "num_layers": 2,
    },
    "base": {
        "channels": (96, 192),
        "blocks_per_stage": (1, 1),
        "hidden_size": 192,
        "num_layers": 4,
    },
}
"""Name -> widths and depths of classifiers. Millions of parameters: tiny 0.1, small 0.7, base 2.5; with a bag of
n-grams 0.4, 1.7, 4.6."""
_NGRAM_BUCKETS = {"tiny": 1 << 14, "small": 1 << 16, "base": 1 << 17}

_TASKS: dict[str, dict[str, Any]] = {
    "generate": {"patch_size": 16, "max_patches": 512, "context_patches": 1},
    "convert": {
        "patch_size": 8,
        "max_patches": 1024,
        "context_patches": 1,
        "source_attention": True,
        "patch_source_attention": True,
        "max_source_bytes": 6144,
        "source_patches": False,
        "numeric_bytes": True,
        "copying": True,
        "numerals": True,
    },
}
"""Task -> the other fields of the config. Every history is 8 KiB; for a conversion it holds the target."""


ARCHITECTURES = ("bgpt", "flat", "blt")
"""Architectures of models that write files."""

_FLAT: dict[str, dict[str, Any]] = {
    "tiny": {"hidden_size": 128, "num_layers": 4, "key_value_heads": 2},
    "small": {"hidden_size": 192, "num_layers": 6, "key_value_heads": 2},
    "base": {"hidden_size": 256, "num_layers": 8, "key_value_heads": 2},
}
"""Name -> widths and depths of flat models. Millions of parameters: tiny 0.8, small 2.5, base 5.6."""

_BLT: dict[str, dict[str, Any]] = {
    "tiny": {"hidden_size": 128, "num_layers": 3, "key_value_heads": 4, "byte_hidden_size": 64, "decoder_layers": 1},
    "small": {"hidden_size": 192, "num_layers": 4, "key_value_heads": 6, "byte_hidden_size": 96, "decoder_layers": 2},
    "base": {"hidden_size": 256, "num_layers": 6, "key_value_heads": 8, "byte_hidden_size": 128, "decoder_layers": 2},
}
"""Name -> widths and depths of BLTs whose patches end at spaces. Millions of parameters: tiny 0.9, small 2.6, base
6.1."""


def sized_config(task: str, size: str, architecture: str = "bgpt") -> WriterConfig:
    """The config of a model that writes files; `convert` is for bgpt, whose parts for it the others lack.

    Raises ConfigError for a size that is not in SIZES, and for an unknown architecture.
    """
    _check(size)
    if architecture == "bgpt":
        return BGPTConfig(parts="modern", byte_head_size=32, **SIZES[size], **_TASKS[task])
    if architecture == "flat":
        return FlatConfig(head_size=32, max_bytes=HISTORY_BYTES, **_FLAT[size])
    if architecture == "blt":
        width = _BLT[size]["byte_hidden_size"]
        return BLTConfig(
            parts="modern",
            patcher="space",
            head_size=32,
            feed_forward_size=0,
            encoder_layers=1,
            byte_head_size=32,
            byte_key_value_heads=width // 32,
            encoder_feed_forward_size=0,
            decoder_feed_forward_size=0,
            ngram_buckets=4 * width,
            max_bytes=HISTORY_BYTES,
            **_BLT[size],
        )
    raise ConfigError(f"architecture {architecture!r} is unknown; choose {', '.join(ARCHITECTURES)}.")


def classifier_config(size: str, num_classes: int, *, text: bool = False) -> EncoderConfig:
    """The config of a classifier, for files in windows of 8 KiB; `text` adds a bag of n-grams.

    In recordings and pictures few n-grams occur twice, so a bag of them would overfit. Raises ConfigError for a size
    that is not in SIZES.
    """
    _check(size)
    return EncoderConfig(
        num_classes=num_classes,
        kernel=5,
        strides=(4, 4),
        dropout=0.2,
        ngram_buckets=_NGRAM_BUCKETS[size] if text else 0,
        fold_case=text,
        **_CLASSIFIERS[size],
    )


def _check(size: str) -> None:
    if size not in SIZES:
        raise ConfigError(f"size {size!r} is unknown; choose {', '.join(SIZES)}.")
