"""Sizes and tables of parts that no setting changes, for all that computes them. No torch."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from bytesim.patching import VOCAB_SIZE

BEGIN_ID = 1
"""What the end-of-patch is as an input, where bytes begin after some specials, see vocabulary.py."""
END_ID = 2
"""What it is as an output."""


def vocabulary_size(byte_offset: int) -> int:
    """Number of ids where bytes begin at `byte_offset`, which is 0 or `patching.BYTE_OFFSET`."""
    return byte_offset + 256 if byte_offset else VOCAB_SIZE


READ_SIZE = 64
"""Width of a read of a patch, see reads.py."""

BYTE_SIZE = 16
"""Width of the byte embeddings at the edges of a file, see models/encoder/edges.py."""
EDGE_NGRAMS = (1, 2, 3, 4)
"""Lengths of the n-grams at the edges of a file, in bytes."""

NGRAM_HEAD_SCALE = 10.0
"""Factor of the logits of n-grams, see models/encoder/heads.py: so their table learns ten times as fast."""

VALUES = 256
LAGS = 32
"""Distances at which bytes are compared, for records and samples, see models/encoder/statistics.py."""
STATISTICS = 2 * VALUES + LAGS + 4
"""Number of statistics of a file."""

QUIETEST = 1e-4
"""Added to energies before the logarithm: about the energy of the smallest step of 8-bit samples."""


def gabor_filters(count: int, width: int) -> NDArray[np.float32]:
    """(count, 2, width): cosine and sine under a Gaussian, at `count` frequencies evenly spaced on the mel scale.

    Frequencies run from 60 to 3,900 Hz at 8,000 samples a second.
    """
    low, high = (2595 * math.log10(1 + hertz / 700) for hertz in (60.0, 3900.0))
    mels = np.linspace(low, high, count + 2)
    hertz = 700 * (10 ** (mels / 2595) - 1)
    centres, widths = hertz[1:-1] / 8000, (hertz[2:] - hertz[:-2]) / 2 / 8000
    spread = np.minimum(0.4 / widths, width / 4)[:, None]
    positions = np.arange(width) - (width - 1) / 2
    window = np.exp(-0.5 * (positions / spread) ** 2)
    angles = 2 * math.pi * centres[:, None] * positions
    filters = np.stack([np.cos(angles), np.sin(angles)], 1) * window[:, None]
    return (filters / np.linalg.norm(filters, axis=-1, keepdims=True)).astype(np.float32)


MAX_MATCH = 16
"""Longer matches count as this long, see matching.py."""
MOST_AGREEMENT = 2 * MAX_MATCH + 1
"""The agreement of a match: twice its length, and one more if upper and lower case are the same, too."""
STEADY, QUICK = 7, 3
"""Agreement that moves the cursors elsewhere: three bytes in the same case or four in any, and one in the same case."""
CURSORS = 2
KEY_SIZE = 32
"""Width of the keys of copying, see copying.py."""
SMALLEST = 1e-9
"""Probability that is added to every token, so that its logarithm is finite."""
BEFORE, OFFSETS = 8, 41
"""Distances from a cursor that are told apart: from 8 bytes before it to 32 bytes after it."""


def swapped_case() -> NDArray[np.int64]:
    """(VOCAB_SIZE,): each token, letters of ASCII in the other case."""
    swapped = np.arange(VOCAB_SIZE)
    swapped[65:91], swapped[97:123] = np.arange(97, 123), np.arange(65, 91)
    return swapped
