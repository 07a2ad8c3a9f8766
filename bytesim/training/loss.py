"""Batches of examples as tensors, and their loss in nats.

Axes: B files, P patches, Q scored patches, S bytes per patch, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bytesim.clocks import padded_times
from bytesim.patching import END_OF_PATCH
from bytesim.training.data.examples import BUCKET_PATCHES, Example

if TYPE_CHECKING:
    from bytesim.models.registry import Model, ModelConfig

Arrays = dict[str, NDArray[Any]]
"""A batch that is not on its way to a device yet: the fields of Batch that it has, tokens as int16."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded to one size."""

    patches: Tensor
    """(B, P, S) token ids."""
    first: Tensor
    """(B,) first scored patch."""
    targets: Tensor
    """(B, Q, S) scored patches."""
    scored: Tensor
    """(B, Q) which of them are real."""
    lengths: Tensor
    """(B,) patches of each file."""
    labels: Tensor
    """(B,) class of each file, 0 where there are none."""
    partners: Tensor
    """(B,) class of the file that was mixed into each."""
    shares: Tensor
    """(B,) how much of each is its own."""
    source: Tensor | None = None
    """(B, T) source bytes, padded with 256, where the model attends to them."""
    times: Tensor | None = None
    """(B, P, S, 2) times before each byte, where the model has a clock."""
    source_times: Tensor | None = None
    """(B, T, 2) the same of the source."""

    @classmethod
    def of(cls, arrays: Arrays) -> Batch:
        """The batch that arrays describe, in the memory that is theirs."""
        return cls(**{name: torch.from_numpy(each) for name, each in arrays.items()})

    def to(self, device: torch.device) -> Batch:
        """The batch on a device, tokens as int64, which tables of embeddings take."""
        moved = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                value = value.to(device, non_blocking=True)
                moved[field.name] = value.long() if value.dtype == torch.int16 else value
        return Batch(**moved)


def collate(examples: list[Example], config: ModelConfig) -> Batch:
    """Examples as one batch, in main memory, tokens as int64."""
    return Batch.of(arrays_of(examples, config)).to(torch.device("cpu"))


def arrays_of(examples: list[Example], config: ModelConfig) -> Arrays:
    """Examples padded to one size. Lengths are rounded up as the buckets of the streams are, so that shapes recur,
    but to no more than the history."""
    size = examples[0].patches.shape[1]
    length = min(_rounded(max(len(each.patches) for each in examples)), config.max_patches)
    rows = _rounded(max(len(each.patches) - each.first for each in examples))
    patches = np.full((len(examples), length, size), END_OF_PATCH, np.int16)
    targets = np.full((len(examples), rows, size), END_OF_PATCH, np.int16)
    scored = np.zeros((len(examples), rows), np.bool_)
    for index, each in enumerate(examples):
        patches[index, : len(each.patches)] = each.patches if each.shown is None else each.shown
        wanted = each.patches[each.first :]
        targets[index, : len(wanted)], scored[index, each.given : len(wanted)] = wanted, True
    arrays: Arrays = {
        "patches": patches,
        "targets": targets,
        "scored": scored,
        "first": np.array([each.first for each in examples]),
        "lengths": np.array([len(each.patches) for each in examples]),
        "labels": np.array([each.label for each in examples]),
        "partners": np.array([each.partner for each in examples]),
        "shares": np.array([each.share for each in examples], np.float32),
    }
    if config.inputs.times:
        arrays["times"] = padded_times([each.times for each in examples], (length, size))
    if config.inputs.source:
        arrays.update(_sources(examples, config))
    return arrays


def _sources(examples: list[Example], config: ModelConfig) -> Arrays:
    """The source bytes of examples, padded, and their times where the model has a clock."""
    longest = max(max(len(each.source) for each in examples), 1)
    width = _rounded(longest, 4 * BUCKET_PATCHES)
    padded = np.full((len(examples), width), END_OF_PATCH, np.int16)
    for index, each in enumerate(examples):
        padded[index, : len(each.source)] = np.frombuffer(each.source, np.uint8)
    if not config.inputs.times:
        return {"source": padded}
    return {"source": padded, "source_times": padded_times([each.source_times for each in examples], (width,))}


def _rounded(length: int, step: int = BUCKET_PATCHES) -> int:
    return -(-length // step) * step


def token_losses(model: Model, batch: Batch) -> Tensor:
    """(B, Q, S) cross-entropy in nats of every token of the scored patches; 0 where nothing is scored."""
    rows = batch.targets.shape[1]
    logits = model(batch.patches, batch.source, batch.first, rows, batch.times, batch.source_times)
    losses = F.cross_entropy(logits.float().flatten(0, 2), batch.targets.flatten(), reduction="none")
    return losses.view_as(batch.targets) * batch.scored[..., None]


def class_losses(model: Model, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """(B,) cross-entropy in nats of the class of each file, or of both classes that were mixed."""
    logits = model.classify(batch.patches, batch.lengths).float()
    own, partner = (
        F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
        for labels in (batch.labels, batch.partners)
    )
    return batch.shares * own + (1 - batch.shares) * partner


def count_targets(examples: Sequence[Example], labels: Sequence[str]) -> int:
    """What the losses of a batch are a sum over: its files for a classifier (`labels`), else its scored tokens."""
    return len(examples) if labels else sum(each.patches[each.first + each.given :].size for each in examples)


def real_tokens(batch: Batch) -> Tensor:
    """(B, Q, S) which tokens bits per byte counts: every byte, and the first END_OF_PATCH after the last one."""
    ends = (batch.targets == END_OF_PATCH).flatten(1).cumsum(1).view_as(batch.targets)
    return (ends <= 1) & batch.scored[..., None]
