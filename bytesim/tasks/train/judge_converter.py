"""Measures a trained converter on the held-out pairs, and fits the bounds of its confident answers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from bytesim.engine.decode import decode
from bytesim.errors import ContextError
from bytesim.files import write_output
from bytesim.models.interface import writes_bytes
from bytesim.pictures.converter import Point, confidence_png
from bytesim.predictors.confidence import direction_of, nll_nats
from bytesim.predictors.converter import Confidence, ConverterBound, Judged, card_field, fit_converter_bound
from bytesim.predictors.familiarity import InputModel
from bytesim.requests import Asked
from bytesim.training.data.streams import AnyStream, ConvertStream
from bytesim.training.loop import Trainer
from bytesim.training.loss import collate, real_tokens

CONFIDENCE_FILE = "confidence.png"
MOST_PAIRS = 400
"""Most held-out pairs that are converted, and most training pairs that are scored."""
FAILURES_SHOWN = 2
GOOD = 0.98
"""Share of exact answers from which no advice is given."""
GAP = 0.1
"""A greater difference between the shares of training pairs and held-out pairs that are right calls for more pairs."""
MOST_SHOWN = 400
"""Bytes of each file of a failed pair that are kept."""
_AT_ONCE = 16

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class FailedPair:
    """A held-out pair that was not converted exactly, as text; bytes that are not UTF-8 are escaped."""

    source: str
    target: str
    answer: str
    nats: float
    """Negative log-likelihood of the answer."""
    doubt: str
    """Why the answer is not confident; empty if it is."""


@dataclass(frozen=True, kw_only=True)
class JudgedConverter:
    """The results of one conversion on held-out pairs, which also fitted the bounds of its confident answers."""

    conversion: str
    """Such as `csv to json`."""
    trained: int
    """Number of training pairs."""
    trained_exact: float
    """Share of training pairs of which the model gives every byte, given the right ones before it."""
    bound: ConverterBound
    seconds: float
    """Time to convert the held-out pairs."""
    failures: tuple[FailedPair, ...]

    @property
    def advice(self) -> str:
        """What would most probably make the converter better; empty if nearly all pairs are right."""
        exact = self.bound.exact / self.bound.files
        if exact >= GOOD:
            return ""
        learned = f"{self.trained_exact:.0%} of its training pairs and {exact:.0%} of the held-out ones are right"
        if self.trained_exact - exact > GAP:
            return f"{learned}: more than its {self.trained:,} training pairs would help most"
        return f"{learned}: more minutes would help most, or a larger --size"


def is_judged(trainer: Trainer) -> bool:
    """Whether pairs of a folder are held out, so that `judge_converter` can measure the model."""
    return any(stream.source.part == "dev" for stream in _pairs(trainer.validation))


def judge_converters(trainer: Trainer) -> tuple[list[JudgedConverter], dict[str, InputModel]]:
    """Convert held-out pairs of every conversion; draw the confidence of the answers into the run folder.

    Also returns, for each conversion, the model of its inputs, which belongs to the bounds.
    """
    judged, inputs, points = [], {}, []
    for suffixes, streams in _by_conversion(trainer).items():
        training = [stream for stream in _pairs(trainer.mixture.streams) if _suffixes(stream) == suffixes]
        name = direction_of(suffixes)
        others = [source for source, _ in _rows(streams)]
        inputs[name] = InputModel.of([source for source, _ in _rows(training)], others)
        result, shown = _judge(trainer, name, streams, training, inputs[name])
        judged.append(result)
        points += shown
    picture = confidence_png(points, [one.bound.most_nats for one in judged])
    write_output(trainer.folder / CONFIDENCE_FILE, picture, force=True)
    return judged, inputs


def card_fields(judged: Sequence[JudgedConverter]) -> dict[str, Any]:
    """The fields of a card with these results: `confidence` and `results`."""
    return {
        "confidence": card_field({one.conversion: one.bound for one in judged}),
        "results": {
            "conversions": [
                {
                    "conversion": one.conversion,
                    "held_out_pairs": one.bound.files,
                    "exact": one.bound.exact,
                    "confident": one.bound.confident,
                    "confident_and_exact": one.bound.right,
                    "confident_answers_right_at_least": one.bound.at_least,
                    "training_pairs": one.trained,
                    "training_pairs_exact_share": one.trained_exact,
                }
                for one in judged
            ],
            "note": "Decoded greedily, in float32, on pairs that were held out from training; they fitted the bounds "
            "of confident answers. `at_least` is the lower end of the exact interval at the level 95 %.",
        },
    }


def _judge(
    trainer: Trainer,
    conversion: str,
    held_out: Sequence[ConvertStream],
    training: Sequence[ConvertStream],
    inputs: InputModel,
) -> tuple[JudgedConverter, list[Point]]:
    """The results of one conversion, and a point of the picture for each held-out pair."""
    started = time.monotonic()
    pairs = _spread(_rows(held_out))
    suffixes = _suffixes(held_out[0])
    answers = _answers(trainer, pairs, *suffixes)
    seconds = time.monotonic() - started
    returned: list[bytes | None] = [None] * len(pairs)
    if suffixes[::-1] in _by_conversion(trainer):
        back = [(answer, source) for (source, _), (answer, _) in zip(pairs, answers, strict=True)]
        returned = [source for source, _ in _answers(trainer, back, *suffixes[::-1])]
    rows = [
        Judged(
            nats=nats,
            surprises=inputs.surprises(source),
            exact=answer == target,
            converts_back=None if again is None else again == source,
        )
        for (source, target), (answer, nats), again in zip(pairs, answers, returned, strict=True)
    ]
    names = [Path(stream.source.path).name for stream in held_out]
    hashes = "\n".join(dict.fromkeys(stream.sha256 for stream in held_out))
    sha256 = hashes if "\n" not in hashes else hashlib.sha256(hashes.encode()).hexdigest()
    lengths = [(len(source), len(target)) for source, target in _rows(training)]
    bound = fit_converter_bound(rows, lengths, split=f"dev of {', '.join(names)}", split_sha256=sha256)
    confidence = Confidence(bound, inputs)
    failures = [
        FailedPair(
            source=_text(source),
            target=_text(target),
            answer=_text(answer),
            nats=nats,
            doubt=confidence.doubt(source, nats, row.converts_back),
        )
        for (source, target), (answer, nats), row in zip(pairs, answers, rows, strict=True)
        if not row.exact
    ]
    result = JudgedConverter(
        conversion=conversion,
        trained=sum(len(stream) for stream in training),
        trained_exact=_exact_share(trainer, training),
        bound=bound,
        seconds=seconds,
        failures=tuple(failures[:FAILURES_SHOWN]),
    )
    return result, [
        Point(nats=row.nats, exact=row.exact, confident=not bound.doubt(row.nats, row.surprises, row.converts_back))
        for row in rows
    ]


def _answers(
    trainer: Trainer, pairs: Sequence[tuple[bytes, bytes]], source_suffix: str, target_suffix: str
) -> list[tuple[bytes, float]]:
    """The model's answer to each source, and its negative log-likelihood; infinite if it did not end.

    An answer twice as long as the right one is cut off: it is wrong in any case.
    """
    model, size = trainer.model, trainer.recipe.model.patch_size
    assert writes_bytes(model), "a classifier does not convert"
    answers = [(b"", float("inf"))] * len(pairs)
    requests, indices = [], []
    for index, (source, target) in enumerate(pairs):
        try:
            request = model.frame(Asked(suffix=target_suffix, source=source, source_suffix=source_suffix))
        except ContextError:  # a wrong answer, too long to be converted back
            continue
        most = min(request.max_patches, len(request.history) + 2 * (len(target) // size + 2))
        requests.append(replace(request, max_patches=most))
        indices.append(index)
    for row, reply in decode(model, requests, slots=_AT_ONCE):
        nats = nll_nats(reply.data, reply.token_nats, target_suffix) if reply.ended else float("inf")
        answers[indices[row]] = (reply.data, nats)
    return answers


def _exact_share(trainer: Trainer, streams: Sequence[ConvertStream]) -> float:
    """The share of training pairs of which every byte is the likeliest, given the right ones before it."""
    places = _spread([(stream, index) for stream in streams for index in range(len(stream))])
    right, model = 0, trainer.model
    assert writes_bytes(model), "a classifier does not convert"
    model.train(False)
    with torch.no_grad():
        for start in range(0, len(places), _AT_ONCE):
            examples = [stream.example(index) for stream, index in places[start : start + _AT_ONCE]]
            batch = collate(examples, trainer.recipe.model).to(trainer.device)
            rows = batch.targets.shape[1]
            logits = model(batch.patches, batch.source, batch.first, rows, batch.times, batch.source_times)
            hit = (logits.argmax(-1) == batch.targets) | ~real_tokens(batch)
            right += int(hit.flatten(1).all(1).sum())
    return right / max(1, len(places))


def _text(data: bytes) -> str:
    return data[:MOST_SHOWN].decode("utf-8", "backslashreplace") + ("..." if len(data) > MOST_SHOWN else "")


def _spread(rows: list[T]) -> list[T]:
    """At most MOST_PAIRS of the rows, evenly spread."""
    step = -(-len(rows) // MOST_PAIRS)
    return rows[:: max(1, step)]


def _by_conversion(trainer: Trainer) -> dict[tuple[str, str], list[ConvertStream]]:
    """(source suffix, target suffix) -> the validation streams of that conversion."""
    streams: dict[tuple[str, str], list[ConvertStream]] = {}
    for stream in _pairs(trainer.validation):
        streams.setdefault(_suffixes(stream), []).append(stream)
    return streams


def _pairs(streams: Sequence[AnyStream]) -> list[ConvertStream]:
    return [stream for stream in streams if isinstance(stream, ConvertStream)]


def _rows(streams: Sequence[ConvertStream]) -> list[tuple[bytes, bytes]]:
    """All pairs of the streams."""
    return [stream.row(int(row)) for stream in streams for row in stream.rows]


def _suffixes(stream: ConvertStream) -> tuple[str, str]:
    return stream.source.source_suffix, stream.source.target_suffix
