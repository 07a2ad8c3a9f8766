"""The gradients of a step: accumulated over its micro-batches, and added up over all workers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bytesim.training.data.feed import StepData
from bytesim.training.distributed import Workers
from bytesim.training.flops import FlopCount
from bytesim.training.loss import Batch, auxiliary_loss
from bytesim.training.validation import Autocast

if TYPE_CHECKING:
    from bytesim.models.registry import Model

Losses = Callable[["Model", Batch], Tensor]
"""The losses of a batch in nats, one for each token or, for a classifier, for each file."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a worker wishes to happen after a step; once the gradients have been added up, what any of them wishes."""

    checkpoint: bool = False
    """A checkpoint is due; rank 0 decides."""
    stop: bool = False
    """The worker was interrupted."""


class Gradients:
    """Computes the gradients of a model. `sharded`: this process trains its share of it.

    With a `flops` the operations of every micro-batch are counted.
    """

    def __init__(
        self,
        model: Model,
        losses: Losses,
        autocast: Autocast,
        *,
        workers: Workers,
        device: torch.device,
        sharded: bool = False,
        flops: FlopCount | None = None,
    ) -> None:
        self.model = model
        self.losses = losses
        self.compiled_losses = losses
        """The same losses, compiled where that is asked for and possible."""
        self.autocast = autocast
        self.workers = workers
        self.device = device
        self.sharded = sharded
        self.flops = flops

    @property
    def counted_flops(self) -> int:
        """The operations of all micro-batches so far; 0 if they are not counted."""
        return self.flops.total if self.flops is not None else 0

    def accumulate(self, data: StepData, wishes: Callable[[], Wishes] = Wishes) -> tuple[float, Wishes]:
        """Accumulate the gradients of a step: of the mean loss over all scored targets, and of the auxiliary loss.

        Returns the mean loss over the targets, in nats, and the wishes of all workers; `wishes` gives those of this
        worker once its own gradients are computed. Workers that train together must call this together.
        """
        loss = torch.zeros((), device=self.device)
        counting = len(data.micro_batches) - data.fillers
        for number, batch in enumerate(data.batches(self.device)):
            loss += self._backward(batch, data.scored, 1.0 if number < counting else 0.0)
        return self._add_up(loss, wishes())

    def _backward(self, batch: Batch, scored: int, weight: float) -> Tensor:
        """Add the gradients of a micro-batch of a step with `scored` targets. Returns its share of the loss."""
        # Gradients of sharded weights are averaged over the workers, and here they are to be summed.
        factor = float(self.workers.size) if self.sharded else 1.0
        with self.flops.counting(batch) if self.flops is not None else nullcontext():
            with self.autocast():
                loss: Tensor = self._losses_for(batch)(self.model, batch).sum() / scored * weight
                whole = loss + auxiliary_loss(self.model, batch, scored)
            (whole * factor).backward()
        return loss.detach()

    def _losses_for(self, batch: Batch) -> Losses:
        """The compiled losses, except where operations are counted: that is done where they run eagerly."""
        counts = self.flops is not None and not self.flops.is_known(batch)
        return self.losses if counts else self.compiled_losses

    def _add_up(self, loss: Tensor, wishes: Wishes) -> tuple[float, Wishes]:
        """Sum gradients, loss and wishes over all workers, in one message."""
        flags = torch.tensor([float(wishes.checkpoint), float(wishes.stop)], device=self.device)
        summed = () if self.sharded else self.model.parameters()
        loss_nats, checkpoint, stop = self.workers.add_up(summed, torch.cat([loss[None], flags])).tolist()
        return loss_nats, Wishes(checkpoint > 0, stop > 0)
