"""What a user can ask of training: run a recipe, or learn from folders of files. Every run resumes by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bytesim.errors import ConfigError, InputError, OutputError
from bytesim.tasks.train.result import Trained
from bytesim.training.recipe import Recipe, parse_recipe, read_recipe_text, recipe_text

if TYPE_CHECKING:
    from bytesim.training.loop import StepReport

DEFAULT_MINUTES = 30.0
"""Length of a training on folders where neither minutes nor steps are given."""
RECIPE_FILE = "recipe.toml"


OnStep = Callable[["StepReport"], None]
OnNote = Callable[[str], None]


def _silent(note: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOptions:
    """How a recipe is run: on what, how long, and who is told of it."""

    device: str
    minutes: float | None
    steps: int | None
    on_step: OnStep | None
    on_note: OnNote


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
    """Train what a recipe says, in the run folder `out` (runs/NAME without it), or on from its checkpoint.

    `minutes` and `steps` replace the recipe's; `steps` also those of a checkpoint. Raises BytesimError.
    """
    options = RunOptions(device=device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    path = Path(recipe)
    text = read_recipe_text(path)
    wanted = with_length(parse_recipe(text, str(path)), options)
    folder = Path(out) if out is not None else Path("runs", wanted.name)
    return run_training(wanted, text, path.parent, folder, options)


def train_generate(
    data: Sequence[str | Path],
    *,
    suffix: str | None = None,
    out: str | Path | None = None,
    size: str = "small",
    device: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_note: OnNote = _silent,
) -> Trained:
    """Train a model that writes files like those in the folders: all of them, or those with one suffix.

    One file in 50, at least one, is held back to measure. Raises BytesimError.
    """
    from bytesim.tasks.train.folders import generate_recipe

    options = RunOptions(device=device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    folder = _run_folder(data, out)
    recipe = generate_recipe(data, folder, suffix, size, _dtype(folder, device))
    return _train_folders(recipe, folder, options)


def train_convert(
    data: Sequence[str | Path],
    *,
    source_suffix: str,
    target_suffix: str,
    out: str | Path | None = None,
    size: str = "small",
    device: str = "auto",
    minutes: float | None = None,
    steps: int | None = None,
    on_step: OnStep | None = None,
    on_note: OnNote = _silent,
) -> Trained:
    """Train a converter on pairs of files with one stem: NAME.source_suffix is read, NAME.target_suffix written.

    One pair in 50, at least one, is held back to measure. Raises BytesimError.
    """
    from bytesim.tasks.train.folders import convert_recipe

    options = RunOptions(device=device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    folder = _run_folder(data, out)
    recipe = convert_recipe(data, folder, source_suffix, target_suffix, size, _dtype(folder, device))
    return _train_folders(recipe, folder, options)


def train_classify(
    data: Sequence[str | Path],
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
    """Train a classifier of files: the label is the folder a file lies in, or its name before the first `_`.

    A tenth of the files, up to 100, or a fiftieth if that is more, is held back to measure: some of every label, whole
    groups. `group` is a regular expression whose first group, or whole match, in the path of a file is its group. The
    training ends early where it no longer gets better on them; the best weights are saved. Raises BytesimError.
    """
    from bytesim.tasks.train.labels import classify_recipe

    options = RunOptions(device=device, minutes=minutes, steps=steps, on_step=on_step, on_note=on_note)
    folder = _run_folder(data, out)
    recipe = classify_recipe(data, folder, suffix, size, _dtype(folder, device, convolutions=True), group, on_note)
    return _train_folders(recipe, folder, options)


def with_length(recipe: Recipe, options: RunOptions) -> Recipe:
    """The recipe with another length where one is given. Raises ConfigError for minutes as well as steps."""
    minutes, steps = options.minutes, options.steps
    if minutes is not None and steps is not None:
        raise ConfigError("give minutes or steps, not both.")
    if minutes is None and steps is None:
        return recipe
    return replace(recipe, training=recipe.training.replace(minutes=minutes or 0.0, steps=steps or 0))


def run_training(
    recipe: Recipe, text: str, base: Path, folder: Path, options: RunOptions, *, keep_recipe: bool = False
) -> Trained:
    """Train `recipe`, whose TOML text is `text` and whose paths are relative to `base`, and save the model."""
    from bytesim.engine.hardware import open_device
    from bytesim.tasks.train.report import save_results, used_streams
    from bytesim.training.loop import Trainer

    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file; name a folder for the training with --out.", file=str(folder))
    on_note = options.on_note
    trainer = Trainer(recipe, base=base, folder=folder, device=open_device(options.device), on_note=on_note)
    for use, stream in used_streams(trainer):
        if stream.left_out:
            rows = f"{stream.left_out} of {stream.left_out + len(stream)} examples"
            place = os.path.normpath(base / stream.source.path)
            on_note(f"{place}, {use}: {rows} left out: {stream.why_left_out}")
    resumed_at = trainer.progress.step
    if resumed_at:
        on_note(f"resuming at step {resumed_at} of {trainer.progress.total_steps or 'as many as fit'}")
    if keep_recipe:
        _keep(folder / RECIPE_FILE, text)
    trainer.run(options.on_step)
    if trainer.stopped:
        on_note(f"stopped at step {trainer.progress.step}: no better since step {trainer.best.step}")
    return save_results(trainer, text, resumed_at)


def _train_folders(recipe: Recipe, folder: Path, options: RunOptions) -> Trained:
    """Train a recipe that was made for folders of files, and keep it in the run folder."""
    if options.minutes is None and options.steps is None:
        options = replace(options, minutes=DEFAULT_MINUTES)
    wanted = with_length(recipe, options)
    text = recipe_text(wanted, "Made by bytesim train for a folder of files; paths are relative to the run folder.")
    return run_training(wanted, text, folder, folder, options, keep_recipe=True)


def _run_folder(data: Sequence[str | Path], out: str | Path | None) -> Path:
    """The run folder of a training on folders. Raises InputError for data that are no folder."""
    for each in data:
        if not Path(each).is_dir():
            problem = "this is no folder" if Path(each).exists() else "no such folder"
            raise InputError(f"{problem}. Name a folder of files to learn from.", file=str(each))
    folder = Path(out) if out is not None else Path("runs", Path(os.path.abspath(data[0])).name or "model")
    for each in data:
        if Path(os.path.abspath(folder)).is_relative_to(os.path.abspath(each)):
            raise InputError(f"the run folder {folder} lies in it. Name another with --out.", file=str(each))
    return folder


def _dtype(folder: Path, device: str, *, convolutions: bool = False) -> str:
    """The faster dtype of the device, measured once: a run that goes on keeps its own."""
    from bytesim.engine.hardware import faster_dtype, open_device

    path = folder / RECIPE_FILE
    if path.is_file():
        return parse_recipe(read_recipe_text(path), str(path)).training.dtype
    if convolutions and open_device(device).type == "cpu":
        return "float32"  # what is measured are products of matrices; convolutions in bfloat16 are slow there
    return str(faster_dtype(open_device(device))).removeprefix("torch.")


def _keep(path: Path, text: str) -> None:
    """Write the recipe of a run, which can be trained by hand from then on. Raises OutputError."""
    from bytesim.files import write_output

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the run folder cannot be made ({error.strerror}).", file=str(path.parent)) from error
    write_output(path, text.encode("utf-8"), force=True)
