"""Which answers of a learned converter are confident: the bounds in its card, and how they are fitted. No torch.

An answer is confident if its input is like those that the converter has learned from (`familiarity`), and if the model
finds the answer as likely as nearly all right answers to held-out inputs. If the model has also learned to convert
back, it must give the input again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ModelError
from bytesim.metrics import share_interval
from bytesim.models.folder import CARD_FILE, read_card
from bytesim.predictors.confidence import CARD_FIELD
from bytesim.predictors.familiarity import NUM_MEASURES, InputModel, read_input_model

FAMILIAR_SHARE = 0.99
"""Share of held-out inputs that each measure of familiarity lets pass."""
KEPT_RIGHT = 0.97
"""Share of the right answers to held-out inputs that are within the bound, if none of the wrong ones is."""
MOST_BACK = 0.95
"""Converting back is asked of confident answers if it gives the input for this share of the right ones."""
MOST_WRONG = 0.005
"""Share of wrong answers within the bound that is accepted."""
UNLIKE = "the input is unlike those that the model has learned from"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What is known of the answer to a held-out input."""

    nats: float
    """Negative log-likelihood of the answer."""
    surprises: NDArray[np.float64]
    """(7,) how unlike the training inputs its input is, see `InputModel.surprises`."""
    exact: bool
    converts_back: bool | None = None
    """Whether converting the answer back gives the input; None if the model has not learned to."""


@dataclass(frozen=True, kw_only=True)
class ConverterBound:
    """Which answers of a converter are confident, as stored in its card."""

    most_nats: float
    """Greatest negative log-likelihood of a confident answer."""
    most_surprise: tuple[float, ...]
    """(7,) greatest values of `InputModel.surprises` of an input with a confident answer."""
    files: int
    """Held-out pairs."""
    exact: int
    """Of these, pairs converted exactly."""
    confident: int
    """Held-out pairs with a confident answer."""
    right: int
    """Of these, pairs converted exactly."""
    split: str
    split_sha256: str
    back: bool = False
    """Whether a confident answer must give the input again when it is converted back."""
    longest_answer: int
    """Bytes of the longest target in training."""
    growth: float
    """Greatest ratio of the bytes of a target to those of its source, in training."""

    def most_bytes(self, source: bytes) -> int:
        """Bytes after which an answer to a source is given up: twice as many as the training gives reason to expect."""
        return 64 + 2 * max(self.longest_answer, int(self.growth * len(source)))

    @property
    def at_least(self) -> float:
        """Lower end of the exact 95 % interval for the share of confident answers that is right (Clopper, Pearson)."""
        return share_interval(self.right, self.confident)[0]

    def is_familiar(self, surprises: NDArray[np.float64]) -> bool:
        """Whether an input is like those that the converter has learned from."""
        return not (surprises > np.array(self.most_surprise)).any()

    def doubt(self, nats: float, surprises: NDArray[np.float64], converts_back: bool | None = None) -> str:
        """Why an answer is not confident; empty if it is. `converts_back` is None if that was not tried."""
        if self.most_nats < 0:
            return "too few held-out pairs were converted exactly"
        if not self.is_familiar(surprises):
            return UNLIKE
        if self.back and not converts_back:
            return "converting the answer back gives another file"
        return "" if nats <= self.most_nats else "the model finds other answers likely too"


@dataclass(frozen=True, slots=True)
class Confidence:
    """The bounds of a conversion, with what they are compared with."""

    bound: ConverterBound
    inputs: InputModel

    def doubt(self, source: bytes, nats: float, converts_back: bool | None = None) -> str:
        """Why the answer to a source is not confident; empty if it is."""
        doubt = self.bound.doubt(nats, self.inputs.surprises(source), converts_back)
        return self.unlike(source) if doubt == UNLIKE else doubt

    def unlike(self, source: bytes) -> str:
        """That a source is unlike those that the converter has learned from, and how, if that is known; else empty."""
        if self.is_familiar(source):
            return ""
        broken = self.inputs.broken(source)
        return f"{UNLIKE}: {broken[0]}" if broken else UNLIKE

    def is_familiar(self, source: bytes) -> bool:
        """Whether a source is like those that the converter has learned from."""
        return self.bound.is_familiar(self.inputs.surprises(source))


