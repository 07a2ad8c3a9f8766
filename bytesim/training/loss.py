"""Batches of examples as tensors, and their loss in nats.

Axes: B files, P patches, Q scored patches, S bytes per patch, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.clocks import padded_times
from bytesim.models.config import ModelConfig
from bytesim.models.registry import Model
from bytesim.patching import END_OF_PATCH
from bytesim.training.examples import BUCKET_PATCHES, Example


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded to one size."""

    patches: Tensor
    """(B, P, S) token ids."""
    source: Tensor | None
    """(B, T) source bytes, padded with 256, where the model attends to them."""
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
    times: Tensor | None = None
    """(B, P, S, 2) times before each byte, where the model has a clock."""
    source_times: Tensor | None = None
    """(B, T, 2) the same of the source."""

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {name: each.to(device, non_blocking=True) for name, each in values.items() if each is not None}
        return replace(self, **moved)


def collate(examples: list[Example], config: ModelConfig) -> Batch:
    """One batch; lengths are rounded up as the buckets of the streams are, so that shapes recur,
    but to no more than the history."""

    def rounded(length: int, step: int = BUCKET_PATCHES) -> int:
        return -(-length // step) * step

    size = examples[0].patches.shape[1]
    length = min(rounded(max(len(each.patches) for each in examples)), config.max_patches)
    rows = rounded(max(len(each.patches) - each.first for each in examples))
    patches = np.full((len(examples), length, size), END_OF_PATCH, np.int64)
    targets = np.full((len(examples), rows, size), END_OF_PATCH, np.int64)
    scored = np.zeros((len(examples), rows), np.bool_)
    for index, each in enumerate(examples):
        patches[index, : len(each.patches)] = each.patches if each.shown is None else each.shown
        wanted = each.patches[each.first :]
        targets[index, : len(wanted)], scored[index, each.given : len(wanted)] = wanted, True
    times = source = source_times = None
    if config.clock:
        times = torch.from_numpy(padded_times([each.times for each in examples], (length, size)))
    if config.source_attention:
        width = rounded(max(max(len(each.source) for each in examples), 1), 4 * BUCKET_PATCHES)
        padded = np.full((len(examples), width), END_OF_PATCH, np.int64)
        for index, each in enumerate(examples):
            padded[index, : len(each.source)] = np.frombuffer(each.source, np.uint8)
        source = torch.from_numpy(padded)
        if config.clock:
            source_times = torch.from_numpy(padded_times([each.source_times for each in examples], (width,)))
    return Batch(
        patches=torch.from_numpy(patches),
        source=source,
        first=torch.tensor([each.first for each in examples]),
        targets=torch.from_numpy(targets),
        scored=torch.from_numpy(scored),
        lengths=torch.tensor([len(each.patches) for each in examples]),
        labels=torch.tensor([each.label for each in examples]),
        partners=torch.tensor([each.partner for each in examples]),
        shares=torch.tensor([each.share for each in examples]),
        times=times,
        source_times=source_times,
    )


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
