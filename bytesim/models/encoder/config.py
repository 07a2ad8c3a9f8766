"""The config of an encoder classifier, which reads a whole file at once; it alone rebuilds the model. No torch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from bytesim.errors import ConfigError
from bytesim.models.config_fields import config_from_dict
from bytesim.models.inputs import ModelInputs
from bytesim.native.library import MOST_WORDS
from bytesim.patching import header_patches, history_bytes

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
    "statistics_size": 1 << 12,
    "classifier_size": 1 << 14,
}
"""Field -> greatest value, so that a hostile config cannot exhaust memory or time."""

MAY_BE_NONE = (
    "skip_bytes",
    "num_layers",
    "ngram_buckets",
    "edge_bytes",
    "edge_buckets",
    "statistics_size",
    "classifier_size",
)
"""Fields that may be 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EncoderConfig:
    """Shape of an encoder: a front end turns bytes into a feature map, convolutions shrink it, a transformer reads it.

    Up to four further branches read the file beside this one: a bag of n-grams, a layer over the two ends of the file,
    a bag of the n-grams of these ends, and a layer over byte statistics. Fields of a branch that is not used are
    ignored.

    Source: compact convolutional transformers, Hassani et al. 2021, arXiv:2104.05704.
    """

    num_classes: int = 2
    patch_size: int = 16
    """Bytes per patch of the framed file; the encoder itself reads bytes."""
    max_patches: int = 512
    """Longest framed file, in patches; 512 patches of 16 bytes are 8 KiB."""
    skip_bytes: int = 0
    """Bytes at the start of a file that are skipped, such as a header that is always the same."""
    front: str = "bytes"
    """Front end. `bytes`: byte embeddings. `picture`: pixel values in rows and columns. `sound`: log energies of a bank
    of filters over time."""
    byte_embedding_size: int = 32
    """Front `bytes`: width of the byte embeddings."""
    rows: int = 32
    """Front `picture`: rows of pixels."""
    columns: int = 32
    """Front `picture`: columns of pixels."""
    pixel_bytes: int = 3
    """Front `picture`: bytes per pixel."""
    filters: int = 64
    """Front `sound`: number of filters, evenly spaced on the mel scale."""
    filter_bytes: int = 256
    """Front `sound`: width of a filter, in samples."""
    filter_step: int = 80
    """Front `sound`: stride of the filters, in samples."""
    channels: tuple[int, ...] = (64, 128)
    """Width of each convolutional stage."""
    strides: tuple[int, ...] = (2, 2)
    """Stride of each stage, in both directions."""
    blocks_per_stage: tuple[int, ...] = (1, 1)
    """Residual blocks, of two convolutions each, after the strided convolution of each stage."""
    kernel: int = 3
    """Width of the convolutions, odd; with the front `bytes` they are one-dimensional."""
    hidden_size: int = 128
    """Width of the transformer."""
    num_layers: int = 1
    """Layers of the transformer."""
    head_size: int = 32
    """Width of an attention head."""
    ngram_buckets: int = 0
    """Rows of the table of hashed n-grams; 0 for no bag of n-grams."""
    ngram_size: int = 16
    """Width of the n-gram tables."""
    ngrams: tuple[int, ...] = (3, 4, 5, 6)
    """Lengths of the n-grams, in bytes."""
    words: tuple[int, ...] = ()
    """With ngram_buckets: lengths of n-grams of words, which share the table of those of bytes; none by default."""
    fold_case: bool = False
    """Whether n-grams ignore the case of ASCII letters."""
    ngram_head: bool = False
    """Whether the n-grams go straight to the classes: their table has a column for each class, not `ngram_size`
    features, as in a linear classifier. For texts, whose words tell the class."""
    ngram_dropout: float = 0.0
    """Share of the n-grams that are dropped in training."""
    edge_bytes: int = 0
    """Bytes at each end of a file that a layer with weights for each position reads, for signatures; 0 for none."""
    edge_buckets: int = 0
    """Rows of a table of the n-grams of these bytes, hashed with their positions; 0 for none."""
    statistics_size: int = 0
    """Width of a layer over byte statistics: histograms, entropies, repeats at small distances; 0 for none."""
    max_pool: bool = False
    """Whether the classes also see the maxima over all positions, of the last convolution and of the transformer,
    beside the mean. A mean over thousands of bytes hides a sign that occurs once."""
    classifier_size: int = 0
    """Width of a hidden layer between the features and the classes, beside the linear map; 0 for none."""
    dropout: float = 0.0
    """Dropout of the pooled features."""
    reader_dropout: float = 0.0
    """Branch dropout: share of the files in training for which a branch (convolutions, n-grams, ends, statistics) is
    zeroed."""

    def __post_init__(self) -> None:
        self._check_ranges()
        if self.front not in FRONTS:
            raise ConfigError(f"front {self.front!r} is unknown; choose {', '.join(FRONTS)}.")
        if not 1 <= len(self.channels) == len(self.strides) == len(self.blocks_per_stage) <= 16:
            raise ConfigError(
                "channels, strides and blocks_per_stage need one number for each stage, of 1 to 16 stages."
            )
        if self.kernel % 2 == 0:
            raise ConfigError(f"kernel {self.kernel} is even; choose an odd width such as 3.")
        if self.hidden_size % self.head_size or self.head_size % 2:
            raise ConfigError(f"hidden_size {self.hidden_size} does not split into even heads of {self.head_size}.")
        for name in ("dropout", "ngram_dropout", "reader_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; choose a share below 1.")
        if self.edge_buckets and not self.edge_bytes:
            raise ConfigError("edge_buckets needs edge_bytes, the bytes whose n-grams it holds. Set edge_bytes too.")
        if self.max_patches <= self.suffix_patches + 1 or self.window_bytes < self.filter_bytes * (
            self.front == "sound"
        ):
            raise ConfigError(f"max_patches {self.max_patches} leaves no room for a file. Choose a larger number.")

    def _check_ranges(self) -> None:
        for name, largest in LARGEST.items():
            least = 0 if name in MAY_BE_NONE else 1
            if not least <= getattr(self, name) <= largest:
                raise ConfigError(f"{name} is {getattr(self, name)}; choose a number from {least} to {largest}.")
        for name, least, largest in (("channels", 1, 1 << 14), ("strides", 1, 64), ("blocks_per_stage", 0, 64)):
            if not all(least <= number <= largest for number in getattr(self, name)):
                raise ConfigError(f"{name} is {list(getattr(self, name))}; choose numbers from {least} to {largest}.")
        if self.ngram_buckets and not (self.ngrams and all(1 <= number <= 16 for number in self.ngrams)):
            raise ConfigError(f"ngrams is {list(self.ngrams)}; choose lengths from 1 to 16 bytes.")
        if not all(1 <= number <= MOST_WORDS for number in self.words):
            raise ConfigError(f"words is {list(self.words)}; choose lengths from 1 to {MOST_WORDS} words.")
        for name in ("words", "ngram_head"):
            if getattr(self, name) and not self.ngram_buckets:
                raise ConfigError(f"{name} needs ngram_buckets, the table of the n-grams. Set ngram_buckets too.")

    @property
    def inputs(self) -> ModelInputs:
        """What the model is given beside the bytes of a file: nothing."""
        return ModelInputs()

    @property
    def suffix_patches(self) -> int:
        """Patches before the bytes: those of the extension, which an encoder does not read."""
        return header_patches(self.patch_size)

    @property
    def window_bytes(self) -> int:
        """Most bytes of a file that the encoder reads at once."""
        return history_bytes(self.max_patches, self.patch_size)

    @property
    def pooled_size(self) -> int:
        """Width of the pooled feature vector."""
        bags = bool(self.ngram_buckets and not self.ngram_head) + bool(self.edge_buckets)
        return self.hidden_size * (2 if self.edge_bytes else 1) + self.ngram_size * bags + self.statistics_size

    @property
    def map_shape(self) -> tuple[int, int]:
        """Rows and columns of the feature map of the longest file."""
        if self.front == "picture":
            return self.rows, self.columns
        if self.front == "sound":
            return self.filters, (self.window_bytes - self.skip_bytes - self.filter_bytes) // self.filter_step + 1
        return 1, max(1, self.window_bytes - self.skip_bytes)

    @property
    def num_places(self) -> int:
        """Most positions that the transformer reads."""
        rows, columns = self.map_shape
        for stride in self.strides:
            rows, columns = math.ceil(rows / stride), math.ceil(columns / stride)
        return rows * columns

    def to_dict(self) -> dict[str, Any]:
        """The values of config.json."""
        values = {"architecture": ARCHITECTURE, **asdict(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> EncoderConfig:
        """The config of a config.json. Raises ConfigError for unknown keys or values of the wrong type."""
        return config_from_dict(cls, values)
