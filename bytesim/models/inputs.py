"""The inputs of a model besides the bytes of a file; every architecture's config has an `inputs`. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInputs:
    """The inputs of a model. The defaults are those of a model that reads only the patches of its history."""

    source: bool = False
    """Whether the model attends to the bytes of a source, such as the file to convert."""
    max_source_bytes: int = 0
    """With `source`: length of the longest source, in bytes."""
    source_in_history: bool = True
    """Whether the history also holds the patches of the source, before those of the file that is written."""
    times: bool = False
    """Whether every byte has a time, in the units of `bytesim.clocks`."""
