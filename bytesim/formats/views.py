"""Test-time augmentation: changed copies of a file, of the same class, that are classified together with it. No torch.

Source: Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks", section 4.1, which
averages the predictions of several views of a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError
from bytesim.formats import bmp, wav

SPEEDS = (0.85, 0.92, 1.08, 1.15)
"""Speeds of the changed copies of a recording; 1 is its own."""


@dataclass(frozen=True, slots=True)
class View:
    """A test-time augmentation of files of one suffix. The card of a model that uses it has its name as a key."""

    name: str
    suffix: str
    augmentation: str
    """The training augmentation that a model must have been trained with to use this one."""
    told: str
    """What was read, in words for the user."""
    make: Callable[[bytes], list[bytes]]
    """A file in the models' form -> its changed copies. Raises FormatError for any other file."""

    def others(self, data: bytes) -> list[bytes]:
        """The changed copies of a file; none if it is not in the models' form."""
        try:
            return self.make(data)
        except FormatError:
            return []


def sped(data: bytes, factor: float) -> bytes:
    """A recording in the models' form, `factor` times as fast and as high; its middle stays where it is.

    Raises FormatError.
    """
    recording = wav.parse(data)
    if not recording.is_model_form:
        raise FormatError("the speed of a recording can be changed only in the form that `bytesim normalize` writes.")
    body = np.frombuffer(recording.frames, np.uint8)
    return wav.serialize(wav.model_recording(resampled(body, factor).tobytes()))


def resampled(samples: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """Unsigned 8-bit samples (N,), `factor` times as fast, the middle kept in place; silence fills the ends."""
    middle = len(samples) / 2
    positions = (np.arange(len(samples)) - middle) * factor + middle
    samples_at = np.interp(positions, np.arange(len(samples)), samples, left=wav.SILENCE, right=wav.SILENCE)
    rounded: NDArray[np.uint8] = np.clip(np.rint(samples_at), 0, 255).astype(np.uint8)
    return rounded


VIEWS = (
    View("mirror", "bmp", "flip", "picture and mirror image", lambda data: [bmp.mirrored(data)]),
    View("speeds", "wav", "speed", "at five speeds", lambda data: [sped(data, factor) for factor in SPEEDS]),
)
