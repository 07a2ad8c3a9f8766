"""What a user can ask of training: run a recipe, or learn from folders of files. Every run resumes by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bytesim.errors import ConfigError, InputError, OutputError
from bytesim.training.recipe import Recipe, parse_recipe, read_recipe_text

if TYPE_CHECKING:
    from bytesim.training.loop import StepReport
from bytesim.tasks.train.result import SourceUsed, Trained

DEFAULT_MINUTES = 30.0
"""Length of a training on folders where neither minutes nor steps are given."""
RECIPE_FILE = "recipe.toml"


OnStep = Callable[["StepReport"], None]
OnNote = Callable[[str], None]


def _silent(note: str) -> None:
    pass


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
    path = Path(recipe)
    text = read_recipe_text(path)
    wanted = with_length(parse_recipe(text, str(path)), minutes, steps)
    folder = Path(out) if out is not None else Path("runs", wanted.name)
    return run_training(wanted, text, path.parent, folder, device=device, on_step=on_step, on_note=on_note)


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

    folder = _run_folder(data, out)
    recipe = generate_recipe(data, folder, suffix, size, _dtype(folder, device))
    return _train_folders(recipe, folder, device, minutes, steps, on_step, on_note)


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

    folder = _run_folder(data, out)
    recipe = convert_recipe(data, folder, source_suffix, target_suffix, size, _dtype(folder, device))
    return _train_folders(recipe, folder, device, minutes, steps, on_step, on_note)


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

    folder = _run_folder(data, out)
    recipe = classify_recipe(data, folder, suffix, size, _dtype(folder, device, convolutions=True), group, on_note)
    return _train_folders(recipe, folder, device, minutes, steps, on_step, on_note)


def with_length(recipe: Recipe, minutes: float | None, steps: int | None) -> Recipe:
    """The recipe with another length where one is given. Raises ConfigError for both and for none."""
    if minutes is not None and steps is not None:
        raise ConfigError("give minutes or steps, not both.")
    if minutes is None and steps is None:
        return recipe
    return replace(recipe, training=replace(recipe.training, minutes=minutes or 0.0, steps=steps or 0))


def run_training(
    recipe: Recipe,
    text: str,
    base: Path,
    folder: Path,
    *,
    device: str,
    on_step: OnStep | None,
    on_note: OnNote,
    keep_recipe: bool = False,
) -> Trained:
    """Train `recipe`, whose TOML text is `text` and whose paths are relative to `base`, and save the model."""
    from bytesim.engine.hardware import open_device
    from bytesim.tasks.train.report import describe_sources, save_results
    from bytesim.training.loop import Trainer

    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file; name a folder for the training with --out.", file=str(folder))
    trainer = Trainer(recipe, base=base, folder=folder, device=open_device(device), on_note=on_note)
    sources = describe_sources(trainer)
    for source in sources:
        if source.left_out:
            rows = f"{source.left_out} of {source.left_out + source.rows} examples"
            place = os.path.normpath(base / source.path)
            on_note(f"{place}, {source.use}: {rows} left out: {_why_left_out(source)}")
    resumed_at = trainer.progress.step
    if resumed_at:
        on_note(f"resuming at step {resumed_at} of {trainer.progress.total_steps or 'as many as fit'}")
    if keep_recipe:
        _keep(folder / RECIPE_FILE, text)
    trainer.run(on_step)
    if trainer.stopped:
        on_note(f"stopped at step {trainer.progress.step}: no better since step {trainer.best.step}")
    return save_results(trainer, text, sources, resumed_at)


def _why_left_out(source: SourceUsed) -> str:
    if source.task.startswith("classify"):
        return "empty, or too long for the recipe"
    return "empty, or too long for the model or the recipe"


def _train_folders(
    recipe: Recipe,
    folder: Path,
    device: str,
    minutes: float | None,
    steps: int | None,
    on_step: OnStep | None,
    on_note: OnNote,
) -> Trained:
    from bytesim.training.recipe_text import recipe_text

    if minutes is None and steps is None:
        minutes = DEFAULT_MINUTES
    wanted = with_length(recipe, minutes, steps)
    text = recipe_text(wanted, "Made by bytesim train for a folder of files; paths are relative to the run folder.")
    return run_training(wanted, text, folder, folder, device=device, on_step=on_step, on_note=on_note, keep_recipe=True)


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
