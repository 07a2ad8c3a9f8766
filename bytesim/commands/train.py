"""`bytesim train`: train a model from a recipe, or on folders of the user's own files."""

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
    from bytesim.training.step import StepReport


WORST_SHOWN = 3
"""Number of confused pairs of labels to print."""
PICTURES = ("confusion.png", "reliability.png", "loss.png")
CONVERTER_PICTURES = ("confidence.png", "loss.png")


class RecipeOrCommand(TyperGroup):
    """`bytesim train FILE` means `bytesim train recipe FILE`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Insert `recipe` if the first word is neither a command nor an option."""
        known = args and (args[0] in self.commands or args[0].startswith("-"))
        return super().resolve_command(ctx, args if known else ["recipe", *args])


class Size(str, Enum):
    tiny = "tiny"
    small = "small"
    base = "base"


class Architecture(str, Enum):
    bgpt = "bgpt"
    flat = "flat"
    blt = "blt"


train_app = typer.Typer(
    cls=RecipeOrCommand,
    no_args_is_help=True,
    help="Train a model from a recipe, or on folders of your own files.\n\n"
    "bytesim train recipes/music.toml\n\n"
    "bytesim train convert pairs/ --from abc --to mid\n\n"
    "To resume a training that was stopped, give the same command again.",
)

Data = Annotated[list[str], typer.Argument(metavar="DATA", help="Folders of files to learn from.")]
Suffix = Annotated[
    str | None, typer.Option(help="Learn only from files with this suffix; by default from all.", show_default=False)
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        "-o",
        help="Run folder, by default runs/NAME: checkpoint, log.jsonl, loss.png, and the model in a folder of the same "
        "name. Training resumes from a checkpoint in it.",
        show_default=False,
    ),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        help="Length of the training. More minutes than before continue a finished training.",
        show_default=False,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(help="Length of the training in steps; when resuming, the new total.", show_default=False),
]
OfSize = Annotated[
    Size,
    typer.Option(
        help="Size of the model. Millions of parameters for generate, convert, classify: tiny 0.8, 1.6, 0.1; small "
        "2.3, 3.8, 0.7; base 5.5, 8.0, 2.5."
    ),
]


