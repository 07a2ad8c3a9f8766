"""What a training learns from: one framed file at a time. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.clocks import Times
from bytesim.patching import Patches

BUCKET_PATCHES = 16
"""Files whose lengths round up to the same multiple of this stand in one bucket; a batch is drawn from one bucket."""


@dataclass(frozen=True, slots=True)
class Example:
    """A framed file: its patches (P, S), where the byte-level decoder begins, the source bytes if any, and a label."""

    patches: Patches
    first: int
    source: bytes
    label: int
    num_bytes: int
    """Real bytes that are scored."""
    shown: Patches | None = None
    """What the model is shown in place of `patches`, where that differs."""
    times: Times | None = None
    """(P, S, 2) times before each byte, for a model with a clock."""
    source_times: Times | None = None
    """(n, 2) times before each byte of the source."""
    given: int = 0
    """Patches from `first` on that are not scored: the byte-level decoder sees them before the first one that is."""
    partner: int = 0
    """The label of the file that was mixed into it."""
    share: float = 1.0
    """How much of it is its own."""
