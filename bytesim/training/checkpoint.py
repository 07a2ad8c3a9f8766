"""Checkpoints: the whole state of a training, so that a resumed run equals one never stopped.

One safetensors file, or, if the model is sharded over several processes, a folder with a file of each; a training can
go on from either, with any number of processes. A run folder keeps the last two. A checkpoint is written beside them,
then the last one takes the name of the one before it, and the new one takes its own: whenever the process is killed, at
least one whole checkpoint has its name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError

from bytesim.errors import BytesimError, ModelError, OutputError
from bytesim.models.blt.config import BLTConfig
from bytesim.training.checkpoint_forms import FileForm, FolderForm, write_file, write_folder
from bytesim.training.distributed import Workers
from bytesim.training.durable import sync_names
from bytesim.training.progress import LARGEST_COUNT, Progress, count_of, json_object, number_of
from bytesim.training.recipe import Recipe, recipe_from_dict
from bytesim.training.sources import own_fields
from bytesim.training.state import TrainingState, fit_problem, problem_of

CHECKPOINT_FILE = "checkpoint.safetensors"
CHECKPOINT_FOLDER = "checkpoint"
"""The name of a checkpoint of one process, or of several that hold the whole model; that of a sharded one."""
PREVIOUS_FILE = "checkpoint-previous.safetensors"
PREVIOUS_FOLDER = "checkpoint-previous"
"""The same for the checkpoint before the last."""
LAST = (CHECKPOINT_FILE, CHECKPOINT_FOLDER)
PREVIOUS = (PREVIOUS_FILE, PREVIOUS_FOLDER)
DAMAGED = ("checkpoint-damaged.safetensors", "checkpoint-damaged")
"""The same for the last one that could not be read, which the next one does not remove."""
_ERRORS = (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError)
"""What reading a damaged checkpoint may raise."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint whose description and hashes are right."""

    form: FileForm | FolderForm
    progress: Progress
    recipe: Recipe
    best_step: int
    best_loss_nats: float
    difference: str
    """Why a training by this recipe cannot go on from it; empty if it can."""


class Checkpoints:
    """The last two checkpoints of a run folder. All workers call the methods, which decide alike on all of them."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.folder = folder
        self.workers = workers
        self._last_is_whole = False
        """Whether this run has written or read the last one, so that it may replace the one before it."""

    def save(self, state: TrainingState, progress: Progress, recipe: Recipe) -> None:
        """Write a checkpoint. Raises OutputError; the earlier ones are then as they were."""
        texts = {"progress": progress.to_json(), "recipe": json.dumps(recipe.to_dict())}
        if state.best.weights:
            texts["best"] = json.dumps({"step": state.best.step, "loss_nats": state.best.loss_nats})
        problem = ""
        try:
            if state.sharded:
                with self._named(CHECKPOINT_FOLDER) as temporary:
                    write_folder(temporary, state.tensors(), texts, self.workers)
            elif self.workers.leads:
                with self._named(CHECKPOINT_FILE) as temporary:
                    write_file(temporary, state.tensors(), texts)
        except (OSError, SafetensorError) as error:
            problem = str(error) or type(error).__name__
        problem = self.workers.first(problem)
        if problem:
            raise OutputError(f"the checkpoint cannot be written ({problem}).", file=str(self.folder))
        self._last_is_whole = True

    @contextmanager
    def _named(self, name: str) -> Iterator[Path]:
        """A temporary name for a new checkpoint, which becomes the last one when the context ends well.

        The temporary name is fixed: the next save overwrites what a kill leaves. Raises OSError.
        """
        temporary = self.folder / f".{name}.tmp"
        try:
            yield temporary
            if self.workers.leads:
                self._rotate()
                os.replace(temporary, self.folder / name)
                sync_names(self.folder)
        finally:
            for form in LAST if self.workers.leads else ():  # a killed run may have left one of the other form
                with suppress(OSError):
                    _remove(self.folder / f".{form}.tmp")

    def _rotate(self) -> None:
        """Free the name of the last checkpoint: it becomes the one before it, or DAMAGED if this run could not read it.

        Raises OSError.
        """
        if not self._last_is_whole:
            for name, kept in zip(LAST, DAMAGED, strict=True):
                if os.path.lexists(self.folder / name):
                    _remove(self.folder / kept)
                    os.replace(self.folder / name, self.folder / kept)
            return
        for last, previous in zip(LAST, PREVIOUS, strict=True):
            if os.path.lexists(self.folder / last):
                for name in PREVIOUS:
                    if name != previous or name == PREVIOUS_FOLDER:  # a file is replaced as it is renamed
                        _remove(self.folder / name)
                os.replace(self.folder / last, self.folder / previous)

    def load(self, state: TrainingState, recipe: Recipe, on_note: Callable[[str], None]) -> Progress | None:
        """Restore the state from the last whole checkpoint; None if the folder has none.

        Raises ModelError if the checkpoints are damaged, or belong to another model or another optimizer. The data may
        differ from those that it was trained on; `on_note` is then called. A budget of more minutes than before gives
        more steps.
        """
        damaged: list[str] = []
        present = self.workers.agreed([name for name in (*LAST, *PREVIOUS) if os.path.lexists(self.folder / name)])
        for name in present:
            stored, problem = self._checked(self.folder / name, state, recipe)
            if stored is not None and stored.difference:
                raise ModelError(stored.difference, file=str(self.folder / name))
            problem = problem or self._taken(stored, state)
            if stored is None or problem:
                damaged.append(" ".join(problem.split())[:200])
                continue
            self._last_is_whole = name in LAST
            if name in PREVIOUS:
                what = f"the last checkpoint is damaged ({damaged[0]})" if damaged else "the last checkpoint is missing"
                on_note(f"{self.folder}: {what}; going on from {name}, of step {stored.progress.step}")
            if stored.recipe.data != recipe.data:
                on_note(f"{self.folder / name}: so far trained on other data, or with other weights of the data.")
            return _with_more_minutes(stored, recipe)
        if damaged:
            which = "the last two checkpoints are" if len(damaged) > 1 else "the checkpoint is"
            raise ModelError(
                f"{which} damaged ({damaged[0]}); remove {' and '.join(present)} to start again.",
                file=str(self.folder / present[0]),
            )
        return None

    def _checked(self, path: Path, state: TrainingState, recipe: Recipe) -> tuple[Stored | None, str]:
        """A checkpoint, if no worker finds it damaged; else what is wrong with it."""
        stored, problem = None, ""
        try:
            stored = _read(path, state, recipe, self.workers)
        except _ERRORS as error:
            problem = str(error) or type(error).__name__
        problem = self.workers.first(problem)
        return (None if problem else stored), problem

    def _taken(self, stored: Stored | None, state: TrainingState) -> str:
        """Copy the tensors of a checkpoint into the state. Returns what is wrong with them; empty if nothing is."""
        if stored is None:
            return ""
        try:
            state.best.step, state.best.loss_nats = stored.best_step, stored.best_loss_nats
            stored.form.take(state, with_best="best" in stored.form.texts)
            problem = problem_of(state.tensors(), stored.progress.step)
        except _ERRORS as error:
            problem = str(error) or type(error).__name__
        return self.workers.first(problem)


def _read(path: Path, state: TrainingState, recipe: Recipe, workers: Workers) -> Stored:
    """A checkpoint, with its hashes checked. Raises one of _ERRORS if it is damaged."""
    form = FolderForm(path) if path.is_dir() else FileForm(path)
    texts = form.texts
    progress, earlier = Progress.from_json(texts["progress"]), _parsed_recipe(texts["recipe"])
    best_step, best_loss_nats = 0, float("inf")
    if "best" in texts:
        best = json_object(texts["best"])
        best_step, best_loss_nats = count_of(best, "step"), number_of(best, "loss_nats")
        if best_step > progress.step:
            raise ValueError("its best weights are of a later step")
    difference = _difference(earlier, recipe)
    problem = "" if difference else fit_problem(form.layout, state.layout(with_best="best" in texts))
    if problem:
        raise ValueError(problem)
    form.check(workers)
    return Stored(form, progress, earlier, best_step, best_loss_nats, difference)


def _with_more_minutes(stored: Stored, recipe: Recipe) -> Progress:
    """The progress of a checkpoint, with more steps if the recipe has more minutes than it had."""
    progress, minutes = stored.progress, recipe.training.minutes
    if progress.total_steps is not None and minutes > stored.recipe.training.minutes and progress.seconds:
        fitting = min(float(LARGEST_COUNT), progress.step * 60 * minutes / max(progress.seconds, 1e-9))
        progress.total_steps = max(progress.total_steps, round(fitting))
    return progress


def _remove(path: Path) -> None:
    """Remove a file or a folder, if it exists. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def has_checkpoint(folder: Path) -> bool:
    """Whether a run folder has a checkpoint, whole or damaged."""
    return any(os.path.lexists(folder / name) for name in (*LAST, *PREVIOUS))


