"""Checkpoints: the whole state of a training, so that a resumed run equals one never stopped. One safetensors file.

A run folder keeps the last two. A checkpoint is written beside them, then the last one takes the name of the one before
it, and the new one takes its own: whenever the process is killed, at least one whole checkpoint has its name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from bytesim.errors import BytesimError, ModelError, OutputError
from bytesim.models.blt.config import BLTConfig
from bytesim.training.progress import Progress, count_of, json_object, number_of
from bytesim.training.recipe import Recipe, recipe_from_dict
from bytesim.training.sources import own_fields
from bytesim.training.state import RNG, Layout, TrainingState, digest_of, fit_problem, problem_of

CHECKPOINT_FILE = "checkpoint.safetensors"
PREVIOUS_FILE = "checkpoint-previous.safetensors"
CHECKPOINT_FILES = (CHECKPOINT_FILE, PREVIOUS_FILE)
_TEMPORARY = f".{CHECKPOINT_FILE}.tmp"
"""A fixed name: the next save overwrites what a kill leaves."""
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8, "I64": torch.int64}
"""Those of the tensors that a training has; a file with others is damaged."""


class DamagedError(Exception):
    """A checkpoint that no training wrote, or that was changed since; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A checkpoint that has been read and checked."""

    progress: Progress
    recipe: Recipe
    best_step: int
    best_loss_nats: float
    tensors: dict[str, Tensor]


class Checkpoints:
    """The last two checkpoints of a run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._last_is_whole = False
        """Whether this process has written or read the last one, so that it may replace the one before it."""

    def save(self, state: TrainingState, progress: Progress, recipe: Recipe) -> None:
        """Write a checkpoint. Raises OutputError; the earlier ones are then as they were."""
        texts = {"progress": progress.to_json(), "recipe": json.dumps(recipe.to_dict())}
        if state.best.weights:
            texts["best"] = json.dumps({"step": state.best.step, "loss_nats": state.best.loss_nats})
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.tensors().items()}
        texts["sha256"] = digest_of(tensors, texts)
        last, temporary = self.folder / CHECKPOINT_FILE, self.folder / _TEMPORARY
        try:
            # Not save_file, which picks its own temporary name: a kill would leave that file for good.
            _write_through(temporary, save(tensors, metadata=texts))
            if self._last_is_whole and last.exists():
                os.replace(last, self.folder / PREVIOUS_FILE)
            os.replace(temporary, last)
            _sync_folder(self.folder)
        except (OSError, SafetensorError) as error:
            raise OutputError(f"the checkpoint cannot be written ({error}).", file=str(self.folder)) from error
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._last_is_whole = True

    def load(self, state: TrainingState, recipe: Recipe, on_note: Callable[[str], None]) -> Progress | None:
        """Restore the state from the last whole checkpoint; None if the folder has none.

        Raises ModelError if the checkpoints are damaged, or belong to another model or another optimizer. The data may
        differ from those that it was trained on; `on_note` is then called. A budget of more minutes than before gives
        more steps.
        """
        name, stored = self._last_whole(state, recipe, on_note)
        if stored is None:
            return None
        self._last_is_whole = name == CHECKPOINT_FILE
        state.best.step, state.best.loss_nats = stored.best_step, stored.best_loss_nats
        state.take(stored.tensors)
        progress, earlier = stored.progress, stored.recipe
        if progress.total_steps is not None and recipe.training.minutes > earlier.training.minutes and progress.seconds:
            progress.total_steps = max(progress.total_steps, _steps_in(recipe.training.minutes, progress))
        if earlier.data != recipe.data:
            on_note(f"{self.folder / name}: so far trained on other data, or with other weights of the data.")
        return progress

    def _last_whole(
        self, state: TrainingState, recipe: Recipe, on_note: Callable[[str], None]
    ) -> tuple[str, Stored | None]:
        """The name and the content of the last whole checkpoint; None without one. Raises ModelError."""
        damaged: list[str] = []
        present = [name for name in CHECKPOINT_FILES if os.path.lexists(self.folder / name)]
        for name in present:
            try:
                stored = _read(self.folder / name, state, recipe)
            except DamagedError as error:
                damaged.append(" ".join(str(error).split())[:200])
                continue
            if name == PREVIOUS_FILE:
                what = f"is damaged ({damaged[0]})" if damaged else "is missing"
                on_note(f"{self.folder / CHECKPOINT_FILE} {what}; going on from {name}, of step {stored.progress.step}")
            return name, stored
        if damaged:
            which = "this checkpoint and the one before it are" if len(damaged) > 1 else "the checkpoint is"
            remove = " and ".join(present)
            raise ModelError(
                f"{which} damaged ({damaged[0]}); remove {remove} to start again.", file=str(self.folder / present[0])
            )
        return "", None


