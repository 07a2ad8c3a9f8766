"""The training loop: steps, log, checkpoints and validation."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bytesim.errors import ConfigError, OutputError
from bytesim.models.blt.config import BLTConfig
from bytesim.training.building import build, check_sizes
from bytesim.training.checkpoint import Checkpoints, has_checkpoint, with_stored_threshold
from bytesim.training.compiled import compile_or_eager
from bytesim.training.data.epochs import open_mixture
from bytesim.training.data.examples import Example
from bytesim.training.data.feed import Feed, StepData
from bytesim.training.data.streams import open_streams
from bytesim.training.distributed import Workers, join_workers
from bytesim.training.divergence import check_finite, diverged
from bytesim.training.flops import FlopCount
from bytesim.training.interrupt import ANY_STOP, Interrupt, deferred_interrupt
from bytesim.training.length import Length
from bytesim.training.log import LOSS, TrainingLog
from bytesim.training.loss import Batch, auxiliary_loss, class_losses, collate, token_losses
from bytesim.training.memory import keep_freed_memory
from bytesim.training.optimizers import make_optimizers, rate_factor
from bytesim.training.parallelize import is_sharded, shard
from bytesim.training.progress import Progress
from bytesim.training.recipe import Recipe
from bytesim.training.sharding import gathered, whole
from bytesim.training.start import interpolate_with, start_weights, with_fitted_threshold
from bytesim.training.state import Best, TrainingState, problem_of
from bytesim.training.threads import Threads
from bytesim.training.time_limit import TimeLimit
from bytesim.training.validation import Validation, validate

if TYPE_CHECKING:
    from bytesim.models.registry import Model

Losses = Callable[["Model", Batch], Tensor]
"""The losses of a batch in nats, one for each token or, for a classifier, for each file."""
CPU = torch.device("cpu")
LEAST_MICRO_BYTES = 1024
"""Micro-batches are not made smaller than this where they do not fit the memory."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """One line of the log."""

    step: int
    loss_nats: float
    """Mean over the tokens of the step, padding included; for a classifier over its files."""
    learning_rate: float
    num_bytes: int
    """Scored bytes of the step."""
    seconds: float
    total_steps: int | None
    waited_s: float = 0.0
    """Seconds of `seconds` in which the step waited for its data."""
    flops: int = 0
    """Floating-point operations of the step in matrix products; 0 if the trainer does not count them."""


def _silent(note: str) -> None:
    pass


BLT_SAMPLES = 8
"""Micro-batches of a shape whose operations are counted, for a BLT."""


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
        self.workers = join_workers(device)
        recipe = with_stored_threshold(_with_dtype(recipe, self.workers), folder)
        self.recipe = recipe
        self.base = base
        self.config = recipe.training
        self.folder = folder
        self.device = device
        self.loaders = loaders
        self.on_note = on_note
        if not self.config.steps and not self.config.minutes:
            raise ConfigError("the training has no length: give minutes or steps.")
        keep_freed_memory()
        streams = open_streams((*recipe.data, *recipe.validation), recipe.model, base, recipe.labels)
        self.mixture = open_mixture(streams[: len(recipe.data)], self.config.seed, self.config.sampling)
        if self.config.buckets == "coarse":
            for stream in streams:
                stream.coarsen()
        parameters = check_sizes(recipe.model, device, shards=self.workers.size)
        self.sharded = is_sharded(recipe, parameters, device, self.workers)
        """Whether this process trains its share of the model: it then takes part whenever the model computes."""
        self.feed = self._feed()
        self.validation = streams[len(recipe.data) :]
        torch.manual_seed(self.config.seed)
        # A model that is sharded is made on the CPU, because a GPU need not hold the whole of it.
        self.model = build(recipe.model, CPU, weights_only=True) if self.sharded else build(recipe.model, device)
        fresh = not self.workers.agree(int(has_checkpoint(folder)))
        if fresh:
            start_weights(self.model, recipe, base, on_note)
            self.recipe = with_fitted_threshold(self.model, recipe, self.mixture.streams, on_note)
        if self.sharded:
            shard(self.model, device, self.workers)
        self.optimizers = make_optimizers(
            self.model,
            learning_rate=self.config.learning_rate,
            muon_learning_rate=self.config.muon_learning_rate,
            weight_decay=self.config.weight_decay,
            betas=(self.config.beta1, self.config.beta2),
            dtype=getattr(torch, self.config.dtype),
        )
        self.best = Best()
        self.state = TrainingState(self.model, self.optimizers, self.best, self.sharded)
        self._statistics = self.state.statistics()
        self.checkpoints = Checkpoints(folder, self.workers)
        progress = None if fresh else self.checkpoints.load(self.state, recipe, on_note)
        self.progress = progress or Progress()
        if self.config.steps:
            self.progress.total_steps = self.config.steps
        self._saved: tuple[int, int | None] | None = None
        """Step and total of the last checkpoint of this run."""
        self._saved_s = time.monotonic()
        """Time of the last checkpoint, or of the start of the run."""
        self._due = False
        """Whether a checkpoint is due after this step; rank 0 decides."""
        self._all_stop = False
        """Whether a worker had been interrupted when the gradients of the last step were added up."""
        self.stopped = self._waited_enough()
        """Whether patience has run out."""
        self.log = TrainingLog(folder)
        self.losses: Losses = token_losses
        if recipe.labels:
            self.losses = partial(class_losses, smoothing=self.config.label_smoothing)
        # The operations of a BLT also depend on its patches.
        samples = BLT_SAMPLES if isinstance(recipe.model, BLTConfig) else 1
        self.flops = FlopCount(samples=samples) if count_flops else None
        self.limit: TimeLimit | None = None
        self.threads = Threads(device, on_note)
        self.step_losses: Losses = self.losses
        if self.config.compile and self.sharded:
            on_note("training without torch.compile: parallel = fsdp gathers weights between the operations.")
        elif self.config.compile:
            self.step_losses = compile_or_eager(self.losses, device, on_note)
        self.length = Length(self.progress, self.workers)

    @property
    def finished(self) -> bool:
        """Whether the last step is done, or patience has run out."""
        total = self.progress.total_steps
        return self.stopped or (total is not None and self.progress.step >= total)

    def run(
        self,
        on_step: Callable[[StepReport], None] | None = None,
        *,
        limit: TimeLimit | None = None,
        interrupt: Interrupt | None = None,
    ) -> Progress:
        """Train to the end of the recipe, from the start or from the checkpoint.

        `limit` replaces the budget of the recipe: no step begins that would end after it, and the learning rate falls
        to zero by then. It may change while the training runs.

        Ctrl-C or SIGTERM saves a checkpoint after the current step and then raises KeyboardInterrupt; with an
        `interrupt` of the caller, the training ends in the same way when that is asked for, and nothing is raised.
        Raises OutputError if the run folder cannot be written, ConfigError if the training diverges.
        """
        self.limit = limit
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

    def _run(self, on_step: Callable[[StepReport], None] | None, interrupt: Interrupt) -> Progress:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the run folder cannot be made ({error.strerror}).", file=str(self.folder)) from error
        if self.workers.leads:
            self.log.cut(self.progress.step)
        started = self._saved_s = time.monotonic()
        before = self.progress.seconds
        while not self.finished and self._in_time() and not self._stops(interrupt):
            report = self._step(interrupt)
            self.progress.seconds = before + time.monotonic() - started
            self._log(report)
            every = self.config.validate_steps
            if every and self.progress.step % every == 0:
                self._watch()
            # The checkpoint comes last, so that the log holds every step before it.
            if self._update_length() or self._due:
                self.save()
            if on_step and self.workers.leads:
                on_step(report)
        self.feed.close()
        if self.config.patience and not self._stops(interrupt):  # the last weights may be the best
            self._watch()
            self._saved = None
        if self._saved != (self.progress.step, self.progress.total_steps):
            self.save()
        self.workers.wait()
        return self.progress

    def _stops(self, interrupt: Interrupt) -> bool:
        """Whether an interrupt ends the training now: with several workers, once all of them know of it."""
        return interrupt.asked if self.workers.size == 1 else self._all_stop

    def save(self) -> None:
        """Write the checkpoint. Raises ConfigError if the weights are not finite."""
        problem = self.workers.first(problem_of(self.state.live(), self.progress.step))
        if problem:
            raise diverged(problem, self.config.learning_rate, self.folder)
        self.checkpoints.save(self.state, self.progress, self.recipe)
        self._saved = (self.progress.step, self.progress.total_steps)
        self._saved_s = time.monotonic()

    def change(self, **settings: Any) -> None:
        """Change settings of the training that are read at every step: its length, batch_bytes and micro_bytes."""
        self.config = self.config.replace(**settings)
        self.recipe = replace(self.recipe, training=self.config)
        self.feed.close()
        self.feed = self._feed()

    def _feed(self) -> Feed:
        return Feed(self.mixture, self.recipe, self.workers, self.device, self.loaders, even=self.sharded)

    def take_best(self) -> bool:
        """With patience: load the best weights into the model. Returns whether there were any."""
        if not self.workers.agree(int(bool(self.best.weights))):
            return False
        if self.best.weights:  # without shards, rank 0 alone has them
            self.model.load_state_dict(self.best.weights)
        return True

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

    def interpolate_with_start(self) -> bool:
        """Interpolate the weights with those of `start_from` (WiSE-FT), if `start_share` is set. Returns whether it is.

        The mean of a model before and after fine-tuning is often better than either. Source: Wortsman et al. 2021,
        arXiv:2109.01903.
        """
        share = self.config.start_share
        if not share or not self.workers.leads:
            return bool(share)
        interpolate_with(self.model, self.recipe, self.base)
        return True

    def validate(self, *, again: bool = False) -> Validation:
        """Measure the validation rows and log the result, unless the log already has it for this step.

        `again` measures even then. Rank 0 measures; if the model is sharded, all workers measure the same rows. Empty
        on other ranks than 0.
        """
        logged = self.log.validation(self.progress.step) if self.workers.leads and not again else None
        measures = self.workers.leads and logged is None
        if self.sharded:
            measures = bool(self.workers.agree(int(measures)))
        if not measures:
            return Validation(*logged) if logged else Validation()
        result = validate(self.model, self.validation, self.collate, self.autocast)
        if result.figures:
            what = f"validation loss at step {self.progress.step}"
            self._check_finite(what, result.loss_nats, *result.figures.values())
            if self.workers.leads:
                self.log.write({"step": self.progress.step, "validation": result.figures, LOSS: result.loss_nats})
        return result if self.workers.leads else Validation()

    def autocast(self) -> torch.autocast:
        """The autocast context for a forward pass, in the recipe's dtype."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.dtype == "bfloat16")

    def _watch(self) -> None:
        """Validate; with patience, also copy the weights if they are the best, and stop if patience has run out."""
        result = self.validate()
        if self.config.patience:
            loss_nats = self.workers.agreed(result.loss_nats)
            if self.workers.leads or self.sharded:
                self.best.offer(self.model, self.progress.step, loss_nats)
            self.stopped = bool(self.workers.agree(int(self._waited_enough())))

    def _waited_enough(self) -> bool:
        patience = self.config.patience
        return patience > 0 and self.best.waited(self.progress.step, self.config.validate_steps) >= patience

    def _step(self, interrupt: Interrupt) -> StepReport:
        config, progress = self.config, self.progress
        factor = rate_factor(progress.step, progress.total_steps, config.warmup_steps, config.decay_share)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * factor
        started = time.monotonic()
        counted = self.flops.total if self.flops else 0
        data = self.feed.step(progress.step, progress.total_steps)
        waited_s = time.monotonic() - started
        self.threads.begin_step()
        try:
            loss = self.gradients(data, interrupt)
        except torch.OutOfMemoryError:
            self._halve_micro_batches()
            return self._step(interrupt)
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        self._check_finite(f"loss of step {progress.step + 1}", loss)
        self._check_finite(f"norm of the gradient of step {progress.step + 1}", float(whole(norm)))
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.workers.average(self._statistics)
        progress.step += 1
        progress.bytes_seen += data.num_bytes
        seconds = time.monotonic() - started
        self.threads.end_step(seconds - waited_s, data.num_bytes)
        if self.limit is not None:
            self.limit.add_step(seconds)
        return StepReport(
            step=progress.step,
            loss_nats=loss,
            learning_rate=config.learning_rate * factor,
            num_bytes=data.num_bytes,
            seconds=seconds,
            total_steps=progress.total_steps,
            waited_s=waited_s,
            flops=self.flops.total - counted if self.flops else 0,
        )

    def gradients(self, data: StepData, interrupt: Interrupt | None = None) -> float:
        """Accumulate the gradients of a step: of the mean loss over all scored targets, and of the auxiliary loss.

        Returns the mean loss over the targets, in nats.

        An interrupt of one worker is passed on to all workers, and so is rank 0's wish for a checkpoint.
        """
        total = torch.zeros((), device=self.device)
        counting = len(data.micro_batches) - data.fillers
        # Gradients of sharded weights are averaged over the workers, and here they are to be summed.
        factor = float(self.workers.size) if self.sharded else 1.0
        for number, batch in enumerate(data.batches(self.device)):
            weight = 1.0 if number < counting else 0.0
            losses = self.step_losses
            if self.flops is not None and not self.flops.is_known(batch):
                losses = self.losses  # operations are counted where they run eagerly
            with self.flops.counting(batch) if self.flops is not None else nullcontext():
                with self.autocast():
                    loss: Tensor = losses(self.model, batch).sum() / data.scored * weight
                    total += loss.detach()
                    loss = loss + auxiliary_loss(self.model, batch, data.scored)
                (loss * factor).backward()
        due = self.workers.leads and time.monotonic() - self._saved_s > 60 * self.config.checkpoint_minutes
        asked = interrupt is not None and interrupt.asked
        flags = torch.tensor([float(due), float(asked)], device=self.device)
        summed = () if self.sharded else self.model.parameters()
        loss_nats, some_due, some_asked = self.workers.add_up(summed, torch.cat([total[None], flags])).tolist()
        self._due = some_due > 0
        self._all_stop = some_asked > 0
        return loss_nats

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

    def collate(self, examples: list[Example]) -> Batch:
        """Examples as one batch on the device."""
        return collate(examples, self.recipe.model).to(self.device)

    def _update_length(self) -> bool:
        """Convert a budget in minutes to steps. Returns whether `total_steps` has become known in this call."""
        return self.length.update(self.config, self._seconds_left, self._validation_seconds)

    def _validation_seconds(self) -> float:
        """Validate, and measure how long it takes; 0 without validation rows."""
        started = time.monotonic()
        return time.monotonic() - started if self.validate().figures else 0.0

    def _seconds_left(self) -> float:
        """Seconds left for training, by the limit of this run or by the budget of the recipe."""
        if self.limit is not None:
            return self.limit.left_s()
        return 60 * self.config.minutes - self.progress.seconds

    def _in_time(self) -> bool:
        """Whether the limit of this run, if there is one, allows another step; rank 0 decides."""
        return self.limit is None or bool(self.workers.agree(int(self.limit.allows_step())))

    def _check_finite(self, what: str, *values: float) -> None:
        check_finite(what, values, self.config.learning_rate, self.folder)

    def _log(self, report: StepReport) -> None:
        if self.workers.leads:
            self.log.write({name: getattr(report, name) for name in StepReport.__slots__ if name != "total_steps"})


def _with_dtype(recipe: Recipe, workers: Workers) -> Recipe:
    """The recipe with the dtype of rank 0, as workers that measured may have found different ones; never `auto`."""
    in_bfloat16 = workers.agree(int(recipe.training.dtype == "bfloat16"))
    return replace(recipe, training=recipe.training.replace(dtype="bfloat16" if in_bfloat16 else "float32"))
