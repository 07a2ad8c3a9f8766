"""What a model is given beside the bytes of a file: asked of a config, whatever its architecture. No torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInputs:
    """The inputs of a model. The defaults are those of one that reads the patches of its history and nothing else."""

    source: bool = False
    """Whether it attends to the bytes of a source, such as the file that is to be converted."""
    max_source_bytes: int = 0
    """With `source`: the longest one, in bytes."""
    source_in_history: bool = True
    """Whether the patches of a source also stand in the history, before those of the file that is written."""
    times: bool = False
    """Whether bytes come with their times, in the units of `bytesim.clocks`."""
