"""Trains a recipe within a fixed time, results included: for a machine that is rented by the minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bytesim.engine.hardware import peak_flops
from bytesim.tasks.train.dtype import with_dtype
from bytesim.tasks.train.report import save_results
from bytesim.tasks.train.result import Trained
from bytesim.training.checkpoint_names import remove_previous
from bytesim.training.compiled import compile_in_time
from bytesim.training.gradients import Losses
from bytesim.training.interrupt import Interrupt
from bytesim.training.loop import Trainer
from bytesim.training.probe import Trial, fastest, probe_sizes
from bytesim.training.recipe import Recipe, TrainingConfig, recipe_text
from bytesim.training.sources import FileSource
from bytesim.training.step import StepReport
from bytesim.training.time_limit import TimeLimit

FIRST_STEP_S = 45.0
"""Most seconds from the start to the end of the first step; the probe and the compiler get what the rest leaves."""
STEP_MARGIN_S = 5.0
"""Seconds of these that are kept for the first step itself."""
PROBE_S, PROBE_SHARE = 20.0, 0.1
"""Most seconds of the probe of batch sizes by default, and its greatest share of the time."""
FEWEST_STEPS = 1000
"""A micro-batch larger than the recipe's is taken only if at least so many of them fit the time."""
MOST_WAITING = 0.05
"""Greatest share of the time that a training should wait for data."""
LINE_S = 10.0
"""Seconds between two lines of the log."""
CURVE_POINTS = 12
"""Points of the loss curve in a result."""
_SIZES = (0.5, 1, 2, 4, 8, 16, 32, 64)
"""Sizes of micro-batches that are tried, as multiples of the recipe's."""
_RESERVE_FACTOR, _RESERVE_S = 1.3, 1.0
"""The reserve is the measured time of writing, times the factor, and some seconds more."""

OnLine = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class InTimeOptions:
    """How to train within a time."""

    device: torch.device
    started: float
    """Time from which the first step is measured, on the clock of time.monotonic()."""
    compile: bool = False
    """Compile the model, if that ends before the first step is due."""
    loaders: int | None = None
    """Processes that prepare data; None for as many as suit the device."""
    probe_s: float = PROBE_S
    """Most seconds of the probe of batch sizes; 0 keeps those of the recipe."""
    steps: int = 0
    """Most steps; 0 for as many as fit the time."""


