"""The training loop: steps, log, checkpoints and validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from bytesim.errors import ConfigError, OutputError
from bytesim.training.building import build
from bytesim.training.data.feed import Feed
from bytesim.training.distributed import join_workers
from bytesim.training.divergence import diverged
from bytesim.training.early_stopping import EarlyStopping
from bytesim.training.gradients import Wishes
from bytesim.training.interrupt import ANY_STOP, Interrupt, deferred_interrupt
from bytesim.training.length import Length
from bytesim.training.making import agreed_recipe, gradients_of, make, open_data
from bytesim.training.memory import keep_freed_memory
from bytesim.training.progress import Progress
from bytesim.training.recipe import Recipe, TrainingConfig
from bytesim.training.sharding import gathered
from bytesim.training.state import problem_of
from bytesim.training.step import StepReport, Steps
from bytesim.training.threads import Threads
from bytesim.training.time_limit import TimeLimit
from bytesim.training.validation import Validation
from bytesim.training.validator import Validator

LEAST_MICRO_BYTES = 1024
"""Micro-batches are not made smaller than this where they do not fit the memory."""

OnStep = Callable[[StepReport], None]


def _silent(note: str) -> None:
    pass


class Trainer:
    """A model in training, with a run folder for its checkpoint and its log.

    Paths in the recipe are relative to `base`. Resumes from a checkpoint in `folder`. `on_note` receives messages for
    the user. Raises BytesimError for missing or unsuitable data, and for a checkpoint of another model. Under torchrun
    each process computes its share of every step; only rank 0 writes files. A dtype `auto` must have been decided
    (`tasks.train.dtype`); here it is float32.

    `loaders` is the number of processes that prepare data, None for as many as suit the device. With `count_flops` the
    operations of every step are counted.
    """

    def __init__(
        self,
        recipe: Recipe,
        *,
        base: Path,
        folder: Path,
        device: torch.device,
        on_note: Callable[[str], None] = _silent,
        loaders: int | None = None,
        count_flops: bool = False,
    ) -> None:
        self.base, self.folder, self.device, self.on_note, self.loaders = base, folder, device, on_note, loaders
        self.workers = workers = join_workers(device)
        recipe = agreed_recipe(recipe, folder, workers)
        keep_freed_memory()
        self.mixture, self.validation = open_data(recipe, base)
        made = make(recipe, self.mixture, workers, base=base, folder=folder, device=device, on_note=on_note)
        self.recipe, self.model, self.state = made.recipe, made.model, made.state
        self.sharded = self.state.sharded
        """Whether this process trains its share of the model: it then takes part whenever the model computes."""
        self.checkpoints, self.progress = made.checkpoints, made.progress
        self._saved_s = time.monotonic()
        """Time of the last checkpoint, or of the start of the run."""
        self.feed = self._feed()
        self.gradients = gradients_of(made, workers, device, on_note, count_flops=count_flops)
        self.steps = Steps(self.state, self.gradients, self.progress, self.config, folder)
        self._wishes = Wishes()
        """What any worker wished when the gradients of the last step were added up."""
        self.validator = Validator(
            self.validation, self.recipe, self.gradients.autocast, workers=workers, device=device, folder=folder
        )
        self.log = self.validator.log
        self.early_stopping = EarlyStopping(self.state.best, self.config, workers, self.progress.step)
        self.length = Length(self.progress, workers)
        self.threads = Threads(device, on_note)

    @property
    def config(self) -> TrainingConfig:
        """The settings of the training, as they are now."""
        return self.recipe.training

    @property
    def finished(self) -> bool:
        """Whether the last step is done, or patience has run out."""
        total = self.progress.total_steps
        return self.early_stopping.ended or (total is not None and self.progress.step >= total)

    def run(
        self, on_step: OnStep | None = None, *, limit: TimeLimit | None = None, interrupt: Interrupt | None = None
    ) -> Progress:
        """Train to the end of the recipe, from the start or from the checkpoint.

        `limit` replaces the budget of the recipe: no step begins that would end after it, and the learning rate falls
        to zero by then. It may change while the training runs.

        Ctrl-C or SIGTERM saves a checkpoint after the current step and then raises KeyboardInterrupt; with an
        `interrupt` of the caller, the training ends in the same way when that is asked for, and nothing is raised.
        Raises OutputError if the run folder cannot be written, ConfigError if the training diverges.
        """
        self.length.limit = limit
        self.threads = Threads(self.device, self.on_note, tried=not self.config.compile and limit is None)
        try:
            if interrupt is not None:
                return self._run(on_step, interrupt)
            with deferred_interrupt(ANY_STOP, once=self.workers.size == 1) as interrupt:
                progress = self._run(on_step, interrupt)
                if self._stops(interrupt):
                    raise KeyboardInterrupt
            return progress
        finally:
            self.threads.end()

    def _run(self, on_step: OnStep | None, interrupt: Interrupt) -> Progress:
        self._open_folder()
        started = self._saved_s = time.monotonic()
        before = self.progress.seconds
        while not self.finished and self.length.allows_step() and not self._stops(interrupt):
            report = self._step(interrupt)
            self.progress.seconds = before + time.monotonic() - started
            self._after_step(report)
            if on_step and self.workers.leads:
                on_step(report)
        self.feed.close()
        if self.config.patience and not self._stops(interrupt):  # the last weights may be the best
            self._watch()
        if not self.checkpoints.are_current(self.state, self.progress):
            self.save()
        self.workers.wait()
        return self.progress

    def _open_folder(self) -> None:
        """Make the run folder, and drop the steps from its log that will be repeated. Raises OutputError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the run folder cannot be made ({error.strerror}).", file=str(self.folder)) from error
        if self.workers.leads:
            self.log.cut(self.progress.step)

    def _stops(self, interrupt: Interrupt) -> bool:
        """Whether an interrupt ends the training now: with several workers, once all of them know of it."""
        return interrupt.asked if self.workers.size == 1 else self._wishes.stop

    def _step(self, interrupt: Interrupt) -> StepReport:
        """Take a step; one that does not fit the GPU's memory is begun again with smaller micro-batches."""
        while True:
            begun = self.steps.begin(self.feed)
            self.threads.begin_step()
            try:
                loss, self._wishes = self.gradients.accumulate(begun.data, partial(self._own_wishes, interrupt))
                break
            except torch.OutOfMemoryError:
                self._halve_micro_batches()
        report = self.steps.finish(begun, loss)
        self.threads.end_step(report.seconds - report.waited_s, report.num_bytes)
        self.length.add_step(report.seconds)
        return report

    def _own_wishes(self, interrupt: Interrupt) -> Wishes:
        """What this worker wishes after the step."""
        seconds = time.monotonic() - self._saved_s
        due = self.workers.leads and seconds > 60 * self.config.checkpoint_minutes
        return Wishes(checkpoint=due, stop=interrupt.asked)

    def _halve_micro_batches(self) -> None:
        """Halve the micro-batches, which did not fit the GPU's memory. Raises ConfigError if they cannot be smaller."""
        micro_bytes = (self.config.micro_bytes or self.config.batch_bytes) // 2
        if self.workers.size > 1 or micro_bytes < LEAST_MICRO_BYTES:
            raise ConfigError(
                "the GPU's memory is too small for a step; set a smaller micro_bytes, or choose a smaller model."
            )
        self.model.zero_grad(set_to_none=True)
        torch.cuda.empty_cache()
        order = "; the rest of this epoch has another order" if self.config.sampling == "epochs" else ""
        step = self.progress.step
        self.on_note(f"the GPU's memory is too small; micro_bytes is {micro_bytes:,} from step {step} on{order}")
        self.change(micro_bytes=micro_bytes)

    def _after_step(self, report: StepReport) -> None:
        """What follows a step: its line of the log, and a validation or a checkpoint if they are due."""
        if self.workers.leads:
            self.log.write({name: getattr(report, name) for name in StepReport.__slots__ if name != "total_steps"})
        every = self.config.validate_steps
        if every and self.progress.step % every == 0:
            self._watch()
        # The checkpoint comes last, so that the log holds every step before it.
        if self.length.update(self.config, self._validation_seconds) or self._wishes.checkpoint:
            self.save()

    def _validation_seconds(self) -> float:
        """Validate, and measure how long it takes; 0 without validation rows."""
        started = time.monotonic()
        return time.monotonic() - started if self.validate().figures else 0.0

    def validate(self, *, again: bool = False) -> Validation:
        """Measure the validation rows and log the result, unless the log already has it for this step.

        `again` measures even then. All workers must call this together; empty on other ranks than 0.
        """
        return self.validator.measure(self.model, self.progress.step, sharded=self.sharded, again=again)

    def _watch(self) -> None:
        """Validate; with patience, also keep the weights if they are the best, and see if patience has run out."""
        result = self.validate()
        if self.config.patience:
            self.early_stopping.offer(self.model, self.progress.step, result.loss_nats, sharded=self.sharded)

    def save(self) -> None:
        """Write the checkpoint. Raises ConfigError if the weights are not finite."""
        problem = self.workers.first(problem_of(self.state.live(), self.progress.step))
        if problem:
            raise diverged(problem, self.config.learning_rate, self.folder)
        self.checkpoints.save(self.state, self.progress, self.recipe)
        self._saved_s = time.monotonic()

    def change(self, **settings: Any) -> None:
        """Change settings of the training that are read at every step: its length, batch_bytes and micro_bytes."""
        self.recipe = replace(self.recipe, training=self.config.replace(**settings))
        self.feed.close()
        self.feed = self._feed()

    def _feed(self) -> Feed:
        return Feed(self.mixture, self.recipe, self.workers, self.device, self.loaders, even=self.sharded)

    def gather(self) -> None:
        """Replace a sharded model by the whole one on rank 0, which then measures and saves it alone.

        All workers must call this; the training is over.
        """
        if not self.sharded:
            return
        weights = gathered(self.model.state_dict(), keep=self.workers.leads)
        self.workers.wait()  # the others end now, and must have sent what they hold
        self.sharded = False
        if self.workers.leads:
            self.model = build(self.recipe.model, self.device, weights_only=True)
            self.model.load_state_dict(weights)
