"""What `bytesim detect` finds."""

from __future__ import annotations

from dataclasses import dataclass

PADDING = "padding"
"""The label of bytes that all have one value."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A part of a file with one kind of content."""

    start: int
    end: int
    """Offset of the first byte after it."""
    label: str
    """`guess`, or `unknown` if the guess is not probable enough."""
    guess: str
    """The most probable label besides `unknown`; `unknown` for a file of a known format without a label."""
    probability: float
    """Of the guess; 1 for padding, and for a file whose own length fields give its end."""
    exact: bool
    """Whether the format's own length fields, or the padding, give both ends; else the model found them."""
    bits_per_byte: float | None = None
    """By the context mixer of `compress`, of the first bytes; None without the compiled kernels."""
    extracted: str | None = None
    """The file that it was written to."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """The segments of a file, which lie one after the other."""

    source: str
    model: str
    num_bytes: int
    step: int
    """Bytes from one window of the model to the next. If they are more than 512, borders are only that precise, except
    those that a length field gives."""
    segments: tuple[Segment, ...]
