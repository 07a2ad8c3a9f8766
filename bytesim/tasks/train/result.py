"""What a training leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bytesim.tasks.train.judge import Judged


PLOT_FILE = "loss.png"


@dataclass(frozen=True)
class SourceUsed:
    """A data source as it went into a training or its validation."""

    path: str
    task: str
    use: str
    """`training` or `validation`."""
    part: str
    """`all`, or `train` or `dev` of a folder, which is held back."""
    rows: int
    left_out: int
    """Rows that are empty, too long for the model, or over the recipe's max_bytes."""
    sha256: str
    """Of a shard's file, or of a folder's list of files as sha256sum prints it."""


@dataclass(frozen=True)
class Trained:
    """A training that came to its end."""

    name: str
    folder: Path
    """The run folder: checkpoint, log.jsonl, loss.png."""
    model_folder: Path
    """What --model takes."""
    steps: int
    resumed_at: int
    """Steps that an earlier run had done."""
    seconds: float
    bytes_seen: int
    num_parameters: int
    loss_nats: float | None
    """Mean training loss of the last steps, in nats per token, padding included (per file for a classifier)."""
    metric: str
    """What `validation` holds: bits per byte, or accuracy."""
    validation: dict[str, float]
    sources: list[SourceUsed]
    best_step: int | None = None
    """Step whose weights were saved, where patience kept the best ones; None for the last."""
    judged: Judged | None = None
    """What a classifier makes of the files held back."""
