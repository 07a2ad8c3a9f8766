"""Whether a file is like those that a classifier was trained on, by statistics of its bytes. No torch.

There are eight statistics, in bits per byte. Six are costs of the file under models of the training files: a histogram
of bytes, a table of pairs of neighbours, and histograms of the differences between bytes 1, 2, 3 and 4 apart. Two are
entropies: of its bytes, and of the differences between neighbours. A file is an outlier if one of their principal
components is farther from the median of the training files than in nearly all files that were held out. Random bytes, a
program among news, or a picture of one colour are outliers.

Axes: 8 statistics, or their 8 components. Sources: histograms of bytes as a model of what is normal, Wang and Stolfo
2004, Anomalous Payload-Based Network Intrusion Detection; principal components, Shyu et al. 2003, A Novel Anomaly
Detection Scheme Based on Principal Component Classifier; the probability of new values, Witten and Bell 1991, IEEE
Trans. Inf. Theory 37(4).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError, ModelError, OutputError
from bytesim.files import write_output
from bytesim.formats.npz import read_arrays
from bytesim.models.folder import CARD_FILE, fingerprint, read_card, write_json

DISTRIBUTION_FILE = "distribution.npz"
FEWEST_FILES = 50
"""With fewer training files nothing is fitted."""
MOST_FILES = 4000
"""Most files that `choose_files` chooses, equally many of each class as far as there are."""
FILE_BYTES = 8192
"""Bytes at the start of what a classifier reads of a file that count."""
MAX_FILE_BYTES = 4 << 20

_DISTANCES = (1, 2, 3, 4)
_STATISTICS = 2 + len(_DISTANCES) + 2
_FOLDS = 5
_COST_STEP = 0.1
"""Bits that a unit of the stored costs stands for; the greatest is 25.5 bits."""
_PRIOR_BYTES = 128
"""Weight of the medians, in values of a file. The distances of a short file, mostly chance, become smaller by it."""
_FAR_SHARE = 0.98
"""Share of the training files that are nearer than 1, on either side of the median, by each component."""
_TYPICAL_SHARE = 0.99
"""Share of the files measured in `fit` that are not outliers."""
_CLASS_SHARE = 0.9
"""The least such share within a class, for one that differs from the others."""
_FEWEST_OF_CLASS = 5
"""Files that a class needs for that."""
_MARGIN = 1.25
"""What is tolerated beyond that, because files of other origins differ a little."""
_MARGIN_FILES = 40
"""And this, divided by the number of training files, because few files do not show how much such files differ."""
_LARGEST = 1e6
"""Greatest magnitude of a number in a file; that of real ones is below 1,000."""
_LEAST_SPREAD = 0.05
"""Least distance of a quantile from the median, for files that are all alike, in bits or standard deviations."""

Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FileDistribution:
    """The statistics of training files, and how far a file may be from them."""

    single: NDArray[np.uint8]
    """(256,) cost of each byte value, in tenths of a bit."""
    pairs: NDArray[np.uint8]
    """(256, 256) cost of a byte value after another."""
    differences: NDArray[np.uint8]
    """(4, 256) cost of the difference modulo 256 between bytes 1, 2, 3 and 4 apart."""
    middle: Table
    """(8,) medians of the statistics."""
    components: Table
    """(8, 8) the principal components of their distances from the medians, a row each."""
    above: Table
    """(8,) the quantile 0.98 of each component; the medians are at 0."""
    below: Table
    """(8,) how far the quantile 0.02 is below 0."""
    most: float
    """Greatest strangeness of a file that is not an outlier."""

    @classmethod
    def fit(
        cls, training: Sequence[bytes], classes: Sequence[int], held_out: Sequence[bytes] = ()
    ) -> FileDistribution | None:
        """The distribution of what a classifier reads of its training files, of these classes; see `choose_files`.

        The bounds are fitted to all training files, to each again by cross-validation, and to files that were held out.
        None for fewer than FEWEST_FILES different files that are not empty.
        """
        first = {data[:FILE_BYTES]: index for index, data in reversed(list(enumerate(training))) if data}
        used = sorted(first.values())
        if len(used) < FEWEST_FILES:
            return None
        folds = [used[start::_FOLDS] for start in range(_FOLDS)]
        counts = [_Counts.of([_bytes(training[index]) for index in fold]) for fold in folds]
        whole = sum(counts[1:], counts[0])
        measured: list[tuple[Table, Table]] = []
        for fold, counted in zip(folds, counts, strict=True):
            costs = (whole - counted).costs()
            measured += [_measured(costs, training[index]) for index in fold]
        costs = whole.costs()
        measured += [_measured(costs, training[index]) for index in used]
        measured += [_measured(costs, data) for data in held_out if data]
        middle = np.median([sums / np.maximum(numbers, 1) for sums, numbers in measured], 0)
        apart = np.array([_apart(sums, numbers, middle) for sums, numbers in measured])
        scale = np.maximum(np.sqrt((apart**2).mean(0)), _LEAST_SPREAD)
        components = np.linalg.svd(apart / scale, full_matrices=False)[2] / scale
        rotated = apart @ components.T
        above = np.maximum(np.quantile(rotated, _FAR_SHARE, axis=0), _LEAST_SPREAD)
        below = np.maximum(-np.quantile(rotated, 1 - _FAR_SHARE, axis=0), _LEAST_SPREAD)
        far = _farthest(rotated, above, below)
        most = max(1.0, float(np.quantile(far, _TYPICAL_SHARE, method="lower")))
        own = np.array([classes[index] for fold in folds for index in fold])
        for one, number in zip(*np.unique(own, return_counts=True), strict=True):
            if number >= _FEWEST_OF_CLASS:
                most = max(most, float(np.quantile(far[: len(own)][own == one], _CLASS_SHARE, method="lower")))
        return cls(*costs, middle, components, above, below, (_MARGIN + _MARGIN_FILES / len(used)) * most)

    def strangeness(self, data: bytes) -> float:
        """How far a file is from the medians, by the component by which it is farthest; 1 and more is rare."""
        sums, numbers = _measured((self.single, self.pairs, self.differences), data)
        rotated = _apart(sums, numbers, self.middle) @ self.components.T
        return float(_farthest(rotated, self.above, self.below))

    def is_outlier(self, data: bytes) -> bool:
        """Whether a file is unlike the training files."""
        return self.strangeness(data) > self.most

    def packed(self) -> bytes:
        """The bytes of DISTRIBUTION_FILE, an .npz file without pickles."""
        buffer = io.BytesIO()
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # the stubs take the names for options
        return buffer.getvalue()


def choose_files(classes: Sequence[int]) -> list[int]:
    """At most MOST_FILES indices of files of these classes (N,): random ones, of each class in turn."""
    by_class: dict[int, list[int]] = {}
    for index in np.random.default_rng(0).permutation(len(classes)).tolist():
        by_class.setdefault(classes[index], []).append(index)
    ranked = sorted((rank, one, index) for one, rows in by_class.items() for rank, index in enumerate(rows))
    return [index for _, _, index in ranked[:MOST_FILES]]


_SHAPES = {
    "single": (256,),
    "pairs": (256, 256),
    "differences": (len(_DISTANCES), 256),
    "middle": (_STATISTICS,),
    "components": (_STATISTICS, _STATISTICS),
    "above": (_STATISTICS,),
    "below": (_STATISTICS,),
    "most": (),
}


def read_distribution(folder: Path, card: Mapping[str, Any]) -> FileDistribution | None:
    """The distribution that the card of a model folder lists; None for none. Raises ModelError if it is damaged."""
    path, files = folder / DISTRIBUTION_FILE, card.get("files")
    if not isinstance(files, dict) or DISTRIBUTION_FILE not in files:
        return None
    if not path.is_file():
        raise ModelError("missing; the model folder is incomplete.", file=str(path))
    try:
        arrays = read_arrays(path, tuple(_SHAPES), most_bytes=MAX_FILE_BYTES)
        return FileDistribution(**_checked(arrays))
    except (FormatError, ValueError, KeyError, TypeError) as error:
        problem = "holds no statistics of training files. Fetch the model again, or calibrate it again."
        raise ModelError(problem, file=str(path)) from error


def keep_distribution(folder: Path, distribution: FileDistribution) -> None:
    """Write the distribution to a model folder, and its hash to the card. Raises ModelError, OutputError."""
    card = read_card(folder)
    path = folder / DISTRIBUTION_FILE
    write_output(path, distribution.packed(), force=True)
    card["files"] = {**card.get("files", {}), DISTRIBUTION_FILE: fingerprint(path)}
    try:
        write_json(folder / CARD_FILE, card)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror}).", file=str(folder / CARD_FILE)) from error


def _checked(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """The arrays as fields. Raises ValueError for a wrong shape or type, and for numbers that no file has."""
    for name, shape in _SHAPES.items():
        dtype = np.uint8 if name in ("single", "pairs", "differences") else np.float64
        if arrays[name].shape != shape or arrays[name].dtype != dtype:
            raise ValueError(name)
        least = 1 / _LARGEST if name in ("above", "below", "most") else -_LARGEST
        if not ((arrays[name] >= least) & (arrays[name] <= _LARGEST)).all():
            raise ValueError(name)
    return {**arrays, "most": float(arrays["most"])}


def _bytes(data: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(data[:FILE_BYTES], np.uint8)


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often bytes, pairs of neighbours and differences occur."""

    single: NDArray[np.int64]
    pairs: NDArray[np.int64]
    differences: NDArray[np.int64]

    @classmethod
    def of(cls, files: Sequence[NDArray[np.uint8]]) -> _Counts:
        joined = np.concatenate([np.zeros(0, np.uint8), *files])
        pairs = np.concatenate([np.zeros(0, np.int64), *(file[:-1] * np.int64(256) + file[1:] for file in files)])
        differences = [
            np.concatenate([np.zeros(0, np.uint8), *(file[distance:] - file[:-distance] for file in files)])
            for distance in _DISTANCES
        ]
        return cls(
            np.bincount(joined, minlength=256),
            np.bincount(pairs, minlength=1 << 16).reshape(256, 256),
            np.stack([np.bincount(values, minlength=256) for values in differences]),
        )

    def __add__(self, other: _Counts) -> _Counts:
        return _Counts(self.single + other.single, self.pairs + other.pairs, self.differences + other.differences)

    def __sub__(self, other: _Counts) -> _Counts:
        return _Counts(self.single - other.single, self.pairs - other.pairs, self.differences - other.differences)

    def costs(self) -> Costs:
        single = _smoothed(self.single, 1 / 256)
        return (
            _in_steps(single),
            _in_steps(_smoothed(self.pairs, single)),
            _in_steps(_smoothed(self.differences, 1 / 256)),
        )


