"""The results of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bytesim.tasks.train.curve import CurvePoint
    from bytesim.tasks.train.judge import Judged
    from bytesim.tasks.train.judge_converter import JudgedConverter


PLOT_FILE = "loss.png"


@dataclass(frozen=True)
class SourceUsed:
    """A data source of a training or of its validation."""

    path: str
    task: str
    use: str
    """`training` or `validation`."""
    part: str
    """`all`, or for a folder `train` or `dev`, which is held out."""
    rows: int
    left_out: int
    """Number of rows that are empty, too long for the model, or over the recipe's max_bytes."""
    sha256: str
    """Hash of a shard's file, or of a folder's list of files as sha256sum prints it."""


@dataclass(frozen=True)
class Trained:
    """A completed training."""

    name: str
    folder: Path
    """The run folder: checkpoint, log.jsonl, loss.png."""
    model_folder: Path
    """The folder to give as --model."""
    steps: int
    resumed_at: int
    """Steps done by earlier runs."""
    seconds: float
    bytes_seen: int
    num_parameters: int
    loss_nats: float | None
    """Mean training loss of the last steps, in nats per token, padding included (per file for a classifier)."""
    metric: str
    """The unit of `validation`: bits per byte, or accuracy."""
    validation: dict[str, float]
    sources: list[SourceUsed]
    best_step: int | None = None
    """With patience: the step whose weights were saved. None for the last step."""
    judged: Judged | None = None
    """The results of a classifier on the held-out files."""
    converters: tuple[JudgedConverter, ...] = ()
    """The results of each conversion on the held-out pairs."""
    curve: tuple[CurvePoint, ...] = ()
    """The learning curve of each conversion, if it was asked for."""
