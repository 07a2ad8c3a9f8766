"""A run of the CPU, and how it compares with the right one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bytesim.cpu.compare import Difference, find_differences, scored_bytes
from bytesim.cpu.machine import Stop
from bytesim.formats.cpu_trace import Trace
from bytesim.metrics import StateScore, state_accuracy

Kind = Literal["assembly", "memory", "memory and first state", "trace"]
"""What the input was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A trace against the right one, over the states after the first."""

    score: StateScore
    differences: tuple[Difference, ...]
    """In file order; empty for a trace that is right to the last byte."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Simulation:
    """A run of the CPU."""

    source: str
    kind: Kind
    engine: str
    model: str | None
    """The model's name; None for the exact machine."""
    trace: Trace
    """Memory and every state, as this run made them; n steps give n + 1 states."""
    stop: Stop
    """Why the run ended; of a model, what its last state says."""
    nll_nats: float | None
    """Negative log-likelihood of the states, by the model itself: exp(-nll_nats) is the probability that it gave them.
    None for the exact machine."""
    outside: tuple[str, ...]
    """In what the program is unlike all that a model of the CPU is trained on; empty for the exact machine."""
    seed: int | None
    """What the random first state was drawn from; None where it was given."""
    found: Trace | None
    """The trace that the input held, where it held one."""
    shown: Trace
    """What a reader wants to see: a trace that the input held, else the states that were made."""
    right: Trace
    """What `shown` is compared with; the same where nothing is."""
    comparison: Comparison | None
    """`shown` against `right`."""
    picture: str | None = None
    """The picture that was drawn."""


def compare_traces(found: Trace, right: Trace) -> Comparison:
    """Score `found` and list its wrong bytes. Missing and surplus bytes are wrong ones."""
    score = state_accuracy(scored_bytes(found), scored_bytes(right))
    return Comparison(score=score, differences=find_differences(found, right))
