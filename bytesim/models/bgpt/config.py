"""The config of a bGPT model, from which the model can be rebuilt. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError
from bytesim.models.config_fields import check_greatest, config_from_dict
from bytesim.models.inputs import ModelInputs

if TYPE_CHECKING:
    from bytesim.nn.parts import Parts

ARCHITECTURE = "bgpt"


@dataclass(frozen=True, kw_only=True, slots=True)
class BGPTConfig:
    """Shape of a bGPT model. The defaults are the 110M-parameter model of arXiv:2402.19155."""

    parts: Parts = "published"
    """`published`: GPT-2 blocks, the patch feature is position 0 of the byte-level decoder. `modern`: rotary and
    learned positions, RMSNorm, QK-norm, ReLU squared, the patch feature is added to every byte position."""
    patch_size: int = 16
    """Bytes per patch."""
    max_patches: int = 512
    """Longest history, in patches; 512 patches of 16 bytes are 8 KiB."""
    hidden_size: int = 768
    """Width of the patch-level decoder."""
    num_layers: int = 12
    byte_hidden_size: int = 768
    """Width of the byte-level decoder; published parts need it equal to hidden_size."""
    byte_num_layers: int = 3
    head_size: int = 64
    """Width of a head in the patch-level decoder."""
    byte_head_size: int = 64
    """Width of a head in the byte-level decoder and the source encoder."""
    byte_embedding_size: int = 32
    """Modern only: width of a byte embedding, before the bytes of a patch are joined."""
    numeric_bytes: bool = False
    """Modern only: byte embeddings are initialised with bits, magnitudes and waves of the byte values, not randomly."""
    patch_encoder_layers: int = 0
    """Modern only: layers in which the bytes of a patch attend to each other before they are joined."""
    patch_reads: int = 0
    """Modern only: bytes of each patch that learned queries read into a wide feed-forward layer; what it makes of them
    goes to both decoders (`nn/reads.py`); 0 for none."""
    patch_reads_size: int = 2048
    """With patch_reads: inner width of that layer."""
    patch_reads_ask: tuple[int, ...] = ()
    """With patch_reads: places in the patch of the bytes that decide which bytes are read; by default all bytes do."""
    patch_reads_hard: bool = False
    """With patch_reads: a read is exactly one byte, the one with the most attention, not a weighted mean."""
    byte_features: bool = False
    """Modern only: the patch-level decoder gives each byte of the next patch its own feature, not the same to all."""
    context_patches: int = 0
    """Modern only: previous patches whose bytes the byte-level decoder sees, at every layer."""
    near_bytes: int = 0
    """Modern only: width of a causal convolution over the bytes before each byte, an input of the byte-level decoder;
    0 for none."""
    row_bytes: int = 0
    """With near_bytes: the convolution also reads about as many bytes around the one this far back. Set it to the
    bytes of a picture row, and that is the same place of the previous row; 0 for none."""
    source_attention: bool = False
    """Modern only: the byte-level decoder attends to encoded source bytes at every layer (cross-attention)."""
    patch_source_attention: bool = False
    """Modern only: the patch-level decoder attends to them too, at every second layer."""
    byte_source_attention: bool = True
    """With source_attention: false restricts cross-attention to the patch-level decoder, which is faster."""
    source_patches: bool = True
    """With source_attention: the patch-level decoder also reads the source as patches; false omits those patches."""
    source_layers: int = 2
    source_hidden_size: int = 128
    source_kernel: int = 5
    """Width in bytes of the source encoder's convolution, odd."""
    max_source_bytes: int = 2048
    """Longest source, in bytes."""
    copying: bool = False
    """With source_attention: the byte-level decoder has pointers to where the bytes written so far occur in the source,
    and a copy gate on its output distribution, so that it also copies what training never showed (`nn/copying.py`)."""
    numerals: bool = False
    """With source_attention: the source encoder reads numbers in both notations, decimal and binary
    (`nn/numerals.py`)."""
    clock: bool = False
    """Modern only: bytes of ABC, MIDI and CPU files have times, an input of both decoders and of cross-attention."""
    clock_notation: bool = False
    """With clock: bytes of ABC and MIDI files also have the pitch that they name, the accidentals in force and the
    chord symbol (`bytesim.clocks`)."""
    num_classes: int = 0
    """Classes of a classifier; 0 for a model that writes bytes."""

    def __post_init__(self) -> None:
        check_greatest(self, _GREATEST)
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, int) and not isinstance(value, bool) and value < (field.name in _AT_LEAST_ONE):
                raise ConfigError(f"{field.name} is {value}; choose a larger number.")
        if self.parts not in ("published", "modern"):
            raise ConfigError(f"parts {self.parts!r} is unknown; choose published or modern.")
        _check_heads("hidden_size", self.hidden_size, self.head_size)
        _check_heads("byte_hidden_size", self.byte_hidden_size, self.byte_head_size)
        _check_heads("source_hidden_size", self.source_hidden_size, self.byte_head_size)
        if self.patch_encoder_layers:
            _check_heads("byte_embedding_size", self.byte_embedding_size, self.byte_head_size)
        if self.source_kernel % 2 == 0:
            raise ConfigError(f"source_kernel {self.source_kernel} is even; choose an odd width such as 5.")
        if self.patch_source_attention and not self.source_attention:
            raise ConfigError("patch_source_attention needs source_attention.")
        if self.source_attention and not (self.byte_source_attention or self.patch_source_attention):
            raise ConfigError("source_attention needs byte_source_attention or patch_source_attention.")
        for name in ("copying", "numerals"):
            if getattr(self, name) and not self.source_attention:
                raise ConfigError(f"{name} needs source_attention.")
        if not self.source_patches and not self.source_attention:
            raise ConfigError("source_patches = false needs source_attention; without both the source is not read.")
        if self.row_bytes and not self.near_bytes < self.row_bytes:
            raise ConfigError(
                f"row_bytes {self.row_bytes} is not above near_bytes {self.near_bytes}; choose a larger one."
            )
        if (self.patch_reads_ask or self.patch_reads_hard) and not self.patch_reads:
            raise ConfigError("patch_reads_ask and patch_reads_hard need patch_reads.")
        if not all(0 <= place < self.patch_size for place in self.patch_reads_ask):
            last = self.patch_size - 1
            raise ConfigError(f"patch_reads_ask is {list(self.patch_reads_ask)}; a patch has the places 0 to {last}.")
        if self.clock_notation and not self.clock:
            raise ConfigError("clock_notation needs clock.")
        if self.clock and self.num_classes:
            raise ConfigError("clock is for models that write files; a classifier reads no times.")
        if self.parts == "published":
            self._check_published()

    def _check_published(self) -> None:
        if self.byte_hidden_size != self.hidden_size:
            raise ConfigError("published parts need byte_hidden_size equal to hidden_size.")
        modern = [name for name in _MODERN_PARTS if getattr(self, name)]
        if modern:
            raise ConfigError(f"{', '.join(modern)} need parts = modern.")

    @property
    def inputs(self) -> ModelInputs:
        """The inputs of the model besides the bytes of a file."""
        return ModelInputs(
            source=self.source_attention,
            max_source_bytes=self.max_source_bytes,
            source_in_history=self.source_patches,
            times=self.clock,
        )

    @property
    def feature_size(self) -> int:
        """Width of the features that the patch-level decoder gives for each patch."""
        return self.hidden_size * (2 if self.patch_reads else 1)

    @property
    def near_offsets(self) -> tuple[int, ...]:
        """Distances, in bytes, from a byte back to those that its convolution reads, nearest first."""
        near = range(1, self.near_bytes + 1)
        half = self.near_bytes // 2
        above = range(self.row_bytes - half, self.row_bytes + half + 1) if self.row_bytes else ()
        return (*near, *(offset for offset in above if offset > self.near_bytes))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for config.json."""
        return {"architecture": ARCHITECTURE, **asdict(self), "patch_reads_ask": list(self.patch_reads_ask)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BGPTConfig:
        """The config in a config.json. Raises ConfigError for unknown keys or values of the wrong type."""
        return config_from_dict(cls, values)


_MODERN_PARTS = (
    "numeric_bytes",
    "patch_encoder_layers",
    "patch_reads",
    "byte_features",
    "context_patches",
    "near_bytes",
    "source_attention",
    "clock",
)

_GREATEST = {
    "patch_size": 1 << 12,
    "patch_reads": 1 << 12,
    "context_patches": 1 << 10,
    "near_bytes": 1 << 12,
    "row_bytes": 1 << 16,
    "source_kernel": 1 << 10,
}
_AT_LEAST_ONE = frozenset(
    {
        "patch_size",
        "max_patches",
        "hidden_size",
        "num_layers",
        "byte_hidden_size",
        "byte_num_layers",
        "head_size",
        "byte_head_size",
        "byte_embedding_size",
        "patch_reads_size",
        "source_layers",
        "source_hidden_size",
        "source_kernel",
        "max_source_bytes",
    }
)


def _check_heads(name: str, size: int, head_size: int) -> None:
    if size % head_size or head_size % 2:
        raise ConfigError(
            f"{name} {size} does not split into heads of {head_size}. Choose an even head size dividing it."
        )
