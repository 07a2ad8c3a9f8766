"""Reading the source files of `bytesim data build media`: published tables, texts and arrays."""

from __future__ import annotations

import csv
import io
import lzma
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from bytesim.errors import FormatError, InputError
from bytesim.formats import bmp, wav
from bytesim.formats.npz import read_arrays

NEWS_LABELS = ("world", "sports", "business", "scitech")
CIFAR_LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SPEECH_LABELS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "_silence_", "_unknown_")
DIGIT_LABELS = tuple("0123456789")

PIECE_BYTES = 2000
"""Approximate length of the pieces of an article; each ends with a paragraph."""
_MOST_BYTES = 1 << 31
"""Longest source file, unpacked."""
_TITLE = re.compile(r"^= [^\n]+ =$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Item:
    """One file of a set."""

    data: bytes
    label: int
    group: str
    """Items of one group are never split between training and evaluation."""


def read_news(paths: Sequence[Path]) -> dict[str, list[Item]]:
    """AG News: two tables, `train` and `test` in their names, with columns label (1 to 4), title, description.

    An item is title, newline, description; an empty title is left out with its newline. Source: Zhang et al. 2015,
    arXiv:1509.01626.
    """
    return {part: list(_news(_part(paths, part))) for part in ("train", "test")}


def read_articles(paths: Sequence[Path]) -> dict[str, list[Item]]:
    """Encyclopaedia text: files with `train`, `valid`, `test` in their names; `= Title =` begins each article."""
    names = {"train": "train", "dev": "valid", "test": "test"}
    return {part: list(_articles(_part(paths, name))) for part, name in names.items()}


def read_pictures(paths: Sequence[Path]) -> dict[str, list[Item]]:
    """CIFAR-10: two files, `train` and `test` in their names, with `images` uint8 (n, 32, 32, 3) and `labels` (n,)."""
    return {part: list(_pictures(_part(paths, part))) for part in ("train", "test")}


def read_clips(paths: Sequence[Path]) -> dict[str, list[Item]]:
    """Speech Commands: one file with x_* uint8 (n, 8000), y_* and name_* for train and test. A speaker is a group."""
    path = _only(paths)
    return {
        part: [
            Item(data, label, _speaker(str(name))) for data, label, name in _clips(path, part, "name", SPEECH_LABELS)
        ]
        for part in ("train", "test")
    }


def read_digits(paths: Sequence[Path]) -> dict[str, list[Item]]:
    """Free Spoken Digit Dataset: one file with x_*, y_*, index_* for train and test. A recording index is a group."""
    path = _only(paths)
    return {
        part: [
            Item(data, label, f"index {number}") for data, label, number in _clips(path, part, "index", DIGIT_LABELS)
        ]
        for part in ("train", "test")
    }


def _news(path: Path) -> Iterator[Item]:
    try:
        for row in csv.DictReader(io.StringIO(_read(path).decode("utf-8"), newline="")):
            title, text, label = row["title"], row["description"], int(row["label"] or "") - 1
            if not text or not 0 <= label < len(NEWS_LABELS):
                raise ValueError(f"a row has no text, or the label {row['label']!r}")
            data = (f"{title}\n{text}" if title else text).encode("utf-8")
            yield Item(data, label, (title or text).casefold())
    except (KeyError, ValueError, csv.Error) as error:
        raise FormatError(f"is not a table of label, title, description ({error}).", file=str(path)) from error


def _articles(path: Path) -> Iterator[Item]:
    """Yield each article in pieces of whole paragraphs, the first with its title."""
    try:
        text = _read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("is not UTF-8 text.", file=str(path), offset=error.start) from error
    starts = [match.start() for match in _TITLE.finditer(text)]
    if not starts:
        raise FormatError("has no line `= Title =`, which begins an article.", file=str(path))
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = ""
        for paragraph in text[start:end].strip().split("\n"):
            if piece and len(piece) + len(paragraph) > PIECE_BYTES:
                yield Item(f"{piece}\n".encode(), 0, text[start : start + 80])
                piece = ""
            piece = f"{piece}\n{paragraph}" if piece else paragraph
        if piece:
            yield Item(f"{piece}\n".encode(), 0, text[start : start + 80])


def _pictures(path: Path) -> Iterator[Item]:
    arrays = _arrays(path, "images", "labels")
    images, labels = arrays["images"], arrays["labels"]
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8 or not min(images.shape[1:3]):
        raise FormatError("`images` is not an array of uint8 (n, height, width, 3).", file=str(path))
    _check_labels(path, labels, len(images), len(CIFAR_LABELS))
    height, width = images.shape[1:3]
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        picture = bmp.Picture(width=width, height=height, pixels=image.tobytes())
        yield Item(bmp.serialize(picture), int(label), f"picture {number}")


def _clips(path: Path, part: str, names: str, labels: Sequence[str]) -> Iterator[tuple[bytes, int, Any]]:
    """(file, label, name) of every recording of a part."""
    arrays = _arrays(path, f"x_{part}", f"y_{part}", f"{names}_{part}")
    samples, targets, groups = arrays.values()
    if samples.ndim != 2 or samples.dtype != np.uint8:
        raise FormatError(f"`x_{part}` is not an array of uint8 (n, samples).", file=str(path))
    if groups.ndim != 1 or len(groups) != len(samples):
        raise FormatError(
            f"`{names}_{part}` is not a list of {len(samples)} values, one for each recording.", file=str(path)
        )
    _check_labels(path, targets, len(samples), len(labels))
    for clip, label, group in zip(samples, targets, groups, strict=True):
        yield wav.serialize(wav.model_recording(clip.tobytes())), int(label), group


def _check_labels(path: Path, labels: Any, count: int, classes: int) -> None:
    """Raise FormatError unless there is a class for each of so many items."""
    fits = labels.ndim == 1 and len(labels) == count and labels.dtype.kind in "iu"
    if not fits or (count and not 0 <= labels.min() <= labels.max() < classes):
        raise FormatError(f"the labels are not {count} numbers from 0 to {classes - 1}.", file=str(path))


def _speaker(name: str) -> str:
    """`yes/0a7c2a8d_nohash_0.wav` -> `0a7c2a8d`."""
    return name.rsplit("/", 1)[-1].partition("_nohash_")[0]


def _part(paths: Sequence[Path], part: str) -> Path:
    matching = [path for path in paths if part in path.name]
    if len(matching) != 1:
        raise InputError(
            f"{len(matching)} of the given files have {part!r} in their names; give exactly one such file."
        )
    return matching[0]


def _only(paths: Sequence[Path]) -> Path:
    if len(paths) != 1:
        raise InputError(f"this set is built from one file; {len(paths)} were given.")
    return paths[0]


def _arrays(path: Path, *names: str) -> dict[str, Any]:
    """The named arrays of a file. Raises FormatError where one is missing."""
    try:
        return dict(read_arrays(io.BytesIO(_read(path)), names))
    except FormatError as error:
        raise FormatError(f"is not a file of arrays: {error.message}", file=str(path)) from error


def _read(path: Path) -> bytes:
    try:
        with cast(BinaryIO, lzma.open(path) if path.suffix == ".xz" else path.open("rb")) as file:
            data = b"".join(_pieces(file))
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise InputError(f"cannot be read ({error}).", file=str(path)) from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"longer than the limit of {_MOST_BYTES:,} bytes, unpacked.", file=str(path))
    return data


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file up to the limit, and one piece more if it is longer."""
    total = 0
    while total <= _MOST_BYTES and (piece := file.read(1 << 20)):
        total += len(piece)
        yield piece
