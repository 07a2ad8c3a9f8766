"""Optimizers and the learning rate schedule.

Muon: Jordan et al. 2024, kellerjordan.github.io/posts/muon; the update is scaled to match AdamW's as in
Liu et al. 2025, arXiv:2502.16982.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from bytesim.training.sharding import spread, whole

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    """The Muon optimizer for weight matrices (2-D): SGD with momentum whose updates are orthogonalized."""

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.dtype = dtype
        """The dtype in which updates are orthogonalized."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Update every parameter that has a gradient."""
        assert closure is None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                buffer = state["momentum_buffer"]
                buffer.lerp_(parameter.grad, 1 - group["momentum"])
                # This needs the whole matrix: a sharded one is gathered, and every process works on it for itself.
                direction = whole(parameter.grad.lerp(buffer, group["momentum"]))
                update = spread(orthogonalize(direction, self.dtype).to(parameter.dtype), parameter)
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                scale = 0.2 * max(parameter.shape) ** 0.5
                parameter.add_(update, alpha=-group["lr"] * scale)


def orthogonalize(matrix: Tensor, dtype: torch.dtype = torch.bfloat16, steps: int = 5) -> Tensor:
    """Approximately the nearest semi-orthogonal matrix, by `steps` Newton-Schulz iterations in `dtype`."""
    a, b, c = _NEWTON_SCHULZ
    x = matrix.to(dtype)
    wide = x.shape[0] <= x.shape[1]
    x = x if wide else x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x if wide else x.T


def make_optimizers(
    model: nn.Module,
    *,
    learning_rate: float,
    muon_learning_rate: float,
    weight_decay: float,
    betas: tuple[float, float],
    dtype: torch.dtype = torch.bfloat16,
) -> list[torch.optim.Optimizer]:
    """AdamW; with a `muon_learning_rate`, Muon (in `dtype`) for the matrices in blocks and AdamW for the rest."""
    matrices: list[nn.Parameter] = []
    decayed: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if muon_learning_rate > 0 and parameter.ndim == 2 and ".blocks." in name:
            matrices.append(parameter)
        else:
            (decayed if parameter.ndim >= 2 else rest).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(groups, lr=learning_rate, betas=betas, fused=True)]
    if matrices:
        optimizers.append(Muon(matrices, muon_learning_rate, weight_decay=weight_decay, dtype=dtype))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["full_lr"] = group["lr"]
    return optimizers


def rate_factor(step: int, total_steps: int | None, warmup_steps: int, decay_share: float) -> float:
    """Factor of the learning rate at a step: linear warm-up, constant, linear decay to zero at `total_steps`.

    While `total_steps` is unknown (None) there is no decay.
    """
    warm = min(1.0, (step + 1) / max(1, warmup_steps))
    if total_steps is None:
        return warm
    return warm * max(0.0, min(1.0, (total_steps - step) / max(1.0, decay_share * total_steps)))
