"""Requests to a model that writes bytes, and its replies, for every architecture. No torch.

A request holds a history of whole strides of tokens (for bGPT: patches). The model writes the bytes that follow, up to
the first END_OF_PATCH.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import Clock, Deadline, Times
from bytesim.errors import ConfigError
from bytesim.formats.grammar import Grammar
from bytesim.patching import Patches


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How a token is chosen from the model's distribution."""

    temperature: float = 0.0
    """0 takes the most likely token; 1 draws from the unchanged distribution."""
    top_k: int = 0
    """Draw among the k most likely tokens only; 0 draws among all."""
    top_p: float = 1.0
    """Draw among the most likely tokens that together hold this share of the probability."""
    seed: int = 0
    """The same seed gives the same file in any batch."""
    repetition_penalty: float = 1.0
    """Factor that lowers the logits of the bytes among the last 64 that were written; 1 changes nothing."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < float("inf"):
            raise ConfigError(f"temperature {self.temperature} is out of range; choose 0 or more.")
        if self.top_k < 0:
            raise ConfigError(f"top-k {self.top_k} is out of range; choose 0 or more.")
        if not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top-p {self.top_p} is out of range; choose more than 0 and at most 1.")
        if not 1.0 <= self.repetition_penalty < float("inf"):
            raise ConfigError(f"repetition penalty {self.repetition_penalty} is out of range; choose 1 or more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The file that a caller asks for, in bytes, before an architecture frames it as a `Request`."""

    suffix: str
    """Suffix of the file to write."""
    prompt: bytes = b""
    """First bytes of the file."""
    source: bytes | None = None
    """Without a prompt: the file to convert. With a prompt: its beginning, for models that attend to a source."""
    source_suffix: str = ""
    """Conversion: suffix of the source."""
    source_span: int = 0
    """With a prompt: number of its bytes that the source represents; the source itself may be shorter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTimes:
    """The times of the bytes of a request, which a model with a clock reads too."""

    history: Times
    """(P, S, C) times before each byte of the history."""
    clock: Callable[[], Clock]
    """Makes the clock of the answer, set to the time after the history."""
    source: Times | None = None
    """(n, C) times before each byte of the source."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One file to write."""

    history: Patches
    """(P, S): an extension patch and whole patches of a prompt, or a source frame and the target's extension patch."""
    first: int
    """First patch of the history that the byte-level decoder reads; P if it reads the answer only."""
    prefix: bytes = b""
    """First bytes of the next patch, fewer than S."""
    source: bytes = b""
    """Bytes for source attention (cross-attention)."""
    max_patches: int
    """Most patches, history included; decoding stops at this limit with `ended` false."""
    sampling: Sampling = Sampling()
    grammar: Callable[[], Grammar] | None = None
    """Makes the grammar to which the answer is constrained."""
    deadline: Callable[[], Deadline] | None = None
    """Makes the deadline of the answer; once it has passed, the grammar forces an end."""
    times: RequestTimes | None = None
    """For a model with a clock; without times the clock stands still."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The engine's answer to a request."""

    data: bytes
    """The bytes after the history, prefix included."""
    ended: bool
    """Whether an END_OF_PATCH was decoded before the limit was reached."""
    token_nats: NDArray[np.float32]
    """Negative log-likelihood in nats of each byte after the prefix and of the END_OF_PATCH, without the grammar."""
    overran: bool = False
    """Whether the deadline passed, so that the grammar forced the end."""

    @property
    def nats(self) -> float:
        """Negative log-likelihood of the whole answer, in nats."""
        return float(self.token_nats.sum())
