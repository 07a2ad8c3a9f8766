"""Decoding that recomputes everything at every byte: the oracle of the tests and the baseline of the benchmarks."""

from __future__ import annotations

import numpy as np
import torch

from bytesim.models.interface import ByteModel
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.requests import Reply, Request


@torch.inference_mode()
def decode_uncached(model: ByteModel, request: Request) -> Reply:
    """Answer one request greedily with teacher forcing alone."""
    size = model.config.patch_size
    written = list(request.prefix)
    nats: list[float] = []
    while len(request.history) + len(written) // size < request.max_patches:
        answer = np.full((len(written) // size + 1, size), END_OF_PATCH, np.int16)
        answer.ravel()[: len(written)] = written
        row = model.answer_logits(request, answer).float().reshape(-1, VOCAB_SIZE)[len(written)]
        token = int(row.argmax())
        nats.append(-float(torch.log_softmax(row, -1)[token]))
        if token == END_OF_PATCH:
            return Reply(bytes(written), True, np.array(nats, np.float32))
        written.append(token)
    return Reply(bytes(written), False, np.array(nats, np.float32))
