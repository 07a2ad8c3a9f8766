"""Signatures: what files of a format begin with, and files that have one before what another file holds. No torch.

A model that sees few files of a format learns it as well by what they hold as by how they begin, and then takes a file
that holds something else for another format's. Shown signatures before foreign contents, it learns which of the two
counts. Source: parts of one example pasted into another, CutMix, Yun et al. 2019, arXiv:1905.04899, here with the label
of the part that decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SIGNATURE_BYTES = 64
"""Bytes at the beginning of a file among which a signature is looked for."""
MOST_FOREIGN = 0.05
"""Share of the files with a signature that may be of other classes."""
LEAST_ALIKE = 0.99
"""Share of the files that begin alike which has the same byte at a place of their signature."""
LEAST_FILES = 8
"""Files of a class that begin alike before their signature is believed."""
LEAST_SHARE = 0.03
"""The same as a share of the class's files."""
LEAST_BYTES = 8
"""Bytes that are kept with a shorter signature."""
STRANGE_BYTES = 16
"""Bytes that count as the signature of a binary file of no class."""
_NONE = 256


def signature_lengths(
    files: Sequence[bytes], labels: NDArray[np.integer], *, strange: int | None = None
) -> NDArray[np.int64]:
    """(N,) how many bytes at the beginning of each file tell its class whatever follows, 0 where none do.

    Files of one class whose first two bytes are alike are taken together; their signature are the bytes at places where
    hardly any of them differs, as many as keep other classes out. Text has none: its first words tell what it is about.
    Files of the class `strange`, which stands for many kinds, have STRANGE_BYTES where they are binary.
    """
    heads = np.full((len(files), SIGNATURE_BYTES), _NONE, np.int16)
    for row, data in zip(heads, files, strict=True):
        head = np.frombuffer(data[:SIGNATURE_BYTES], np.uint8)
        row[: len(head)] = head
    binary = np.array([b"\0" in data for data in files], np.bool_)
    lengths = np.zeros(len(files), np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if label == strange:
            lengths[members] = np.where((heads[members] == 0).any(1), STRANGE_BYTES, 0)
        elif binary[members].mean() > 0.5:
            for variant in _variants(heads, members):
                lengths[variant] = _length(heads, labels, variant, int(label))
    return lengths


def _variants(heads: NDArray[np.int16], members: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """The files of a class by their first two bytes, without what is rare."""
    keys = heads[members, 0].astype(np.int64) * (_NONE + 1) + heads[members, 1]
    for key, count in zip(*np.unique(keys, return_counts=True), strict=True):
        if count >= max(LEAST_FILES, LEAST_SHARE * len(members)):
            yield members[keys == key]


def _length(heads: NDArray[np.int16], labels: NDArray[np.integer], variant: NDArray[np.int64], label: int) -> int:
    """Bytes that files which begin like `variant` have in common, 0 where other classes' files have them too."""
    own = heads[variant]
    usual = np.array([np.bincount(column, minlength=_NONE + 1).argmax() for column in own.T])
    steady = ((own == usual).mean(0) >= LEAST_ALIKE) & (usual != _NONE)
    alike = np.arange(len(heads))
    for place in np.flatnonzero(steady):
        alike = alike[heads[alike, place] == usual[place]]
        if place and np.mean(labels[alike] != label) <= MOST_FOREIGN:
            return max(LEAST_BYTES, int(place) + int(steady[place:STRANGE_BYTES].cumprod().sum() or 1))
    return 0


def spliced(data: bytes, signature: int, other: bytes, rng: np.random.Generator) -> bytes:
    """Up to SIGNATURE_BYTES of a file, its `signature` among them, before what another file has after so many."""
    kept = int(rng.integers(signature, max(signature, SIGNATURE_BYTES) + 1))
    return data[:kept] + other[kept:]
