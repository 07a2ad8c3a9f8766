"""Data augmentation that keeps the class of a file: for normalised pictures and recordings, or for any file.

Sources: flips, crops, He et al. 2015, arXiv:1512.03385; cutout, DeVries and Taylor 2017, arXiv:1708.04552; masked times
and frequencies, Park et al. 2019, arXiv:1904.08779; mixup, Zhang et al. 2017, arXiv:1710.09412. No torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import ConfigError
from bytesim.formats import bmp, wav
from bytesim.formats.midi.styles import restyled
from bytesim.formats.views import resampled
from bytesim.formats.wav import SILENCE
from bytesim.patching import END_OF_PATCH
from bytesim.training.data.examples import Example

Bytes = NDArray[np.uint8]
Change = Callable[[Bytes, np.random.Generator], Bytes]

MOST_PIXELS = 4
"""crop: most pixels by which a picture is shifted, in each direction."""
MOST_CUT = 12
"""cutout: most pixels along the side of the square."""
MOST_SAMPLES = 1000
"""shift: most samples by which a recording is shifted, an eighth of a second at 8,000 samples per second."""
MOST_MASKED = 1200
"""mask: most samples that are silenced."""
TONE_BANDS = 8
"""tone: number of evenly spaced frequencies with a random gain; gains between them are interpolated."""
MOST_TONE = 0.5
"""tone: standard deviation of the logarithm of that gain, 4 dB."""
MOST_SILENCED = 0.12
"""tone: largest share of the spectrum that is silenced, as one band."""
MOST_DROPPED = 0.15
"""drop: largest share of bytes that are blanked."""
MOST_MEMBERS_LEFT_OUT = 0.3
"""members: largest share of the members that are not listed."""
LEAST_LINES_BYTES = 12
"""lines: least bytes that are aimed at; the lines that hold them are kept whole."""
_DIRECTORY_ENTRY, _DIRECTORY_END = b"PK\1\2", b"PK\5\6"
"""What an entry of the central directory of a zip archive begins with, and what follows the directory."""


def augmented(data: bytes, names: str, rng: np.random.Generator) -> bytes:
    """A file changed by the augmentations in `names`, in their order. Its header stays."""
    for name in names.split():
        header_bytes, _, change = AUGMENTATIONS[name]
        body = np.frombuffer(data, np.uint8)[header_bytes:]
        data = data[:header_bytes] + change(body, rng).tobytes()
    return data


def check_augmentations(names: str) -> None:
    """Raise ConfigError if one of these names is not one of AUGMENTATIONS."""
    for name in names.split():
        if name not in AUGMENTATIONS:
            raise ConfigError(f"augment {name!r} is unknown; choose among {', '.join(AUGMENTATIONS)}.")


def check_form(names: str, lengths: NDArray[np.int64], path: str) -> None:
    """Raise ConfigError if files of these lengths (N,) are not in the form that an augmentation needs."""
    for name in names.split():
        num_bytes = AUGMENTATIONS[name][1]
        if num_bytes and np.any(lengths != num_bytes):
            raise ConfigError(
                f"augment {name!r} is for files of {num_bytes:,} bytes, as `bytesim normalize` writes them; "
                f"{path} has files of other lengths, or the model reads only a part of each."
            )


def mixed(examples: list[Example], alpha: float, rng: np.random.Generator) -> list[Example]:
    """Mixup: each file blended, byte by byte, with another of the batch; for files whose bytes are samples.

    The weight of the file itself is drawn from Beta(alpha, alpha), mirrored to be at least a half. Files of different
    length are not blended.
    """
    blends = []
    for example, other in zip(examples, rng.permutation(len(examples)), strict=True):
        weight, partner = rng.beta(alpha, alpha), examples[int(other)]
        weight = max(weight, 1 - weight)
        if example.patches.shape != partner.patches.shape:
            blends.append(example)
            continue
        blended = np.rint(weight * example.patches + (1 - weight) * partner.patches).astype(example.patches.dtype)
        real = (example.patches != END_OF_PATCH) & (partner.patches != END_OF_PATCH)
        patches = np.where(real, np.minimum(blended, END_OF_PATCH - 1), example.patches)
        blends.append(replace(example, patches=patches, mix_label=partner.label, mix_weight=float(weight)))
    return blends


def _pixels(body: Bytes) -> Bytes:
    """The body of a square picture as (rows, columns, 3)."""
    side = int((len(body) / 3) ** 0.5)
    return body[: 3 * side * side].reshape(side, side, 3)


def _flip(body: Bytes, rng: np.random.Generator) -> Bytes:
    return _pixels(body)[:, ::-1] if rng.random() < 0.5 else body


def _crop(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Shift the picture by some pixels; the gap is filled by reflection at the edge."""
    pixels = _pixels(body)
    padded = np.pad(pixels, ((MOST_PIXELS, MOST_PIXELS), (MOST_PIXELS, MOST_PIXELS), (0, 0)), "reflect")
    row, column = rng.integers(0, 2 * MOST_PIXELS + 1, 2)
    return padded[row : row + len(pixels), column : column + len(pixels)]