def remove_previous(folder: Path) -> None:
    """Remove the checkpoint before the last, which a finished training does not need. Raises OSError."""
    for name in PREVIOUS:
        _remove(folder / name)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run folder. Raises OSError."""
    for name in (*LAST, *PREVIOUS, *DAMAGED, *(f".{last}.tmp" for last in LAST)):
        _remove(folder / name)


def with_stored_threshold(recipe: Recipe, folder: Path) -> Recipe:
    """The recipe with the threshold that an earlier run fitted to the data, if the run folder has a checkpoint."""
    if not isinstance(recipe.model, BLTConfig) or not recipe.model.mean_patch_bytes:
        return recipe
    earlier = stored_recipe(folder)
    if earlier is None or not isinstance(earlier.model, BLTConfig):
        return recipe
    threshold, rise = earlier.model.threshold, earlier.model.rise_threshold
    return replace(recipe, model=replace(recipe.model, threshold=threshold, rise_threshold=rise))


def stored_recipe(folder: Path) -> Recipe | None:
    """The recipe in the last checkpoint of a run folder that has one; None without any.

    `Checkpoints.load` says what is wrong with a damaged one.
    """
    for name in (*LAST, *PREVIOUS):
        with suppress(*_ERRORS):
            path = folder / name
            form = FolderForm(path) if path.is_dir() else FileForm(path)
            return _parsed_recipe(form.texts["recipe"])
    return None


def _parsed_recipe(text: str) -> Recipe:
    """The recipe in a checkpoint. In older checkpoints each source has the fields of all tasks. Raises ValueError."""
    values = json_object(text)
    try:
        if not all(isinstance(values[name], list) for name in ("data", "validation")):
            raise ValueError("its recipe has no list of sources")
        sources = {name: [own_fields(source) for source in values[name]] for name in ("data", "validation")}
        return recipe_from_dict({**values, **sources})
    except (BytesimError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"its recipe is not one: {error}") from error


def _difference(earlier: Recipe, recipe: Recipe) -> str:
    """Why the weights or the optimizer state of a checkpoint do not fit the recipe; empty if they do."""
    if (earlier.model, earlier.labels) != (recipe.model, recipe.labels):
        return "the checkpoint is of another model; choose another folder with --out."
    if (earlier.training.muon_learning_rate > 0) != (recipe.training.muon_learning_rate > 0):
        return "the checkpoint was trained with another optimizer; keep muon_learning_rate as it was."
    return ""
