"""Views of a file: other forms of it that are of the same class, read beside it for one answer.

Source: the mean over views of a picture, Krizhevsky et al. 2012, "ImageNet classification with deep convolutional
neural networks", section 4.1. No torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError
from bytesim.formats import bmp, wav

SPEEDS = (0.85, 0.92, 1.08, 1.15)
"""Speeds at which a recording is heard beside its own."""


@dataclass(frozen=True, slots=True)
class View:
    """A way of looking at files of one suffix. Its name stands in the card of a model that uses it."""

    name: str
    suffix: str
    augmentation: str
    """That it belongs to: a model is trained with it and may then be read so."""
    told: str
    """What was read, for whoever asks."""
    make: Callable[[bytes], list[bytes]]
    """A file in the models' form -> its other forms. Raises FormatError for another."""

    def others(self, data: bytes) -> list[bytes]:
        """The other forms of a file, none where it is not in the form that the models read."""
        try:
            return self.make(data)
        except FormatError:
            return []


def sped(data: bytes, factor: float) -> bytes:
    """A recording in the models' form, faster by `factor` about its middle, pitch with it. Raises FormatError."""
    recording = wav.parse(data)
    if not recording.is_model_form:
        raise FormatError("only a recording in the form that `bytesim normalize` writes is heard at other speeds.")
    body = np.frombuffer(recording.frames, np.uint8)
    return wav.serialize(wav.model_recording(resampled(body, factor).tobytes()))


def resampled(samples: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Unsigned 8-bit samples (N,), `factor` times as fast about the middle, silence where none are left."""
    middle = len(samples) / 2
    places = (np.arange(len(samples)) - middle) * factor + middle
    heard = np.interp(places, np.arange(len(samples)), samples, left=wav.SILENCE, right=wav.SILENCE)
    kept: NDArray[np.uint8] = np.clip(np.rint(heard), 0, 255).astype(np.uint8)
    return kept


VIEWS = (
    View("mirror", "bmp", "flip", "picture and mirror image", lambda data: [bmp.mirrored(data)]),
    View("speeds", "wav", "speed", "at five speeds", lambda data: [sped(data, factor) for factor in SPEEDS]),
)