def _read(path: Path, state: TrainingState, recipe: Recipe) -> Stored:
    """A checkpoint of this recipe. Raises DamagedError; ModelError for one of another model or optimizer."""
    try:
        with safe_open(path, framework="pt") as file:
            texts: dict[str, str] = file.metadata() or {}
            progress, earlier = Progress.from_json(texts["progress"]), _parsed_recipe(texts["recipe"])
            other = _difference(earlier, recipe)
            if other:
                _check_hash(_tensors(file), texts)  # if it is damaged, its recipe may be too
                raise ModelError(other, file=str(path))
            problem = fit_problem(_layout(file), state.layout(with_best="best" in texts))
            if problem:
                raise DamagedError(problem)
            tensors = _tensors(file)
        best = json_object(texts["best"]) if "best" in texts else {"step": 0, "loss_nats": 0.0}
        best_step, best_loss_nats = count_of(best, "step"), number_of(best, "loss_nats")
        _check_hash(tensors, texts)
        _check_content(tensors, progress)
        if best_step > progress.step:
            raise DamagedError("the best weights are of a later step")
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(str(error)) from error
    loss = best_loss_nats if "best" in texts else float("inf")
    return Stored(progress, earlier, best_step, loss, tensors)


def _layout(file: safe_open) -> Layout:
    """The names, dtypes and shapes of the tensors of a file, from its header."""
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    return {name: (_DTYPES[part.get_dtype()], tuple(part.get_shape())) for name, part in slices.items()}


def _tensors(file: safe_open) -> dict[str, Tensor]:
    """All tensors of a file: clones, because Windows does not replace a file that is still mapped."""
    return {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping


def _check_hash(tensors: dict[str, Tensor], texts: dict[str, str]) -> None:
    """Raise DamagedError if tensors or texts are not those that were hashed; older checkpoints have no hash."""
    others = {name: text for name, text in texts.items() if name != "sha256"}
    if "sha256" in texts and texts["sha256"] != digest_of(tensors, others):
        raise DamagedError("its sha256 is another than when it was written")


def _check_content(tensors: dict[str, Tensor], progress: Progress) -> None:
    """Raise DamagedError or RuntimeError for values that no training makes."""
    problem = problem_of(tensors, progress.step)
    if problem:
        raise DamagedError(problem)
    before = torch.get_rng_state()
    try:
        torch.set_rng_state(tensors[RNG])  # torch checks it
    finally:
        torch.set_rng_state(before)


def _write_through(path: Path, data: bytes) -> None:
    """Write a file to the disk itself, so that a power cut leaves no empty file with the name it gets next."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Write the names of a folder to the disk, where the system can."""
    if os.name == "posix":
        with suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def has_checkpoint(folder: Path) -> bool:
    """Whether a run folder has a checkpoint, whole or damaged."""
    return any(os.path.lexists(folder / name) for name in CHECKPOINT_FILES)


def remove_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run folder. Raises OSError."""
    for name in CHECKPOINT_FILES:
        (folder / name).unlink(missing_ok=True)


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
    for name in CHECKPOINT_FILES:
        with suppress(OSError, SafetensorError, ValueError, KeyError, TypeError):
            with safe_open(folder / name, framework="pt") as file:
                return _parsed_recipe(file.metadata()["recipe"])
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


def _steps_in(minutes: float, progress: Progress) -> int:
    """Number of steps from the start of a training that fit into `minutes`, at its pace so far."""
    return round(progress.step * 60 * minutes / progress.seconds)


def _difference(earlier: Recipe, recipe: Recipe) -> str:
    """Why the weights or the optimizer state of a checkpoint do not fit the recipe; empty if they do."""
    if (earlier.model, earlier.labels) != (recipe.model, recipe.labels):
        return "the checkpoint is of another model; choose another folder with --out."
    if (earlier.training.muon_learning_rate > 0) != (recipe.training.muon_learning_rate > 0):
        return "the checkpoint was trained with another optimizer; keep muon_learning_rate as it was."
    return ""
