"""The inputs that condition the tokens of a bGPT besides the tokens before them: source, times and nearby bytes.

Axes: B files, Q patches, n bytes, Ts source bytes, Hb width of the byte-level decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.nn.attention import SourceKeys
from bytesim.nn.copying import CopySource
from bytesim.nn.matching import Places

LayerKeys = Sequence[SourceKeys | None]
"""Keys and values of the source for each decoder layer; None for layers without cross-attention."""


@dataclass(slots=True)
class Source:
    """Encoded sources: their mask (B, 1, 1, Ts) and their keys and values for each decoder layer."""

    mask: Tensor
    patch_keys: LayerKeys
    byte_keys: LayerKeys
    copy: CopySource | None = None
    """For a model that copies."""

    def rows(self, rows: Tensor) -> Source:
        """The sources of the files `rows` (B',), cut to the longest of them."""
        mask = self.mask[rows]
        width = int(mask.sum(-1).max())

        def cut(layers: LayerKeys) -> LayerKeys:
            return [None if keys is None else keys.rows(rows, width) for keys in layers]

        copy = None if self.copy is None else self.copy.rows(rows, width)
        return Source(mask[..., :width], cut(self.patch_keys), cut(self.byte_keys), copy)

    def joined(self, other: Source) -> Source:
        """One batch of these files followed by those of `other`, padded to the longest."""
        width = max(self.mask.shape[-1], other.mask.shape[-1])

        def joined(ones: LayerKeys, others: LayerKeys) -> LayerKeys:
            pairs = zip(ones, others, strict=True)
            return [None if one is None or next_ is None else one.joined(next_, width) for one, next_ in pairs]

        mask = torch.cat([F.pad(source.mask, (0, width - source.mask.shape[-1])) for source in (self, other)])
        patch_keys = joined(self.patch_keys, other.patch_keys)
        copy = None if self.copy is None or other.copy is None else self.copy.joined(other.copy)
        return Source(mask, patch_keys, joined(self.byte_keys, other.byte_keys), copy)

    def padded(self, files: int, width: int) -> Source:
        """These sources padded to so many files and positions, for models that do not copy."""

        def padded(tensor: Tensor, axis: int) -> Tensor:
            missing = (0, 0) * (tensor.ndim - 1 - axis) + (0, width - tensor.shape[axis])
            return F.pad(tensor, (*missing, *(0, 0) * (axis - 1), 0, files - len(tensor)))

        def layers(keys: LayerKeys) -> LayerKeys:
            return [None if each is None else each.changed(lambda tensor: padded(tensor, 2)) for each in keys]

        mask = padded(self.mask, 3)
        mask[..., 0] = True  # a file without visible positions would be all NaN
        return Source(mask, layers(self.patch_keys), layers(self.byte_keys))

    def first(self, files: int) -> Source:
        """A view of the first so many files, for models that do not copy."""

        def layers(keys: LayerKeys) -> LayerKeys:
            return [None if each is None else each.changed(lambda tensor: tensor[:files]) for each in keys]

        return Source(self.mask[:files], layers(self.patch_keys), layers(self.byte_keys))

    def replace(self, other: Source) -> None:
        """Take over the contents of other sources of the same shape; the tensors stay where they are."""
        self.mask.copy_(other.mask)
        for own, others in ((self.patch_keys, other.patch_keys), (self.byte_keys, other.byte_keys)):
            for keys, new in zip(own, others, strict=True):
                if keys is not None and new is not None:
                    keys.first.copy_(new.first)
                    keys.second.copy_(new.second)


@dataclass(slots=True)
class Conditioning:
    """Source, times and nearby bytes; None for inputs that the model does not have."""

    source: Source | None = None
    times: Tensor | None = None
    """(B, ..., C): the times after each patch (patch-level decoder) or before each byte (byte-level decoder)."""
    near: Tensor | None = None
    """(B, Q, n, Hb) output of the convolution over the bytes before each byte; for the byte-level decoder only."""
    places: Places | None = None
    """Where copying may go on before each of Q * n bytes, for the byte-level decoder of a model that copies."""

    @property
    def copied(self) -> tuple[CopySource, Places] | None:
        """What copying needs: the encoded source, and where it may go on."""
        if self.source is None or self.source.copy is None or self.places is None:
            return None
        return self.source.copy, self.places
