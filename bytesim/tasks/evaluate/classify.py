"""`bytesim evaluate classify`: measure the accuracy and the calibration of a classifier on held-out files."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bytesim.engine.classify import DEFAULT_BATCH, number_type_of
from bytesim.errors import ConfigError, InputError
from bytesim.files import check_output, write_output
from bytesim.formats.filetypes import UNKNOWN
from bytesim.metrics import (
    ClassificationScore,
    ConfusedPair,
    confused_pairs,
    confusion_matrix,
    macro_accuracy,
    macro_f1,
    score_classification,
)
from bytesim.oracles.file_tools import libmagic_labels, magika_labels
from bytesim.pictures.classifier import confusion_png, reliability_png
from bytesim.predictors.calibration import (
    ClassCalibration,
    are_unknown,
    best_guesses,
    fit_class_calibration,
    keep_class_calibration,
)
from bytesim.predictors.classifier import Classifier, Reading, load_classifier
from bytesim.predictors.file_distribution import (
    FEWEST_FILES,
    FILE_BYTES,
    FileDistribution,
    choose_files,
    keep_distribution,
)
from bytesim.predictors.scaling import Probabilities
from bytesim.tasks.classify.answers import TYPE_MODEL
from bytesim.tasks.classify.files import Progress
from bytesim.tasks.evaluate.labelled_split import LabelledSplit, changed_split, load_labelled_splits

BASELINES: dict[str, Callable[[Sequence[bytes]], list[str]]] = {"magika": magika_labels, "libmagic": libmagic_labels}
WORST_PAIRS = 12
_GROUP = 512


@dataclass(frozen=True, kw_only=True)
class UnseenAnswers:
    """The answers on out-of-distribution files, whose kinds have no label."""

    split: str
    split_sha256: str
    num_files: int
    unknown: float
    """Share that is answered `unknown`, which is the right answer."""


@dataclass(frozen=True, kw_only=True)
class BaselineScore:
    """The results of another program on the same files. An answer that is not one of the labels is wrong."""

    name: str
    accuracy: float
    macro_accuracy: float
    macro_f1: float
    unknown: float
    """Share of the files of known kinds that are answered `unknown`."""
    recall: dict[str, float]
    """Label -> share of its files that are classified correctly."""


@dataclass(frozen=True, kw_only=True)
class ClassifyEvaluation:
    """The results of a classifier on a split. Accuracies are of the most probable label, even where it is `unknown`."""

    model: str
    labels: tuple[str, ...]
    split: str
    split_sha256: str
    split_files: int
    """Files in the whole split, or in its group; `score.num_files` of them were used."""
    decoding: str
    score: ClassificationScore
    recall: dict[str, float]
    """Label -> share of its files that are classified correctly, for labels with files."""
    worst: tuple[ConfusedPair, ...]
    temperature: float
    uncalibrated: float
    """Weight of the softmax at temperature 1 in the calibrated probabilities."""
    uniform: float
    """Weight of the uniform distribution in the calibrated probabilities."""
    unknown_below: float
    unknown_weight: float
    """Weight of the class `unknown` in the rule: an answer is `unknown` if its probability is less than `unknown_below`
    plus this times the probability of that class."""
    unknown_from: float | None
    """Least probability of the class `unknown` for the answer `unknown`; None if it must be the most probable class."""
    unknown: float
    """Share of the files of known kinds that are answered `unknown`."""
    outliers: float
    """Share of the files of known kinds that are so answered because they are unlike the training files."""
    answered_right: float
    """Share of the files of known kinds whose answer is their kind: the answer `unknown` counts as wrong."""
    files_per_second: float
    unseen: UnseenAnswers | None = None
    baselines: tuple[BaselineScore, ...] = ()
    calibration: ClassCalibration | None = None
    """The calibration that was fitted to these files and written to the card; None if it was not asked for."""
    pictures: tuple[str, ...] = field(default=())


def evaluate_classify(
    split: str | Path | Sequence[str | Path],
    *,
    model: str = TYPE_MODEL,
    group: int | None = None,
    limit: int | None = None,
    baselines: str | Sequence[str] = (),
    unseen: str | Path | Sequence[str | Path] | None = None,
    fragments: int | None = None,
    calibrate: bool = False,
    most_unknown: float | None = None,
    training_files: str | Path | Sequence[str | Path] | None = None,
    augment: str = "",
    picture_confusion: str | Path | None = None,
    picture_reliability: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    batch: int = DEFAULT_BATCH,
    on_progress: Progress | None = None,
) -> ClassifyEvaluation:
    """Classify every file of a split and compare the answers with the labels.

    `split` is a shard, whose labels are indices of the model's, or a folder whose first subfolders are the labels, or
    several of them; `group` selects one group of a shard, `limit` is a number of files, evenly spread over each split.
    `unseen` is a shard, of which the same group is used, or a folder, or several, of files whose kinds the model does
    not know. With `fragments` the files are fragments of about that many bytes, and are classified like
    `classify fragments` does. `baselines` are names of BASELINES, which classify the same bytes.

    `calibrate` fits temperature and threshold to the split and to `unseen`, and writes them to the model's card; with
    `fragments` as those of fragments of that size. Do not calibrate on training or test files. `most_unknown` is the
    largest share of the files of known kinds that the calibration may answer `unknown`, between 0 and 1; by default
    0.03, or 0.02 with `unseen`. If that is less than one file, no threshold is fitted. `training_files` is the shard or
    folder, or several, that the model was trained on: what these files are like is then kept in the model folder, too,
    and files that are unlike them are answered `unknown`. A training does this itself.

    `augment` changes the files of the split at random first, by names of augmentations of training, such as
    `speed noise`, but not those of `unseen`: to see what the model makes of such changes, or to calibrate for files
    that are unlike those at hand (Tomani et al. 2021, Post-hoc Uncertainty Calibration for Domain Drift Scenarios). The
    pictures are PNG files to draw.

    Raises ConfigError, InputError, ModelError, OutputError, and ToolError if a baseline is missing.
    """
    programs = [baselines] if isinstance(baselines, str) else baselines
    _check(programs, limit, fragments)
    _check_calibration(calibrate, most_unknown, training_files, fragments)
    drawn = {"--picture-confusion": picture_confusion, "--picture-reliability": picture_reliability}
    pictures = [path for path in drawn.values() if path is not None]
    taken: set[str] = set()
    for option, path in drawn.items():
        if path is not None:
            check_output(path, force=force, taken=taken, option=option)
    classifier = load_classifier(model, device=device, dtype=dtype, batch=batch, engine_backend=engine_backend)
    classifier = classifier if fragments is None else classifier.for_fragments(fragments)
    labels = classifier.labels
    known = load_labelled_splits(split, labels, group=group, limit=limit)
    known = changed_split(known, augment) if augment.split() else known
    training = load_labelled_splits(training_files, labels, group=group) if training_files is not None else None
    if training is not None:
        classifier = _with_distribution(classifier, training, known)
    unseen_split = load_labelled_splits(unseen, labels, group=group, limit=limit, need_labels=False) if unseen else None
    meter = _Meter(len(known) + (0 if unseen_split is None else len(unseen_split)), on_progress)
    start = time.perf_counter()
    whole = fragments is None
    logits = _logits(classifier, known, meter, whole=whole)
    seconds = time.perf_counter() - start
    unseen_logits = None if unseen_split is None else _logits(classifier, unseen_split, meter, whole=whole)
    outliers = _outliers(classifier, known, whole=whole)
    unseen_outliers = np.zeros(0, np.bool_)
    if unseen_split is not None:
        unseen_outliers = _outliers(classifier, unseen_split, whole=whole)
    truth = np.array(known.classes)
    calibration = None
    scaling, rule = classifier.scaling, classifier.rule
    if calibrate:
        calibration = fit_class_calibration(
            logits,
            truth,
            labels,
            split=known.name,
            split_sha256=known.sha256,
            unseen_logits=None if unseen_logits is None else unseen_logits[~unseen_outliers],
            most_unknown=most_unknown,
        )
        scaling, rule = calibration.scaling, calibration.rule
        keep_class_calibration(classifier.folder, calibration, fragment_bytes=fragments)
        if training is not None and classifier.distribution is not None:
            keep_distribution(classifier.folder, classifier.distribution)
    probabilities = scaling.probabilities(logits)
    score = score_classification(probabilities, truth)
    if picture_confusion is not None:
        write_output(picture_confusion, confusion_png(score, labels), force=force)
    if picture_reliability is not None:
        write_output(picture_reliability, reliability_png(probabilities, truth), force=force)
    weights_dtype = number_type_of(classifier.model)
    return ClassifyEvaluation(
        model=classifier.name,
        labels=labels,
        split=known.name,
        split_sha256=known.sha256,
        split_files=known.num_files,
        decoding=f"{weights_dtype}, {batch} windows at once, {_windows_text(classifier)}",
        score=score,
        recall=_recall(np.array(score.confusion), labels),
        worst=tuple(confused_pairs(score, labels, WORST_PAIRS)),
        temperature=scaling.temperature,
        uncalibrated=scaling.uncalibrated,
        uniform=scaling.uniform,
        unknown_below=rule.below,
        unknown_weight=rule.weight,
        unknown_from=rule.share_from,
        unknown=_share_unknown(outliers | are_unknown(probabilities, labels, rule), truth, labels),
        outliers=_share_unknown(outliers, truth, labels),
        answered_right=_answered_right(
            probabilities, truth, labels, outliers | are_unknown(probabilities, labels, rule)
        ),
        files_per_second=len(known) / max(seconds, 1e-9),
        unseen=None
        if unseen_split is None or unseen_logits is None
        else _unseen(unseen_split, unseen_outliers | are_unknown(scaling.probabilities(unseen_logits), labels, rule)),
        baselines=tuple(_baseline(name, known, truth, labels) for name in dict.fromkeys(programs)),
        calibration=calibration,
        pictures=tuple(map(str, pictures)),
    )


def _check(baselines: Sequence[str], limit: int | None, fragments: int | None) -> None:
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise ConfigError(f"baseline {unknown[0]!r} is unknown; choose among {', '.join(BASELINES)}.")
    if limit is not None and limit < 1:
        raise ConfigError(f"limit {limit} is out of range; choose 1 or more.")
    if fragments is not None and fragments < 1:
        raise ConfigError(f"fragments of {fragments} bytes are out of range; choose 1 or more.")


def _check_calibration(
    calibrate: bool, most_unknown: float | None, training_files: object, fragments: int | None
) -> None:
    if training_files is not None and not calibrate:
        raise ConfigError("training_files are for a calibration. Add --calibrate.")
    if training_files is not None and fragments is not None:
        raise ConfigError("what the training files are like is kept for whole files, not for fragments.")
    if most_unknown is None:
        return
    if not calibrate:
        raise ConfigError("most_unknown bounds what a calibration may answer unknown. Add --calibrate.")
    if not 0 < most_unknown < 1:
        raise ConfigError(f"most_unknown is {most_unknown}; choose a share between 0 and 1, such as 0.01.")


class _Meter:
    """Counts classified files and reports progress."""

    def __init__(self, total: int, on_progress: Progress | None) -> None:
        self.done, self.total, self.on_progress = 0, total, on_progress

    def add(self, files: int) -> None:
        self.done += files
        if self.on_progress:
            self.on_progress(self.done, self.total)


def _logits(classifier: Classifier, split: LabelledSplit, meter: _Meter, *, whole: bool) -> Probabilities:
    """(N, C) log-probabilities before calibration, of files that are `whole` or fragments."""
    rows = []
    for indices in split.batches(_GROUP):
        rows.append(classifier.logits([_reading(classifier, split, index, whole=whole) for index in indices]))
        meter.add(len(indices))
    return np.concatenate(rows)


def _reading(classifier: Classifier, split: LabelledSplit, index: int, *, whole: bool) -> Reading:
    try:
        reading = classifier.read(io.BytesIO(split.read(index)), split.names[index])
        return reading if whole else replace(reading, whole=False)
    except InputError as error:
        raise error.in_file(f"{split.name}, {split.names[index]}") from error


def _first_windows(classifier: Classifier, split: LabelledSplit) -> tuple[list[bytes], list[int]]:
    """What a classifier reads first of chosen files of a split, of which FILE_BYTES count, and their classes."""
    chosen, classifier = choose_files(split.classes), replace(classifier, views=())
    windows = [_reading(classifier, split, index, whole=True).windows[0][:FILE_BYTES] for index in chosen]
    return windows, [split.classes[index] for index in chosen]


def _with_distribution(classifier: Classifier, training: LabelledSplit, held_out: LabelledSplit) -> Classifier:
    """The classifier with the distribution of its training files. Raises ConfigError if they give none."""
    if UNKNOWN in classifier.labels:
        raise ConfigError("a model with a label `unknown` has learned what is unknown; it needs no training_files.")
    distribution = FileDistribution.fit(*_first_windows(classifier, training), _first_windows(classifier, held_out)[0])
    if distribution is None:
        message = f"{len(training)} training files are too few; what they are like can be told from {FEWEST_FILES}."
        raise ConfigError(message)
    return replace(classifier, distribution=distribution)


def _outliers(classifier: Classifier, split: LabelledSplit, *, whole: bool) -> NDArray[np.bool_]:
    """(N,) which files are unlike the training files."""
    if classifier.distribution is None:
        return np.zeros(len(split), np.bool_)
    classifier = replace(classifier, views=())  # only the file itself counts
    batches = (
        [_reading(classifier, split, index, whole=whole) for index in indices] for indices in split.batches(_GROUP)
    )
    return np.concatenate([classifier.are_outliers(readings) for readings in batches])


def _windows_text(classifier: Classifier) -> str:
    """How the classifier reads long files, as a phrase."""
    if classifier.windows == "ends":
        return f"the ends of files over {classifier.most_bytes:,} bytes"
    return f"files over {classifier.most_bytes:,} bytes in windows that overlap by half"


def _recall(confusion: NDArray[np.int64], labels: Sequence[str]) -> dict[str, float]:
    files = confusion.sum(1)
    return {label: float(confusion[row, row] / files[row]) for row, label in enumerate(labels) if files[row]}


def _share_unknown(unknown: NDArray[np.bool_], truth: NDArray[np.int64], labels: Sequence[str]) -> float:
    """Share of the files of known kinds that are answered `unknown`; 0 without such files."""
    known = truth != labels.index(UNKNOWN) if UNKNOWN in labels else np.ones(len(truth), np.bool_)
    return float(unknown[known].mean()) if known.any() else 0.0


def _answered_right(
    probabilities: Probabilities, truth: NDArray[np.int64], labels: Sequence[str], unknown: NDArray[np.bool_]
) -> float:
    """Share of the files of known kinds whose answer is their kind; 0 without such files."""
    known = truth != labels.index(UNKNOWN) if UNKNOWN in labels else np.ones(len(truth), np.bool_)
    right = (best_guesses(probabilities, labels) == truth) & ~unknown
    return float(right[known].mean()) if known.any() else 0.0


def _unseen(split: LabelledSplit, unknown: NDArray[np.bool_]) -> UnseenAnswers:
    return UnseenAnswers(
        split=split.name, split_sha256=split.sha256, num_files=len(split), unknown=float(unknown.mean())
    )


def _baseline(name: str, split: LabelledSplit, truth: NDArray[np.int64], labels: Sequence[str]) -> BaselineScore:
    """The results of another program on the same bytes. Raises ToolError."""
    classify = BASELINES[name]
    index_of = {label: index for index, label in enumerate(labels)}
    answers: list[int] = []
    unknown = []
    for group in split.batches(_GROUP):
        answered = classify([split.read(index) for index in group])
        answers += [index_of.get(label, len(labels)) for label in answered]  # the last index is for other labels
        unknown += [label == UNKNOWN or label not in index_of for label in answered]
    confusion = confusion_matrix(truth, answers, len(labels) + 1)
    return BaselineScore(
        name=name,
        accuracy=float(np.trace(confusion) / len(truth)),
        macro_accuracy=macro_accuracy(confusion),
        macro_f1=macro_f1(confusion),
        unknown=_share_unknown(np.array(unknown), truth, labels),
        recall=_recall(confusion, labels),
    )
