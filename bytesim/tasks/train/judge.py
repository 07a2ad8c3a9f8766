"""Measures a trained classifier on the held-out files: its accuracy, and the calibration of its confidence."""

from __future__ import annotations

import hashlib
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bytesim.files import write_output
from bytesim.formats.filetypes import UNKNOWN
from bytesim.metrics import ConfusedPair, confused_pairs, score_classification
from bytesim.pictures.classifier import confusion_png, reliability_png
from bytesim.predictors.calibration import ClassCalibration, fit_class_calibration, unsmoothed
from bytesim.predictors.file_distribution import FILE_BYTES, FileDistribution, choose_files
from bytesim.predictors.scaling import softmax
from bytesim.training.data.streams import AnyStream, ClassifyStream
from bytesim.training.data.windows import measured_windows
from bytesim.training.loop import Trainer
from bytesim.training.validation import class_log_probabilities, figure_names

CONFUSION_FILE = "confusion.png"
RELIABILITY_FILE = "reliability.png"


@dataclass(frozen=True, kw_only=True)
class LabelCount:
    """The files of one label."""

    label: str
    trained: int
    """Number of training files."""
    files: int
    """Number of held-out files."""
    right: int
    """Number of held-out files that are classified correctly."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The results of a classifier on the held-out files, which also selected its weights and fitted its calibration."""

    files: int
    accuracy: float
    macro_f1: float
    majority: str
    """The most common label in training."""
    majority_share: float
    """Accuracy of always answering that label."""
    uncalibrated_error: float
    """Expected calibration error at temperature 1; `calibration` has the calibrated one."""
    calibration: ClassCalibration
    tells_outliers: bool
    """Whether a file that is unlike the training files is answered `unknown`; needs 50 of them."""
    labels: list[LabelCount]
    confused: list[ConfusedPair]
    """Most frequent confusions first."""
    by_source: dict[str, float]
    """Validation source -> accuracy."""


def judge(trainer: Trainer, *, tells_outliers: bool = False) -> Judged:
    """Classify every validation file, in float32, and draw confusion matrix and reliability into the run folder.

    `tells_outliers` is only reported.
    """
    labels = trainer.recipe.labels
    by_stream = [_logits(trainer, stream) for stream in _labelled(trainer.validation)]
    logits, truth = (np.concatenate(parts) for parts in zip(*by_stream, strict=True))
    names = figure_names(trainer.validation)
    calibration = _calibrate(trainer, logits, truth)
    probabilities = calibration.scaling.probabilities(logits)
    score = score_classification(probabilities, truth)
    trained = _counts(_labelled(trainer.mixture.streams))
    majority = min(range(len(labels)), key=lambda label: (-trained[label], label))
    confusion = np.array(score.confusion)
    _draw(trainer.folder / CONFUSION_FILE, confusion_png(score, labels))
    _draw(trainer.folder / RELIABILITY_FILE, reliability_png(probabilities, truth))
    return Judged(
        files=len(truth),
        accuracy=score.accuracy,
        macro_f1=score.macro_f1,
        majority=labels[majority],
        majority_share=float(np.mean(truth == majority)),
        uncalibrated_error=score_classification(softmax(logits), truth).expected_calibration_error,
        calibration=calibration,
        tells_outliers=tells_outliers,
        labels=[
            LabelCount(
                label=label,
                trained=trained[index],
                files=int(confusion[index].sum()),
                right=int(confusion[index, index]),
            )
            for index, label in enumerate(labels)
        ],
        confused=confused_pairs(score, labels),
        by_source={
            name: float((rows.argmax(1) == classes).mean())
            for name, (rows, classes) in zip(names, by_stream, strict=True)
        },
    )


def fitted_distribution(trainer: Trainer) -> FileDistribution | None:
    """What the training files are like, so that others are answered `unknown`.

    None for few files, and for a model with a class `unknown`, which has learned it from files of other kinds.
    """
    if UNKNOWN in trainer.recipe.labels:
        return None
    training, classes = _first_windows(_labelled(trainer.mixture.streams))
    held_out, _ = _first_windows(_labelled(trainer.validation))
    return FileDistribution.fit(training, classes, held_out)


def _first_windows(streams: list[ClassifyStream]) -> tuple[list[bytes], list[int]]:
    """The first windows of files that are chosen of these streams, of which FILE_BYTES count, and their classes."""
    places = [(stream, index) for stream in streams for index in range(len(stream))]
    classes = [int(stream.labels[index]) for stream, index in places]
    chosen = choose_files(classes)
    windows = [
        measured_windows(stream.target(index), stream.config, stream.source.windows, 1)[0][:FILE_BYTES]
        for stream, index in (places[number] for number in chosen)
    ]
    return windows, [classes[number] for number in chosen]


def card_fields(judged: Judged) -> dict[str, Any]:
    """The fields of a card with these results: `calibration` and `results`."""
    return {
        "calibration": asdict(judged.calibration),
        "results": {
            "accuracy": judged.accuracy,
            "macro_f1": judged.macro_f1,
            "always_the_commonest_label": {"label": judged.majority, "accuracy": judged.majority_share},
            "expected_calibration_error": {
                "before": judged.uncalibrated_error,
                "after": judged.calibration.expected_calibration_error,
            },
            "labels": [asdict(count) for count in judged.labels],
            "note": "Measured on files that were held out from training; they chose the weights and fitted the "
            "calibration.",
        },
    }


def _logits(trainer: Trainer, stream: ClassifyStream) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """(N, C) logits of every file of a stream, without the effect of label smoothing, and the (N,) classes."""
    trainer.model.eval()
    indices = range(len(stream))
    with torch.no_grad():
        rows, truth = class_log_probabilities(trainer.model, stream, indices, trainer.validator.collate, nullcontext)
    return unsmoothed(rows.numpy(), trainer.config.label_smoothing), truth.numpy()


def _calibrate(trainer: Trainer, logits: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> ClassCalibration:
    """The calibration fitted to these files."""
    sources = {Path(stream.source.path).name: stream.sha256 for stream in trainer.validation}
    hashes = list(dict.fromkeys(stream.sha256 for stream in trainer.validation))
    one = hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()
    return fit_class_calibration(
        logits, truth, trainer.recipe.labels, split=f"dev of {', '.join(sources)}", split_sha256=one
    )


def _labelled(streams: list[AnyStream]) -> list[ClassifyStream]:
    """The same streams, with the type that all streams of a classifier have."""
    return [stream for stream in streams if isinstance(stream, ClassifyStream)]


def _counts(streams: list[ClassifyStream]) -> Counter[int]:
    """Label -> number of its files."""
    counts: Counter[int] = Counter()
    for stream in streams:
        counts.update(stream.labels.tolist())
    return counts


def _draw(path: Path, picture: bytes) -> None:
    write_output(path, picture, force=True)
