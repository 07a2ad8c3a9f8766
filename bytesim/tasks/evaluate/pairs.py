"""`bytesim evaluate convert` on pairs of files: how many answers are exact, and what their confidence is worth."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bytesim.engine.decode import DEFAULT_SLOTS
from bytesim.errors import BytesimError, ConfigError, ContextError
from bytesim.files import Progress
from bytesim.formats.checks import AUTO, find_check
from bytesim.metrics import edit_distance, share_interval
from bytesim.models.folder import read_card
from bytesim.models.store import find_model
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.convert.answers import FileAnswer, answer_confidence, file_answers, file_direction
from bytesim.tasks.convert.model import Meter
from bytesim.tasks.evaluate.pair_split import Pair, load_pairs

EXAMPLES = 3
"""Number of wrong answers to show."""
TUNES = ({"abc", "mid"}, {"abc", "midi"})
"""The suffixes of conversions that `evaluate convert` measures by their notes."""


@dataclass(frozen=True, kw_only=True)
class ShareRight:
    """How many of some answers are exactly right, with the 95 % interval of Clopper and Pearson of their share."""

    files: int
    right: int
    low: float
    high: float

    @classmethod
    def of(cls, rights: Sequence[bool]) -> ShareRight:
        """The share of answers of which it is known whether each is right."""
        low, high = share_interval(sum(rights), len(rights))
        return cls(files=len(rights), right=sum(rights), low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """The answer to one source."""

    source: str
    """Path of the source below the folder."""
    exact: bool
    edit_distance: float
    """Least number of changed bytes that makes the answer right, over the length of the longer; 1 without an answer."""
    nll_nats: float | None
    """Negative log-likelihood of the answer; None without an answer."""
    confident: bool | None
    """None without an answer, or if the model's card does not tell."""
    error: str | None
    """Why there is no answer."""


@dataclass(frozen=True, kw_only=True)
class WrongAnswer:
    """A wrong answer as text; bytes that cannot be printed are escaped."""

    source_name: str
    source: str
    expected: str
    answer: str | None
    """None without an answer."""
    error: str | None


@dataclass(frozen=True, kw_only=True)
class PairsEvaluation:
    """The results of a converter on pairs of files. A source without an answer counts as wrong."""

    model: str
    source_suffix: str
    target_suffix: str
    split: str
    split_sha256: str
    num_files: int
    split_files: int
    """Pairs in the whole folder; `num_files` of them were used."""
    decoding: str
    answers: ShareRight
    """All pairs."""
    confident: ShareRight | None
    """The confident answers; None if the model's card does not tell which ones are."""
    not_confident: ShareRight | None
    """The other answers."""
    refused: int
    """Number of sources that are too long for the model."""
    failed: int
    """Number of sources whose answer did not end, or is not valid."""
    mean_edit_distance: float
    seconds: float
    bytes_per_second: float
    """Speed of decoding all files together."""
    wrong: tuple[WrongAnswer, ...]
    """The first ones."""
    files: tuple[PairResult, ...]


