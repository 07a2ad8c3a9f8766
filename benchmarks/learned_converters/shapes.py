"""Controlled trials: the same training with parts of the converter left out, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bytesim.tasks.evaluate.pairs import evaluate_pairs
from bytesim.tasks.train.folders import convert_recipe
from bytesim.tasks.train.train import train_recipe
from bytesim.training.recipe import Recipe, recipe_text

from .folders import TRAIN, UNSEEN
from .task import Task

RECIPE_FILE = "recipe.toml"
_PARTS: dict[str, dict[str, Any]] = {
    "source attention alone": {"copying": False, "numerals": False, "words": 0.0},
    "+ copying": {"numerals": False, "words": 0.0},
    "+ replaced words": {"numerals": False},
    "+ numbers in both notations": {},
}
"""Name of a shape -> what it lacks; the last one is that of `bytesim train convert`."""
SHAPES = tuple(_PARTS)


@dataclass(frozen=True, kw_only=True)
class ShapeResult:
    """One training of a controlled trial."""

    task: str
    shape: str
    steps: int
    exact: int
    unseen: int
    seconds: float
    """Of the training."""


def try_shapes(task: Task, folder: Path, steps: int, size: str, show: Callable[[ShapeResult], None]) -> None:
    """Train every shape for some steps on FOLDER/train, convert FOLDER/unseen, and call `show` with each result."""
    for number, shape in enumerate(SHAPES):
        run = folder / f"shape-{number}"
        run.mkdir(parents=True, exist_ok=True)
        made = convert_recipe([folder / TRAIN], run, task.source_suffix, task.target_suffix, size)
        (run / RECIPE_FILE).write_text(recipe_text(_shaped(made, **_PARTS[shape]), shape), encoding="utf-8")
        start = time.perf_counter()
        trained = train_recipe(run / RECIPE_FILE, out=run, steps=steps)
        seconds = time.perf_counter() - start
        answers = evaluate_pairs(folder / UNSEEN, model=str(trained.model_folder), check="none").answers
        show(
            ShapeResult(
                task=task.name,
                shape=shape,
                steps=steps,
                exact=answers.right,
                unseen=answers.files,
                seconds=round(seconds, 1),
            )
        )


def _shaped(recipe: Recipe, *, words: float | None = None, **fields: Any) -> Recipe:
    """The recipe with another share of replaced words, and with other fields of the model's config."""
    data = recipe.data if words is None else tuple(source.replace(replace_words=words) for source in recipe.data)
    return replace(recipe, model=replace(recipe.model, **fields), data=data)
