"""Batches of examples as tensors, and their loss in nats.

Axes: B files, P patches, Q scored patches, S bytes per patch, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bytesim.clocks import padded_times
from bytesim.patching import END_OF_PATCH
from bytesim.training.data.examples import BUCKET_PATCHES, Example, padded_length

if TYPE_CHECKING:
    from bytesim.models.bgpt.model import BGPT
    from bytesim.models.flat.model import Flat
    from bytesim.models.interface import ClassifierModel
    from bytesim.models.registry import Model, ModelConfig

RESULT_WEIGHT = 0.1
"""Weight of the auxiliary loss of results, beside the mean loss of a token."""
Arrays = dict[str, NDArray[Any]]
"""A batch as numpy arrays: field of Batch -> its values, tokens as int16."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Examples padded to one size."""

    patches: Tensor
    """(B, P, S) token ids."""
    first: Tensor
    """(B,) first patch that the byte-level decoder reads."""
    targets: Tensor
    """(B, Q, S) the patches from `first` on."""
    scored: Tensor
    """(B, Q) true for the targets that are scored, false for context and padding."""
    lengths: Tensor
    """(B,) number of patches of each file."""
    labels: Tensor
    """(B,) class of each file; 0 without classes."""
    mix_labels: Tensor
    """(B,) mixup: class of the file that was blended into each."""
    mix_weights: Tensor
    """(B,) mixup: weight of the file itself; 1 without."""
    states_alone: Tensor | None = None
    """(N, S) patches that are read alone, for the auxiliary head of a model with reads."""
    results: Tensor | None = None
    """(N,) the byte that this head is to give for each."""
    source: Tensor | None = None
    """(B, T) source bytes, padded with 256, for models that attend to them."""
    times: Tensor | None = None
    """(B, P, S, C) times before each byte, for models with a clock."""
    source_times: Tensor | None = None
    """(B, T, C) times before each source byte."""

    @classmethod
    def of(cls, arrays: Arrays) -> Batch:
        """A batch that shares the memory of these arrays."""
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def to(self, device: torch.device) -> Batch:
        """The batch on a device, with tokens as int64, as embeddings need them."""
        moved = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                value = value.to(device, non_blocking=True)
                moved[field.name] = value.long() if value.dtype in (torch.int16, torch.uint8) else value
        return Batch(**moved)


def collate(examples: list[Example], config: ModelConfig) -> Batch:
    """One batch of examples, on the CPU, tokens as int64."""
    return Batch.of(arrays_of(examples, config)).to(torch.device("cpu"))


def arrays_of(examples: list[Example], config: ModelConfig, *, coarse: bool = False) -> Arrays:
    """Examples padded to one size.

    Lengths are rounded up to multiples of BUCKET_PATCHES, like the buckets of the streams, or if `coarse` to the fewer
    sizes of coarse buckets, so that few shapes occur; they never exceed the history.
    """
    size = examples[0].patches.shape[1]
    longest = max(len(example.patches) for example in examples)
    length = min(padded_length(longest, coarse=coarse), config.max_patches)
    rows = padded_length(max(len(example.patches) - example.first for example in examples), coarse=coarse)
    rows = min(rows, length)
    patches = np.full((len(examples), length, size), END_OF_PATCH, np.int16)
    targets = np.full((len(examples), rows, size), END_OF_PATCH, np.int16)
    scored = np.zeros((len(examples), rows), np.bool_)
    for index, example in enumerate(examples):
        patches[index, : len(example.patches)] = example.patches if example.shown is None else example.shown
        answer = example.patches[example.first :]
        targets[index, : len(answer)], scored[index, example.given : len(answer)] = answer, True
    arrays: Arrays = {
        "patches": patches,
        "targets": targets,
        "scored": scored,
        "first": np.array([example.first for example in examples]),
        "lengths": np.array([len(example.patches) for example in examples]),
        "labels": np.array([example.label for example in examples]),
        "mix_labels": np.array([example.mix_label for example in examples]),
        "mix_weights": np.array([example.mix_weight for example in examples], np.float32),
    }
    alone = [example for example in examples if example.results is not None]
    if alone:
        arrays["states_alone"] = np.concatenate([example.states_alone for example in alone])
        arrays["results"] = np.concatenate([example.results for example in alone])
    if config.inputs.times:
        arrays["times"] = padded_times([example.times for example in examples], (length, size))
    if config.inputs.source:
        arrays.update(_sources(examples, config, coarse))
    return arrays


