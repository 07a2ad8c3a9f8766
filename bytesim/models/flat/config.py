"""The config of a flat byte transformer, from which the model can be rebuilt. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from bytesim.errors import ConfigError
from bytesim.models.config_fields import config_from_dict
from bytesim.models.inputs import ModelInputs
from bytesim.patching import HEADER_BYTES

ARCHITECTURE = "flat"
MOST_NEXT_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatConfig:
    """Shape of a flat byte transformer. The defaults are the published size of OmniByteGPT, 132.7M parameters."""

    hidden_size: int = 1024
    num_layers: int = 12
    head_size: int = 32
    """Width of an attention head; there are hidden_size / head_size of them."""
    key_value_heads: int = 8
    """Heads of keys and values. As many as query heads are multi-head attention, fewer grouped-query attention, one is
    multi-query attention (arXiv:2305.13245)."""
    max_bytes: int = 8192
    """Longest history, in bytes: the file, its extension, and in a conversion the source."""
    next_bytes: int = 1
    """Bytes that are predicted at each position. With more than one, greedy decoding guesses the bytes ahead and
    verifies them in one pass; the answers stay the same."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ConfigError(f"{field.name} is {getattr(self, field.name)}; choose a larger number.")
        if self.hidden_size % self.head_size or self.head_size % 2:
            raise ConfigError(f"hidden_size {self.hidden_size} does not split into even heads of {self.head_size}.")
        if self.num_heads % self.key_value_heads:
            raise ConfigError(
                f"{self.num_heads} heads do not share {self.key_value_heads} heads of keys and values evenly. "
                "Choose key_value_heads that divides their number."
            )
        if self.max_bytes <= 2 * HEADER_BYTES:
            raise ConfigError(f"max_bytes {self.max_bytes} leaves no room for a file. Choose a larger number.")
        if self.next_bytes == 2 or self.next_bytes > MOST_NEXT_BYTES:
            raise ConfigError(
                f"next_bytes is {self.next_bytes}; choose 1 or from 3 to {MOST_NEXT_BYTES}. With two, a guess would "
                "have one byte, which the pass itself predicts."
            )

    @property
    def num_heads(self) -> int:
        """Number of query heads."""
        return self.hidden_size // self.head_size

    @property
    def num_classes(self) -> int:
        """Classes of a classifier: none, as a flat model writes bytes."""
        return 0

    @property
    def patch_size(self) -> int:
        """Bytes per patch: a flat model reads single bytes."""
        return 1

    @property
    def max_patches(self) -> int:
        """Longest history, in patches of one byte."""
        return self.max_bytes

    @property
    def inputs(self) -> ModelInputs:
        """What the model is given beside the bytes of its history: nothing."""
        return ModelInputs()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {"architecture": ARCHITECTURE, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FlatConfig:
        """The config in a config.json. Raises ConfigError for unknown keys or values of the wrong type."""
        return config_from_dict(cls, values)
