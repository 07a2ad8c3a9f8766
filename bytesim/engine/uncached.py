"""Decoding that recomputes everything at every byte: the oracle of the tests and the baseline of the benchmarks."""

from __future__ import annotations

import numpy as np
import torch

from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.model import BGPT
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.requests import Reply, Request


@torch.inference_mode()
def decode_uncached(model: BGPT, request: Request) -> Reply:
    """Answer one request greedily with the teacher-forced `forward` alone."""
    size, device = model.config.patch_size, next(model.parameters()).device
    history = torch.from_numpy(request.history.astype(np.int64)).to(device)
    source = torch.tensor([list(request.source) or [END_OF_PATCH]], device=device)
    source_times = request_times.of_sources([request], source.shape[1], device)
    written = list(request.prefix)
    nats: list[float] = []
    first = torch.tensor([request.first], device=device)
    while len(history) + len(written) // size < request.max_patches:
        patches = torch.full((-(-(len(written) + 1) // size) * size,), END_OF_PATCH, device=device)
        patches[: len(written)] = torch.tensor(written, dtype=torch.long, device=device)
        frame = torch.cat([history, patches.view(-1, size)])[None]
        times = request_times.before_bytes(request, bytes(written), size, device)
        times = None if times is None else times[:, : frame.shape[1]]
        logits = model(frame, source, first, frame.shape[1] - request.first, times, source_times)
        scores = logits[0].float().reshape(-1, VOCAB_SIZE)
        row = scores[(len(history) - request.first) * size + len(written)]
        token = int(row.argmax())
        nats.append(-float(torch.log_softmax(row, -1)[token]))
        if token == END_OF_PATCH:
            return Reply(bytes(written), True, np.array(nats, np.float32))
        written.append(token)
    return Reply(bytes(written), False, np.array(nats, np.float32))
