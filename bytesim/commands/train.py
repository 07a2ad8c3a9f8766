"""`bytesim train`: make a model from a recipe, or from folders of the user's own files."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bytesim.commands.options import AsJson, Device
from bytesim.console import print_json, print_line, print_note, progress

if TYPE_CHECKING:
    from bytesim.tasks.train.judge import Judged
    from bytesim.tasks.train.result import Trained
    from bytesim.training.loop import StepReport


WORST_SHOWN = 3
"""Confusions told of a classifier."""
PICTURES = ("confusion.png", "reliability.png", "loss.png")


class RecipeOrCommand(TyperGroup):
    """`bytesim train FILE` means `bytesim train recipe FILE`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Put `recipe` before a first word that names no command."""
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["recipe", *args])


class Size(str, Enum):
    tiny = "tiny"
    small = "small"
    base = "base"


train_app = typer.Typer(
    cls=RecipeOrCommand,
    no_args_is_help=True,
    help="Train a model from a recipe, or on folders of your own files.\n\n"
    "bytesim train recipes/music.toml\n\n"
    "bytesim train convert pairs/ --from abc --to mid\n\n"
    "A training that was stopped goes on when the same command is given again.",
)

Data = Annotated[list[str], typer.Argument(metavar="DATA", help="Folders of files to learn from.")]
Suffix = Annotated[str | None, typer.Option(help="Only files with this suffix; all if left out.", show_default=False)]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        "-o",
        help="Run folder: checkpoint, log.jsonl, loss.png, and in a folder of its name the model. "
        "runs/NAME if left out. A checkpoint in it is taken up.",
        show_default=False,
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Length of the training. Becomes a number of steps once, after the warm-up, and is kept.",
        show_default=False,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(help="Length in steps; given when resuming, it replaces the total.", show_default=False),
]
OfSize = Annotated[
    Size,
    typer.Option(
        help="Millions of parameters to generate, convert, classify: tiny 0.8, 1.4, 0.1; small 2.3, 3.5, 0.7; "
        "base 5.5, 7.6, 2.5."
    ),
]


@train_app.command("recipe")
def recipe_(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe (.toml), see docs/training.md.")],
    out: Out = None,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train the model that a recipe describes; the word `recipe` may be left out.

    bytesim train recipes/music.toml --minutes 60

    Given again after a stop, the same command goes on from the last checkpoint.
    """
    from bytesim.tasks.train.train import train_recipe

    _check_length(minutes, steps)
    _run(train_recipe, recipe, as_json, out=out, device=device, minutes=minutes, steps=steps)


