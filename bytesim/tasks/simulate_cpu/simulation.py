"""The results of a simulation: a run of the CPU, and its comparison with the right states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bytesim.cpu.compare import Difference, find_differences, scored_bytes
from bytesim.cpu.machine import Stop
from bytesim.formats.cpu_trace import Trace
from bytesim.metrics import StateScore, state_accuracy

Kind = Literal["assembly", "memory", "memory and first state", "trace"]
"""The kind of the input file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A comparison of a trace with the right one, over the states after the first."""

    score: StateScore
    differences: tuple[Difference, ...]
    """Wrong bytes in file order; empty if every byte is right."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """A run of the CPU."""

    source: str
    kind: Kind
    engine: str
    model: str | None
    """The model's name; None for the exact machine."""
    trace: Trace
    """Memory and every state of this run; n steps give n + 1 states."""
    stop: Stop
    """Why the run ended; with a model, judged by its last state."""
    nll_nats: float | None
    """Negative log-likelihood of the states in nats: exp(-nll_nats) is the probability that the model gave them. None
    for the exact machine."""
    outside: tuple[str, ...]
    """Why the program is out of distribution: unlike all training programs of a model. Empty for the exact machine."""
    seed: int | None
    """Seed of the random first state; None without a random state."""
    found: Trace | None
    """The trace in the input; None if the input is not a trace."""
    shown: Trace
    """The trace to show: with the exact machine the trace in the input, if there is one; else that of this run."""
    right: Trace
    """The trace that `shown` is compared with; `shown` itself if nothing is compared."""
    comparison: Comparison | None
    """The comparison of `shown` with `right`; None if nothing is compared."""
    picture: str | None = None
    """Path of the picture that was drawn; None without one."""


def compare_traces(found: Trace, right: Trace) -> Comparison:
    """Score `found` and list its wrong bytes; missing and surplus bytes count as wrong."""
    score = state_accuracy(scored_bytes(found), scored_bytes(right))
    return Comparison(score=score, differences=find_differences(found, right))
