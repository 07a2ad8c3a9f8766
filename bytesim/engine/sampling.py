"""Chooses tokens from logits, for many files at once and without a round trip to the host.

Sampling uses the Gumbel-max trick: the argmax of (log-probability + Gumbel noise) is a sample from the distribution
(Gumbel 1954; Maddison et al. 2014). Each file has its own noise generator, so a seed gives the same file in any batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bytesim.patching import VOCAB_SIZE
from bytesim.requests import Sampling

REPEATED_BYTES = 64
"""Last bytes of a file to which the repetition penalty applies."""


def generator_for(sampling: Sampling) -> torch.Generator | None:
    """The noise generator of a file; None for greedy decoding."""
    return torch.Generator().manual_seed(sampling.seed) if sampling.temperature > 0 else None


def patch_noise(generators: list[torch.Generator | None], patch_size: int, device: torch.device) -> Tensor | None:
    """Gumbel noise (B, S, V) for one patch of each file, zero for greedy files; None if all are greedy."""
    if not any(generators):
        return None
    noise = torch.full((len(generators), patch_size, VOCAB_SIZE), 0.5, dtype=torch.float64)
    for row, generator in zip(noise, generators, strict=True):
        if generator is not None:
            torch.rand(row.shape, generator=generator, dtype=torch.float64, out=row)
    noise.clamp_min_(1e-300).log_().neg_().log_().neg_()
    noise[[generator is None for generator in generators]] = 0.0
    return noise.float().to(device)


def choose(logits: Tensor, samplings: list[Sampling], noise: Tensor | None, allowed: Tensor | None) -> Tensor:
    """Tokens (B,) from logits (B, V) and `noise` (B, V); `allowed` (B, V) is true for the permitted tokens."""
    if allowed is not None:
        logits = logits.masked_fill(~allowed, -torch.inf)
    if noise is None:
        return logits.argmax(-1)
    temperatures = torch.tensor([sampling.temperature or 1.0 for sampling in samplings], device=logits.device)
    scaled = logits / temperatures[:, None]
    for row, sampling in enumerate(samplings):
        if sampling.temperature > 0 and (sampling.top_k or sampling.top_p < 1.0):
            scaled[row] = _narrowed(scaled[row], sampling)
    return (scaled + noise).argmax(-1)


def penalized(logits: Tensor, samplings: list[Sampling], recent: list[bytes]) -> Tensor:
    """Logits (B, V) with those of each file's `recent` bytes lowered by its repetition penalty.

    Positive logits are divided by the penalty, negative ones multiplied. Source: CTRL, Keskar et al. 2019,
    arXiv:1909.05858, section 4.1.
    """
    logits = logits.clone()
    for row, (sampling, written) in enumerate(zip(samplings, recent, strict=True)):
        tokens = list(set(written[-REPEATED_BYTES:]))
        found = logits[row, tokens]
        penalty = sampling.repetition_penalty
        logits[row, tokens] = torch.where(found > 0, found / penalty, found * penalty)
    return logits


def _narrowed(logits: Tensor, sampling: Sampling) -> Tensor:
    """Logits (V,) with minus infinity for the tokens that top-k and top-p exclude."""
    if sampling.top_k:
        smallest = torch.topk(logits, min(sampling.top_k, len(logits))).values[-1]
        logits = logits.masked_fill(logits < smallest, -torch.inf)
    if sampling.top_p < 1.0:
        order = torch.argsort(logits, descending=True, stable=True)
        shares = torch.softmax(logits[order], -1)
        before = shares.cumsum(-1) - shares  # 0 for the most likely token, so it is always kept
        logits = logits.masked_fill(
            torch.zeros_like(before, dtype=torch.bool).scatter(0, order, before >= sampling.top_p), -torch.inf
        )
    return logits
