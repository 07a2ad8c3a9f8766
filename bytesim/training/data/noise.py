"""Noise in the inputs of a model during training; its targets stay true. No torch."""

from __future__ import annotations

import numpy as np

from bytesim.formats.midi.mend import track_length_spans
from bytesim.patching import END_OF_PATCH, Patches


def with_length_noise(patches: Patches, first: int, rng: np.random.Generator) -> Patches:
    """A copy of patches (P, S) whose MIDI track lengths, from patch `first` on, have random lower two bytes.

    A file states the length of a track before the track, so a model that writes one can only guess it. If it were
    trained on true lengths, it would learn to stop by them.
    """
    shown = patches.copy()
    target = shown[first:].reshape(-1)
    data = np.where(target == END_OF_PATCH, 0, target).astype(np.uint8).tobytes()
    for length in track_length_spans(data):
        tail = target[length][2:]
        tail[tail != END_OF_PATCH] = rng.integers(0, 256, int((tail != END_OF_PATCH).sum()))
    return shown
