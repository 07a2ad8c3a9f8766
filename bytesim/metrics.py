"""The metrics of every table and model card, defined once. Needs numpy alone.

Bits per byte counts real bytes. Conversions are scored by bytes and by notes over the whole split; a file that
failed counts as wrong. CPU traces are scored byte by byte; a missing or surplus byte counts as wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import eq
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray


def bits_per_byte(total_nats: float, num_bytes: int) -> float:
    """Bits per real byte: `total_nats` sums -ln p over the real bytes and the first end-of-patch after the last.

    Raises ValueError if there are no bytes.
    """
    if num_bytes < 1:
        raise ValueError(f"bits per byte needs at least one byte, not {num_bytes}")
    return total_nats / math.log(2) / num_bytes


def edit_distance(a: bytes, b: bytes) -> int:
    """Least number of bytes to insert, delete or replace that makes `b` of `a` (Levenshtein 1966).

    One row of the table at a time (Wagner and Fischer 1974): memory O(len(b)), time O(len(a) * len(b)).
    """
    start = next((index for index, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    letters, columns = np.frombuffer(b, np.uint8), np.arange(len(b) + 1)
    row = columns.copy()
    for letter in a:
        kept_or_replaced = row[:-1] + (letters != letter)
        row += 1  # the letter of `a` is deleted
        np.minimum(row[1:], kept_or_replaced, out=row[1:])
        # Insertions: each entry is at most one more than its left neighbour, so the least (row - column) so far counts.
        row = np.minimum.accumulate(row - columns) + columns
    return int(row[-1])


def share_interval(right: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """The exact confidence interval of a share, of which `right` of `of` were seen (Clopper and Pearson 1934).

    (0, 1) for `of` 0.
    """
    tail = (1 - level) / 2
    low = 0.0 if right == 0 else _root(lambda share: 1 - _binomial_cdf(right - 1, of, share) - tail)
    high = 1.0 if right == of else _root(lambda share: tail - _binomial_cdf(right, of, share))
    return low, high


def _root(rising: Callable[[float], float]) -> float:
    """Where a rising function of a share in 0..1 passes zero, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2


def _binomial_cdf(most: int, trials: int, share: float) -> float:
    """The probability of at most `most` successes in `trials`, each with probability `share` in 0..1, both excluded."""
    counts = np.arange(most + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log((trials - counts[:-1]) / (counts[:-1] + 1)))])
    return float(np.exp(logs + counts * math.log(share) + (trials - counts) * math.log1p(-share)).sum())


NoteKey = tuple[Fraction, int, Fraction]
"""(onset, pitch, length), the times in 1/480 of a quarter note: two notes are equal if these are."""


class SoundingNote(Protocol):
    """A note that can be compared, such as `bytesim.formats.midi.Note`."""

    @property
    def pitch(self) -> int: ...
    @property
    def onset_ticks480(self) -> int | Fraction: ...
    @property
    def duration_ticks480(self) -> int | Fraction: ...


def note_f1(notes_a: Iterable[SoundingNote], notes_b: Iterable[SoundingNote]) -> float:
    """F1 of two multisets of (onset, pitch, duration), over all channels and tracks.

    Symmetric, from 0 to 1. Two files without notes score 1.
    """
    a, b = note_counts(notes_a), note_counts(notes_b)
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def near_note_f1(notes_a: Iterable[SoundingNote], notes_b: Iterable[SoundingNote], ticks480: int) -> float:
    """F1 of two sets of notes, where onset and end of a note may each differ by `ticks480`.

    The notes of a pitch are paired in the order of their onsets. Symmetric, from 0 to 1.
    """
    a, b = _by_pitch(notes_a), _by_pitch(notes_b)
    total = sum(map(len, a.values())) + sum(map(len, b.values()))
    pairs = 0
    for pitch, ours in a.items():
        theirs, index = b.get(pitch, []), 0
        for onset, end in ours:
            while index < len(theirs) and theirs[index][0] < onset - ticks480:
                index += 1
            if index < len(theirs) and theirs[index][0] <= onset + ticks480 and abs(theirs[index][1] - end) <= ticks480:
                pairs, index = pairs + 1, index + 1
    return 2 * pairs / total if total else 1.0


def _by_pitch(notes: Iterable[SoundingNote]) -> dict[int, list[tuple[Fraction, Fraction]]]:
    """Pitch -> (onset, end) of its notes, in order."""
    by_pitch: dict[int, list[tuple[Fraction, Fraction]]] = {}
    for note in notes:
        onset = Fraction(note.onset_ticks480)
        by_pitch.setdefault(note.pitch, []).append((onset, onset + Fraction(note.duration_ticks480)))
    return {pitch: sorted(spans) for pitch, spans in by_pitch.items()}


def same_notes(notes_a: Iterable[SoundingNote], notes_b: Iterable[SoundingNote]) -> bool:
    """Whether the two multisets of (onset, pitch, duration) are equal."""
    return note_counts(notes_a) == note_counts(notes_b)


