"""The config of a flat byte transformer, from which the model can be rebuilt. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError
from bytesim.models.config_fields import check_greatest, config_from_dict
from bytesim.models.single_bytes import SingleBytes
from bytesim.patching import BYTE_OFFSET, HEADER_BYTES

if TYPE_CHECKING:
    from bytesim.nn.parts import Parts

ARCHITECTURE = "flat"
MOST_NEXT_BYTES = 16
_MAY_BE_ZERO = ("window", "feed_forward_size", "byte_offset")


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatConfig(SingleBytes):
    """Shape of a flat byte transformer. The defaults are the published size of OmniByteGPT, 132.7M parameters."""

    parts: Parts = "modern"
    """`modern`: RMSNorm, QK-norm, ReLU squared. `llama`: RMSNorm with weights, SwiGLU, no QK-norm, as published BLTs
    have them."""
    hidden_size: int = 1024
    num_layers: int = 12
    head_size: int = 32
    """Width of an attention head; there are hidden_size / head_size of them."""
    key_value_heads: int = 8
    """Heads of keys and values. As many as query heads are multi-head attention, fewer grouped-query attention, one is
    multi-query attention (arXiv:2305.13245)."""
    max_bytes: int = 8192
    """Longest history, in bytes: the file, its extension, and in a conversion the source."""
    window: int = 0
    """Last bytes that a position sees at each layer (sliding-window attention, arXiv:2004.05150); 0 for all."""
    feed_forward_size: int = 0
    """Inner width of the feed-forward layers; 0 for 4 hidden_size, or 8/3 of it with llama parts."""
    rope_base: float = 10000.0
    """Base of the rotary positions."""
    byte_offset: int = 0
    """First id of the bytes: 0 for the tokens of the framing, 4 for imported weights with 260 ids."""
    next_bytes: int = 1
    """Bytes that are predicted at each position. With more than one, greedy decoding guesses the bytes ahead and
    verifies them in one pass; the answers stay the same."""

    def __post_init__(self) -> None:
        check_greatest(self, {"window": 1 << 40})
        if self.parts not in ("modern", "llama"):
            raise ConfigError(f"parts {self.parts!r} is unknown; choose modern or llama.")
        for field in fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in _MAY_BE_ZERO else 1
            if not isinstance(value, str) and not least <= value < float("inf"):  # NaN lies in no interval
                raise ConfigError(f"{field.name} is {value}; choose another number, not below {least}.")
        if self.byte_offset not in (0, BYTE_OFFSET):
            raise ConfigError(f"byte_offset is {self.byte_offset}; choose 0 or {BYTE_OFFSET}.")
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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {"architecture": ARCHITECTURE, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FlatConfig:
        """The config in a config.json. Raises ConfigError for unknown keys or values of the wrong type."""
        return config_from_dict(cls, values)
