"""The learning curve of a converter: how many held-out pairs are right after learning from fewer pairs. No torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from bytesim.tasks.train.result import Trained
from bytesim.training.recipe import Recipe
from bytesim.training.sources import ConvertSource

SHARES = (0.25, 0.5)
"""Shares of the training pairs from which a converter is learned again."""
CURVE_FOLDER = "curve"


@dataclass(frozen=True, kw_only=True)
class CurvePoint:
    """What a converter that learned from some of the pairs makes of the held-out ones."""

    conversion: str
    pairs: int
    """Training pairs."""
    files: int
    """Held-out pairs."""
    exact: int
    """Of these, pairs converted exactly."""

    @property
    def share(self) -> float:
        """Share of the held-out pairs that is converted exactly."""
        return self.exact / self.files


def learning_curve(
    recipe: Recipe, folder: Path, trained: Trained, train: Callable[[Recipe, Path], Trained]
) -> tuple[CurvePoint, ...]:
    """Learn again from a quarter and from half of the pairs, as many steps, and measure on the same held-out pairs.

    `train` trains a recipe whose paths are relative to `folder` in a run folder below it. The last point of each
    conversion is that of `trained`.
    """
    points: list[CurvePoint] = []
    for share in SHARES:
        data = tuple(
            source.replace(train_share=share) if isinstance(source, ConvertSource) else source for source in recipe.data
        )
        length = recipe.training.replace(steps=trained.steps, minutes=0.0)
        part = replace(recipe, data=data, training=length)
        points += _points(train(part, folder / CURVE_FOLDER / f"{share:.0%}".rstrip("%")))
    return (*points, *_points(trained))


def expected_with_twice(points: tuple[CurvePoint, ...]) -> float:
    """The expected share of right answers with twice the pairs, from the `points` of one conversion.

    The share of errors is expected to fall once more by the factor of the last doubling, and never to rise: it follows
    a power law of the number of pairs (Hestness et al. 2017, arXiv:1712.00409).
    """
    before, last = (1 - point.share for point in points[-2:])
    return 1 - last * min(1.0, last / before) if before else 1 - last


def curve_lines(points: tuple[CurvePoint, ...]) -> list[str]:
    """A line for each conversion: the shares, and what twice the pairs may be expected to give."""
    lines = []
    for conversion in dict.fromkeys(point.conversion for point in points):
        own = tuple(point for point in points if point.conversion == conversion)
        shares = ", ".join(f"{point.share:.1%} after {point.pairs:,} pairs" for point in own)
        lines.append(
            f"learning curve of {conversion}: {shares}; twice as many pairs would give about "
            f"{expected_with_twice(own):.1%}"
        )
    return lines


def _points(trained: Trained) -> list[CurvePoint]:
    return [
        CurvePoint(conversion=one.conversion, pairs=one.trained, files=one.bound.files, exact=one.bound.exact)
        for one in trained.converters
    ]