def note_counts(notes: Iterable[SoundingNote]) -> Counter[NoteKey]:
    """The multiset of (onset, pitch, duration)."""
    return Counter((Fraction(note.onset_ticks480), note.pitch, Fraction(note.duration_ticks480)) for note in notes)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertResult:
    """One file of a conversion run. `failed` is for a refusal, an error or a file that never ended."""

    identical_raw: bool = False
    """The model's bytes equal the expected ones before mending, track lengths included."""
    identical: bool = False
    """They equal the expected ones after mending."""
    parses: bool = False
    note_f1: float = 0.0

    @classmethod
    def failed(cls) -> ConvertResult:
        """Nothing identical, nothing parsed, F1 0."""
        return cls()

    @classmethod
    def of(cls, expected: bytes, raw: bytes, mended: bytes | None, f1: float | None) -> ConvertResult:
        """Compare an output with the expected bytes; `mended` and `f1` are None if it does not parse."""
        if mended is None or f1 is None:
            return cls(identical_raw=raw == expected)
        return cls(identical_raw=raw == expected, identical=mended == expected, parses=True, note_f1=f1)


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertScore:
    """A conversion run over a whole split. The denominator of every share is `num_files`."""

    num_files: int
    identical_raw: float
    """Share of byte-identical files before mending."""
    identical: float
    """Share of byte-identical files after mending."""
    parsed: float
    """Share of outputs that parse."""
    mean_note_f1: float
    share_f1_above_99: float
    """Share of files whose note F1 is above 0.99."""
    same_notes: float
    """Share of files whose note F1 is 1: the identical multiset of notes."""


