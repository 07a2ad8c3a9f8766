"""Validates a model in training, by rank 0 or by all workers, and logs the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from bytesim.training.data.examples import Example
from bytesim.training.data.streams import AnyStream
from bytesim.training.distributed import Workers
from bytesim.training.divergence import check_finite
from bytesim.training.log import LOSS, TrainingLog
from bytesim.training.loss import Batch, collate
from bytesim.training.recipe import Recipe
from bytesim.training.validation import Autocast, Validation, validate

if TYPE_CHECKING:
    from bytesim.models.registry import Model


class Validator:
    """The validation rows of a training, and the log of its results in a run folder."""

    def __init__(
        self,
        streams: Sequence[AnyStream],
        recipe: Recipe,
        autocast: Autocast,
        *,
        workers: Workers,
        device: torch.device,
        folder: Path,
    ) -> None:
        self.streams = streams
        self.recipe = recipe
        self.autocast = autocast
        self.workers = workers
        self.device = device
        self.folder = folder
        self.log = TrainingLog(folder)

    def collate(self, examples: list[Example]) -> Batch:
        """Examples as one batch on the device."""
        return collate(examples, self.recipe.model).to(self.device)

    def measure(self, model: Model, step: int, *, sharded: bool = False, again: bool = False) -> Validation:
        """Measure the validation rows and log the result, unless the log already has it for this step.

        `again` measures even then. Rank 0 measures; if the model is sharded, all workers measure the same rows. Empty
        on other ranks than 0. Raises ConfigError if a result is not finite.
        """
        logged = self.log.validation(step) if self.workers.leads and not again else None
        measures = self.workers.leads and logged is None
        if sharded:
            measures = bool(self.workers.agree(int(measures)))
        if not measures:
            return Validation(*logged) if logged else Validation()
        result = validate(model, self.streams, self.collate, self.autocast)
        self._keep(result, step)
        return result if self.workers.leads else Validation()

    def _keep(self, result: Validation, step: int) -> None:
        """Log a result, if there is one."""
        if not result.figures:
            return
        values = (result.loss_nats, *result.figures.values())
        check_finite(f"validation loss at step {step}", values, self.recipe.training.learning_rate, self.folder)
        if self.workers.leads:
            self.log.write({"step": step, "validation": result.figures, LOSS: result.loss_nats})
