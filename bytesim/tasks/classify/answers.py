"""What a classifier says of files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bytesim.formats.filetypes import UNKNOWN
from bytesim.predictors.calibration import are_unknown, best_guesses
from bytesim.predictors.classifier import Classifier
from bytesim.predictors.scaling import Probabilities

TYPE_MODEL = "filetype"
"""The model that `auto` asks first."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """A class and its calibrated probability."""

    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a model says of a file."""

    model: str
    label: str
    """`unknown` where the best guess is not probable enough, or the class of that name is more probable."""
    guess: str
    """The most probable label besides `unknown`."""
    probability: float
    """Of `guess`."""
    top: tuple[Guess, ...]
    """The most probable labels, as many as were asked for."""
    read: str = ""
    """Which bytes the model was shown, such as `3 windows`; empty for the whole file."""
    changed: str = ""
    """How the file was brought to the form that the model reads; empty where it was in it."""


@dataclass(frozen=True, kw_only=True)
class Classified:
    """A file and what it is."""

    source: str
    num_bytes: int
    answer: Answer
    then: Answer | None = None
    """Model `auto`: the answer of the model that fits the type, where there is one."""
    then_error: str = ""
    """Why that model could not read the file."""


def answers_of(classifier: Classifier, probabilities: Probabilities, top: int) -> list[Answer]:
    """What a classifier says of each row of (N, C) calibrated probabilities."""
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
            top=tuple(Guess(label=labels[each], probability=float(probabilities[row, each])) for each in ranked[row]),
        )
        for row, guess in enumerate(guesses.tolist())
    ]