def score_converts(results: Iterable[ConvertResult]) -> ConvertScore:
    """The means over all files, failures included. Raises ValueError for no files."""
    rows = list(results)
    if not rows:
        raise ValueError("a conversion run needs at least one file")
    f1 = np.array([row.note_f1 for row in rows], np.float64)
    return ConvertScore(
        num_files=len(rows),
        identical_raw=float(np.mean([row.identical_raw for row in rows])),
        identical=float(np.mean([row.identical for row in rows])),
        parsed=float(np.mean([row.parses for row in rows])),
        mean_note_f1=float(f1.mean()),
        share_f1_above_99=float(np.mean(f1 > 0.99)),
        same_notes=float(np.mean(f1 == 1.0)),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class StateScore:
    """State bytes of CPU programs after the first state."""

    num_programs: int
    bytes_right: int
    bytes_total: int
    programs_right: int
    """Programs with every state byte right and none missing or surplus."""

    @property
    def byte_accuracy(self) -> float:
        """Share of state bytes that are right; 1 if there were none to predict."""
        return self.bytes_right / self.bytes_total if self.bytes_total else 1.0

    @property
    def program_accuracy(self) -> float:
        """Share of programs with every byte right; nan for no programs."""
        return self.programs_right / self.num_programs if self.num_programs else math.nan


def state_accuracy(predicted: bytes, reference: bytes) -> StateScore:
    """Score one program's free-running states against those of the exact machine.

    Both come without memory and first state. The denominator is the longer of the two, so a missing or surplus byte
    counts as wrong.
    """
    right = sum(map(eq, predicted, reference))
    total = max(len(predicted), len(reference))
    return StateScore(num_programs=1, bytes_right=right, bytes_total=total, programs_right=int(right == total))


def sum_states(scores: Iterable[StateScore]) -> StateScore:
    """The score of all programs together; every byte has the same weight."""
    rows = list(scores)
    return StateScore(
        num_programs=sum(row.num_programs for row in rows),
        bytes_right=sum(row.bytes_right for row in rows),
        bytes_total=sum(row.bytes_total for row in rows),
        programs_right=sum(row.programs_right for row in rows),
    )


def states_by_length(
    scores: Iterable[tuple[int, StateScore]], edges: Sequence[int] = (16, 32, 64, 128, 256)
) -> dict[str, StateScore]:
    """Scores grouped by the program's length in instructions, as "1-16", "17-32", ...; empty groups are left out.

    `edges` are the greatest lengths of the groups, in rising order; longer programs form a last group, "257+".
    """
    groups: dict[int, list[StateScore]] = {}
    for length, score in scores:
        groups.setdefault(int(np.searchsorted(edges, length)), []).append(score)
    lows = [1, *(edge + 1 for edge in edges)]
    names = [*(f"{low}-{high}" for low, high in zip(lows[:-1], edges, strict=True)), f"{lows[-1]}+"]
    return {names[index]: sum_states(rows) for index, rows in sorted(groups.items())}


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassificationScore:
    """How a classifier does on a split."""

    num_files: int
    accuracy: float
    macro_accuracy: float
    """Mean recall: the share of a class's files that are right, averaged over the classes that occur."""
    macro_f1: float
    expected_calibration_error: float
    confusion: tuple[tuple[int, ...], ...]
    """(C, C) counts: row the true class, column the predicted one."""


def score_classification(probabilities: ArrayLike, labels: ArrayLike, *, num_bins: int = 15) -> ClassificationScore:
    """Score (N, C) class probabilities against N true classes 0..C - 1. The most probable class is the answer.

    Raises ValueError for shapes or labels that do not fit, and for no rows.
    """
    table = np.asarray(probabilities, np.float64)
    truth = np.asarray(labels, np.int64)
    if table.ndim != 2 or truth.shape != table.shape[:1] or not truth.size:
        raise ValueError(f"probabilities {table.shape} and labels {truth.shape} must be (N, C) and (N,) with N > 0")
    confusion = confusion_matrix(truth, table.argmax(1), table.shape[1])
    return ClassificationScore(
        num_files=truth.size,
        accuracy=float(np.trace(confusion) / truth.size),
        macro_accuracy=macro_accuracy(confusion),
        macro_f1=macro_f1(confusion),
        expected_calibration_error=calibration_error(table, truth, num_bins=num_bins),
        confusion=tuple(map(tuple, confusion.tolist())),
    )


def confusion_matrix(labels: ArrayLike, predictions: ArrayLike, num_classes: int) -> NDArray[np.int64]:
    """(C, C) counts: row the true class, column the predicted one. Raises ValueError for a class outside 0..C - 1."""
    truth, answer = np.asarray(labels, np.int64), np.asarray(predictions, np.int64)
    if truth.shape != answer.shape or truth.ndim != 1:
        raise ValueError(f"labels {truth.shape} and predictions {answer.shape} must be one row each, of one length")
    for classes in (truth, answer):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(f"classes run from 0 to {num_classes - 1}; found {classes.min()} to {classes.max()}")
    counts = np.bincount(truth * num_classes + answer, minlength=num_classes**2)
    return counts.astype(np.int64).reshape(num_classes, num_classes)


def macro_accuracy(confusion: NDArray[np.int64]) -> float:
    """Mean recall over the classes that occur as labels; 0 if none does."""
    files = confusion.sum(1)
    present = files > 0
    return float(np.mean(np.diag(confusion)[present] / files[present])) if present.any() else 0.0


def macro_f1(confusion: NDArray[np.int64]) -> float:
    """Mean F1 over the classes that occur as labels or as predictions; 0 if none does."""
    right = np.diag(confusion).astype(np.float64)
    mentions = confusion.sum(0) + confusion.sum(1)
    present = mentions > 0
    return float(np.mean(2 * right[present] / mentions[present])) if present.any() else 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CalibrationBins:
    """Files grouped by confidence into bins of equal width: (M,) each."""

    files: NDArray[np.int64]
    confidence: NDArray[np.float64]
    """Mean over the files of a bin; 0 for an empty bin."""
    accuracy: NDArray[np.float64]


def calibration_bins(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], *, num_bins: int = 15
) -> CalibrationBins:
    """Compare confidence, the greatest probability of a row, with accuracy, bin by bin.

    Source: Guo et al. 2017, arXiv:1706.04599, section 2.
    """
    confidence = probabilities.max(1)
    right = (probabilities.argmax(1) == labels).astype(np.float64)
    # Bins are open below and closed above, (0, 1/M], ..., as in the paper.
    bins = np.clip(np.ceil(confidence * num_bins).astype(np.int64) - 1, 0, num_bins - 1)
    files = np.bincount(bins, minlength=num_bins)
    some = np.maximum(files, 1)
    return CalibrationBins(
        files=files,
        confidence=np.bincount(bins, confidence, num_bins) / some,
        accuracy=np.bincount(bins, right, num_bins) / some,
    )


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.int64], *, num_bins: int = 15) -> float:
    """Expected calibration error: |confidence - accuracy| of the bins, weighted by their files.

    Source: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    bins = calibration_bins(probabilities, labels, num_bins=num_bins)
    return float((np.abs(bins.confidence - bins.accuracy) * bins.files).sum() / bins.files.sum())


PAIRS_SHOWN = 12
"""Greatest number of confused pairs that are listed."""


@dataclass(frozen=True, kw_only=True)
class ConfusedPair:
    """Files of one class that were answered with another."""

    label: str
    answer: str
    files: int
    share: float
    """Of the files of `label`."""


def confused_pairs(score: ClassificationScore, labels: Sequence[str], limit: int = PAIRS_SHOWN) -> list[ConfusedPair]:
    """The pairs (true class, wrong answer) with the greatest shares of the true class's files, the worst first."""
    counts = np.array(score.confusion, np.int64)
    shares = row_shares(counts)
    np.fill_diagonal(shares, 0.0)
    worst = np.lexsort((-counts.ravel(), -shares.ravel()))[:limit]
    rows, columns = np.unravel_index(worst, shares.shape)
    return [
        ConfusedPair(
            label=labels[row], answer=labels[column], files=int(counts[row, column]), share=float(shares[row, column])
        )
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
        if shares[row, column]
    ]


def row_shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each row of a confusion matrix as shares of its sum; 0 for a class without files."""
    return counts / np.maximum(counts.sum(1, keepdims=True), 1)