@train_app.command()
def generate(
    data: Data,
    suffix: Suffix = None,
    out: Out = None,
    size: OfSize = Size.small,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train a model that writes files like yours; 30 minutes unless --minutes or --steps are given.

    bytesim train generate letters/ --suffix txt --minutes 20

    One file in 50 is held back to measure. The same command goes on after a stop.
    """
    from bytesim.tasks.train.train import train_generate

    _check_length(minutes, steps)
    length = {"minutes": minutes, "steps": steps}
    _run(train_generate, data, as_json, suffix=suffix, out=out, size=size.value, device=device, **length)


@train_app.command()
def convert(
    data: Data,
    source_suffix: Annotated[str, typer.Option("--from", help="Suffix of the files to read, such as abc.")],
    target_suffix: Annotated[str, typer.Option("--to", help="Suffix of the files to write, such as mid.")],
    out: Out = None,
    size: OfSize = Size.small,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train a converter on pairs of files: tune.abc with tune.mid beside it.

    bytesim train convert pairs/ --from abc --to mid --minutes 20

    30 minutes unless --minutes or --steps are given. One pair in 50 is held back to measure.
    The same command goes on after a stop.
    """
    from bytesim.tasks.train.train import train_convert

    _check_length(minutes, steps)
    suffixes = {"source_suffix": source_suffix, "target_suffix": target_suffix}
    length = {"minutes": minutes, "steps": steps}
    _run(train_convert, data, as_json, **suffixes, out=out, size=size.value, device=device, **length)


@train_app.command()
def classify(
    data: Data,
    suffix: Suffix = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Files in whose paths below DATA this regular expression finds the same (its first group, or all of "
            "it) are learned from or held back together: takes of one speaker, pages of one book.",
            show_default=False,
        ),
    ] = None,
    out: Out = None,
    size: OfSize = Size.small,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train a classifier: a file's label is the folder it lies in, or its name before the first underscore.

    bytesim train classify sorted/ --minutes 20

    bytesim train classify recordings/ --group '(speaker[0-9]+)'

    At most 30 minutes unless --minutes or --steps are given; it ends early.

    A tenth of the files, about 100 at most, or a fiftieth if that is more, is
    held back to measure and to calibrate. The same command goes on after a stop.
    """
    from bytesim.tasks.train.train import train_classify

    _check_length(minutes, steps)
    options = {"suffix": suffix, "group": group, "minutes": minutes, "steps": steps}
    _run(train_classify, data, as_json, out=out, size=size.value, device=device, **options)


def _check_length(minutes: float | None, steps: int | None) -> None:
    if minutes is not None and steps is not None:
        raise typer.BadParameter("give --minutes or --steps, not both.")
    if (minutes is not None and not 0 < minutes < float("inf")) or (steps is not None and steps < 1):
        raise typer.BadParameter("--minutes and --steps must be above 0.")


def _run(train: Callable[..., Trained], what: Any, as_json: bool, **options: Any) -> None:
    with _step_progress() as on_step:
        try:
            made = train(what, on_step=on_step, on_note=print_note, **options)
        except KeyboardInterrupt:
            print_note("stopped; the same command goes on from the last checkpoint")
            raise
    if as_json:
        print_json(made)
        return
    length = f"{made.steps:,} steps in {made.seconds / 60:.1f} minutes, {made.num_parameters:,} parameters"
    print_line(f"{made.model_folder}: {length}")
    if made.judged:
        _print_judged(made, made.judged)
        return
    for name, value in made.validation.items():
        print_line(f"validation, {name}: {value:.4f} {made.metric}")
    print_line(f"loss: {made.folder / 'loss.png'}")


def _print_judged(made: Trained, judged: Judged) -> None:
    """How good a classifier is, where it is wrong, and how to use it."""
    always = f"always saying {judged.majority!r} would be {judged.majority_share:.1%}"
    print_line(f"of {judged.files:,} files held back {judged.accuracy:.1%} are right; {always}")
    if judged.confused:
        files = {count.label: count.files for count in judged.labels}
        worst = [
            f"{pair.label!r} as {pair.answer!r} ({pair.files:,} of {files[pair.label]:,})"
            for pair in judged.confused[:WORST_SHOWN]
        ]
        print_line(f"taken for another most often: {', '.join(worst)}")
    error, below = judged.calibration.expected_calibration_error, judged.calibration.unknown_below
    unknown = f"below {below:.2f} the answer is unknown" if below else "no confidence is set below which it is unknown"
    print_line(f"probabilities are off by {error:.1%} on average; {unknown}")
    print_line(f"pictures: {', '.join(str(made.folder / name) for name in PICTURES)}")
    print_line(f"use it: bytesim classify file FILE --model {_as_model(made.model_folder)}")


def _as_model(folder: Path) -> str:
    """The folder as --model takes it: a path has a separator."""
    path = str(folder) if folder.is_absolute() else f".{os.sep}{folder}"
    return subprocess.list2cmdline([path]) if os.name == "nt" else shlex.quote(path)


@contextmanager
def _step_progress() -> Iterator[Callable[[StepReport], None]]:
    """A bar over the steps: loss, bytes per second, and when it will end."""
    with progress() as bar:
        job = bar.add_task("training", total=None, speed="")
        loss = speed = 0.0

        def show(report: StepReport) -> None:
            nonlocal loss, speed
            if not loss:  # what an earlier run has done says nothing about the pace of this one
                bar.reset(job, completed=report.step, total=report.total_steps)
            kept = 0.95 if loss else 0.0
            loss = kept * loss + (1 - kept) * report.loss_nats
            speed = kept * speed + (1 - kept) * report.num_bytes / max(report.seconds, 1e-9)
            bar.update(
                job,
                completed=report.step,
                total=report.total_steps,
                description=f"step {report.step:,} of {report.total_steps or '?'}, loss {loss:.4f}",
                speed=f"{speed:,.0f}",
            )

        yield show
