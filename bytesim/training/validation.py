"""Validation during a training: bits per byte, or the accuracy of a classifier."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from bytesim.metrics import bits_per_byte
from bytesim.training.data.examples import Example
from bytesim.training.data.streams import AnyStream, ClassifyStream
from bytesim.training.data.windows import WATCHED_WINDOWS
from bytesim.training.loss import Batch, real_tokens, token_losses

if TYPE_CHECKING:
    from bytesim.models.interface import ClassifierModel
    from bytesim.models.registry import Model

VALIDATION_FILES = 192
"""Most files of a validation source that are measured, of evenly spread lengths; `bytesim evaluate` measures all."""

WINDOWS_AT_ONCE = 16

Collate = Callable[[list[Example]], Batch]
Autocast = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class Validation:
    """The result of one validation."""

    figures: dict[str, float] = field(default_factory=dict)
    """Source -> bits per byte, or the accuracy of a classifier."""
    loss_nats: float = float("nan")
    """Cross-entropy over all sources, in nats per file for a classifier, else per byte."""


def validate(model: Model, streams: Sequence[AnyStream], collate: Collate, autocast: Autocast) -> Validation:
    """The figure of each validation source: bits per byte, teacher-forced, or the accuracy of a classifier."""
    figures: dict[str, float] = {}
    nats, counted = 0.0, 0
    model.eval()
    with torch.no_grad():
        for name, stream in zip(figure_names(streams), streams, strict=True):
            if isinstance(stream, ClassifyStream):
                figures[name], more_nats, more = _accuracy(model, stream, collate, autocast)
            else:
                figures[name], more_nats, more = _bits_per_byte(model, stream, collate, autocast)
            nats, counted = nats + more_nats, counted + more
    model.train()
    return Validation(figures, nats / max(1, counted))


def figure_names(streams: Sequence[AnyStream]) -> list[str]:
    """The name of each source's figure; the titles are made unique."""
    names: list[str] = []
    for source in (stream.source for stream in streams):
        name = f"{source.title} {source.detail}".rstrip() if source.title in names else source.title
        same = next(number for number in itertools.count(1) if _numbered(name, number) not in names)
        names.append(_numbered(name, same))
    return names


def _numbered(name: str, number: int) -> str:
    """The name of the first, second and so on of several sources that are called the same."""
    return name if number == 1 else f"{name} ({number})"


def sample(stream: AnyStream) -> range:
    """The indices of the examples of a stream that are measured."""
    return range(0, len(stream), max(1, math.ceil(len(stream) / VALIDATION_FILES)))


def class_log_probabilities(
    model: Model,
    stream: ClassifyStream,
    indices: Iterable[int],
    collate: Collate,
    autocast: Autocast,
    most_windows: int | None = None,
) -> tuple[Tensor, Tensor]:
    """(N, C) log-probabilities of files of a stream, and their (N,) classes.

    A file's log-probabilities are the mean over its windows, of which at most `most_windows` are read.
    """
    rows, labels = [], []
    for index in indices:
        windows = stream.windows(index, most_windows)
        rows.append(_window_log_probabilities(model, windows, collate, autocast).mean(0))
        labels.append(windows[0].label)
    return torch.stack(rows), torch.tensor(labels)


def _window_log_probabilities(model: Model, windows: Sequence[Example], collate: Collate, autocast: Autocast) -> Tensor:
    """(W, C) log-probabilities of the windows of a file, computed WINDOWS_AT_ONCE at a time."""
    logits = []
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        batch = collate(list(windows[start : start + WINDOWS_AT_ONCE]))
        with autocast():
            logits.append(cast("ClassifierModel", model).classify(batch.patches, batch.lengths).float())
    return torch.cat(logits).log_softmax(-1).cpu()


def _bits_per_byte(model: Model, stream: AnyStream, collate: Collate, autocast: Autocast) -> tuple[float, float, int]:
    """Bits per byte of a stream's sample, its negative log-likelihood in nats, and its bytes."""
    nats, num_bytes = 0.0, 0
    for index in sample(stream):
        example = stream.example(index)
        batch = collate([example])
        with autocast():
            losses = token_losses(model, batch)
        nats += float((losses * real_tokens(batch)).sum())
        num_bytes += example.num_bytes
    return bits_per_byte(nats, num_bytes), nats, num_bytes


def _accuracy(model: Model, stream: ClassifyStream, collate: Collate, autocast: Autocast) -> tuple[float, float, int]:
    """Accuracy on a stream's sample, the sum of its cross-entropy in nats, and its number of files."""
    rows, labels = class_log_probabilities(model, stream, sample(stream), collate, autocast, WATCHED_WINDOWS)
    right = int((rows.argmax(1) == labels).sum())
    return right / len(labels), float(F.cross_entropy(rows, labels, reduction="sum")), len(labels)
