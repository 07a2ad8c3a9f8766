"""What the engine is asked for and what it answers. No torch.

A request holds whole patches as history; the engine writes what follows, up to the first END_OF_PATCH.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import Clock, Times
from bytesim.errors import ConfigError
from bytesim.formats.grammar import Ending
from bytesim.patching import Patches


class Grammar(Protocol):
    """Follows an answer, prefix included, as it is written, and says which tokens may come next."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """(257,) true where a token may come."""

    @property
    def ending(self) -> Ending:
        """Where the engine says that the file is to end."""

    def advance(self, token: int) -> None:
        """Take note of the token that was written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How a token is chosen from the model's distribution."""

    temperature: float = 0.0
    """0 takes the likeliest token; 1 draws from the distribution as it is."""
    top_k: int = 0
    """Draw among the k likeliest tokens only; 0 among all."""
    top_p: float = 1.0
    """Draw among the likeliest tokens that hold this share of the probability."""
    seed: int = 0
    """The same seed gives the same file, whatever else is decoded beside it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < float("inf"):
            raise ConfigError(f"temperature {self.temperature} is out of range; choose 0 or more.")
        if self.top_k < 0:
            raise ConfigError(f"top-k {self.top_k} is out of range; choose 0 or more.")
        if not 0.0 < self.top_p <= 1.0:
            raise ConfigError(f"top-p {self.top_p} is out of range; choose more than 0 and at most 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTimes:
    """What a model with a clock is told of a request."""

    history: Times
    """(P, S, 2) times before each byte of the history."""
    clock: Callable[[], Clock]
    """Makes the clock of the answer as it stands after the history."""
    source: Times | None = None
    """(n, 2) times before each byte of the source."""
    latest: int | None = None
    """Where the music of the answer is to end, at the latest; None where that is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One file to write."""

    history: Patches
    """(P, S): an extension patch and whole patches of a prompt, or a source frame and the target's extension patch."""
    first: int
    """The patch of the history at which the byte-level decoder's stream begins; P if it begins with the answer."""
    prefix: bytes = b""
    """Fewer than S bytes that begin the next patch."""
    source: bytes = b""
    """What source attention reads."""
    max_patches: int
    """Most patches, history included; decoding stops there with `ended` false."""
    sampling: Sampling = Sampling()
    grammar: Callable[[], Grammar] | None = None
    """Makes the grammar that the answer keeps to."""
    end_after: int | None = None
    """Bytes of the answer, prefix included, after which its grammar is told to bring it to an end."""
    times: RequestTimes | None = None
    """For a model with a clock; where there are none, it stands still."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the engine wrote."""

    data: bytes
    """The bytes after the history, prefix included."""
    ended: bool
    """Whether an END_OF_PATCH was decoded, and not the limit reached."""
    token_nats: NDArray[np.float32]
    """Surprise of the model, no grammar applied, at each byte after the prefix and at the END_OF_PATCH."""
    overran: bool = False
    """Whether it went on for too long, after `RequestTimes.latest` or `Request.end_after`, and its grammar was told to
    bring it to an end."""

    @property
    def nats(self) -> float:
        """Surprise of the model at the whole of its answer."""
        return float(self.token_nats.sum())
