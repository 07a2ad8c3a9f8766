"""Scaling of a classifier's logits to calibrated probabilities. No torch.

Axes: N files, C classes, K distributions in a mixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Probabilities = NDArray[np.float64]

MANY_FILES = 2000
"""With fewer files only a temperature is fitted, not the weights of the mixture."""

_COLDEST, _HOTTEST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2
_TEMPERATURES = np.geomspace(0.5, 8.0, 49)
_ROUNDS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """A mixture of the softmax at a temperature, the softmax at temperature 1, and the uniform distribution.

    A temperature alone lowers every confidence when only a few confident answers are wrong; the mixture avoids that.
    The order of the classes stays the same. Source: ensemble temperature scaling, Zhang et al. 2020, arXiv:2003.07329,
    section 3.2.
    """

    temperature: float = 1.0
    uncalibrated: float = 0.0
    """Weight of the softmax at temperature 1; 0 or more."""
    uniform: float = 0.0
    """Weight of the uniform distribution over the classes; 0 or more. The two weights sum to at most 1."""

    def probabilities(self, logits: ArrayLike) -> Probabilities:
        """(N, C) probabilities of logits (N, C), or of log-probabilities."""
        scaled = softmax(logits, self.temperature)
        if not self.uncalibrated and not self.uniform:
            return scaled
        rest = 1 - self.uncalibrated - self.uniform
        return rest * scaled + self.uncalibrated * softmax(logits) + self.uniform / scaled.shape[-1]


def softmax(logits: ArrayLike, temperature: float = 1.0) -> Probabilities:
    """(N, C) probabilities of logits, or log-probabilities, divided by a temperature."""
    return np.exp(log_softmax(np.asarray(logits, np.float64) / temperature))


def log_softmax(logits: ArrayLike) -> Probabilities:
    """(..., C) log-probabilities of logits."""
    table = np.asarray(logits, np.float64)
    table = table - table.max(-1, keepdims=True)
    normal: Probabilities = table - np.log(np.exp(table).sum(-1, keepdims=True))
    return normal


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """The temperature, 0.05 to 20, that gives the true classes (N,) the highest likelihood, from logits (N, C).

    The loss is convex in 1/temperature, so a golden-section search over its logarithm finds the only minimum.
    Source: Guo et al. 2017, arXiv:1706.04599, section 4.2. Raises ValueError for no rows.
    """
    table, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    if table.ndim != 2 or truth.shape != table.shape[:1] or not truth.size:
        raise ValueError(f"logits {table.shape} and labels {truth.shape} must be (N, C) and (N,) with N > 0")

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(table / np.exp(log_temperature))[np.arange(len(truth)), truth].mean())

    low, high = float(np.log(_COLDEST)), float(np.log(_HOTTEST))
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    left_loss, right_loss = loss(left), loss(right)
    while high - low > 1e-4:
        if left_loss <= right_loss:
            high, right, right_loss = right, left, left_loss
            left = high - _GOLDEN * (high - low)
            left_loss = loss(left)
        else:
            low, left, left_loss = left, right, right_loss
            right = low + _GOLDEN * (high - low)
            right_loss = loss(right)
    return float(np.exp((low + high) / 2))


def fit_scaling(logits: ArrayLike, labels: ArrayLike) -> Scaling:
    """The scaling that gives the true classes (N,) the highest likelihood, from logits (N, C).

    Only a temperature is fitted if there are fewer than MANY_FILES files or no answer is wrong. Raises ValueError for
    no rows.
    """
    table, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    temperature = fit_temperature(table, truth)
    if (table.argmax(1) == truth).all():  # a temperature near 0 would be likeliest: it makes every answer certain
        return Scaling(temperature=round(max(1.0, temperature), 4))
    if len(truth) < MANY_FILES:
        return Scaling(temperature=round(temperature, 4))
    rows = np.arange(len(truth))
    uncalibrated = softmax(table)[rows, truth]
    uniform = np.full(len(truth), 1 / table.shape[1])
    best, best_loss = Scaling(), np.inf
    for candidate in (temperature, *_TEMPERATURES):
        likelihoods = np.stack([softmax(table, candidate)[rows, truth], uncalibrated, uniform], 1)
        weights = _likeliest_weights(likelihoods)
        loss = -np.log(likelihoods @ weights).mean()
        if loss < best_loss:
            _, second, third = np.floor(weights * 1e6) / 1e6  # rounding up could make their sum more than 1
            best = Scaling(temperature=round(float(candidate), 4), uncalibrated=float(second), uniform=float(third))
            best_loss = loss
    return best


def _likeliest_weights(likelihoods: Probabilities) -> Probabilities:
    """(K,) weights of the mixture with the highest likelihood, by expectation maximisation (EM).

    `likelihoods` (N, K) are the probabilities of the true classes under each distribution.
    """
    weights = np.full(likelihoods.shape[1], 1 / likelihoods.shape[1])
    for _ in range(_ROUNDS):
        joint = likelihoods * weights
        weights = (joint / joint.sum(1, keepdims=True)).mean(0)
    return weights
