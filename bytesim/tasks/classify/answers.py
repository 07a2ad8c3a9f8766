"""The answers of a classifier about files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bytesim.formats.filetypes import UNKNOWN
from bytesim.predictors.calibration import are_unknown, best_guesses
from bytesim.predictors.classifier import Classifier, Reading
from bytesim.predictors.scaling import Probabilities

TYPE_MODEL = "filetype"
"""The model that `auto` runs first."""
TEXT, BINARY, EMPTY = "text", "binary", "empty"
"""What a file is, whatever its type."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A class and its calibrated probability."""

    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A model's answer about a file."""

    model: str
    label: str
    """`guess`, or `unknown`: the guess is not probable enough, the class `unknown` is too probable, or the file is an
    outlier."""
    guess: str
    """The most probable label besides `unknown`."""
    probability: float
    """The probability of `guess`."""
    top: tuple[Guess, ...]
    """The most probable labels; their number is an option."""
    content: str = ""
    """What the bytes that were read are: `text`, `binary`, or `empty` for a file without a byte."""
    read: str = ""
    """Which bytes the model read, such as `3 windows`; empty for the whole file."""
    changed: str = ""
    """How the file was converted to the form that the model reads; empty if it was not."""
    outlier: bool = False
    """Whether the file is unlike all files that the model was trained on. False too with a threshold, and for models
    that do not keep what these are like, as `filetype`."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """A file and its label."""

    source: str
    num_bytes: int
    answer: Answer
    then: Answer | None = None
    """With model `auto`: the answer of the second model, for files of this type; None if there is none."""
    then_error: str = ""
    """The error if the second model could not read the file; else empty."""


def classify_readings(classifier: Classifier, readings: Sequence[Reading], top: int) -> list[Answer]:
    """The classifier's answer for each file that was read, with the `top` most probable labels."""
    if not readings:
        return []
    probabilities = classifier.scaling.probabilities(classifier.logits(readings))
    answers = answers_of(classifier, probabilities, top)
    outliers = classifier.are_outliers(readings).tolist()
    return [
        replace(
            answer,
            label=UNKNOWN if outlier else answer.label,
            content=TEXT if reading.is_text else BINARY,
            read=reading.read,
            changed=reading.changed,
            outlier=outlier,
        )
        for reading, answer, outlier in zip(readings, answers, outliers, strict=True)
    ]


def empty_answer(model: str) -> Answer:
    """The answer about a file without a byte, for which no model is needed."""
    return Answer(
        model=model,
        label=EMPTY,
        guess=EMPTY,
        probability=1.0,
        top=(Guess(label=EMPTY, probability=1.0),),
        content=EMPTY,
    )


def answers_of(classifier: Classifier, probabilities: Probabilities, top: int) -> list[Answer]:
    """The answer for each row of (N, C) calibrated probabilities, with the `top` most probable labels."""
    labels = classifier.labels
    unknown = are_unknown(probabilities, labels, classifier.rule)
    guesses = best_guesses(probabilities, labels)
    ranked = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [
        Answer(
            model=classifier.name,
            label=UNKNOWN if unknown[row] else labels[guess],
            guess=labels[guess],
            probability=float(probabilities[row, guess]),
            top=tuple(
                Guess(label=labels[index], probability=float(probabilities[row, index])) for index in ranked[row]
            ),
        )
        for row, guess in enumerate(guesses.tolist())
    ]
