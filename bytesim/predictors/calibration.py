"""Calibration of a classifier: how its logits become probabilities, and when its answer is `unknown`. No torch.

Both are fitted on files used neither for training nor for the final test, and are stored in the model's card.
Axes: N files, C classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bytesim.errors import ModelError, OutputError
from bytesim.formats.filetypes import UNKNOWN
from bytesim.metrics import calibration_error
from bytesim.models.folder import CARD_FILE, read_card, write_json
from bytesim.predictors.scaling import Probabilities, Scaling, fit_scaling, log_softmax

CARD_FIELD = "calibration"
FRAGMENTS_FIELD = "fragment_calibrations"
"""Size of fragments in bytes -> their calibration. Whole files differ: their signatures make a model more confident."""
MOST_BELOW = 0.03
"""Greatest share of known files that may be answered `unknown`."""
MOST_BELOW_WITH_UNSEEN = 0.02
"""The same if files of unseen kinds are given: they show which of the known files are best given up."""
WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Weights of the class `unknown` among which `fit_rule` chooses."""
LEAST_PROBABILITY = 1e-4
"""Smallest probability of a class after label smoothing is removed, before normalisation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownRule:
    """When an answer is `unknown`, in calibrated probabilities."""

    below: float = 0.0
    """Least probability of the best guess among the other classes, if the class `unknown` has none."""
    weight: float = 1.0
    """The answer is `unknown` if the best guess is less probable than `below` plus `weight` times the probability of
    the class `unknown`. By default this is the more probable of the two."""
    share_from: float | None = None
    """Cards of earlier calibrations: the answer is `unknown` if the best guess is less probable than `below`, or the
    class `unknown` has at least this probability."""


@dataclass(frozen=True, kw_only=True)
class ClassCalibration:
    """The calibration of a classifier, as stored in its card."""

    temperature: float
    """Logits are divided by it before the softmax."""
    unknown_below: float
    """The answer is `unknown` if the best guess is less probable than this plus `unknown_weight` times the probability
    of the class `unknown`, if there is one."""
    files: int
    split: str
    split_sha256: str
    expected_calibration_error: float
    """Measured on the same files after calibration."""
    uncalibrated: float = 0.0
    """Weight of the softmax at temperature 1 in the mixture that gives the probabilities."""
    uniform: float = 0.0
    """Weight of the uniform distribution over the classes in that mixture."""
    unknown_weight: float = 1.0
    unknown_from: float | None = None
    """Cards of earlier calibrations: in place of `unknown_weight`, the probability of the class `unknown` from which on
    the answer is `unknown`."""

    @property
    def scaling(self) -> Scaling:
        """How logits become probabilities."""
        return Scaling(temperature=self.temperature, uncalibrated=self.uncalibrated, uniform=self.uniform)

    @property
    def rule(self) -> UnknownRule:
        """When an answer is `unknown`."""
        return UnknownRule(below=self.unknown_below, weight=self.unknown_weight, share_from=self.unknown_from)


def unsmoothed(logits: ArrayLike, smoothing: float) -> Probabilities:
    """(N, C) log-probabilities of a model trained with label smoothing, with the smoothing removed.

    Labels smoothed by s are s / C for each of C classes, plus 1 - s for the right one. The model therefore never
    learns to be more confident than that, and a temperature cannot separate certain answers from nearly certain ones.
    (p - s / C) / (1 - s) inverts the smoothing of a probability p. The order of classes stays the same, except among
    the least probable ones. Label smoothing: Szegedy et al. 2015, arXiv:1512.00567, section 7.
    """
    table = log_softmax(logits)
    if not smoothing:
        return table
    share = (np.exp(table) - smoothing / table.shape[-1]) / (1 - smoothing)
    return log_softmax(np.log(np.maximum(share, LEAST_PROBABILITY)))


def fit_threshold(known: ArrayLike, unseen: ArrayLike | None = None, *, most_below: float | None = None) -> float:
    """The threshold: the confidence below which a file is answered `unknown`.

    It is fitted to the confidences of known files (N,) and, if given, of files of unseen kinds (M,); `confidences`
    computes both. At most the share `most_below` of the known files may fall below it (default: MOST_BELOW, or
    MOST_BELOW_WITH_UNSEEN with `unseen`). Without `unseen` it is the greatest such threshold. With `unseen` it
    separates the two best: the share of unseen files below it, minus the share of known ones, is greatest. Raises
    ValueError for no known files.
    """
    confident = np.sort(np.asarray(known, np.float64))
    if confident.ndim != 1 or not confident.size:
        raise ValueError(f"confidences have shape {confident.shape}; they must be (N,) with N > 0")
    if most_below is None:
        most_below = MOST_BELOW if unseen is None else MOST_BELOW_WITH_UNSEEN
    highest = float(confident[min(int(most_below * len(confident)), len(confident) - 1)])
    if unseen is None or not np.size(unseen):
        return highest
    doubtful = np.sort(np.asarray(unseen, np.float64))
    values = np.unique(np.concatenate([confident, doubtful]))
    thresholds = np.unique(np.concatenate([[0.0, highest], (values[1:] + values[:-1]) / 2]))
    thresholds = thresholds[thresholds <= highest]
    unseen_below = np.searchsorted(doubtful, thresholds) / len(doubtful)
    known_below = np.searchsorted(confident, thresholds) / len(confident)
    return float(thresholds[int((unseen_below - known_below).argmax())])


def confidences(probabilities: ArrayLike, labels: Sequence[str]) -> Probabilities:
    """(N,) probability of the best guess of each row, which is never `unknown`."""
    table = np.asarray(probabilities, np.float64)
    best: Probabilities = table[np.arange(len(table)), best_guesses(table, labels)]
    return best


def best_guesses(probabilities: ArrayLike, labels: Sequence[str]) -> NDArray[np.int64]:
    """(N,) index of the most probable class of each row, the class `unknown` excluded."""
    table = np.array(probabilities, np.float64)
    if UNKNOWN in labels:
        table[:, labels.index(UNKNOWN)] = -1.0
    return table.argmax(1)


def are_unknown(probabilities: ArrayLike, labels: Sequence[str], rule: UnknownRule) -> NDArray[np.bool_]:
    """(N,) whether the answer for each row is `unknown`."""
    table = np.asarray(probabilities, np.float64)
    confidence = confidences(table, labels)
    if UNKNOWN not in labels:
        return confidence < rule.below
    share = table[:, labels.index(UNKNOWN)]
    if rule.share_from is not None:
        return (confidence < rule.below) | (share >= rule.share_from)
    return confidence < rule.below + rule.weight * share


def fit_rule(
    known: ArrayLike, unseen: ArrayLike | None, labels: Sequence[str], *, most_below: float | None = None
) -> UnknownRule:
    """Fit the rule for `unknown` to probabilities of known files (N, C) and of files of unseen kinds (M, C), if any.

    At most the share `most_below` of the known files is answered `unknown`; by default MOST_BELOW, or
    MOST_BELOW_WITH_UNSEEN with unseen files.
    With unseen files and a class `unknown`, rules with several weights are compared. The one chosen answers `unknown`
    for the greatest share of unseen files minus that of known files. Too few known files give the default rule.
    """
    table = np.asarray(known, np.float64)
    allowed = MOST_BELOW if most_below is None else most_below
    if allowed * len(table) < 1:  # even one file would be more than that share
        return UnknownRule()
    unseen_table = None if unseen is None or not len(np.asarray(unseen)) else np.asarray(unseen, np.float64)
    if UNKNOWN not in labels or unseen_table is None:
        unseen_confidences = None if unseen_table is None else confidences(unseen_table, labels)
        threshold = fit_threshold(confidences(table, labels), unseen_confidences, most_below=most_below)
        return UnknownRule(below=_down(threshold, 1e4))
    most = MOST_BELOW_WITH_UNSEEN if most_below is None else most_below
    rules = [rule for weight in WEIGHTS if (rule := _rule(table, labels, weight, most)).below >= 0]  # weight 0 always

    def gain(rule: UnknownRule) -> float:
        return float(are_unknown(unseen_table, labels, rule).mean() - are_unknown(table, labels, rule).mean())

    return max(rules, key=gain)


def _rule(known: Probabilities, labels: Sequence[str], weight: float, most_below: float) -> UnknownRule:
    """The rule of a weight that answers `unknown` for as many known files as are allowed."""
    margins = np.sort(confidences(known, labels) - weight * known[:, labels.index(UNKNOWN)])
    return UnknownRule(below=_down(float(margins[int(most_below * len(known))]), 1e4), weight=weight)


def _down(value: float, steps: float) -> float:
    """Round down to a multiple of 1 / steps."""
    return math.floor(value * steps) / steps


def fit_class_calibration(
    logits: ArrayLike,
    classes: ArrayLike,
    labels: Sequence[str],
    *,
    split: str,
    split_sha256: str,
    unseen_logits: ArrayLike | None = None,
    most_unknown: float | None = None,
) -> ClassCalibration:
    """Fit scaling and threshold to logits (N, C) and true classes (N,) of a held-out split.

    `most_unknown` is the `most_below` of `fit_rule`.
    `unseen_logits` (M, C) are those of files whose kind is not among the labels. Rows whose class is `unknown` are used
    to fit the scaling, and also as unseen files if `unseen_logits` is None.
    """
    table, truth = np.asarray(logits, np.float64), np.asarray(classes, np.int64)
    scaling = fit_scaling(table, truth)
    probabilities = scaling.probabilities(table)
    unknown = truth == labels.index(UNKNOWN) if UNKNOWN in labels else np.zeros(len(truth), np.bool_)
    unseen = probabilities[unknown] if unseen_logits is None else scaling.probabilities(unseen_logits)
    rule = fit_rule(probabilities[~unknown], unseen, labels, most_below=most_unknown)
    return ClassCalibration(
        temperature=scaling.temperature,
        uncalibrated=scaling.uncalibrated,
        uniform=scaling.uniform,
        unknown_below=rule.below,
        unknown_weight=rule.weight,
        files=len(truth),
        split=split,
        split_sha256=split_sha256,
        expected_calibration_error=round(calibration_error(probabilities, truth), 6),
    )


def read_class_calibration(card: dict[str, Any], folder: Path) -> ClassCalibration | None:
    """The calibration in a card; None if there is none. Raises ModelError for an invalid one."""
    stored = card.get(CARD_FIELD)
    return None if stored is None else _parse(stored, CARD_FIELD, folder)


def read_fragment_calibrations(card: dict[str, Any], folder: Path) -> dict[int, ClassCalibration]:
    """The calibrations for fragments in a card, by size in bytes. Raises ModelError for an invalid one."""
    stored = card.get(FRAGMENTS_FIELD, {})
    if not isinstance(stored, dict) or not all(map(_is_size, stored)):
        raise ModelError(
            f"the field {FRAGMENTS_FIELD} is not valid. Remove it and calibrate the model again.",
            file=str(folder / CARD_FILE),
        )
    return {int(size): _parse(values, FRAGMENTS_FIELD, folder) for size, values in stored.items()}


def _is_size(key: str) -> bool:
    """Whether a key is a size in bytes, such as `4096`."""
    return key.isascii() and key.isdecimal() and len(key) <= 9 and int(key) > 0


def _parse(stored: Any, name: str, folder: Path) -> ClassCalibration:
    try:
        calibration = ClassCalibration(**stored)
        share = 0.0 if calibration.unknown_from is None else calibration.unknown_from
        weights = (calibration.uncalibrated, calibration.uniform)
        numbers = (
            calibration.temperature,
            calibration.unknown_below,
            calibration.expected_calibration_error,
            calibration.unknown_weight,
            share,
            *weights,
        )
        if not all(isinstance(value, int | float) for value in numbers):
            raise TypeError
        if not (0 < calibration.temperature < float("inf") and 0 <= calibration.unknown_below <= 1):
            raise ValueError
        if not (0 <= share <= 2 and 0 <= calibration.unknown_weight < float("inf")):
            raise ValueError
        if not (0 <= calibration.uncalibrated <= 1 and 0 <= calibration.uniform <= 1 and sum(weights) <= 1):
            raise ValueError
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"the field {name} is not valid. Remove it and calibrate the model again.", file=str(folder / CARD_FILE)
        ) from error
    return calibration


def keep_class_calibration(folder: Path, calibration: ClassCalibration, *, fragment_bytes: int | None = None) -> None:
    """Write a calibration to a model's card: for files, or for fragments of a size. Raises ModelError, OutputError."""
    card = read_card(folder)
    if fragment_bytes is None:
        card[CARD_FIELD] = asdict(calibration)
    else:
        calibrations = {**read_fragment_calibrations(card, folder), fragment_bytes: calibration}
        card[FRAGMENTS_FIELD] = {str(size): asdict(values) for size, values in calibrations.items()}
    try:
        write_json(folder / CARD_FILE, card)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror}).", file=str(folder / CARD_FILE)) from error