Costs = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
"""The fields `single`, `pairs` and `differences` of FileDistribution."""


def _smoothed(counts: NDArray[np.int64], base: Table | float) -> Table:
    """(..., 256) probabilities of counts; a value that did not occur shares what was left for new ones, by `base`."""
    total = counts.sum(-1, keepdims=True)
    kinds = np.maximum((counts > 0).sum(-1, keepdims=True), 1)
    probabilities: Table = (counts + kinds * base) / (total + kinds)
    return probabilities


def _in_steps(probabilities: Table) -> NDArray[np.uint8]:
    """Costs in units of _COST_STEP."""
    return np.clip(np.round(-np.log2(probabilities) / _COST_STEP), 0, 255).astype(np.uint8)


def _measured(costs: Costs, data: bytes) -> tuple[Table, Table]:
    """(8,) statistics of a file, times the numbers of values that they are means over; and (8,) these numbers."""
    single, pairs, differences = costs
    file = _bytes(data)
    steps = [single[file].sum(), pairs[file[:-1], file[1:]].sum()]
    steps += [
        table[file[distance:] - file[:-distance]].sum() for table, distance in zip(differences, _DISTANCES, strict=True)
    ]
    numbers = np.maximum(len(file) - np.array([0, 1, *_DISTANCES, 0, 1.0]), 0)
    entropies = [_entropy(values) * len(values) for values in (file, file[1:] - file[:-1])]
    return np.array([*(float(step) * _COST_STEP for step in steps), *entropies]), numbers


def _entropy(values: NDArray[np.uint8]) -> float:
    """The entropy of the histogram of some bytes, in bits; 0 without any."""
    shares = np.bincount(values) / max(1, len(values))
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())


def _apart(sums: Table, numbers: Table, middle: Table) -> Table:
    """(8,) distances in bits per byte of the statistics from the medians; those of a short file are made smaller."""
    apart: Table = (sums - numbers * middle) / (numbers + _PRIOR_BYTES)
    counted = numbers[-2:]
    apart[-2:] *= counted / (counted + _PRIOR_BYTES)  # few values have a low entropy, whatever they are
    return apart


def _farthest(rotated: Table, above: Table, below: Table) -> Table:
    """(...) the greatest of the components (..., 8), in units of the quantile on its side."""
    farthest: Table = np.where(rotated > 0, rotated / above, -rotated / below).max(-1)
    return farthest
