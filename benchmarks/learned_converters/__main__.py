"""Learns ten conversions from pairs of files, and measures how many answers are exact and which are called confident.

    python -m benchmarks.learned_converters list
    python -m benchmarks.learned_converters make all build/converters --pairs 1500 --unseen 200 --odd 200
    python -m benchmarks.learned_converters run roman build/converters --minutes 8
    python -m benchmarks.learned_converters shapes tables build/converters --steps 300

The files of a task stand in FOLDER/TASK. Ceiling: the rule of a task converts every unseen pair exactly. The share that
could be right by heart, as its target is also one of those learned from, is printed beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path

from .folders import TRAIN, make_files
from .measure import measure, summary
from .rules import TASKS


def main() -> None:
    options = _options()
    if options.action == "list":
        for task in TASKS.values():
            print(f"{task.name:<12} .{task.source_suffix} to .{task.target_suffix}")
        return
    names = list(TASKS) if options.task == "all" else [options.task]
    folder = options.folder.resolve()
    if options.action == "make":
        for name in names:
            counts = {"pairs": options.pairs, "unseen": options.unseen, "odd": options.odd}
            make_files(TASKS[name], folder / name, **counts, seed=options.seed)
            print(f"{folder / name}")
        return
    if options.action == "shapes":
        _try_shapes(names, folder, options)
        return
    length = ["--minutes", str(options.minutes)] if options.steps is None else ["--steps", str(options.steps)]
    training = None if options.trained else [*length, "--size", options.size]
    results = []
    for name in names:
        if not (folder / name / TRAIN).is_dir():
            raise SystemExit(f"{folder / name} holds no files of the task: make {name} {options.folder} first")
        results.append(measure(TASKS[name], folder / name, training))
        print(f"{summary(results[-1])}; ceiling 100%, by heart {results[-1].learned_by_heart:.1%}", flush=True)
    machine = {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    figures = {"training": training, "tasks": [asdict(result) for result in results]}
    print(json.dumps({"benchmark": "learned_converters", **figures, **machine}))


def _try_shapes(names: list[str], folder: Path, options: argparse.Namespace) -> None:
    from .shapes import SHAPES, ShapeResult, try_shapes

    results: list[ShapeResult] = []

    def show(result: ShapeResult) -> None:
        results.append(result)
        share = f"{result.exact / result.unseen:6.1%} exact"
        print(
            f"{result.task:<12} {result.shape:<{max(map(len, SHAPES))}} {share} in {result.seconds:.0f} s", flush=True
        )

    print(f"{options.steps} steps each; ceiling 100% exact")
    for name in names:
        try_shapes(TASKS[name], folder / name, options.steps, options.size, show)
    print(json.dumps({"benchmark": "learned_converters shapes", "trainings": [asdict(one) for one in results]}))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.learned_converters",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("list", help="print the tasks")
    make = actions.add_parser("make", help="write the files of a task")
    run = actions.add_parser("run", help="train on the files of a task, and measure the model")
    shapes = actions.add_parser("shapes", help="train with parts of the converter left out, and compare")
    shapes.add_argument("--steps", type=int, default=300, help="length of each training")
    for action in (make, run, shapes):
        action.add_argument("task", choices=[*TASKS, "all"])
        action.add_argument("folder", type=Path)
    for name, count in (("pairs", 1500), ("unseen", 200), ("odd", 200), ("seed", 0)):
        make.add_argument(f"--{name}", type=int, default=count)
    run.add_argument("--minutes", type=float, default=8.0, help="length of each training")
    run.add_argument("--steps", type=int, help="length of each training in steps, for a machine that is busy")
    run.add_argument("--trained", action="store_true", help="do not train: measure the models of an earlier run")
    for action in (run, shapes):
        action.add_argument("--size", choices=("tiny", "small", "base"), default="small")
    return parser.parse_args()


if __name__ == "__main__":
    main()
