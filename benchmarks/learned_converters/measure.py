"""Trains a converter with `bytesim train convert` and measures it, each step by its command in a new process."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .folders import ODD, TRAIN, UNSEEN, learned_by_heart
from .task import Task

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What became of one task. A figure of confident answers is None if the model has no bound for them."""

    task: str
    pairs: int
    unseen: int
    exact: int
    """Unseen pairs converted exactly."""
    confident: int | None
    """Unseen pairs with a confident answer."""
    confident_right: int | None
    mean_edit_distance: float
    odd: int
    odd_confident: int
    odd_confident_right: int
    """Odd inputs whose answer is confident and what the rule plainly defines."""
    odd_confident_wrong: dict[str, int]
    """Kind -> confident answers that are wrong, or to which no answer is right."""
    odd_right: int
    """Odd inputs with the right answer, confident or not."""
    learned_by_heart: float
    train_s: float | None
    """None, like `steps`, for a model that was trained before."""
    evaluate_s: float
    steps: int | None


def measure(task: Task, folder: Path, training: list[str] | None) -> Measured:
    """Train on FOLDER/train, with options such as ["--minutes", "8"]; measure on FOLDER/unseen and FOLDER/odd.

    Without `training` the model of FOLDER/run is measured. Raises CalledProcessError if a command fails.
    """
    run = folder / "run"
    steps = train_s = None
    if training is not None:
        shutil.rmtree(run, ignore_errors=True)
        suffixes = ["--from", task.source_suffix, "--to", task.target_suffix]
        start = time.perf_counter()
        trained = _bytesim("train", "convert", folder / TRAIN, *suffixes, "--out", run, *training, "--json")
        steps, train_s = trained["steps"], round(time.perf_counter() - start, 1)
    model = str(run / run.name)
    start = time.perf_counter()
    unseen = _bytesim("evaluate", "convert", folder / UNSEEN, "--model", model, "--json")
    evaluate_s = time.perf_counter() - start
    odd = _odd_answers(task, folder, model)
    confident = unseen["confident"]
    return Measured(
        task=task.name,
        pairs=len(list((folder / TRAIN).glob(f"*.{task.source_suffix}"))),
        unseen=unseen["num_files"],
        exact=unseen["answers"]["right"],
        confident=None if confident is None else confident["files"],
        confident_right=None if confident is None else confident["right"],
        mean_edit_distance=round(unseen["mean_edit_distance"], 5),
        odd=len(odd),
        odd_confident=sum(answer.confident for answer in odd),
        odd_confident_right=sum(answer.confident and answer.right for answer in odd),
        odd_confident_wrong=dict(Counter(answer.kind for answer in odd if answer.confident and not answer.right)),
        odd_right=sum(answer.right for answer in odd),
        learned_by_heart=learned_by_heart(task, folder),
        train_s=train_s,
        evaluate_s=round(evaluate_s, 1),
        steps=steps,
    )


@dataclass(frozen=True, kw_only=True)
class OddAnswer:
    kind: str
    confident: bool
    right: bool


def _odd_answers(task: Task, folder: Path, model: str) -> list[OddAnswer]:
    """The answers to the odd inputs; a refused input is neither confident nor right."""
    answers = folder / "odd_answers"
    shutil.rmtree(answers, ignore_errors=True)
    judged = []
    options = ["--model", model, "-o", str(answers), "--json"]
    for row in _bytesim("convert", "files", folder / ODD, *options, fails=True):
        source = Path(row["source"])
        truth = source.with_suffix(f".{task.target_suffix}")
        written = None if row["result"] is None else Path(row["result"]["output"]).read_bytes()
        judged.append(
            OddAnswer(
                kind=source.stem.rpartition("-")[0],
                confident=row["result"] is not None and bool(row["result"]["confident"]),
                right=written is not None and truth.exists() and written == truth.read_bytes(),
            )
        )
    return judged


def _bytesim(*words: str | Path, fails: bool = False) -> Any:
    """The JSON that a command prints; with `fails` it may end with 1, as it does if a file of many is refused."""
    command = [sys.executable, "-m", "bytesim", *map(str, words)]
    errors = subprocess.PIPE if fails else None  # a line for each refused file is of no interest
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, check=False, text=True, encoding="utf-8"
    )
    if done.returncode not in ((0, 1) if fails else (0,)) or not done.stdout:
        raise subprocess.CalledProcessError(done.returncode, command, stderr=done.stderr)
    return json.loads(done.stdout)


def summary(measured: Measured) -> str:
    """One line for a person."""
    unseen, exact, confident = measured.unseen, measured.exact, measured.confident
    parts = [f"exact {exact / unseen:6.1%}"]
    if confident is None or measured.confident_right is None:
        parts.append("no answer is called confident")
    else:
        parts.append(f"confident of the right {measured.confident_right / max(1, exact):6.1%}")
        parts.append(f"right of the confident {measured.confident_right / max(1, confident):7.2%} of {confident}")
    odd = f"odd: {measured.odd_confident} of {measured.odd} confident, {measured.odd_confident_right} of these right"
    parts.append(f"{odd}, {measured.odd_right} right in all")
    if measured.train_s is not None:
        parts.append(f"{measured.steps} steps in {measured.train_s:.0f} s")
    parts.append(f"evaluated in {measured.evaluate_s:.0f} s")
    return f"{measured.task:<12} {'; '.join(parts)}"
