"""What the tokens of a bGPT are conditioned on besides the tokens before them.

Axes: B files, Q patches, n bytes, Ts source bytes, Hb width of the byte-level decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.nn.attention import SourceKeys

LayerKeys = Sequence[SourceKeys | None]
"""What each decoder layer reads of the source; None for layers that do not attend to it."""


@dataclass(slots=True)
class Source:
    """Encoded sources: their mask (B, 1, 1, Ts) and what each decoder layer reads of them."""

    mask: Tensor
    patch_keys: LayerKeys
    byte_keys: LayerKeys

    def rows(self, rows: Tensor) -> Source:
        """The sources of the files `rows` (B',), without the padding that none of them needs."""
        mask = self.mask[rows]
        width = int(mask.sum(-1).max())

        def cut(layers: LayerKeys) -> LayerKeys:
            return [None if keys is None else keys.rows(rows, width) for keys in layers]

        return Source(mask[..., :width], cut(self.patch_keys), cut(self.byte_keys))

    def joined(self, other: Source) -> Source:
        """These files and then those of `other` as one batch, padded to the longest."""
        width = max(self.mask.shape[-1], other.mask.shape[-1])

        def joined(ones: LayerKeys, others: LayerKeys) -> LayerKeys:
            pairs = zip(ones, others, strict=True)
            return [None if one is None or next_ is None else one.joined(next_, width) for one, next_ in pairs]

        mask = torch.cat([F.pad(source.mask, (0, width - source.mask.shape[-1])) for source in (self, other)])
        patch_keys = joined(self.patch_keys, other.patch_keys)
        return Source(mask, patch_keys, joined(self.byte_keys, other.byte_keys))


@dataclass(slots=True)
class Conditioning:
    """Source, times and near bytes; None for what a model does not have."""

    source: Source | None = None
    times: Tensor | None = None
    """(B, ..., 2) ticks: for the patch-level decoder after each patch, for the byte-level decoder before each byte."""
    near: Tensor | None = None
    """(B, Q, n, Hb) the convolution over the bytes before each byte; for the byte-level decoder alone."""
