"""Trains a model by a recipe, or on folders of files. Every run resumes from its checkpoint, if it has one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bytesim.errors import ConfigError, InputError, OutputError
from bytesim.files import Inputs, input_names
from bytesim.locks import locked_folder
from bytesim.tasks.train.result import Trained
from bytesim.training.recipe import Recipe, parse_recipe, read_recipe_text, recipe_text

if TYPE_CHECKING:
    import torch

    from bytesim.training.step import StepReport

DEFAULT_MINUTES = 30.0
"""Length of a training on folders if neither minutes nor steps are given."""
RECIPE_FILE = "recipe.toml"


OnStep = Callable[["StepReport"], None]
OnNote = Callable[[str], None]


def _silent(note: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How to run a recipe: device, length and callbacks."""

    device: torch.device
    minutes: float | None
    steps: int | None
    on_step: OnStep | None
    on_note: OnNote

    @classmethod
    def of(cls, device: str, **others: Any) -> RunOptions:
        """Options with the device of this name. Raises ConfigError if there is none."""
        from bytesim.engine.hardware import open_device

        return cls(device=open_device(device), **others)


def train_recipe(
    recipe: str | Path,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_note: OnNote = _silent,
) -> Trained:
    """Train by a recipe in the run folder `out`, by default runs/NAME; resumes from a checkpoint in it.

    `minutes` and `steps` replace those of the recipe; `steps` also replaces those of a checkpoint. Raises BytesimError.
    """
    options = RunOptions.of(device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    path = Path(recipe)
    text = read_recipe_text(path)
    parsed = with_length(parse_recipe(text, str(path)), options)
    folder = Path(out) if out is not None else Path("runs", parsed.name)
    try:
        return run_training(parsed, text, path.parent, folder, options)
    except ConfigError as error:
        raise error.in_file(str(path)) from error


def train_generate(
    data: Inputs,
    *,
    suffix: str | None = None,
    out: str | Path | None = None,
    size: str = "small",
    architecture: str = "bgpt",
    device: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_note: OnNote = _silent,
) -> Trained:
    """Train a model that writes files like those in the folders: all of them, or those with one suffix.

    `architecture` is bgpt, flat, or blt with patches that end at spaces. One file in 50, and at least one, is held out
    for validation. Raises BytesimError.
    """
    from bytesim.tasks.train.folders import generate_recipe

    options = RunOptions.of(device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    folders = input_names(data)
    folder = _run_folder(folders, out)
    recipe = generate_recipe(folders, folder, suffix, size, architecture)
    return _train_folders(recipe, folder, options)


def train_convert(
    data: Inputs,
    *,
    source_suffix: str,
    target_suffix: str,
    both: bool = False,
    curve: bool = False,
    out: str | Path | None = None,
    size: str = "small",
    device: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_note: OnNote = _silent,
) -> Trained:
    """Train a converter on pairs of files with the same stem: NAME.source_suffix and NAME.target_suffix.

    With `both` it also learns to convert back, which checks its answers. With `curve` it is then learned again from a
    quarter and from half of the pairs, for a learning curve, which takes three times as long in all. A tenth of the
    pairs (about 200 at most, or a fiftieth if that is more), and at least one, is held out: it measures the converter,
    and which of its answers are confident. Raises BytesimError.
    """
    from bytesim.tasks.train.curve import learning_curve
    from bytesim.tasks.train.folders import convert_recipe

    options = RunOptions.of(device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    folders = input_names(data)
    folder = _run_folder(folders, out)
    recipe = convert_recipe(folders, folder, source_suffix, target_suffix, size, both=both)
    trained = _train_folders(recipe, folder, options)
    if not curve:
        return trained

    def train_part(part: Recipe, part_folder: Path) -> Trained:
        on_note(f"learning curve: training in {part_folder}")
        text = recipe_text(part, f"Made by bytesim train for a learning curve; paths are relative to {folder.name}.")
        whole_run = replace(options, minutes=None, steps=None)
        return run_training(part, text, folder, part_folder, whole_run)

    return replace(trained, curve=learning_curve(recipe, folder, trained, train_part))


def train_classify(
    data: Inputs,
    *,
    suffix: str | None = None,
    group: str | None = None,
    out: str | Path | None = None,
    size: str = "small",
    device: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_note: OnNote = _silent,
) -> Trained:
    """Train a classifier of files. The label of a file is its folder, or its name before the first `_`.

    A tenth of the files, up to 100, or a fiftieth if that is more, is held out for validation: some of every label,
    and whole groups. `group` is a regular expression: its first group, or its whole match, in the path of a file is
    the file's group. The training stops early when the validation loss no longer falls, and the best weights are saved.
    Raises BytesimError.
    """
    from bytesim.tasks.train.labels import classify_recipe

    options = RunOptions.of(device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    folders = input_names(data)
    folder = _run_folder(folders, out)
    recipe = classify_recipe(folders, folder, suffix, size, group, on_note)
    return _train_folders(recipe, folder, options)


def with_length(recipe: Recipe, options: RunOptions) -> Recipe:
    """The recipe with the length that the options give, if any. Raises ConfigError if they give minutes and steps."""
    minutes, steps = options.minutes, options.steps
    if minutes is not None and steps is not None:
        raise ConfigError("give minutes or steps, not both.")
    if minutes is None and steps is None:
        return recipe
    return replace(recipe, training=recipe.training.replace(minutes=minutes or 0.0, steps=steps or 0))


def run_training(
    recipe: Recipe, text: str, base: Path, folder: Path, options: RunOptions, *, keep_recipe: bool = False
) -> Trained:
    """Train `recipe` and save the model. `text` is the recipe's TOML; its paths are relative to `base`.

    Raises OutputError if another process trains in the run folder.
    """
    from bytesim.training.distributed import leads_here

    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError("is a file; name a folder for the training with --out.", file=str(folder))
    kept = text if keep_recipe else None
    with locked_folder(folder) if leads_here() else nullcontext():
        return _run(recipe, text, base, folder, options, kept)


def _run(recipe: Recipe, text: str, base: Path, folder: Path, options: RunOptions, kept: str | None) -> Trained:
    """The same, in a run folder that no other process uses; `kept` is the recipe that is written to it."""
    from bytesim.tasks.train.dtype import with_dtype
    from bytesim.tasks.train.report import save_results, used_streams
    from bytesim.training.loop import Trainer

    on_note = options.on_note
    recipe = with_dtype(recipe, options.device, folder)
    trainer = Trainer(recipe, base=base, folder=folder, device=options.device, on_note=on_note)
    for use, stream in used_streams(trainer):
        if stream.left_out:
            rows = f"{stream.left_out} of {stream.left_out + len(stream)} examples"
            path = os.path.normpath(base / stream.source.path)
            on_note(f"{path}, {use}: {rows} left out: {stream.why_left_out}")
    resumed_at = trainer.progress.step
    if resumed_at:
        on_note(f"resuming at step {resumed_at} of {trainer.progress.total_steps or 'as many as fit'}")
    if kept is not None and trainer.workers.leads:
        _keep(folder / RECIPE_FILE, kept)
    trainer.run(options.on_step)
    stopping = trainer.early_stopping
    if stopping.ended:
        on_note(f"stopped at step {trainer.progress.step}: no lower validation loss since step {stopping.best.step}")
    return save_results(trainer, text, resumed_at)


def _train_folders(recipe: Recipe, folder: Path, options: RunOptions) -> Trained:
    """Train a recipe that was built for folders of files, and write it to the run folder."""
    if options.minutes is None and options.steps is None:
        options = replace(options, minutes=DEFAULT_MINUTES)
    timed = with_length(recipe, options)
    text = recipe_text(timed, "Made by bytesim train for a folder of files; paths are relative to the run folder.")
    return run_training(timed, text, folder, folder, options, keep_recipe=True)


def _run_folder(data: Sequence[str], out: str | Path | None) -> Path:
    """The run folder of a training on folders. Raises InputError if data are not folders or contain the run folder."""
    for path in data:
        if not os.path.isdir(path):
            raise InputError(f"{_problem_of(path)}. Name a folder of files to learn from.", file=str(path))
    folder = Path(out) if out is not None else Path("runs", Path(os.path.abspath(data[0])).name or "model")
    for path in data:
        if Path(os.path.abspath(folder)).is_relative_to(os.path.abspath(path)):
            raise InputError(f"the run folder {folder} lies in it. Name another with --out.", file=str(path))
    return folder


def _problem_of(path: str) -> str:
    """Why a path is not a folder that can be read."""
    try:
        os.stat(path)
    except FileNotFoundError:
        return "no such folder"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return "this is not a folder"


def _keep(path: Path, text: str) -> None:
    """Write the recipe of a run, which can then be trained by `train recipe`. Raises OutputError."""
    from bytesim.files import write_output

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the run folder cannot be made ({error.strerror}).", file=str(path.parent)) from error
    write_output(path, text.encode("utf-8"), force=True)
