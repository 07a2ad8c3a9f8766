"""Chooses tokens from logits, for many files at once. No torch.

Sampling uses the Gumbel-max trick: the argmax of (log-probability + Gumbel noise) is a sample from the distribution
(Gumbel 1954; Maddison et al. 2014). Each file has its own noise generator, so a seed gives the same file in any batch.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ModelError
from bytesim.patching import VOCAB_SIZE
from bytesim.requests import Sampling

REPEATED_BYTES = 64
"""Last bytes of a file to which the repetition penalty applies."""

Logits = NDArray[np.float32]


def generator_for(sampling: Sampling) -> np.random.Generator | None:
    """The noise generator of a file; None for greedy decoding."""
    return np.random.Generator(np.random.Philox(sampling.seed % 2**64)) if sampling.temperature > 0 else None


def patch_noise(generators: list[np.random.Generator | None], patch_size: int) -> Logits | None:
    """Gumbel noise (B, S, V) for one patch of each file, zero for greedy files; None if all are greedy."""
    if not any(generators):
        return None
    noise = np.zeros((len(generators), patch_size, VOCAB_SIZE), np.float32)
    for row, generator in zip(noise, generators, strict=True):
        if generator is not None:
            row[:] = -np.log(-np.log(np.maximum(generator.random(row.shape), 1e-300)))
    return noise


def choose(
    logits: Logits, samplings: list[Sampling], noise: Logits | None, allowed: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """Tokens (B,) from logits (B, V) and `noise` (B, V); `allowed` (B, V) is true for the permitted tokens."""
    if allowed is not None:
        logits = np.where(allowed, logits, -np.inf)
    if noise is None:
        return logits.argmax(-1)
    temperatures = np.array([sampling.temperature or 1.0 for sampling in samplings], np.float32)
    scaled = logits / temperatures[:, None]
    for row, sampling in enumerate(samplings):
        if sampling.temperature > 0 and (sampling.top_k or sampling.top_p < 1.0):
            scaled[row] = _narrowed(scaled[row], sampling)
    return (scaled + noise).argmax(-1)


def penalized(logits: Logits, samplings: list[Sampling], recent: list[bytes]) -> Logits:
    """Logits (B, V) with those of each file's `recent` bytes lowered by its repetition penalty.

    Positive logits are divided by the penalty, negative ones multiplied. Source: CTRL, Keskar et al. 2019,
    arXiv:1909.05858, section 4.1.
    """
    logits = logits.copy()
    for row, (sampling, written) in enumerate(zip(samplings, recent, strict=True)):
        tokens = list(set(written[-REPEATED_BYTES:]))
        found = logits[row, tokens]
        penalty = sampling.repetition_penalty
        logits[row, tokens] = np.where(found > 0, found / penalty, found * penalty)
    return logits


def check_finite(values: NDArray[np.floating]) -> None:
    """Raise ModelError if one of the values that a model computed is NaN or infinite."""
    if not np.isfinite(values).all():
        raise ModelError(
            "the model computes values that are not finite numbers, so it has no answer. Train it again, with a lower "
            "learning_rate, or choose another model."
        )


def token_nats(logits: Logits, tokens: NDArray[np.integer]) -> NDArray[np.float32]:
    """Negative log-likelihoods (...) in nats of tokens (...) under logits (..., V)."""
    most = logits.max(-1)
    totals = np.log(np.exp(logits - most[..., None]).sum(-1)) + most
    return totals - np.take_along_axis(logits, tokens[..., None], -1)[..., 0]


def _narrowed(logits: Logits, sampling: Sampling) -> Logits:
    """Logits (V,) with minus infinity for the tokens that top-k and top-p exclude."""
    if sampling.top_k:
        smallest = np.sort(logits)[-min(sampling.top_k, len(logits))]
        logits = np.where(logits < smallest, -np.inf, logits)
    if sampling.top_p < 1.0:
        order = np.argsort(-logits, kind="stable")
        shares = np.exp(logits[order] - logits[order[0]])
        shares /= shares.sum()
        before = shares.cumsum() - shares  # 0 for the most likely token, so it is always kept
        logits = logits.copy()
        logits[order[before >= sampling.top_p]] = -np.inf
    return logits
