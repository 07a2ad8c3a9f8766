"""Checkpoints: the whole state of a training, so that a resumed run equals one never stopped.

One safetensors file, or, if the model is sharded over several processes, a folder with a file of each; a training can
go on from either, with any number of processes. A run folder keeps the last two. A checkpoint is written beside them,
then the last one takes the name of the one before it, and the new one takes its own: whenever the process is killed, at
least one whole checkpoint has its name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from safetensors import SafetensorError

from bytesim.errors import InputError, ModelError, OutputError
from bytesim.training.checkpoint_forms import write_file, write_folder
from bytesim.training.checkpoint_names import (
    CHECKPOINT_FILE,
    CHECKPOINT_FOLDER,
    DAMAGED,
    LAST,
    PREVIOUS,
    PREVIOUS_FOLDER,
    checkpoint_names,
    remove,
)
from bytesim.training.distributed import Workers
from bytesim.training.durable import sync_names
from bytesim.training.progress import Progress
from bytesim.training.recipe import Recipe
from bytesim.training.state import TrainingState, problem_of
from bytesim.training.stored import READ_ERRORS, Stored, read_stored, unreadable
from bytesim.training.tensor_files import is_unreadable


class Checkpoints:
    """The last two checkpoints of a run folder. All workers call the methods, which decide alike on all of them."""

    def __init__(self, folder: Path, workers: Workers) -> None:
        self.folder = folder
        self.workers = workers
        self._last: tuple[int, int | None, int] | None = None
        """Step, total and best step of the last one, if this run has written or read it; it is whole then."""

    def are_current(self, state: TrainingState, progress: Progress) -> bool:
        """Whether the last one, which this run has written or read, has all that the training has reached."""
        return self._last == (progress.step, progress.total_steps, state.best.step)

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
        self._last = (progress.step, progress.total_steps, state.best.step)

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
                    remove(self.folder / f".{form}.tmp")

    def _rotate(self) -> None:
        """Free the name of the last checkpoint: it becomes the one before it, or DAMAGED if it is damaged.

        Raises OSError.
        """
        if self._last is None:
            for name, kept in zip(LAST, DAMAGED, strict=True):
                if os.path.lexists(self.folder / name):
                    remove(self.folder / kept)
                    os.replace(self.folder / name, self.folder / kept)
            return
        for last, previous in zip(LAST, PREVIOUS, strict=True):
            if os.path.lexists(self.folder / last):
                for name in PREVIOUS:
                    if name != previous or name == PREVIOUS_FOLDER:  # a file is replaced as it is renamed
                        remove(self.folder / name)
                os.replace(self.folder / last, self.folder / previous)

    def load(self, state: TrainingState, recipe: Recipe, on_note: Callable[[str], None]) -> Progress | None:
        """Restore the state from the last whole checkpoint; None if the folder has none.

        Raises ModelError if the checkpoints are damaged, or belong to another model or another optimizer; InputError
        if the system does not let one be read. The data may differ from those that it was trained on; `on_note` is then
        called. A budget of more minutes than before gives more steps.
        """
        damaged: list[str] = []
        present = self._present()
        for name in present:
            stored, problem = self._restored(self.folder / name, state, recipe)
            if stored is None:
                damaged.append(" ".join(problem.split())[:200])
                continue
            if name in LAST:
                self._last = (stored.progress.step, stored.progress.total_steps, stored.best_step)
            else:
                what = f"the last checkpoint is damaged ({damaged[0]})" if damaged else "the last checkpoint is missing"
                on_note(f"{self.folder}: {what}; going on from {name}, of step {stored.progress.step}")
            if stored.recipe.data != recipe.data:
                on_note(f"{self.folder / name}: so far trained on other data, or with other weights of the data.")
            return stored.progress_with(recipe.training.minutes)
        if damaged:
            which = "the last two checkpoints are" if len(damaged) > 1 else "the checkpoint is"
            raise ModelError(
                f"{which} damaged ({damaged[0]}); remove {' and '.join(present)} to start again.",
                file=str(self.folder / present[0]),
            )
        return None

    def _present(self) -> list[str]:
        """The names of the checkpoints that rank 0 sees. Raises InputError, on all workers, if it cannot look."""
        seen: list[str] | InputError
        try:
            seen = checkpoint_names(self.folder)
        except OSError as error:
            seen = unreadable(self.folder, error)
        seen = self.workers.agreed(seen)
        if isinstance(seen, InputError):
            raise seen
        return seen

    def _restored(self, path: Path, state: TrainingState, recipe: Recipe) -> tuple[Stored | None, str]:
        """A checkpoint whose tensors have been copied into the state; or None, and what is wrong with it.

        Raises ModelError for one of another model or optimizer, InputError as `_agreed`.
        """
        stored, failure = None, None
        try:
            stored = read_stored(path, state, recipe, self.workers)
        except READ_ERRORS as error:
            failure = error
        problem = self._agreed(path, failure)
        if stored is None or problem:
            return None, problem
        if stored.difference:
            raise ModelError(stored.difference, file=str(path))
        problem = self._taken(path, stored, state)
        return (None if problem else stored), problem

    def _taken(self, path: Path, stored: Stored, state: TrainingState) -> str:
        """Copy the tensors of a checkpoint into the state. Returns what is wrong with them; empty if nothing is.

        Raises InputError as `_agreed`.
        """
        failure = None
        try:
            state.best.step, state.best.loss_nats = stored.best_step, stored.best_loss_nats
            stored.form.take(state, with_best="best" in stored.form.texts)
            if problem := problem_of(state.tensors(), stored.progress.step):
                raise ValueError(problem)
        except READ_ERRORS as error:
            failure = error
        return self._agreed(path, failure)

    def _agreed(self, path: Path, error: Exception | None) -> str:
        """What is wrong with a checkpoint, by the first worker that finds it damaged; empty if it is whole for all.

        Raises InputError, on all workers, if the system does not let one of them read it: it may be whole.
        """
        problem: str | InputError = ""
        if is_unreadable(error):
            problem = unreadable(path, error)
        elif error is not None:
            problem = str(error) or type(error).__name__
        problems = self.workers.all(problem)
        for problem in problems:
            if isinstance(problem, InputError):
                raise problem from error
        return next((problem for problem in problems if isinstance(problem, str) and problem), "")