def evaluate_pairs(
    pairs: str | Path,
    *,
    model: str,
    source_suffix: str | None = None,
    target_suffix: str | None = None,
    check: str = AUTO,
    limit: int | None = None,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> PairsEvaluation:
    """Convert the source of every pair of a folder, as `convert_files` would, and compare with the target, by bytes.

    A pair is NAME.source_suffix and NAME.target_suffix; both are known if the model's card has one conversion. `check`
    is that of `convert_files`: an answer that does not pass counts as wrong. `limit` is the number of pairs to use, the
    first ones. Raises ConfigError, InputError and ModelError.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"limit {limit} is out of range; choose 1 or more.")
    find_check(check, "")
    writer = load_writer(model, device=device, dtype=dtype, rows=slots, engine_backend=engine_backend)
    direction = file_direction(*_conversion(writer, source_suffix, target_suffix))
    split = load_pairs(pairs, *direction.suffixes, limit=limit)
    sources = [pair.source for pair in split.pairs]
    meter = Meter(sum(map(len, sources)), direction.growth, on_progress)
    start = time.perf_counter()
    answers: dict[int, FileAnswer | BytesimError] = dict(
        file_answers(
            writer,
            sources,
            direction,
            check=find_check(check, direction.target),
            slots=slots,
            jobs=jobs,
            on_bytes=meter.add,
        )
    )
    seconds = time.perf_counter() - start
    results = [_judged(pair, answers[index]) for index, pair in enumerate(split.pairs)]
    errors = [answer for answer in answers.values() if isinstance(answer, BytesimError)]
    refused = sum(isinstance(error, ContextError) for error in errors)
    wrong = [index for index, result in enumerate(results) if not result.exact][:EXAMPLES]
    tells = answer_confidence(writer, direction) is not None
    return PairsEvaluation(
        model=writer.name,
        source_suffix=direction.source,
        target_suffix=direction.target,
        split=split.name,
        split_sha256=split.sha256,
        num_files=len(results),
        split_files=split.num_pairs,
        decoding=f"greedy, {writer.number_type}" + f", {slots} files at once",
        answers=ShareRight.of([result.exact for result in results]),
        confident=ShareRight.of([result.exact for result in results if result.confident]) if tells else None,
        not_confident=ShareRight.of([result.exact for result in results if result.confident is False])
        if tells
        else None,
        refused=refused,
        failed=len(errors) - refused,
        mean_edit_distance=sum(result.edit_distance for result in results) / len(results),
        seconds=seconds,
        bytes_per_second=meter.done / max(seconds, 1e-9),
        wrong=tuple(_wrong(split.pairs[index], answers[index]) for index in wrong),
        files=tuple(results),
    )


def converts_tunes(model: str) -> bool:
    """Whether a model's card names a conversion of tunes, or none at all. Raises ModelError."""
    tasks = read_card(find_model(model).folder).get("tasks")
    conversions = [task for task in tasks if task.get("task") == "convert"] if isinstance(tasks, list) else []
    suffixes = [{task.get("source_suffix"), task.get("target_suffix")} for task in conversions]
    return not suffixes or any(pair in TUNES for pair in suffixes)


def pairs_csv(evaluation: PairsEvaluation) -> bytes:
    """A CSV table with a row for each pair: source, exact, edit_distance, nll_nats, confident, error."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["source", "exact", "edit_distance", "nll_nats", "confident", "error"])
    for file in evaluation.files:
        nats = None if file.nll_nats is None else f"{file.nll_nats:.6f}"
        rows.writerow(
            [file.source, _word(file.exact), f"{file.edit_distance:.6f}", nats, _word(file.confident), file.error]
        )
    return text.getvalue().encode("utf-8", "surrogateescape")


def _word(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()


def _conversion(writer: Writer, source: str | None, target: str | None) -> tuple[str, str]:
    """The suffixes asked for, completed from the model's card. Raises ConfigError, ModelError."""
    source, target = (None if suffix is None else suffix.lower().lstrip(".") for suffix in (source, target))
    if source and target:
        writer.check_converts(source, target)
        return source, target
    known = [pair for pair in writer.conversions or () if source in (None, pair[0]) and target in (None, pair[1])]
    if len(known) != 1:
        listed = ", ".join(f".{a} to .{b}" for a, b in writer.conversions or ()) or "no conversion that its card names"
        raise ConfigError(f"the model {writer.name!r} converts {listed}. Say which with --from and --to.")
    return known[0]


def _judged(pair: Pair, answer: FileAnswer | BytesimError) -> PairResult:
    if isinstance(answer, BytesimError):
        return PairResult(
            source=pair.name, exact=False, edit_distance=1.0, nll_nats=None, confident=None, error=str(answer)
        )
    distance = edit_distance(answer.data, pair.target) / max(len(answer.data), len(pair.target))
    return PairResult(
        source=pair.name,
        exact=answer.data == pair.target,
        edit_distance=distance,
        nll_nats=answer.nll_nats,
        confident=answer.confident,
        error=None,
    )


def _wrong(pair: Pair, answer: FileAnswer | BytesimError) -> WrongAnswer:
    return WrongAnswer(
        source_name=pair.name,
        source=_printable(pair.source),
        expected=_printable(pair.target),
        answer=None if isinstance(answer, BytesimError) else _printable(answer.data),
        error=str(answer) if isinstance(answer, BytesimError) else None,
    )


def _printable(data: bytes) -> str:
    """Bytes as text of one line."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
