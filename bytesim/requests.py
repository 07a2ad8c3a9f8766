"""What a model is asked to write and what it answers, whatever its architecture. No torch.

A request holds a history in whole strides of tokens (patches of bGPT); the model writes what follows, up to the first
END_OF_PATCH.
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
class Asked:
    """A file that is wanted, in bytes, before an architecture frames it as a `Request`."""

    suffix: str
    """Of the file to write."""
    prompt: bytes = b""
    """Bytes that the file begins with."""
    source: bytes | None = None
    """What the file is made from: a conversion where there is no prompt, else what its prompt begins with."""
    source_suffix: str = ""
    """Conversion: suffix of the source."""
    source_span: int = 0
    """With a prompt: how many of its bytes the source stands for; the source may be shorter."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTimes:
    """The times that a model with a clock reads beside the bytes of a request."""

    history: Times
    """(P, S, 2) times before each byte of the history."""
    clock: Callable[[], Clock]
    """Makes the clock of the answer as it stands after the history."""
    source: Times | None = None
    """(n, 2) times before each byte of the source."""


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
    deadline: Callable[[], Deadline] | None = None
    """Makes what says when the answer has gone on for long enough; its grammar then brings it to an end."""
    times: RequestTimes | None = None
    """For a model with a clock; without them the clock stands still."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the engine wrote."""

    data: bytes
    """The bytes after the history, prefix included."""
    ended: bool
    """Whether an END_OF_PATCH was decoded, and not the limit reached."""
    token_nats: NDArray[np.float32]
    """Negative log-likelihood in nats of each byte after the prefix and of the END_OF_PATCH, no grammar applied."""
    overran: bool = False
    """Whether it went on beyond its deadline, and its grammar brought it to an end."""

    @property
    def nats(self) -> float:
        """Negative log-likelihood of the whole answer, in nats."""
        return float(self.token_nats.sum())
