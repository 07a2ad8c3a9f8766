"""From a classifier's logits to probabilities that are as often right as they say. No torch.

Axes: N files, C classes, K ways of scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Probabilities = NDArray[np.float64]

MANY_FILES = 2000
"""Files from which on more than a temperature is fitted."""

_COLDEST, _HOTTEST = 0.05, 20.0
_GOLDEN = (5**0.5 - 1) / 2
_TEMPERATURES = np.geomspace(0.5, 8.0, 49)
_ROUNDS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """A mixture of the softmax at a temperature, of the uncalibrated one and of the uniform distribution.

    A temperature alone makes all answers humbler where a few are surely wrong; mixed with the others it need not. The
    order of the classes stays. Source: ensemble temperature scaling, Zhang et al. 2020, arXiv:2003.07329, section 3.2.
    """

    temperature: float = 1.0
    uncalibrated: float = 0.0
    """Weight of the softmax at temperature 1, from 0."""
    uniform: float = 0.0
    """Weight of the uniform distribution over the classes, from 0; both together are at most 1."""

    def probabilities(self, logits: ArrayLike) -> Probabilities:
        """(N, C) of logits (N, C), or of log-probabilities."""
        made = softmax(logits, self.temperature)
        if not self.uncalibrated and not self.uniform:
            return made
        rest = 1 - self.uncalibrated - self.uniform
        return rest * made + self.uncalibrated * softmax(logits) + self.uniform / made.shape[-1]


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
    """The temperature, 0.05 to 20, that gives the true classes (N,) of logits (N, C) the highest likelihood.

    The loss is convex in 1/temperature, so a golden-section search over its logarithm finds the one minimum.
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
    """The scaling that gives the true classes (N,) of logits (N, C) the highest likelihood.

    Of fewer than MANY_FILES, or where no answer is wrong, a temperature alone. Raises ValueError for no rows.
    """
    table, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)
    temperature = fit_temperature(table, truth)
    if (table.argmax(1) == truth).all():  # the likeliest one makes all probabilities 1
        return Scaling(temperature=round(max(1.0, temperature), 4))
    if len(truth) < MANY_FILES:
        return Scaling(temperature=round(temperature, 4))
    rows = np.arange(len(truth))
    uncalibrated = softmax(table)[rows, truth]
    uniform = np.full(len(truth), 1 / table.shape[1])
    best, best_loss = Scaling(), np.inf
    for tried in (temperature, *_TEMPERATURES):
        found = np.stack([softmax(table, tried)[rows, truth], uncalibrated, uniform], 1)
        shares = _likeliest_shares(found)
        loss = -np.log(found @ shares).mean()
        if loss < best_loss:
            _, second, third = np.floor(shares * 1e6) / 1e6  # rounded, they might be more than 1 together
            kept = Scaling(temperature=round(float(tried), 4), uncalibrated=float(second), uniform=float(third))
            best, best_loss = kept, loss
    return best


def _likeliest_shares(found: Probabilities) -> Probabilities:
    """(K,) shares of a mixture that make true classes likeliest, whose probabilities (N, K) each way gives; by EM."""
    shares = np.full(found.shape[1], 1 / found.shape[1])
    for _ in range(_ROUNDS):
        owed = found * shares
        shares = (owed / owed.sum(1, keepdims=True)).mean(0)
    return shares