def _sources(examples: list[Example], config: ModelConfig, coarse: bool) -> Arrays:
    """The source bytes of examples, padded, and their times for a model with a clock."""
    longest = max(max(len(example.source) for example in examples), 1)
    width = padded_length(longest, 4 * BUCKET_PATCHES, coarse=coarse)
    width = max(longest, min(width, config.inputs.max_source_bytes))
    padded = np.full((len(examples), width), END_OF_PATCH, np.int16)
    for index, example in enumerate(examples):
        padded[index, : len(example.source)] = np.frombuffer(example.source, np.uint8)
    if not config.inputs.times:
        return {"source": padded}
    return {"source": padded, "source_times": padded_times([example.source_times for example in examples], (width,))}


def token_losses(model: Model, batch: Batch) -> Tensor:
    """(B, Q, S) cross-entropy in nats of every token of the targets; 0 in patches that are not scored."""
    rows = batch.targets.shape[1]
    if model.training and getattr(model.config, "next_bytes", 1) > 1:
        return _losses_ahead(cast("Flat", model), batch)
    logits = model(batch.patches, batch.source, batch.first, rows, batch.times, batch.source_times)
    return _cross_entropy(logits, batch.targets) * batch.scored[..., None]


def _losses_ahead(model: Flat, batch: Batch) -> Tensor:
    """(B, Q, 1) losses of the next byte, as `token_losses` gives them.

    Their gradient also trains the further heads, each on the byte that it predicts, if that is scored.
    """
    logits = model.logits_ahead(batch.patches, batch.first, batch.targets.shape[1])
    losses = _cross_entropy(logits[:, :, :1], batch.targets) * batch.scored[..., None]
    for distance in range(1, model.config.next_bytes):
        scored = batch.scored[:, distance:, None]
        further = _cross_entropy(logits[:, :-distance, distance, None], batch.targets[:, distance:]) * scored
        losses = losses + F.pad(further - further.detach(), (0, 0, 0, distance))
    return losses


def _cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy in nats of logits (..., V) for targets (...)."""
    return F.cross_entropy(logits.float().flatten(0, -2), targets.flatten(), reduction="none").view_as(targets)


def auxiliary_loss(model: Model, batch: Batch, scored: int) -> Tensor | float:
    """The weighted loss of the results of the states that a batch has alone; 0 without any.

    `scored` is the number of targets of the whole step.
    """
    if batch.states_alone is None:
        return 0.0
    share = batch.scored.sum() * batch.targets.shape[2] / scored
    return RESULT_WEIGHT * share * result_loss(model, batch)


def result_loss(model: Model, batch: Batch) -> Tensor:
    """The mean cross-entropy in nats of the results of the states that the batch has alone."""
    assert batch.states_alone is not None
    assert batch.results is not None
    logits = cast("BGPT", model).results(batch.states_alone)
    return F.cross_entropy(logits.float(), batch.results)


def class_losses(model: Model, batch: Batch, smoothing: float = 0.0) -> Tensor:
    """(B,) cross-entropy in nats of the class of each file; with mixup, the weighted mean for both classes."""
    logits = cast("ClassifierModel", model).classify(batch.patches, batch.lengths).float()
    own, mixed = (
        F.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
        for labels in (batch.labels, batch.mix_labels)
    )
    return batch.mix_weights * own + (1 - batch.mix_weights) * mixed


def count_targets(examples: Sequence[Example], labels: Sequence[str]) -> int:
    """The number of targets of a batch: its files for a classifier (one with `labels`), else its scored tokens."""
    if labels:
        return len(examples)
    return sum(example.patches[example.first + example.given :].size for example in examples)


def real_tokens(batch: Batch) -> Tensor:
    """(B, Q, S) true for tokens that count in bits per byte: every byte, and the first END_OF_PATCH of a file."""
    ends = (batch.targets == END_OF_PATCH).flatten(1).cumsum(1).view_as(batch.targets)
    return (ends <= 1) & batch.scored[..., None]
