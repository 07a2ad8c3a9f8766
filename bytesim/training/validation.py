"""What is measured on the validation rows during a training: bits per byte, or accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

import torch

from bytesim.metrics import bits_per_byte
from bytesim.models.registry import Model
from bytesim.training.examples import Example
from bytesim.training.loss import Batch, real_tokens, token_losses
from bytesim.training.streams import AnyStream

VALIDATION_FILES = 192
"""Most files of a validation source that are measured, spread over its lengths; `bytesim evaluate` measures all."""

Collate = Callable[[list[Example]], Batch]
Autocast = Callable[[], AbstractContextManager[object]]


def validate(model: Model, streams: Sequence[AnyStream], collate: Collate, autocast: Autocast) -> dict[str, float]:
    """The figure of each validation source: bits per byte, teacher-forced, or the accuracy of a classifier."""
    figures: dict[str, float] = {}
    model.eval()
    with torch.no_grad():
        for stream in streams:
            name = f"{stream.source.path or stream.source.task}{' reverse' if stream.source.reverse else ''}"
            if name in figures:  # one folder may be several sources, by suffix
                name = f"{name} {stream.source.target_suffix}"
            measure = _accuracy if stream.source.task == "classify" else _bits_per_byte
            figures[name] = measure(model, stream, collate, autocast)
    model.train()
    return figures


def sample(stream: AnyStream) -> range:
    """Which examples of a stream are measured."""
    return range(0, len(stream), max(1, math.ceil(len(stream) / VALIDATION_FILES)))


def _bits_per_byte(model: Model, stream: AnyStream, collate: Collate, autocast: Autocast) -> float:
    nats, num_bytes = 0.0, 0
    for index in sample(stream):
        example = stream.example(index)
        batch = collate([example])
        with autocast():
            losses = token_losses(model, batch)
        nats += float((losses * real_tokens(batch)).sum())
        num_bytes += example.num_bytes
    return bits_per_byte(nats, num_bytes)


def _accuracy(model: Model, stream: AnyStream, collate: Collate, autocast: Autocast) -> float:
    right = 0
    for index in sample(stream):
        batch = collate([stream.example(index)])
        with autocast():
            right += int(model.classify(batch.patches, batch.lengths).argmax()) == int(batch.labels)
    return right / len(sample(stream))
