"""Scores a known file: the negative log-likelihood of each of its tokens under a model (teacher forcing)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from bytesim.engine.sampling import check_finite
from bytesim.models.interface import ByteModel
from bytesim.patching import closing_patch, split_patches
from bytesim.requests import Request


@dataclass(frozen=True, slots=True)
class Score:
    """Negative log-likelihood of a file."""

    token_nats: NDArray[np.float32]
    """Nats of every byte, and of the END_OF_PATCH after the last byte."""
    mean_nats: float
    """Mean over all tokens of the scored patches, padding included, as in arXiv:2402.19155."""
    num_bytes: int

    @property
    def nats(self) -> float:
        """Sum over the bytes and the END_OF_PATCH after them."""
        return float(self.token_nats.sum())


@torch.inference_mode()
def score_file(model: ByteModel, request: Request, data: bytes) -> Score:
    """Score `data` as the answer to a request without a prompt. Raises ModelError if the model computes NaN."""
    answer = np.concatenate([split_patches(data, model.config.patch_size), closing_patch(model.config.patch_size)])
    logits = model.answer_logits(request, answer).float().flatten(0, 1)
    targets = torch.from_numpy(answer.astype(np.int64)).to(logits.device).flatten()
    nats = F.cross_entropy(logits, targets, reduction="none")
    token_nats = nats[: len(data) + 1].cpu().numpy()
    check_finite(token_nats)
    return Score(token_nats, float(nats.mean()), len(data))
