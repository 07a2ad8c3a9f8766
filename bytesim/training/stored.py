"""What a checkpoint says of itself, read and checked: its progress, its recipe and its best weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from safetensors import SafetensorError

from bytesim.errors import BytesimError, InputError
from bytesim.models.blt.config import BLTConfig
from bytesim.training.checkpoint_forms import FileForm, FolderForm
from bytesim.training.checkpoint_names import LAST, PREVIOUS
from bytesim.training.distributed import Workers
from bytesim.training.progress import LARGEST_COUNT, Progress, count_of, json_object, number_of
from bytesim.training.recipe import Recipe, recipe_from_dict
from bytesim.training.sources import own_fields
from bytesim.training.state import TrainingState, fit_problem
from bytesim.training.tensor_files import is_unreadable

READ_ERRORS = (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError)
"""What reading a checkpoint may raise if it is damaged, or if the system does not let it be read (`is_unreadable`)."""


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

    def progress_with(self, minutes: float) -> Progress:
        """The progress, with more steps if there are more `minutes` than the training had."""
        progress = self.progress
        if progress.total_steps is None or minutes <= self.recipe.training.minutes or not progress.seconds:
            return progress
        fitting = min(float(LARGEST_COUNT), progress.step * 60 * minutes / max(progress.seconds, 1e-9))
        return replace(progress, total_steps=max(progress.total_steps, round(fitting)))


def unreadable(path: Path, error: OSError) -> InputError:
    """The error of a training whose checkpoint the system does not let be read."""
    reason = " ".join((error.strerror or str(error)).split())
    return InputError(
        f"the checkpoint cannot be read ({reason}). It may be whole, so nothing was changed: train again when it can "
        "be read, or choose another folder with --out.",
        file=str(error.filename or path),
    )


def read_stored(path: Path, state: TrainingState, recipe: Recipe, workers: Workers) -> Stored:
    """A checkpoint, with its hashes checked. Raises one of READ_ERRORS if it is damaged or unreadable."""
    form = _form(path)
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


def _form(path: Path) -> FileForm | FolderForm:
    return FolderForm(path) if path.is_dir() else FileForm(path)


def _difference(earlier: Recipe, recipe: Recipe) -> str:
    """Why the weights or the optimizer state of a checkpoint do not fit the recipe; empty if they do."""
    if (earlier.model, earlier.labels) != (recipe.model, recipe.labels):
        return "the checkpoint is of another model; choose another folder with --out."
    if (earlier.training.muon_learning_rate > 0) != (recipe.training.muon_learning_rate > 0):
        return "the checkpoint was trained with another optimizer; keep muon_learning_rate as it was."
    return ""


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

    `Checkpoints.load` says what is wrong with a damaged one. Raises InputError if the system does not let it be read.
    """
    for name in (*LAST, *PREVIOUS):
        try:
            return _parsed_recipe(_form(folder / name).texts["recipe"])
        except READ_ERRORS as error:
            if is_unreadable(error):
                raise unreadable(folder / name, error) from error
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
