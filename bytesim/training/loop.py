"""The training loop: steps, their log, checkpoints, and the validation in between."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bytesim.errors import ConfigError, OutputError
from bytesim.metrics import bits_per_byte
from bytesim.models.bgpt import BGPT
from bytesim.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from bytesim.training.loss import collate, real_tokens, token_losses
from bytesim.training.memory import keep_freed_memory
from bytesim.training.optimizers import make_optimizers, rate_factor
from bytesim.training.recipe import Recipe
from bytesim.training.streams import Example, Mixture, Stream, open_stream

LOG_FILE = "log.jsonl"
VALIDATION_FILES = 192
"""Files of each validation source measured during a training; `bytesim evaluate` measures all."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """One line of the log."""

    step: int
    loss_nats: float
    """Mean over the tokens of the step, padding included."""
    learning_rate: float
    num_bytes: int
    seconds: float
    total_steps: int | None


class Trainer:
    """A model in training, in a run folder that holds its checkpoint and its log."""

    def __init__(self, recipe: Recipe, *, base: Path, folder: Path, device: torch.device) -> None:
        self.recipe = recipe
        self.config = recipe.training
        self.folder = folder
        self.device = device
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"the run folder cannot be made ({error.strerror}).", file=str(folder)) from error
        keep_freed_memory()
        torch.manual_seed(self.config.seed)
        self.mixture = Mixture([open_stream(each, recipe.model, base) for each in recipe.data], self.config.seed)
        self.validation = [(each.path, open_stream(each, recipe.model, base)) for each in recipe.validation]
        self.model = BGPT(recipe.model).to(device)
        self.optimizers = make_optimizers(
            self.model,
            learning_rate=self.config.learning_rate,
            muon_learning_rate=self.config.muon_learning_rate,
            weight_decay=self.config.weight_decay,
            betas=(self.config.beta1, self.config.beta2),
        )
        self.progress = load_checkpoint(folder, self.model, self.optimizers, recipe.to_dict()) or Progress()
        if self.config.steps:
            self.progress.total_steps = self.config.steps
        elif not self.config.minutes:
            raise ConfigError("the training has no length: give minutes or steps.")
        self.losses = torch.compile(token_losses, dynamic=True) if self.config.compile else token_losses

    def run(self, on_step: Callable[[StepReport], None] | None = None) -> Progress:
        """Train to the end of the recipe, or on from the checkpoint."""
        self._cut_log()
        started, saved = time.monotonic(), time.monotonic()
        before = self.progress.seconds
        self.step_seconds: list[float] = []
        while self.progress.total_steps is None or self.progress.step < self.progress.total_steps:
            report = self._step()
            self.progress.seconds = before + time.monotonic() - started
            self.step_seconds.append(report.seconds)
            self._set_length()
            self._log(report)
            if on_step:
                on_step(report)
            every = self.config.validate_steps
            if self.validation and every and self.progress.step % every == 0:
                self._write({"step": self.progress.step, "validation": self.validate()})
            if time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
        self.save()
        return self.progress

    def save(self) -> None:
        """Write the checkpoint."""
        save_checkpoint(self.folder, self.model, self.optimizers, self.progress, self.recipe.to_dict())

    def _step(self) -> StepReport:
        config, progress = self.config, self.progress
        done = progress.step / progress.total_steps if progress.total_steps else 0.0
        factor = rate_factor(progress.step, progress.total_steps, config.warmup_steps, config.decay_share)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["full_lr"] * factor
        micros = self.mixture.batch(progress.step, done, config.batch_bytes, config.micro_bytes)
        started = time.monotonic()
        loss = self._gradients(micros)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), config.clip_norm)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        num_bytes = sum(example.num_bytes for micro in micros for example in micro)
        progress.step += 1
        progress.bytes_seen += num_bytes
        seconds = time.monotonic() - started
        rate = config.learning_rate * factor
        return StepReport(progress.step, loss, rate, num_bytes, seconds, progress.total_steps)

    def _gradients(self, micros: list[list[Example]]) -> float:
        """Accumulate the gradients of a step; every token of it weighs the same. Returns the mean loss in nats."""
        size = self.recipe.model.patch_size
        tokens = sum((len(each.patches) - each.first) * size for micro in micros for each in micro)
        total = torch.zeros((), device=self.device)
        for micro in micros:
            batch = self._collate(micro)
            with self._autocast():
                loss = self.losses(self.model, batch).sum() / tokens
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
        return float(total)

    def _collate(self, examples: list[Example]) -> Any:
        return collate(examples, source_attention=self.recipe.model.source_attention).to(self.device)

    def _autocast(self) -> torch.autocast:
        wanted = self.config.dtype == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=wanted)

    def _set_length(self) -> None:
        """Turn a budget in minutes into steps, once, when the warm-up has shown how long a step takes."""
        progress, config = self.progress, self.config
        if progress.total_steps is None and progress.step >= config.warmup_steps:
            left = 60 * config.minutes - progress.seconds
            pace = statistics.median(self.step_seconds)  # compiling makes the first steps far longer than the rest
            progress.total_steps = progress.step + max(0, round(left / pace))
            self.save()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Bits per byte of a fixed part of each validation source, teacher-forced."""
        self.model.eval()
        figures = {}
        for name, stream in self.validation:
            label = f"{name}{' reverse' if stream.source.reverse else ''}"
            figures[label] = self._bits_per_byte(stream)
        self.model.train()
        return figures

    def _bits_per_byte(self, stream: Stream) -> float:
        nats, num_bytes = 0.0, 0
        stride = max(1, math.ceil(len(stream) / VALIDATION_FILES))
        for index in range(0, len(stream), stride):
            example = stream.example(index)
            batch = self._collate([example])
            with self._autocast():
                losses = token_losses(self.model, batch)
            nats += float((losses * real_tokens(batch)).sum())
            num_bytes += example.num_bytes
        return bits_per_byte(nats, num_bytes)

    def _log(self, report: StepReport) -> None:
        line = {name: getattr(report, name) for name in StepReport.__slots__ if name != "total_steps"}
        self._write(line)

    def _write(self, line: dict[str, Any]) -> None:
        with (self.folder / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _cut_log(self) -> None:
        """Drop what was logged after the checkpoint: those steps are done again."""
        path = self.folder / LOG_FILE
        if not path.exists():
            return
        kept = []
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):  # the run was killed while it wrote
                break
            if json.loads(line)["step"] <= self.progress.step:
                kept.append(line)
        path.write_text("".join(kept), encoding="utf-8")
