"""The best weights of a training that stops early: those with the least validation loss so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass(slots=True)
class Best:
    """Weights, kept on the CPU, and where they came from."""

    step: int = 0
    loss_nats: float = float("inf")
    weights: dict[str, Tensor] = field(default_factory=dict)
    """Empty before the first measurement."""

    def offer(self, model: nn.Module, step: int, loss_nats: float) -> None:
        """Keep the weights of the model if they are better. A loss that is no number never is."""
        if loss_nats < self.loss_nats:
            self.step, self.loss_nats = step, loss_nats
            self.weights = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}

    def waited(self, step: int, validate_steps: int) -> int:
        """Measurements since then."""
        return (step - self.step) // validate_steps