def fit_converter_bound(
    judged: Sequence[Judged], lengths: Sequence[tuple[int, int]], *, split: str, split_sha256: str
) -> ConverterBound:
    """The bounds for the answers to held-out inputs; `lengths` are the bytes of each training pair, source and target.

    Every measure of an input may be as great as for the share FAMILIAR_SHARE of these inputs. The negative
    log-likelihood may be as great as for the share KEPT_RIGHT of the right answers, or less, so that at most the share
    MOST_WRONG of the answers within the bound is wrong.
    """
    surprises = np.stack([one.surprises for one in judged])
    most_surprise = np.quantile(surprises, FAMILIAR_SHARE, axis=0, method="higher")
    most_surprise[-3:] = np.maximum(most_surprise[-3:], 0.0)  # as long as one in training is never too long
    familiar = [one for one in judged if not (one.surprises > most_surprise).any()]
    back = _is_back_useful(familiar)
    familiar = [one for one in familiar if one.converts_back or not back]
    most_nats = _most_nats(familiar)
    confident = [one for one in familiar if one.nats <= most_nats]
    return ConverterBound(
        most_nats=most_nats,
        most_surprise=tuple(float(value) for value in most_surprise),
        files=len(judged),
        exact=sum(one.exact for one in judged),
        confident=len(confident),
        right=sum(one.exact for one in confident),
        split=split,
        split_sha256=split_sha256,
        back=back,
        longest_answer=max(target for _, target in lengths),
        growth=max(target / max(1, source) for source, target in lengths),
    )


def _is_back_useful(judged: Sequence[Judged]) -> bool:
    """Whether nearly all right answers give their input again when they are converted back."""
    right = [one.converts_back for one in judged if one.exact]
    return bool(right) and None not in right and sum(map(bool, right)) >= MOST_BACK * len(right)


def _most_nats(judged: Sequence[Judged]) -> float:
    """The bound of the negative log-likelihood; below 0, which no answer reaches, if no bound is good enough."""
    right = np.sort([one.nats for one in judged if one.exact])
    wrong = np.sort([one.nats for one in judged if not one.exact])
    if not len(right):
        return -1.0
    bounds = right[: max(1, int(np.ceil(KEPT_RIGHT * len(right))))][::-1]
    for bound in bounds:
        bad = int(np.searchsorted(wrong, bound, side="right"))
        if bad <= MOST_WRONG * np.searchsorted(right, bound, side="right"):
            return float(bound)
    return -1.0


def read_confidence(folder: Path, conversion: str) -> Confidence | None:
    """What a model folder tells of the confidence of a conversion, such as `csv to json`; None if it tells nothing.

    Raises ModelError.
    """
    bound = _read_bound(folder, conversion)
    return None if bound is None else Confidence(bound, read_input_model(folder, conversion))


def _read_bound(folder: Path, conversion: str) -> ConverterBound | None:
    stored = read_card(folder).get(CARD_FIELD, {})
    values = stored.get(conversion) if isinstance(stored, dict) else None
    if not isinstance(values, dict) or "most_surprise" not in values:
        return None
    try:
        numbers = tuple(float(value) for value in values["most_surprise"])
        if len(numbers) != NUM_MEASURES:
            raise ValueError("a measure is missing")
        named = {name: float(values[name]) for name in ("most_nats", "growth")}
        return ConverterBound(**{**values, **named, "most_surprise": numbers})
    except (TypeError, ValueError, KeyError) as error:
        message = f"the field {CARD_FIELD} is not valid for {conversion}. Train the model again."
        raise ModelError(message, file=str(folder / CARD_FILE)) from error


def card_field(bounds: dict[str, ConverterBound]) -> dict[str, Any]:
    """The field `confidence` of a card with the bounds of each conversion."""
    return {conversion: asdict(bound) for conversion, bound in bounds.items()}
