"""The parts of a file: padding, files whose ends their formats give, and what the classifier tells in the rest."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from bytesim.formats.extents.reading import Bytes
from bytesim.formats.extents.scan import Extent, extents
from bytesim.formats.filetypes import UNKNOWN
from bytesim.formats.text import is_text
from bytesim.predictors.calibration import are_unknown, best_guesses
from bytesim.predictors.classifier import Classifier
from bytesim.tasks.detect.changes import LEARNED, best_path, exact_border, sides, unlikeness
from bytesim.tasks.detect.segments import PADDING, Segment
from bytesim.tasks.detect.windows import WINDOW, block_evidence, named, step_of

_LEAST_PADDING = 4096
"""Least length of padding inside of other content: shorter runs of one byte are part of many formats."""
_PAGE = 1 << 20
_ALIKE = 0.7
"""Bits per byte, see `unlikeness`, below which two neighbours are one segment."""
_SAME_AS_WINDOWS = np.e
"""How many times likelier the label by the windows is made before the ends of a segment name it."""

OnBytes = Callable[[int], None]


def find_parts(data: Bytes, classifier: Classifier, on_bytes: OnBytes) -> tuple[list[Segment], int]:
    """All segments of a file, in their order, and the step of the windows."""
    found = list(extents(data))
    exact = [
        Segment(start=each.start, end=each.end, label=each.type, guess=each.type, probability=1.0, exact=True)
        for each in found
        if each.end is not None
    ]
    padding = [
        Segment(start=start, end=end, label=PADDING, guess=PADDING, probability=1.0, exact=True)
        for start, end in runs(data)
    ]
    known = sorted(exact + _outside(padding, exact), key=lambda each: each.start)
    gaps = list(_gaps(known, len(data)))
    step = step_of(sum(end - start for start, end in gaps))
    on_bytes(sum(each.end - each.start for each in known))
    hints = [each for each in found if each.end is None]
    rest = [part for start, end in gaps for part in _split(data, start, end, step, hints, classifier, on_bytes)]
    return sorted(known + rest, key=lambda each: each.start), step


def runs(data: Bytes) -> Iterator[tuple[int, int]]:
    """The runs of at least _LEAST_PADDING bytes of one value."""
    begin, value = 0, -1
    for base in range(0, len(data), _PAGE):
        part = np.frombuffer(data[base : base + _PAGE], np.uint8)
        if not len(part):
            return
        starts = base + np.flatnonzero(np.concatenate([[part[0] != value], part[1:] != part[:-1]]))
        borders = np.concatenate([[begin], starts])
        for place in np.flatnonzero(np.diff(borders) >= _LEAST_PADDING):
            yield int(borders[place]), int(borders[place + 1])
        begin, value = int(borders[-1]), int(part[-1])
    if len(data) - begin >= _LEAST_PADDING:
        yield begin, len(data)


def _outside(padding: Sequence[Segment], files: Sequence[Segment]) -> list[Segment]:
    """The runs of padding of which no byte is in a file."""
    starts = [each.start for each in files]
    kept = []
    for run in padding:
        before = bisect_right(starts, run.start)
        free_before = before == 0 or files[before - 1].end <= run.start
        if free_before and (before == len(files) or files[before].start >= run.end):
            kept.append(run)
    return kept


def _gaps(known: Sequence[Segment], num_bytes: int) -> Iterator[tuple[int, int]]:
    ends = [0, *(each.end for each in known)]
    starts = [*(each.start for each in known), num_bytes]
    return ((start, end) for start, end in zip(ends, starts, strict=True) if end > start)


def _split(
    data: Bytes, start: int, end: int, step: int, hints: Sequence[Extent], classifier: Classifier, on_bytes: OnBytes
) -> list[Segment]:
    """The segments of a gap between the parts whose ends are known."""
    if end - start < _LEAST_PADDING and len(set(data[start:end])) == 1:
        on_bytes(end - start)
        return [Segment(start=start, end=end, label=PADDING, guess=PADDING, probability=1.0, exact=True)]
    signed: dict[int, list[int]] = defaultdict(list)
    starts = [each.start for each in hints]
    inside = hints[bisect_left(starts, start) : bisect_left(starts, end)]
    for each in inside:
        if each.type in classifier.labels:
            signed[round((each.start - start) / step)].append(classifier.labels.index(each.type))
    path = best_path(block_evidence(data, start, end, step, classifier, on_bytes), signed)
    borders = [start, *(start + first * step for first, _, _ in path[1:]), end]
    labels = [label for _, _, label in path]
    if step <= WINDOW:
        signatures = [each.start for each in inside]
        for place in range(1, len(borders) - 1):
            borders[place] = _exact(data, borders[place - 1], borders[place], borders[place + 1], signatures, step)
    pieces = [piece for piece in zip(borders, borders[1:], labels, strict=False) if piece[1] > piece[0]]
    segments = [_named(data, *piece, classifier) for piece in _different(data, pieces)]
    return list(_joined(segments))


def _different(data: Bytes, pieces: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The pieces (start, end, class) of a gap; one that resembles the one before it is a part of that one."""
    kept: list[tuple[int, int, int]] = []
    for start, end, label in pieces:
        if kept:
            first, last, before = kept[-1]
            left, right = data[max(first, last - LEARNED) : last], data[start : min(end, start + LEARNED)]
            if unlikeness(left, right) < _ALIKE:
                kept[-1] = first, end, before if last - first >= end - start else label
                continue
        kept.append((start, end, label))
    return kept


def _exact(data: Bytes, start: int, border: int, end: int, signatures: Sequence[int], step: int) -> int:
    """The exact place of a border between two segments."""
    first, last = bisect_left(signatures, border - step), bisect_right(signatures, border + step)
    near = [place for place in signatures[first:last] if start < place < end]
    if near:
        return min(near, key=lambda place: abs(place - border))
    left, around, right = (data[one:other] for one, other in sides(border, start, end))
    if not left or not right:
        return border
    place = exact_border(left, around, right, lines=is_text(left) and is_text(right))
    return sides(border, start, end)[1][0] + place


def _named(data: Bytes, start: int, end: int, label: int, classifier: Classifier) -> Segment:
    """A segment with the label that its ends and its windows give."""
    probabilities = named(data, start, end, classifier)
    probabilities[label] *= _SAME_AS_WINDOWS
    probabilities /= probabilities.sum()
    place = int(best_guesses(probabilities[None], classifier.labels)[0])
    guess, probability = classifier.labels[place], float(probabilities[place])
    unknown = bool(are_unknown(probabilities[None], classifier.labels, classifier.rule)[0])
    name = UNKNOWN if unknown else guess
    return Segment(start=start, end=end, label=name, guess=guess, probability=probability, exact=False)


def _joined(segments: Sequence[Segment]) -> Iterator[Segment]:
    """The segments, with neighbours of one label made one."""
    last: Segment | None = None
    for each in segments:
        if last is not None and last.guess == each.guess:
            share = (last.end - last.start) / (each.end - last.start)
            mean = share * last.probability + (1 - share) * each.probability
            last = replace(last if share >= 0.5 else each, start=last.start, end=each.end, probability=mean)
            continue
        if last is not None:
            yield last
        last = each
    if last is not None:
        yield last
