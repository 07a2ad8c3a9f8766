"""Scoring a known file: how surprised a model is at each of its tokens (teacher forcing)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.model import BGPT
from bytesim.patching import closing_patch, split_patches
from bytesim.requests import Request


@dataclass(frozen=True, slots=True)
class Score:
    """What a file cost the model."""

    token_nats: NDArray[np.float32]
    """Nats of every byte, and of the END_OF_PATCH after the last one."""
    mean_nats: float
    """Mean over all tokens of the scored patches, padding included, as published."""
    num_bytes: int

    @property
    def nats(self) -> float:
        """Sum over the bytes and the END_OF_PATCH after them."""
        return float(self.token_nats.sum())


@torch.inference_mode()
def score_file(model: BGPT, request: Request, data: bytes) -> Score:
    """Score `data` as the answer to a request that was made without prompt. Raises nothing of its own."""
    size, device = model.config.patch_size, next(model.parameters()).device
    answer = np.concatenate([split_patches(data, size), closing_patch(size)])
    patches = torch.from_numpy(np.concatenate([request.history, answer]).astype(np.int64)).to(device)[None]
    source = torch.tensor([list(request.source)], device=device) if request.source else None
    first, begun = torch.tensor([request.first], device=device), len(request.history) - request.first
    times = request_times.before_bytes(request, data, size, device)
    source_times = None if source is None else request_times.of_sources([request], source.shape[1], device)
    logits = model(patches, source, first, begun + len(answer), times, source_times)[0, begun:].float()
    targets = patches[0, len(request.history) :]
    nats = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
    return Score(nats[: len(data) + 1].cpu().numpy(), float(nats.mean()), len(data))
