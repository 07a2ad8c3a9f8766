"""What makes a classifier's answers honest: how its logits are scaled, and when it says `unknown`. No torch.

Both are fitted on files kept apart from training and from the last measurement, and stand in the model's card.
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
"""Bytes of a fragment -> its calibration. Signatures make a model confident of a file; its middle has none."""
MOST_BELOW = 0.03
"""Greatest share of known files that the threshold may call unknown."""
MOST_BELOW_WITH_UNSEEN = 0.045
"""The same where files of unseen kinds say what is won by it."""
LEAST_PROBABILITY = 1e-4
"""What every class keeps when smoothing is taken out of an answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownRule:
    """When an answer is `unknown`, in calibrated probabilities."""

    below: float = 0.0
    """Where the best guess among the real classes is less probable than this;"""
    share_from: float | None = None
    """or where the class `unknown` has at least this probability; None: where it has the greatest."""


@dataclass(frozen=True, kw_only=True)
class ClassCalibration:
    """The calibration of a classifier, as its card has it."""

    temperature: float
    """Logits are divided by it before the softmax."""
    unknown_below: float
    """An answer of less probability is `unknown`."""
    files: int
    split: str
    split_sha256: str
    expected_calibration_error: float
    """Of the same files, so calibrated."""
    uncalibrated: float = 0.0
    """Weight of the softmax at temperature 1 in the probabilities."""
    uniform: float = 0.0
    """Weight in them of the uniform distribution over the classes."""
    unknown_from: float | None = None
    """Where the class `unknown` has at least this probability the answer is `unknown`; None: where it has the
    greatest."""

    @property
    def scaling(self) -> Scaling:
        """From logits to probabilities."""
        return Scaling(temperature=self.temperature, uncalibrated=self.uncalibrated, uniform=self.uniform)

    @property
    def rule(self) -> UnknownRule:
        """When an answer is `unknown`."""
        return UnknownRule(below=self.unknown_below, share_from=self.unknown_from)


def unsmoothed(logits: ArrayLike, smoothing: float) -> Probabilities:
    """(N, C) log-probabilities of a model trained with smoothed labels, with the smoothing taken out.

    Labels smoothed by s ask for s / C of each of C classes beside 1 - s of the right one, so a model learns never to
    be more confident than that, and a temperature cannot part the certain from the nearly certain. (p - s / C) /
    (1 - s) is what an answer p holds beside the smoothing. The order of classes stays, but for those that had next to
    nothing. Smoothing: Szegedy et al. 2015, arXiv:1512.00567, section 7.
    """
    table = log_softmax(logits)
    if not smoothing:
        return table
    share = (np.exp(table) - smoothing / table.shape[-1]) / (1 - smoothing)
    return log_softmax(np.log(np.maximum(share, LEAST_PROBABILITY)))


def fit_threshold(known: ArrayLike, unseen: ArrayLike | None = None, *, most_below: float | None = None) -> float:
    """The confidence below which a file is called unknown, from that of known files (N,) and of unseen kinds (M,).

    Without `unseen`, the greatest that calls at most `most_below` (MOST_BELOW) of the known files so. With it, the one
    that parts the two best: the greatest share of unseen files below it less the share of known ones, of which at
    most `most_below` (MOST_BELOW_WITH_UNSEEN) may be. `confidences` gives both. Raises ValueError for no known files.
    """
    confident = np.sort(np.asarray(known, np.float64))
    if confident.ndim != 1 or not confident.size:
        raise ValueError(f"confidences {confident.shape} must be one row of at least one known file")
    if most_below is None:
        most_below = MOST_BELOW if unseen is None else MOST_BELOW_WITH_UNSEEN
    highest = float(confident[min(int(most_below * len(confident)), len(confident) - 1)])
    if unseen is None or not np.size(unseen):
        return highest
    strange = np.sort(np.asarray(unseen, np.float64))
    values = np.unique(np.concatenate([confident, strange]))
    tried = np.unique(np.concatenate([[0.0, highest], (values[1:] + values[:-1]) / 2]))
    tried = tried[tried <= highest]
    won = np.searchsorted(strange, tried) / len(strange) - np.searchsorted(confident, tried) / len(confident)
    return float(tried[int(won.argmax())])


def confidences(probabilities: ArrayLike, labels: Sequence[str]) -> Probabilities:
    """(N,) how probable the best guess among the real classes is."""
    table = np.asarray(probabilities, np.float64)
    best: Probabilities = table[np.arange(len(table)), best_guesses(table, labels)]
    return best


def best_guesses(probabilities: ArrayLike, labels: Sequence[str]) -> NDArray[np.int64]:
    """(N,) the most probable class of each row, `unknown` left out."""
    table = np.array(probabilities, np.float64)
    if UNKNOWN in labels:
        table[:, labels.index(UNKNOWN)] = -1.0
    return table.argmax(1)


def are_unknown(probabilities: ArrayLike, labels: Sequence[str], rule: UnknownRule) -> NDArray[np.bool_]:
    """(N,) which rows are answered `unknown`."""
    table = np.asarray(probabilities, np.float64)
    confidence = confidences(table, labels)
    doubted = confidence < rule.below
    if UNKNOWN not in labels:
        return doubted
    share = table[:, labels.index(UNKNOWN)]
    return doubted | (share > confidence if rule.share_from is None else share >= rule.share_from)


