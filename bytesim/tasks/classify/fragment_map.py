"""What stands where inside a file: windows, and stretches of one label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """A window and what it holds."""

    start: int
    end: int
    """The first byte after it."""
    label: str
    """`unknown` where the best guess is not probable enough."""
    guess: str
    probability: float
    """Of `guess`."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Neighbouring windows of one label."""

    start: int
    end: int
    label: str
    probability: float
    """Of the windows' guesses, their mean."""
    windows: int


@dataclass(frozen=True, kw_only=True)
class FragmentMap:
    """A file, labelled from start to end."""

    source: str
    model: str
    num_bytes: int
    window: int
    """Bytes of a window; the last may be shorter."""
    step: int
    """Bytes from the start of one to the start of the next."""
    stretches: tuple[Stretch, ...]
    fragments: tuple[Fragment, ...]
    picture: str | None = None
    """The picture drawn, where one was asked for."""

    @property
    def labels(self) -> list[str]:
        """The label of every window, in file order."""
        return [fragment.label for fragment in self.fragments]


def join_fragments(fragments: Sequence[Fragment], step: int) -> tuple[Stretch, ...]:
    """Neighbours of one label as one; of windows that overlap each stands for its first `step` bytes."""
    stretches = []
    for label, run in groupby(fragments, key=lambda each: each.label):
        joined = list(run)
        last = joined[-1]
        end = last.end if last is fragments[-1] else min(last.end, last.start + step)
        mean = sum(each.probability for each in joined) / len(joined)
        stretches.append(Stretch(start=joined[0].start, end=end, label=label, probability=mean, windows=len(joined)))
    return tuple(stretches)