def _cutout(body: Bytes, rng: np.random.Generator) -> Bytes:
    pixels = _pixels(body).copy()
    side = int(rng.integers(0, MOST_CUT + 1))
    row, column = rng.integers(-side // 2, len(pixels) - side // 2, 2)
    pixels[max(row, 0) : row + side, max(column, 0) : column + side] = SILENCE
    return pixels


def _colour(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Change brightness, contrast and tint."""
    factor, shift = rng.uniform(0.8, 1.2), rng.uniform(-20, 20, 3)
    return _clipped((_pixels(body) - 128.0) * factor + 128 + shift)


def _shift(body: Bytes, rng: np.random.Generator) -> Bytes:
    offset = int(rng.integers(-MOST_SAMPLES, MOST_SAMPLES + 1))
    shifted = np.full_like(body, SILENCE)
    if offset >= 0:
        shifted[offset:] = body[: len(body) - offset]
    else:
        shifted[:offset] = body[-offset:]
    return shifted


def _gain(body: Bytes, rng: np.random.Generator) -> Bytes:
    return _clipped((body - 128.0) * np.exp(rng.uniform(-0.8, 0.8)) + 128)


def _noise(body: Bytes, rng: np.random.Generator) -> Bytes:
    """In half of the files, add noise of a random colour between white and brown, with a standard deviation up to 6."""
    if rng.random() < 0.5:
        return body
    white = rng.standard_normal(len(body))
    memory = rng.uniform(0, 0.95)
    spectrum = np.fft.rfft(white) / np.abs(1 - memory * np.exp(-1j * np.linspace(0, np.pi, len(body) // 2 + 1)))
    noise = np.fft.irfft(spectrum, len(body))
    return _clipped(body + noise / max(noise.std(), 1e-9) * np.exp(rng.uniform(-1.5, 1.8)))


def _speed(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Resample about the middle: faster and higher, or slower and lower."""
    return resampled(body, np.exp(rng.uniform(-0.16, 0.16)))


def _mask(body: Bytes, rng: np.random.Generator) -> Bytes:
    length = int(rng.integers(0, MOST_MASKED + 1))
    start = int(rng.integers(0, max(1, len(body) - length)))
    masked = body.copy()
    masked[start : start + length] = SILENCE
    return masked


def _tone(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Imitate another microphone: a random gain for each frequency, and in half of the files one silenced band."""
    spectrum = np.fft.rfft(body - 128.0)
    frequencies = np.linspace(0, 1, len(spectrum))
    log_gain = np.interp(frequencies, np.linspace(0, 1, TONE_BANDS), rng.normal(0, MOST_TONE, TONE_BANDS))
    spectrum *= np.exp(log_gain)
    if rng.random() < 0.5:
        width = int(rng.uniform(0, MOST_SILENCED) * len(spectrum))
        start = int(rng.integers(0, len(spectrum) - width))
        spectrum[start : start + width] = 0
    return _clipped(np.fft.irfft(spectrum, len(body)) + 128)


def _drop(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Replace some bytes, in runs of four, by spaces."""
    dropped = rng.random(len(body) // 4 + 1) < rng.uniform(0, MOST_DROPPED)
    return np.where(np.repeat(dropped, 4)[: len(body)], np.uint8(ord(" ")), body)


def _members(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Of a zip archive, list the members in another order in half of the files, and leave some of them out."""
    before, *entries = body.tobytes().split(_DIRECTORY_ENTRY)
    if len(entries) < 2 or rng.random() < 0.5:
        return body
    last, mark, after = entries[-1].partition(_DIRECTORY_END)
    entries[-1] = last
    least = len(entries) - int(rng.uniform(0, MOST_MEMBERS_LEFT_OUT) * len(entries))
    order = rng.permutation(len(entries))[:least]
    listed = b"".join(_DIRECTORY_ENTRY + entries[place] for place in order)
    return np.frombuffer(before + listed + mark + after, np.uint8)


def _lines(body: Bytes, rng: np.random.Generator) -> Bytes:
    """Of half of the text files, keep a few lines: the first ones, or in a third of the cases ones from the middle.

    How many bytes they have is drawn evenly on a logarithmic scale, for short files are rare in collections.
    """
    ends = np.flatnonzero(body == ord("\n")) + 1
    if len(ends) < 2 or len(body) <= LEAST_LINES_BYTES or (body == 0).any() or rng.random() < 0.5:
        return body
    length = np.exp(rng.uniform(np.log(LEAST_LINES_BYTES), np.log(len(body))))
    start = 0 if rng.random() < 2 / 3 else int(rng.choice(ends[:-1]))
    last = min(int(np.searchsorted(ends, start + length)), len(ends) - 1)
    return body[start : ends[last]]


def _styles(body: Bytes, rng: np.random.Generator) -> Bytes:
    """In half of the files, write the music of a MIDI file as other programs do."""
    return body if rng.random() < 0.5 else np.frombuffer(restyled(body.tobytes(), rng), np.uint8)


def _clipped(values: NDArray[np.float64]) -> Bytes:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


_BMP = (bmp.HEADER_BYTES, bmp.MODEL_BYTES)
_WAV = (wav.MODEL_BYTES - wav.MODEL_FRAMES, wav.MODEL_BYTES)

AUGMENTATIONS: dict[str, tuple[int, int, Change]] = {
    "flip": (*_BMP, _flip),
    "crop": (*_BMP, _crop),
    "cutout": (*_BMP, _cutout),
    "colour": (*_BMP, _colour),
    "shift": (*_WAV, _shift),
    "gain": (*_WAV, _gain),
    "noise": (*_WAV, _noise),
    "speed": (*_WAV, _speed),
    "mask": (*_WAV, _mask),
    "tone": (*_WAV, _tone),
    "drop": (0, 0, _drop),
    "members": (0, 0, _members),
    "lines": (0, 0, _lines),
    "styles": (0, 0, _styles),
}
"""Name -> (bytes of the header, bytes of a whole file or 0 for any, change of the bytes after the header)."""
