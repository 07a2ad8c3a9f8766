"""Which answers of a model are confident: those whose negative log-likelihood is within a bound. No torch.

The negative log-likelihood of an answer (`nll_nats`) is the sum of the model's nats over it: exp(-nll_nats) is the
probability that the model gave to the whole file. The bound is the greatest value up to which nearly all answers were
right, on tunes that were kept apart from training and from the last measurement; it stands in the model's card.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ModelError, OutputError
from bytesim.models.folder import CARD_FILE, read_card, write_json

WANTED_RIGHT = 0.99
"""Share of the confident answers that must have been right."""
SIGNIFICANCE = 0.05
"""Greatest p-value, of so few wrong answers though no more than WANTED_RIGHT were right, at which a bound is set."""
CARD_FIELD = "confidence"


@dataclass(frozen=True, kw_only=True)
class AnswerBound:
    """Which answers of a model are confident, as its card has it."""

    most_nats: float
    """Answers with this negative log-likelihood or less are confident."""
    sure: int
    """Files of the split whose answers were confident."""
    right: int
    """Those of them that had the right notes and no others."""
    files: int
    split: str
    split_sha256: str


def direction_of(suffixes: tuple[str, str]) -> str:
    """What a conversion is called in a card, such as `abc to mid`."""
    return " to ".join(suffixes)


def nll_nats(data: bytes, token_nats: NDArray[np.float32], suffix: str) -> float:
    """Negative log-likelihood of an answer, without MIDI track lengths, which are guesses, and mended."""
    counted = np.ones(len(token_nats), np.bool_)
    if suffix == "mid":
        for match in re.finditer(b"MTrk", data):
            counted[match.end() : match.end() + 4] = False
    return float(token_nats[counted].sum())


def fit_answer_bound(judged: Sequence[tuple[float, bool]], *, split: str, split_sha256: str) -> AnswerBound | None:
    """The greatest bound that nearly all answers within it allow, from (nll_nats, whether it was right) of each.

    Its share of right answers is over WANTED_RIGHT by an exact binomial test (Clopper and Pearson 1934), for that
    bound alone: that it is the greatest of many is not allowed for. None where there is no such bound; it takes
    299 right answers, or more if some are wrong.
    """
    best: AnswerBound | None = None
    right = 0
    for confident, (nats, was_right) in enumerate(sorted(judged), start=1):
        right += was_right
        if _p_value(confident, confident - right) <= SIGNIFICANCE:
            best = AnswerBound(
                most_nats=nats, sure=confident, right=right, files=len(judged), split=split, split_sha256=split_sha256
            )
    return best


def _p_value(answers: int, wrong: int) -> float:
    """The probability of at most so many wrong answers where WANTED_RIGHT of all are right; 1 where it is about 1/2."""
    if wrong >= (1 - WANTED_RIGHT) * answers:
        return 1.0  # spares the sum where it is large
    counts = np.arange(wrong + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log((answers - counts[:-1]) / (counts[:-1] + 1)))])
    logs = ways + counts * np.log(1 - WANTED_RIGHT) + (answers - counts) * np.log(WANTED_RIGHT)
    return float(np.exp(logs).sum())


def read_answer_bound(folder: Path, direction: str) -> AnswerBound | None:
    """The bound in a model's card; None where it has none. Raises ModelError for one that makes no sense."""
    stored = read_card(folder).get(CARD_FIELD, {})
    values = stored.get(direction) if isinstance(stored, dict) else None
    if values is None:
        return None
    try:
        return AnswerBound(**{**values, "most_nats": float(values["most_nats"])})
    except (TypeError, ValueError, KeyError) as error:
        raise ModelError(f"its {CARD_FIELD} for {direction} makes no sense.", file=str(folder / CARD_FILE)) from error


def keep_answer_bound(folder: Path, direction: str, bound: AnswerBound | None) -> None:
    """Write a bound into a model's card; None takes out what stands there. Raises ModelError, OutputError."""
    card: dict[str, Any] = read_card(folder)
    stored = card.get(CARD_FIELD, {})
    if not isinstance(stored, dict):
        raise ModelError(f"its {CARD_FIELD} is no table.", file=str(folder / CARD_FILE))
    if bound is None and direction not in stored:
        return
    others = {name: values for name, values in stored.items() if name != direction}
    card[CARD_FIELD] = others if bound is None else {**others, direction: asdict(bound)}
    try:
        write_json(folder / CARD_FILE, card)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror}).", file=str(folder / CARD_FILE)) from error
