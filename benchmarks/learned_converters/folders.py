"""Writes the files of a task: pairs to learn from, pairs to measure with, odd inputs."""

from __future__ import annotations

import shutil
from pathlib import Path

from .task import Task

TRAIN, UNSEEN, ODD = "train", "unseen", "odd"


def make_files(task: Task, folder: Path, *, pairs: int, unseen: int, odd: int, seed: int) -> None:
    """Write FOLDER/train, FOLDER/unseen and FOLDER/odd anew. No source in one of them is in another.

    An odd input is KIND-NUMBER with the source's suffix; the right answer stands beside it where the rule defines one.
    """
    train = task.pairs(seed, pairs)
    known = frozenset(source for source, _ in train)
    fresh = task.pairs(seed + 1, unseen, held_out=True, known=known)
    known |= {source for source, _ in fresh}
    files: dict[str, list[tuple[str, bytes, bytes | None]]] = {
        TRAIN: [(f"{index:05}", source, target) for index, (source, target) in enumerate(train)],
        UNSEEN: [(f"{index:05}", source, target) for index, (source, target) in enumerate(fresh)],
        ODD: [
            (f"{item.kind}-{index:05}", item.source, item.truth)
            for index, item in enumerate(task.odd(seed + 2, odd, known=known))
        ],
    }
    for name, rows in files.items():
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
        for stem, source, target in rows:
            (folder / name / f"{stem}.{task.source_suffix}").write_bytes(source)
            if target is not None:
                (folder / name / f"{stem}.{task.target_suffix}").write_bytes(target)


def learned_by_heart(task: Task, folder: Path) -> float:
    """The greatest share of unseen pairs that a converter can get right which writes only targets it has learned."""
    known = {path.read_bytes() for path in (folder / TRAIN).glob(f"*.{task.target_suffix}")}
    targets = [path.read_bytes() for path in (folder / UNSEEN).glob(f"*.{task.target_suffix}")]
    return sum(target in known for target in targets) / len(targets)