def fit_rule(known: ArrayLike, unseen: ArrayLike | None, labels: Sequence[str]) -> UnknownRule:
    """When an answer is `unknown`, from the probabilities of known files (N, C) and, where there are some, of unseen
    kinds (M, C).

    Of the known files at most MOST_BELOW are called unknown, with unseen ones MOST_BELOW_WITH_UNSEEN. Of the rules
    that keep to it, that is taken which wins most: those that spend the files that may be lost on the class
    `unknown`, on the confidence of the best guess, or on both. Too few known files set no rule.
    """
    table = np.asarray(known, np.float64)
    if MOST_BELOW * len(table) < 1:  # one of six is no 3 %
        return UnknownRule()
    strange = None if unseen is None or not len(np.asarray(unseen)) else np.asarray(unseen, np.float64)
    if UNKNOWN not in labels or strange is None:
        guesses = None if strange is None else confidences(strange, labels)
        return UnknownRule(below=_down(fit_threshold(confidences(table, labels), guesses), 1e4))
    lost = int(MOST_BELOW_WITH_UNSEEN * len(table))
    rules = [_spending(table, labels, spent, lost) for spent in np.unique(np.linspace(0, lost, 9).astype(int))]

    def won(rule: UnknownRule) -> float:
        return float(are_unknown(strange, labels, rule).mean() - are_unknown(table, labels, rule).mean())

    return max(rules, key=won)


def _spending(known: Probabilities, labels: Sequence[str], spent: int, lost: int) -> UnknownRule:
    """The rule that calls at most `lost` known files unknown, at most `spent` of them for the class `unknown`."""
    share, confidence = known[:, labels.index(UNKNOWN)], confidences(known, labels)
    share_from = _up(float(np.nextafter(np.sort(share)[::-1][spent], 2.0)), 1e6)
    left = np.sort(confidence[share < share_from])
    return UnknownRule(below=_down(float(left[lost - (len(known) - len(left))]), 1e4), share_from=share_from)


def _down(value: float, steps: float) -> float:
    return math.floor(value * steps) / steps


def _up(value: float, steps: float) -> float:
    return math.ceil(value * steps) / steps


def fit_class_calibration(
    logits: ArrayLike,
    classes: ArrayLike,
    labels: Sequence[str],
    *,
    split: str,
    split_sha256: str,
    unseen_logits: ArrayLike | None = None,
) -> ClassCalibration:
    """Scaling and threshold from logits (N, C) and true classes (N,) of a split kept for it.

    `unseen_logits` (M, C) are of files of kinds that are among no label. Rows whose class is `unknown` fit the
    scaling, and stand for unseen ones where none are given.
    """
    table, truth = np.asarray(logits, np.float64), np.asarray(classes, np.int64)
    scaling = fit_scaling(table, truth)
    probabilities = scaling.probabilities(table)
    strange = truth == labels.index(UNKNOWN) if UNKNOWN in labels else np.zeros(len(truth), np.bool_)
    unseen = probabilities[strange] if unseen_logits is None else scaling.probabilities(unseen_logits)
    rule = fit_rule(probabilities[~strange], unseen, labels)
    return ClassCalibration(
        temperature=scaling.temperature,
        uncalibrated=scaling.uncalibrated,
        uniform=scaling.uniform,
        unknown_below=rule.below,
        unknown_from=rule.share_from,
        files=len(truth),
        split=split,
        split_sha256=split_sha256,
        expected_calibration_error=round(calibration_error(probabilities, truth), 6),
    )


def read_class_calibration(card: dict[str, Any], folder: Path) -> ClassCalibration | None:
    """The calibration in a card; None where it has none. Raises ModelError for one that makes no sense."""
    stored = card.get(CARD_FIELD)
    return None if stored is None else _parse(stored, CARD_FIELD, folder)


def read_fragment_calibrations(card: dict[str, Any], folder: Path) -> dict[int, ClassCalibration]:
    """Bytes of a fragment -> its calibration, of those in a card. Raises ModelError for one that makes no sense."""
    stored = card.get(FRAGMENTS_FIELD, {})
    if not isinstance(stored, dict) or not all(size.isdecimal() and int(size) for size in stored):
        raise ModelError(f"its {FRAGMENTS_FIELD} makes no sense.", file=str(folder / CARD_FILE))
    return {int(size): _parse(each, FRAGMENTS_FIELD, folder) for size, each in stored.items()}


def _parse(stored: Any, name: str, folder: Path) -> ClassCalibration:
    try:
        made = ClassCalibration(**stored)
        share = 0.0 if made.unknown_from is None else made.unknown_from
        weights = (made.uncalibrated, made.uniform)
        numbers = (made.temperature, made.unknown_below, made.expected_calibration_error, share, *weights)
        if not all(isinstance(value, int | float) for value in numbers):
            raise TypeError
        if not (0 < made.temperature < float("inf") and 0 <= made.unknown_below <= 1 and 0 <= share <= 2):
            raise ValueError
        if not (0 <= made.uncalibrated <= 1 and 0 <= made.uniform <= 1 and sum(weights) <= 1):
            raise ValueError
    except (TypeError, ValueError) as error:
        raise ModelError(f"its {name} makes no sense.", file=str(folder / CARD_FILE)) from error
    return made


def keep_class_calibration(folder: Path, calibration: ClassCalibration, *, fragment_bytes: int | None = None) -> None:
    """Write a calibration into a model's card, of files or of fragments of a size. Raises ModelError, OutputError."""
    card = read_card(folder)
    if fragment_bytes is None:
        card[CARD_FIELD] = asdict(calibration)
    else:
        kept = {**read_fragment_calibrations(card, folder), fragment_bytes: calibration}
        card[FRAGMENTS_FIELD] = {str(size): asdict(each) for size, each in kept.items()}
    try:
        write_json(folder / CARD_FILE, card)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror}).", file=str(folder / CARD_FILE)) from error
