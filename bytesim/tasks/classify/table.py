"""The answers of `bytesim classify` as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from bytesim.files import Outcome
from bytesim.tasks.classify.answers import Answer, Classified
from bytesim.tasks.classify.fragment_map import FragmentMap


def files_csv(outcomes: Sequence[Outcome[Classified]]) -> bytes:
    """A header, and a line for each file; the line of a file that could not be read has only its name and the error.

    Columns `label_2`, `probability_2` and so on are present if more than one label was asked for, and columns that
    begin with `then_` if a second model answered.
    """
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    more = max((len(result.answer.top) for result in results), default=1) - 1
    then = any(result.then is not None for result in results)
    head = ["file", "label", "probability", "guess", "model", "read", "changed"]
    head += [f"{name}_{rank}" for rank in range(2, more + 2) for name in ("label", "probability")]
    head += (
        ["then_label", "then_probability", "then_guess", "then_model", "then_changed", "then_outlier"] if then else []
    )
    rows = [
        [outcome.source, *_columns(outcome.result, more, then), *_content(outcome.result), outcome.error or ""]
        for outcome in outcomes
    ]
    return _csv([*head, "content", "outlier", "error"], rows)


def _content(result: Classified | None) -> tuple[str, str]:
    """Whether the file is text, binary or empty, and whether it is an outlier; empty if it could not be read."""
    return ("", "") if result is None else (result.answer.content, _outlier(result.answer))


def _outlier(answer: Answer) -> str:
    return "yes" if answer.outlier else "no"


def fragments_csv(fragment_map: FragmentMap) -> bytes:
    """A header, and a line for each window of a file; `end` is the offset of the first byte after it."""
    head = ["start", "end", "label", "probability", "guess"]
    rows = [
        [window.start, window.end, window.label, _digits(window.probability), window.guess]
        for window in fragment_map.fragments
    ]
    return _csv(head, rows)


def _columns(result: Classified | None, more: int, then: bool) -> list[str]:
    if result is None:
        return [""] * (6 + 2 * more + 6 * then)
    first = result.answer
    columns = [first.label, _digits(first.probability), first.guess, first.model, first.read, first.changed]
    for guess in first.top[1:]:
        columns += [guess.label, _digits(guess.probability)]
    columns += [""] * (6 + 2 * more - len(columns))
    return columns + _then(result.then) if then else columns


def _then(answer: Answer | None) -> list[str]:
    if answer is None:
        return [""] * 6
    digits = _digits(answer.probability)
    return [answer.label, digits, answer.guess, answer.model, answer.changed, _outlier(answer)]


def _digits(probability: float) -> str:
    return f"{probability:.6f}"


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")
