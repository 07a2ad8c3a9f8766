"""The shape of a classifier that reads a whole file at once; the config alone rebuilds it. No torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from bytesim.errors import ConfigError
from bytesim.models.config_fields import config_from_dict
from bytesim.models.inputs import ModelInputs
from bytesim.patching import history_bytes

ARCHITECTURE = "encoder"

FRONTS = ("bytes", "picture", "sound")

LARGEST = {
    "num_classes": 1 << 16,
    "patch_size": 1 << 12,
    "max_patches": 1 << 20,
    "skip_bytes": 1 << 16,
    "byte_embedding_size": 1 << 12,
    "rows": 1 << 12,
    "columns": 1 << 12,
    "pixel_bytes": 16,
    "filters": 1 << 12,
    "filter_bytes": 1 << 16,
    "filter_step": 1 << 16,
    "kernel": 63,
    "hidden_size": 1 << 14,
    "num_layers": 1 << 10,
    "head_size": 1 << 12,
    "ngram_buckets": 1 << 24,
    "ngram_size": 1 << 12,
    "edge_bytes": 1 << 12,
    "edge_buckets": 1 << 24,
}
"""Field -> the greatest value: a config that lies must cost neither memory nor time."""

MAY_BE_NONE = ("skip_bytes", "num_layers", "ngram_buckets", "edge_bytes", "edge_buckets")
"""Fields that may be 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderConfig:
    """Shape of an encoder: a front end makes a map of the bytes, convolutions shrink it, a transformer reads it.

    Source: compact convolutional transformers, Hassani et al. 2021, arXiv:2104.05704.
    """

    num_classes: int = 2
    patch_size: int = 16
    """Bytes per patch of the frame that a file comes in; the encoder reads through them."""
    max_patches: int = 512
    """Longest frame in patches; 512 patches of 16 bytes are 8 KiB."""
    skip_bytes: int = 0
    """Bytes at the beginning that are passed over: the header of a format that has but one."""
    front: str = "bytes"
    """`bytes`: each byte by a table. `picture`: pixels as numbers, rows and columns of them. `sound`: samples through
    filters, the logarithm of their energies over time."""
    byte_embedding_size: int = 32
    """Front `bytes`: width of a byte."""
    rows: int = 32
    """Front `picture`: its rows of pixels."""
    columns: int = 32
    pixel_bytes: int = 3
    filters: int = 64
    """Front `sound`: filters, bands of the mel scale."""
    filter_bytes: int = 256
    """Front `sound`: samples that a filter sees."""
    filter_step: int = 80
    """Front `sound`: samples from one place of the filters to the next."""
    channels: tuple[int, ...] = (64, 128)
    """Width of each stage of convolutions."""
    strides: tuple[int, ...] = (2, 2)
    """How much each stage shrinks the map, in each direction."""
    blocks_per_stage: tuple[int, ...] = (1, 1)
    """Residual blocks of two convolutions after the one that shrinks."""
    kernel: int = 3
    """Width of convolutions, odd; with the front `bytes` they go along the file alone."""
    hidden_size: int = 128
    """Width of the transformer."""
    num_layers: int = 1
    head_size: int = 32
    ngram_buckets: int = 0
    """Above 0, the file is also read as a bag of hashed n-grams in a table of so many rows."""
    ngram_size: int = 16
    """Width of that table."""
    ngrams: tuple[int, ...] = (3, 4, 5, 6)
    """Bytes of the n-grams."""
    fold_case: bool = False
    """N-grams see ASCII letters without case."""
    ngram_dropout: float = 0.0
    """Share of the n-grams that are left out in a step of training."""
    edge_bytes: int = 0
    """Above 0, so many bytes at the beginning and as many at the end are also read place by place: signatures."""
    edge_buckets: int = 0
    """Above 0, the n-grams of these bytes are also looked up, each by its place, in a table of so many rows."""
    dropout: float = 0.0
    """Share of the pooled features that are left out in a step of training."""
    reader_dropout: float = 0.0
    """Share of the files that a reader (convolutions, n-grams, edges) is left out of in a step of training."""

    suffix_patches: ClassVar[int] = 1
    """Patches of a frame before the bytes: the extension patch, which an encoder does not read."""

    def __post_init__(self) -> None:
        self._check_ranges()
        if self.front not in FRONTS:
            raise ConfigError(f"front {self.front!r} is unknown; choose {', '.join(FRONTS)}.")
        if not 1 <= len(self.channels) == len(self.strides) == len(self.blocks_per_stage) <= 16:
            raise ConfigError("channels, strides and blocks_per_stage name the same stages, 1 to 16 of them.")
        if self.kernel % 2 == 0:
            raise ConfigError(f"kernel {self.kernel} is even; choose an odd width such as 3.")
        if self.hidden_size % self.head_size or self.head_size % 2:
            raise ConfigError(f"hidden_size {self.hidden_size} does not split into even heads of {self.head_size}.")
        for name in ("dropout", "ngram_dropout", "reader_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; choose a share below 1.")
        if self.edge_buckets and not self.edge_bytes:
            raise ConfigError("edge_buckets needs edge_bytes, the bytes whose n-grams they are for.")
        if self.max_patches <= self.suffix_patches + 1 or self.window_bytes < self.filter_bytes * (
            self.front == "sound"
        ):
            raise ConfigError(f"max_patches {self.max_patches} leaves no room for a file.")

    def _check_ranges(self) -> None:
        for name, largest in LARGEST.items():
            least = 0 if name in MAY_BE_NONE else 1
            if not least <= getattr(self, name) <= largest:
                raise ConfigError(f"{name} is {getattr(self, name)}; choose a number from {least} to {largest}.")
        for name, least, largest in (("channels", 1, 1 << 14), ("strides", 1, 64), ("blocks_per_stage", 0, 64)):
            if not all(least <= each <= largest for each in getattr(self, name)):
                raise ConfigError(f"{name} is {list(getattr(self, name))}; choose numbers from {least} to {largest}.")
        if self.ngram_buckets and not (self.ngrams and all(1 <= each <= 16 for each in self.ngrams)):
            raise ConfigError(f"ngrams is {list(self.ngrams)}; choose lengths from 1 to 16 bytes.")

    @property
    def inputs(self) -> ModelInputs:
        """What the model is given beside the bytes of a file: nothing."""
        return ModelInputs()

    @property
    def window_bytes(self) -> int:
        """Most bytes of a file that are read at once."""
        return history_bytes(self.max_patches, self.patch_size)

    @property
    def pooled_size(self) -> int:
        """Width of what is known of a file before its class is told."""
        bags = bool(self.ngram_buckets) + bool(self.edge_buckets)
        return self.hidden_size * (2 if self.edge_bytes else 1) + self.ngram_size * bags

    @property
    def map_shape(self) -> tuple[int, int]:
        """Rows and columns of the map that the front end makes of the longest file."""
        if self.front == "picture":
            return self.rows, self.columns
        if self.front == "sound":
            return self.filters, (self.window_bytes - self.skip_bytes - self.filter_bytes) // self.filter_step + 1
        return 1, max(1, self.window_bytes - self.skip_bytes)

    @property
    def num_places(self) -> int:
        """Places that the transformer reads at most."""
        rows, columns = self.map_shape
        for stride in self.strides:
            rows, columns = math.ceil(rows / stride), math.ceil(columns / stride)
        return rows * columns

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        values = {"architecture": ARCHITECTURE, **asdict(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EncoderConfig:
        """The config of a config.json. Raises ConfigError for unknown keys or values of the wrong type."""
        return config_from_dict(cls, values)
