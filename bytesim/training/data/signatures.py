"""CutMix with signatures: finds the first bytes that identify a format, and puts them before another file. No torch.

From few files of a format, a model learns the contents as well as the signature, and then misclassifies files of the
format with other contents. Training on signatures before foreign contents teaches it that the signature decides.
Source: CutMix, Yun et al. 2019, arXiv:1905.04899; here the label is that of the signature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SIGNATURE_BYTES = 64
"""Bytes at the beginning of a file that may belong to its signature."""
MOST_FOREIGN = 0.05
"""Of all files with a signature, the largest share that may be of other classes."""
LEAST_ALIKE = 0.99
"""Of the files of a variant, the smallest share that must have the same byte at an offset of the signature."""
LEAST_FILES = 8
"""Fewest files of a variant that has a signature. A variant is the files of a class with the same first two bytes."""
LEAST_SHARE = 0.03
"""The same, as a share of the class's files."""
LEAST_BYTES = 8
"""Length that is returned for shorter signatures."""
UNKNOWN_BYTES = 16
"""Length of the signature of a binary file of the class `unknown`."""
_NONE = 256
"""Marks offsets beyond the end of a file."""


def signature_lengths(
    files: Sequence[bytes], labels: NDArray[np.integer], *, unknown: int | None = None
) -> NDArray[np.int64]:
    """(N,) length in bytes of each file's signature, the first bytes that identify its class; 0 for none.

    The signature of a variant ends where the bytes that nearly all its files share exclude the other classes. Classes
    of text have none, because their first words are contents. Files of the class `unknown`, which holds many kinds of
    files, have UNKNOWN_BYTES if their first bytes include a zero byte.
    """
    heads = np.full((len(files), SIGNATURE_BYTES), _NONE, np.int16)
    for row, data in zip(heads, files, strict=True):
        head = np.frombuffer(data[:SIGNATURE_BYTES], np.uint8)
        row[: len(head)] = head
    binary = np.array([b"\0" in data for data in files], np.bool_)
    lengths = np.zeros(len(files), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if label == unknown:
            lengths[members] = np.where((heads[members] == 0).any(1), UNKNOWN_BYTES, 0)
        elif binary[members].mean() > 0.5:
            for variant in _variants(heads, members):
                lengths[variant] = _length(heads, labels, variant, int(label))
    return lengths


def _variants(heads: NDArray[np.int16], members: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The indices of each variant of a class, without rare variants."""
    keys = heads[members, 0].astype(np.int64) * (_NONE + 1) + heads[members, 1]
    for key, count in zip(*np.unique(keys, return_counts=True), strict=True):
        if count >= max(LEAST_FILES, LEAST_SHARE * len(members)):
            yield members[keys == key]


def _length(heads: NDArray[np.int16], labels: NDArray[np.integer], variant: NDArray[np.int64], label: int) -> int:
    """The length of a variant's signature; 0 if files of other classes have the same bytes."""
    own = heads[variant]
    usual = np.array([np.bincount(column, minlength=_NONE + 1).argmax() for column in own.T])
    steady = ((own == usual).mean(0) >= LEAST_ALIKE) & (usual != _NONE)
    alike = np.arange(len(heads))
    for offset in np.flatnonzero(steady):
        alike = alike[heads[alike, offset] == usual[offset]]
        if offset and np.mean(labels[alike] != label) <= MOST_FOREIGN:
            return max(LEAST_BYTES, int(offset) + int(steady[offset:UNKNOWN_BYTES].cumprod().sum() or 1))
    return 0


def spliced(data: bytes, signature: int, other: bytes, rng: np.random.Generator) -> bytes:
    """The first bytes of a file (a random number from `signature` to SIGNATURE_BYTES), then `other` from there on."""
    kept = int(rng.integers(signature, max(signature, SIGNATURE_BYTES) + 1))
    return data[:kept] + other[kept:]
