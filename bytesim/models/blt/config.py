"""The config of a Byte Latent Transformer, from which the model can be rebuilt. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError
from bytesim.models.config_fields import check_greatest, config_from_dict
from bytesim.models.flat.config import FlatConfig
from bytesim.models.single_bytes import SingleBytes
from bytesim.patching import BYTE_OFFSET, HEADER_BYTES

if TYPE_CHECKING:
    from bytesim.nn.parts import Parts

ARCHITECTURE = "blt"
PATCHERS = ("entropy", "rise", "entropy_and_rise", "cumulative", "space", "static")
BY_ENTROPY = PATCHERS[:4]
"""Patchers that ask the entropy model."""
START_PARTS = ("entropy", "latent")
"""Parts that may start from the weights of other models."""
MOST_NGRAM_BYTES = 16
"""Longest n-gram, in bytes."""
MOST_FUNCTIONS = 11
"""Most hash functions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BLTConfig(SingleBytes):
    """Shape of a Byte Latent Transformer. The defaults are those of the published model of 1B parameters."""

    parts: Parts = "llama"
    """`llama`: as published. `modern`: RMSNorm without weights, QK-norm, ReLU squared."""
    hidden_size: int = 2048
    """Width of the latent transformer."""
    num_layers: int = 25
    """Layers of the latent transformer."""
    head_size: int = 128
    """Width of a head in the latent transformer."""
    key_value_heads: int = 16
    """Heads of keys and values in the latent transformer."""
    feed_forward_size: int = 5632
    """Inner width of its feed-forward layers; 0 for 4 hidden_size, or 8/3 of it with llama parts. So below."""
    byte_hidden_size: int = 1024
    """Width of the local encoder and the local decoder."""
    encoder_layers: int = 1
    """Layers of the local encoder."""
    decoder_layers: int = 9
    """Layers of the local decoder."""
    byte_head_size: int = 64
    """Width of a head in encoder and decoder."""
    byte_key_value_heads: int = 16
    """Heads of keys and values in encoder and decoder, also of their cross-attention."""
    encoder_feed_forward_size: int = 2816
    """Inner width of the feed-forward layers of the local encoder."""
    decoder_feed_forward_size: int = 2816
    """Inner width of the feed-forward layers of the local decoder."""
    patch_vectors: int = 2
    """Vectors of width byte_hidden_size that stand for a patch in cross-attention."""
    read_each_layer: bool = True
    """Whether bytes read their patch before every layer of the decoder, or only before the first one."""
    ngrams: tuple[int, ...] = (3, 4, 5, 6, 7, 8)
    """Lengths of the n-grams whose hashed embeddings are added to each byte."""
    ngram_buckets: int = 500002
    """Rows of the table of each length."""
    ngram_functions: int = 1
    """Hash functions for each length."""
    patcher: str = "entropy"
    """What ends a patch. `entropy`: the next byte's entropy is above the threshold. `rise`: it is above the entropy of
    the byte before by more than rise_threshold. `entropy_and_rise`: both. `cumulative`: the entropies since the last
    border add up to more than the threshold. `space`: the byte is not a letter, a digit or
    a continuation byte of UTF-8, and the byte before it was one. `static`: its length."""
    threshold: float = 1.335442066192627
    """Patchers entropy and cumulative: the threshold, in nats."""
    rise_threshold: float = 0.0
    """Patcher rise: the threshold of the rise, in nats."""
    mean_patch_bytes: float = 0.0
    """Before a training, the threshold is fitted to patches of this mean length; 0 leaves the threshold as it is."""
    patch_bytes: int = 4
    """Patcher static: bytes per patch."""
    max_patch_bytes: int = 0
    """Longest patch, in bytes; 0 for any length."""
    entropy_hidden_size: int = 768
    """Width of the entropy model, a flat decoder that is not trained further."""
    entropy_layers: int = 14
    """Layers of the entropy model."""
    entropy_head_size: int = 64
    """Width of a head in the entropy model."""
    entropy_key_value_heads: int = 12
    """Heads of keys and values in the entropy model."""
    entropy_feed_forward_size: int = 2048
    """Inner width of the feed-forward layers of the entropy model."""
    entropy_window: int = 512
    """Last bytes that a position of the entropy model sees; 0 for all."""
    entropy_rope_base: float = 10000.0
    """Base of the rotary positions of the entropy model."""
    rope_base: float = 500000.0
    """Base of the rotary positions of all other parts."""
    byte_offset: int = 0
    """First id of the bytes: 0 for the tokens of the framing, 4 for imported weights with 260 ids."""
    max_bytes: int = 8192
    """Longest history, in bytes: the file, its extension, and in a conversion the source."""

    def __post_init__(self) -> None:
        check_greatest(self, {"ngram_buckets": 1 << 32, "entropy_window": 1 << 40})
        for field in fields(self):
            value = getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if number and not _least(field.name) <= value < float("inf"):  # NaN lies in no interval
                raise ConfigError(f"{field.name} is {value}; choose another number, not below {_least(field.name):g}.")
        if self.parts not in ("llama", "modern"):
            raise ConfigError(f"parts {self.parts!r} is unknown; choose llama or modern.")
        if self.patcher not in PATCHERS:
            raise ConfigError(f"patcher {self.patcher!r} is unknown; choose {', '.join(PATCHERS)}.")
        if self.byte_offset not in (0, BYTE_OFFSET):
            raise ConfigError(f"byte_offset is {self.byte_offset}; choose 0 or {BYTE_OFFSET}.")
        if self.mean_patch_bytes and (not self.needs_entropy or self.mean_patch_bytes < 1):
            raise ConfigError(
                f"mean_patch_bytes is {self.mean_patch_bytes:g}; choose 1 or more, and a patcher that has "
                f"a threshold: {', '.join(BY_ENTROPY)}."
            )
        lengths = set(self.ngrams)
        if len(lengths) < len(self.ngrams) or not lengths <= set(range(1, MOST_NGRAM_BYTES + 1)):
            raise ConfigError(
                f"ngrams is {list(self.ngrams)[:20]}; choose different lengths from 1 to {MOST_NGRAM_BYTES} bytes."
            )
        if self.ngram_functions > MOST_FUNCTIONS:
            raise ConfigError(f"ngram_functions is {self.ngram_functions}; choose at most {MOST_FUNCTIONS}.")
        if self.max_bytes <= 2 * HEADER_BYTES:
            raise ConfigError(f"max_bytes {self.max_bytes} leaves no room for a file. Choose a larger number.")
        for size, head, shared in (
            ("hidden_size", self.head_size, self.key_value_heads),
            ("byte_hidden_size", self.byte_head_size, self.byte_key_value_heads),
        ):
            _check_heads(size, getattr(self, size), head, shared)
        if self.needs_entropy:
            try:
                _ = self.entropy_model
            except ConfigError as error:
                raise ConfigError(f"entropy model: {error.message}") from error

    @property
    def needs_entropy(self) -> bool:
        """Whether the patcher asks the entropy model, which the model then has."""
        return self.patcher in BY_ENTROPY

    @property
    def entropy_model(self) -> FlatConfig:
        """The config of the entropy model."""
        return FlatConfig(
            parts=self.parts,
            hidden_size=self.entropy_hidden_size,
            num_layers=self.entropy_layers,
            head_size=self.entropy_head_size,
            key_value_heads=self.entropy_key_value_heads,
            feed_forward_size=self.entropy_feed_forward_size,
            window=self.entropy_window,
            rope_base=self.entropy_rope_base,
            byte_offset=self.byte_offset,
            max_bytes=self.max_bytes,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        values = {"architecture": ARCHITECTURE, **asdict(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BLTConfig:
        """The config in a config.json. Raises ConfigError for unknown keys or values of the wrong type."""
        return config_from_dict(cls, values)


_MAY_BE_ZERO = frozenset({"max_patch_bytes", "mean_patch_bytes", "entropy_window", "byte_offset", "threshold"})


def _least(name: str) -> float:
    """The least value of a field."""
    if name == "rise_threshold":
        return float("-inf")
    return 0 if name in _MAY_BE_ZERO or name.endswith("feed_forward_size") else 1


def _check_heads(name: str, size: int, head_size: int, shared: int) -> None:
    if size % head_size or head_size % 2:
        raise ConfigError(f"{name} {size} does not split into even heads of {head_size}.")
    if (size // head_size) % shared:
        raise ConfigError(f"the {size // head_size} heads of {name} do not share {shared} heads of keys evenly.")