@train_app.command("recipe")
def recipe_(
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe (.toml); docs/training.md explains it.")],
    out: Out = None,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train the model that a recipe describes; the word `recipe` may be left out.

    bytesim train recipes/music.toml --minutes 60

    To resume after a stop, give the same command again.
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
    architecture: Annotated[
        Architecture,
        typer.Option(help="bgpt reads patches of 16 bytes, flat single bytes, blt patches that end at spaces."),
    ] = Architecture.bgpt,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train a model that writes files like yours, for 30 minutes unless --minutes or --steps is given.

    bytesim train generate letters/ --suffix txt --minutes 20

    One file in 50 is held out for validation. To resume after a stop, give the same command again.
    """
    from bytesim.tasks.train.train import train_generate

    _check_length(minutes, steps)
    settings = {"size": size.value, "architecture": architecture.value, "minutes": minutes, "steps": steps}
    _run(train_generate, data, as_json, suffix=suffix, out=out, device=device, **settings)


@train_app.command()
def convert(
    data: Data,
    source_suffix: Annotated[str, typer.Option("--from", help="Suffix of the files to read, such as abc.")],
    target_suffix: Annotated[str, typer.Option("--to", help="Suffix of the files to write, such as mid.")],
    both: Annotated[
        bool,
        typer.Option(
            "--both",
            help="Learn to convert back, too. An answer is then checked by converting it back; the training should be "
            "twice as long.",
        ),
    ] = False,
    curve: Annotated[
        bool,
        typer.Option(
            "--curve",
            help="Also learn from a quarter and from half of the pairs, to tell what more pairs would give. Takes "
            "three times as long.",
        ),
    ] = False,
    out: Out = None,
    size: OfSize = Size.small,
    device: Device = "auto",
    minutes: Minutes = None,
    steps: Steps = None,
    as_json: AsJson = False,
) -> None:
    """Train a converter on pairs of files, such as tune.abc with tune.mid beside it.

    bytesim train convert pairs/ --from abc --to mid --minutes 20

    Trains for 30 minutes unless --minutes or --steps is given. A tenth of the pairs (about 200 at most, or a fiftieth
    if that is more) is held out: it measures the converter, and which of its answers are confident.

    To resume after a stop, give the same command again.
    """
    from bytesim.tasks.train.train import train_convert

    _check_length(minutes, steps)
    suffixes = {"source_suffix": source_suffix, "target_suffix": target_suffix}
    length = {"both": both, "curve": curve, "minutes": minutes, "steps": steps}
    _run(train_convert, data, as_json, **suffixes, out=out, size=size.value, device=device, **length)


@train_app.command()
def classify(
    data: Data,
    suffix: Suffix = None,
    group: Annotated[
        str | None,
        typer.Option(
            metavar="REGEX",
            help="Keep related files together, such as takes of one speaker or pages of one book: all with the same "
            "match in their paths below DATA are either trained on or held out. The match is that of the first group, "
            "if there is one.",
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

    Trains for at most 30 minutes unless --minutes or --steps is given, and stops early once it no longer improves.

    A tenth of the files (about 100 at most, or a fiftieth if that is more) is held out to measure and calibrate the
    model. To resume after a stop, give the same command again.
    """
    from bytesim.tasks.train.train import train_classify

    _check_length(minutes, steps)
    options = {"suffix": suffix, "group": group, "minutes": minutes, "steps": steps}
    _run(train_classify, data, as_json, out=out, size=size.value, device=device, **options)


def _check_length(minutes: float | None, steps: int | None) -> None:
    if minutes is not None and steps is not None:
        raise typer.BadParameter("give --minutes or --steps, not both.")
    if (minutes is not None and not 0 < minutes < float("inf")) or (steps is not None and steps < 1):
        raise typer.BadParameter("--minutes and --steps must be more than 0.")


def _run(train: Callable[..., Trained], source: Any, as_json: bool, **options: Any) -> None:
    """Train on a recipe or on folders (`source`) by a function of `bytesim.tasks.train`, and print the result."""
    with _step_progress() as on_step:
        try:
            trained = train(source, on_step=on_step, on_note=print_note, **options)
        except KeyboardInterrupt:
            print_note("stopped; the same command resumes from the last checkpoint")
            raise
    if as_json:
        print_json(trained)
        return
    length = f"{trained.steps:,} steps in {trained.seconds / 60:.1f} minutes, {trained.num_parameters:,} parameters"
    print_line(f"{trained.model_folder}: {length}")
    if trained.judged:
        _print_judged(trained, trained.judged)
        return
    if trained.converters:
        _print_converters(trained)
        return
    for name, value in trained.validation.items():
        print_line(f"validation, {name}: {value:.4f} {trained.metric}")
    print_line(f"loss: {trained.folder / 'loss.png'}")


def _print_judged(trained: Trained, judged: Judged) -> None:
    """Print how good a classifier is, where it is wrong, and how to use it."""
    always = f"always answering {judged.majority!r} would give {judged.majority_share:.1%}"
    print_line(f"{judged.accuracy:.1%} of {judged.files:,} held-out files are right; {always}")
    if judged.confused:
        files = {count.label: count.files for count in judged.labels}
        worst = [
            f"{pair.label!r} as {pair.answer!r} ({pair.files:,} of {files[pair.label]:,})"
            for pair in judged.confused[:WORST_SHOWN]
        ]
        print_line(f"confused most often: {', '.join(worst)}")
    error, below = judged.calibration.expected_calibration_error, judged.calibration.unknown_below
    unlike = ["for files unlike the training files"] if judged.tells_outliers else []
    when = " and ".join(([f"below {below:.2f}"] if below else []) + unlike)
    unknown = f"the answer is unknown {when}" if when else "no answer is called unknown"
    print_line(f"probabilities are off by {error:.1%} on average; {unknown}")
    print_line(f"pictures: {', '.join(str(trained.folder / name) for name in PICTURES)}")
    print_line(f"use it: bytesim classify file FILE --model {_as_model(trained.model_folder)}")


def _print_converters(trained: Trained) -> None:
    """Print how good a converter is, where it is wrong, what would help, and how to use it."""
    from bytesim.tasks.train.curve import curve_lines

    for one in trained.converters:
        bound = one.bound
        name = f" of {one.conversion}" if len(trained.converters) > 1 else ""
        print_line(
            f"{bound.exact:,} of {bound.files:,} held-out pairs{name} converted exactly, in {one.seconds:.0f} s; "
            f"{one.trained:,} pairs were learned from"
        )
        print_line(
            f"{bound.confident:,} answers are confident; {bound.right:,} of these are right "
            f"(at least {bound.at_least:.1%} of such answers are, at the level 95 %)"
        )
        for failure in one.failures:
            verdict = f"not confident: {failure.doubt}" if failure.doubt else "confident"
            print_line(f"wrong, {verdict}")
            for title, text in (("source", failure.source), ("expected", failure.target), ("answer", failure.answer)):
                print_line(f"  {title:<8}  {text!r}")
        if one.advice:
            print_line(one.advice)
    for line in curve_lines(trained.curve):
        print_line(line)
    print_line(f"pictures: {', '.join(str(trained.folder / name) for name in CONVERTER_PICTURES)}")
    source = trained.converters[0].conversion.split(" to ")[0]
    print_line(f"use it: bytesim convert files FILE.{source} --model {_as_model(trained.model_folder)}")


def _as_model(folder: Path) -> str:
    """The folder in the form that --model needs: a path with a separator, quoted for the shell."""
    path = str(folder) if folder.is_absolute() else f".{os.sep}{folder}"
    return subprocess.list2cmdline([path]) if os.name == "nt" else shlex.quote(path)


@contextmanager
def _step_progress() -> Iterator[Callable[[StepReport], None]]:
    """A progress bar of steps with loss, bytes per second and time left. Gives the function to call at each step."""
    with progress() as bar:
        job = bar.add_task("training", total=None, speed="")
        loss = speed = 0.0
        last = 0

        def show(report: StepReport) -> None:
            nonlocal loss, speed, last
            if report.step <= last:  # another training of a learning curve
                loss = 0.0
            last = report.step
            if not loss:  # do not count steps of an earlier run in the speed of this one
                bar.reset(job, completed=report.step, total=report.total_steps)
            decay = 0.95 if loss else 0.0  # exponential moving averages
            loss = decay * loss + (1 - decay) * report.loss_nats
            speed = decay * speed + (1 - decay) * report.num_bytes / max(report.seconds, 1e-9)
            bar.update(
                job,
                completed=report.step,
                total=report.total_steps,
                description=f"step {report.step:,} of {report.total_steps or '?'}, loss {loss:.4f}",
                speed=f"{speed:,.0f}",
            )

        yield show
