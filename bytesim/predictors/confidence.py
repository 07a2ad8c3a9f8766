"""Which answers of a model are confident: those with a negative log-likelihood within a bound. No torch.

The negative log-likelihood of an answer in nats (`nll_nats`) is summed over its bytes, so exp(-nll_nats) is the
probability that the model gave the whole file. The bound is the greatest value up to which nearly all answers were
right, on tunes used neither for training nor for the final test. It is stored in the model's card.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ModelError, OutputError
from bytesim.formats.midi.mend import track_length_spans
from bytesim.models.folder import CARD_FILE, read_card, write_json

WANTED_RIGHT = 0.99
"""Share of the confident answers that must be right."""
SIGNIFICANCE = 0.05
"""Significance level of the test that more than the share WANTED_RIGHT is right."""
CARD_FIELD = "confidence"


@dataclass(frozen=True, kw_only=True)
class AnswerBound:
    """Which answers of a model are confident, as stored in its card."""

    most_nats: float
    """Answers with at most this negative log-likelihood are confident."""
    confident: int
    """Number of files of the split with confident answers."""
    right: int
    """Number of those answers with exactly the right notes."""
    files: int
    split: str
    split_sha256: str


def direction_of(suffixes: tuple[str, str]) -> str:
    """The name of a conversion in a card, such as `abc to mid`."""
    return " to ".join(suffixes)


def nll_nats(data: bytes, token_nats: NDArray[np.float32], suffix: str) -> float:
    """Negative log-likelihood of an answer, in nats.

    MIDI track lengths are left out: the model can only guess them, and they are corrected afterwards.
    """
    counted = np.ones(len(token_nats), np.bool_)
    if suffix == "mid":
        for length in track_length_spans(data):
            counted[length] = False
    return float(token_nats[counted].sum())


def fit_answer_bound(judged: Sequence[tuple[float, bool]], *, split: str, split_sha256: str) -> AnswerBound | None:
    """The greatest bound within which nearly all answers are right. `judged` has (nll_nats, right) for each answer.

    An exact binomial test (Clopper and Pearson 1934) must show that more than the share WANTED_RIGHT of the answers
    within the bound is right. The test is not corrected for the number of bounds compared. None if no bound passes;
    299 right answers suffice, or more if some are wrong.
    """
    best: AnswerBound | None = None
    right = 0
    for confident, (nats, was_right) in enumerate(sorted(judged), start=1):
        right += was_right
        if _p_value(confident, confident - right) <= SIGNIFICANCE:
            best = AnswerBound(
                most_nats=nats,
                confident=confident,
                right=right,
                files=len(judged),
                split=split,
                split_sha256=split_sha256,
            )
    return best


def _p_value(answers: int, wrong: int) -> float:
    """The probability of at most `wrong` wrong answers if the share WANTED_RIGHT is right.

    1 if the share of wrong answers is not below the expected one, where the exact value does not matter.
    """
    if wrong >= (1 - WANTED_RIGHT) * answers:
        return 1.0  # avoids a long sum
    counts = np.arange(wrong + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((answers - counts[:-1]) / (counts[:-1] + 1)))])
    logs = ways + counts * np.log(1 - WANTED_RIGHT) + (answers - counts) * np.log(WANTED_RIGHT)
    return float(np.exp(logs).sum())


def read_answer_bound(folder: Path, direction: str) -> AnswerBound | None:
    """The bound in a model's card; None if there is none. Raises ModelError for an invalid one."""
    stored = read_card(folder).get(CARD_FIELD, {})
    values = stored.get(direction) if isinstance(stored, dict) else None
    if values is None:
        return None
    try:
        return AnswerBound(**{**values, "most_nats": float(values["most_nats"])})
    except (TypeError, ValueError, KeyError) as error:
        message = f"the field {CARD_FIELD} is not valid for {direction}. Remove it and calibrate the model again."
        raise ModelError(message, file=str(folder / CARD_FILE)) from error


def keep_answer_bound(folder: Path, direction: str, bound: AnswerBound | None) -> None:
    """Write a bound to a model's card; None removes the one there. Raises ModelError, OutputError."""
    card: dict[str, Any] = read_card(folder)
    stored = card.get(CARD_FIELD, {})
    if not isinstance(stored, dict):
        raise ModelError(f"the field {CARD_FIELD} is not a table. Remove it.", file=str(folder / CARD_FILE))
    if bound is None and direction not in stored:
        return
    others = {name: values for name, values in stored.items() if name != direction}
    card[CARD_FIELD] = others if bound is None else {**others, direction: asdict(bound)}
    try:
        write_json(folder / CARD_FILE, card)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror}).", file=str(folder / CARD_FILE)) from error
