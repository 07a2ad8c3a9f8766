"""The map of a file: labelled windows, and stretches of neighbouring windows with the same label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """A window and its label."""

    start: int
    end: int
    """Offset of the first byte after it."""
    label: str
    """`guess`, or `unknown` if the guess is not probable enough."""
    guess: str
    probability: float
    """The probability of `guess`."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Neighbouring windows with the same label."""

    start: int
    end: int
    label: str
    probability: float
    """Mean over the probabilities of the windows."""
    windows: int
    """Number of windows."""


@dataclass(frozen=True, kw_only=True)
class FragmentMap:
    """A file, labelled from start to end."""

    source: str
    model: str
    num_bytes: int
    window: int
    """Length of a window in bytes; the last may be shorter."""
    step: int
    """Bytes from the start of one window to the start of the next."""
    stretches: tuple[Stretch, ...]
    fragments: tuple[Fragment, ...]
    picture: str | None = None
    """Path of the picture that was drawn; None without one."""

    @property
    def labels(self) -> list[str]:
        """The label of every window, in file order."""
        return [fragment.label for fragment in self.fragments]


def join_fragments(fragments: Sequence[Fragment], step: int) -> tuple[Stretch, ...]:
    """Join neighbouring windows with the same label. If windows overlap, each counts for its first `step` bytes."""
    stretches = []
    for label, run in groupby(fragments, key=lambda fragment: fragment.label):
        joined = list(run)
        last = joined[-1]
        end = last.end if last is fragments[-1] else min(last.end, last.start + step)
        mean = sum(fragment.probability for fragment in joined) / len(joined)
        stretches.append(Stretch(start=joined[0].start, end=end, label=label, probability=mean, windows=len(joined)))
    return tuple(stretches)
