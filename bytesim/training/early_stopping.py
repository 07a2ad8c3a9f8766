"""Early stopping: the weights with the lowest validation loss are kept, and a training that gets no better ends."""

from __future__ import annotations

from torch import nn

from bytesim.training.distributed import Workers
from bytesim.training.recipe import TrainingConfig
from bytesim.training.state import Best


class EarlyStopping:
    """Chooses the best weights by validation, with `patience` in the recipe. All workers call its methods together."""

    def __init__(self, best: Best, training: TrainingConfig, workers: Workers, step: int) -> None:
        self.best = best
        self.training = training
        self.workers = workers
        self.ended = self._has_waited(step)
        """Whether patience has run out."""

    def offer(self, model: nn.Module, step: int, loss_nats: float, *, sharded: bool) -> None:
        """Copy the weights of the model if its validation loss on rank 0 is the lowest, and see if patience is over.

        Rank 0 keeps them for all, unless the model is `sharded`.
        """
        loss_nats = self.workers.agreed(loss_nats)
        self.best.offer(model, step, loss_nats, copy=self.workers.leads or sharded)
        self.ended = bool(self.workers.agree(int(self._has_waited(step))))

    def load_best(self, model: nn.Module) -> bool:
        """Load the best weights into the model. Returns whether there were any."""
        if not self.workers.agree(int(bool(self.best.weights))):
            return False
        if self.best.weights:  # without shards, rank 0 alone has them
            model.load_state_dict(self.best.weights)
        return True

    def _has_waited(self, step: int) -> bool:
        patience = self.training.patience
        return patience > 0 and self.best.waited(step, self.training.validate_steps) >= patience
