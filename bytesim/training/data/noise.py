"""Noise in what a model is shown while it learns; what it learns to write stays true. No torch."""

from __future__ import annotations

import re

import numpy as np

from bytesim.patching import END_OF_PATCH, Patches

_LENGTH_TAIL = slice(6, 8)
"""The lower half of a track's length, from the start of its `MTrk`."""


def with_length_noise(patches: Patches, first: int, rng: np.random.Generator) -> Patches:
    """(P, S) patches whose MIDI track lengths, from patch `first` on, have their lower two bytes drawn anew.

    A file states the length of a track before the track. When it writes one, a model can only guess; shown true lengths
    while it learns, it would come to end its tunes by them.
    """
    shown = patches.copy()
    target = shown[first:].reshape(-1)
    data = np.where(target == END_OF_PATCH, 0, target).astype(np.uint8).tobytes()
    for match in re.finditer(b"MTrk", data):
        tail = target[match.start() :][_LENGTH_TAIL]
        tail[tail != END_OF_PATCH] = rng.integers(0, 256, int((tail != END_OF_PATCH).sum()))
    return shown