@dataclass(frozen=True, kw_only=True)
class InTime:
    """A training within a fixed time."""

    recipe: str
    model_folder: Path
    steps: int
    bytes_seen: int
    """Scored bytes."""
    stopped_by: str
    """`time`, `steps` or `signal`."""
    first_step_s: float
    """Seconds from the start to the end of the first step."""
    first_wait_s: float
    """Seconds of it in which it waited for data."""
    waiting_share: float
    """Share of the time of the later steps in which they waited for data."""
    bytes_per_s: float
    """Scored bytes per second of the later steps."""
    mfu: float
    """Model FLOPs utilization of the later steps: share of the device's peak rate that their operations reach."""
    peak_flops: float
    peak_from: str
    micro_bytes: int
    batch_bytes: int
    dtype: str
    compiled: bool
    probe: tuple[Trial, ...]
    metric: str
    validation: dict[str, float]
    loss_curve: tuple[tuple[int, float], ...]
    """(step, mean training loss in nats since the last point)."""
    write_s: float
    """Measured time of validation and of writing, at the first step."""
    reserve_s: float
    """Time that was kept for them."""
    end_s: float
    """Time that they took at the end."""
    left_s: float
    """Seconds that were left when all was written."""
    files: dict[str, int]
    """Path relative to the run folder -> bytes."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        trials = [
            {"micro_bytes": trial.micro_bytes, "bytes_per_s": round(trial.bytes_per_s), "gpu_bytes": trial.memory_bytes}
            for trial in self.probe
        ]
        return {**asdict(self), "model_folder": str(self.model_folder), "probe": trials}


@dataclass(slots=True)
class _Totals:
    """Sums over the steps after the first, which also starts the loader processes and picks kernels."""

    seconds: float = 0.0
    waited_s: float = 0.0
    num_bytes: int = 0
    flops: int = 0

    def add(self, report: StepReport) -> None:
        self.seconds += report.seconds
        self.waited_s += report.waited_s
        self.num_bytes += report.num_bytes
        self.flops += report.flops

    @property
    def waiting_share(self) -> float:
        return self.waited_s / self.seconds if self.seconds else 0.0

    @property
    def bytes_per_s(self) -> float:
        return self.num_bytes / self.seconds if self.seconds else 0.0

    def mfu(self, peak: float) -> float:
        return self.flops / self.seconds / peak if self.seconds and peak else 0.0


class _Run:
    """One training within its limit."""

    def __init__(
        self, name: str, recipe: Recipe, base: Path, folder: Path, limit: TimeLimit, options: InTimeOptions, say: OnLine
    ) -> None:
        self.name = name
        self.options = options
        self.limit = limit
        self.say = lambda line: say(f"{name}: {line}")
        self.recipe = replace(recipe, training=fitted(recipe, options.device, limit, options.steps))
        # Measured before the trainer seeds torch's random numbers, because it draws some.
        dtype = getattr(torch, self.recipe.training.dtype)
        self.peak, self.peak_from = peak_flops(dtype, str(options.device))
        self.trainer = Trainer(
            self.recipe,
            base=base,
            folder=folder,
            device=options.device,
            on_note=self.say,
            loaders=options.loaders,
            count_flops=True,
        )
        assert not self.trainer.progress.step, "the run folder is new, so it holds no checkpoint"
        self.say(
            f"{self.recipe.training.dtype} on {options.device}, peak {self.peak / 1e12:.2f} TFLOP/s, {self.peak_from}"
        )
        self.first: StepReport | None = None
        self.first_step_s = 0.0
        self.write_s = 0.0
        self.all, self.recent = _Totals(), _Totals()
        self.said = time.monotonic()

    def before_first_step_s(self) -> float:
        """Seconds left until the first step must begin."""
        return self.options.started + FIRST_STEP_S - STEP_MARGIN_S - time.monotonic()

    def compile(self) -> None:
        trainer, training = self.trainer, self.recipe.training
        gradients = trainer.gradients
        size = training.micro_bytes or training.batch_bytes
        data = trainer.feed.prepare(trainer.mixture.batch(0, 0.5, size, size))

        def use(function: Losses) -> None:
            gradients.compiled_losses = function
            for _ in ("counted, which is eager", "compiled"):
                gradients.accumulate(data)

        seconds = self.before_first_step_s() - STEP_MARGIN_S
        gradients.compiled_losses = compile_in_time(gradients.losses, use, trainer.device, seconds, self.say)
        trainer.model.zero_grad(set_to_none=True)

    def probe(self) -> list[Trial]:
        training = self.recipe.training
        own = training.micro_bytes or training.batch_bytes
        sizes = [max(1, int(own * factor)) for factor in _SIZES]
        seconds = min(self.options.probe_s, PROBE_SHARE * self.limit.left_s(), self.before_first_step_s())
        trials = probe_sizes(self.trainer, sizes, seconds)
        most_s = max(0.0, self.limit.left_s()) / FEWEST_STEPS
        best = fastest(trials, most_micro_seconds=most_s, always_bytes=own)
        if best.seconds == float("inf"):
            return trials  # the trainer halves what does not fit
        tried = ", ".join(f"{trial.micro_bytes:,} ({_rate(trial.bytes_per_s)})" for trial in trials)
        self.say(f"micro-batches of {best.micro_bytes:,} bytes; tried {tried}")
        self.trainer.change(micro_bytes=best.micro_bytes, batch_bytes=max(training.batch_bytes, best.micro_bytes))
        return trials

    def on_step(self, report: StepReport) -> None:
        if self.first is None:
            self.first = report
            self.first_step_s = time.monotonic() - self.options.started
            self.say(f"first step after {self.first_step_s:.1f} s (at most {FIRST_STEP_S:.0f})")
            self._write_early()
            self.said = time.monotonic()
            return
        self.all.add(report)
        self.recent.add(report)
        if time.monotonic() - self.said > LINE_S:
            self.say(f"step {report.step}, loss {report.loss_nats:.4f}, {self._figures(self.recent)}")
            self.recent, self.said = _Totals(), time.monotonic()

    def _figures(self, totals: _Totals) -> str:
        return (
            f"{_rate(totals.bytes_per_s)}, MFU {totals.mfu(self.peak):.1%}, "
            f"waiting for data {totals.waiting_share:.1%} (at most {MOST_WAITING:.0%})"
        )

    def _write_early(self) -> None:
        """Write all results once, to measure how long it takes; whatever happens later, a model is there."""
        started = time.monotonic()
        model = self.trainer.model
        weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.trainer.save()
        self.save()
        model.load_state_dict(weights)  # a classifier is rounded before it is measured
        model.train()
        self.write_s = time.monotonic() - started
        self.limit.reserve_s = _RESERVE_FACTOR * self.write_s + _RESERVE_S
        self.say(f"validation and writing take {self.write_s:.1f} s; {self.limit.reserve_s:.1f} s are kept for them")

    def save(self) -> Trained:
        text = recipe_text(self.trainer.recipe, "Trained within a time limit; paths are relative to its pack.")
        return save_results(self.trainer, text, 0)


def train_in_time(
    name: str,
    recipe: Recipe,
    *,
    base: Path,
    folder: Path,
    limit: TimeLimit,
    interrupt: Interrupt,
    options: InTimeOptions,
    say: OnLine,
) -> InTime:
    """Train a recipe, whose paths are relative to `base`, in a new run folder, and write its model before the limit.

    The size of the micro-batches is found by a probe. After the first step all results are written once, which shows
    how much of the time must be kept for them. If `interrupt` is asked for, the results are written at once. `say` is
    called with lines for the user, which begin with `name`. Raises BytesimError.
    """
    run = _Run(name, recipe, base, folder, limit, options, say)
    if options.compile:
        run.compile()
    trials = run.probe() if options.probe_s else []
    trainer = run.trainer
    trainer.run(run.on_step, limit=limit, interrupt=interrupt)
    ended = time.monotonic()
    trained = run.save()
    with suppress(OSError):
        remove_previous(folder)  # the results are fetched from a rented machine, and this is not one of them
    done = time.monotonic()
    stopped_by = "signal" if interrupt.asked else "steps" if options.steps == trained.steps else "time"
    run.say(
        f"{trained.steps} steps, {run._figures(run.all)}; {trained.metric} "
        f"{', '.join(f'{value:.4f}' for value in trained.validation.values())}; {limit.end - done:.1f} s left"
    )
    training = trainer.config
    return InTime(
        recipe=name,
        model_folder=trained.model_folder,
        steps=trained.steps,
        bytes_seen=trained.bytes_seen,
        stopped_by=stopped_by,
        first_step_s=round(run.first_step_s, 2),
        first_wait_s=round(run.first.waited_s, 2) if run.first else 0.0,
        waiting_share=round(run.all.waiting_share, 4),
        bytes_per_s=round(run.all.bytes_per_s, 1),
        mfu=round(run.all.mfu(run.peak), 4),
        peak_flops=run.peak,
        peak_from=run.peak_from,
        micro_bytes=training.micro_bytes,
        batch_bytes=training.batch_bytes,
        dtype=training.dtype,
        compiled=trainer.gradients.compiled_losses is not trainer.gradients.losses,
        probe=tuple(trials),
        metric=trained.metric,
        validation=trained.validation,
        loss_curve=loss_curve(trainer),
        write_s=round(run.write_s, 2),
        reserve_s=round(limit.reserve_s, 2),
        end_s=round(done - ended, 2),
        left_s=round(limit.end - done, 2),
        files={
            str(path.relative_to(folder)): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()
        },
    )


def fitted(recipe: Recipe, device: torch.device, limit: TimeLimit, steps: int) -> TrainingConfig:
    """The settings of a training for a device and a time: number type, fixed shapes, validation at the end alone."""
    training = recipe.training
    files = any(isinstance(source, FileSource) for source in recipe.data)
    return training.replace(
        minutes=0.0 if steps else max(0.01, limit.left_s() / 60),
        steps=steps,
        dtype=with_dtype(replace(recipe, training=training.replace(dtype="auto")), device).training.dtype,
        buckets="coarse" if files else training.buckets,
        compile=False,
        validate_steps=0,
        patience=0,
    )


def loss_curve(trainer: Trainer) -> tuple[tuple[int, float], ...]:
    """At most CURVE_POINTS points (step, mean loss in nats of the steps since the last point) from the log."""
    steps = [(line["step"], line["loss_nats"]) for line in trainer.log.lines() if "loss_nats" in line]
    size = max(1, -(-len(steps) // CURVE_POINTS))
    parts = [steps[start : start + size] for start in range(0, len(steps), size)]
    return tuple((part[-1][0], round(sum(loss for _, loss in part) / len(part), 4)) for part in parts)


def _rate(bytes_per_s: float) -> str:
    return f"{bytes_per_s / 1e6:.2f} MB/s" if bytes_per_s >= 1e6 else f"{bytes_per_s / 1e3:.1f} kB/s"
