"""NumPy's .npz files: named arrays in a ZIP archive. No pickle is read, and nothing unpacks to far more than it is."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError

FREE_BYTES = 1 << 28
"""Any archive may unpack to so many bytes."""
MOST_RATIO = 100
"""A longer one unpacks to at most so many times its own length; real data reach about 20."""

_DAMAGED = (
    *(OSError, ValueError, KeyError, EOFError, TypeError, OverflowError, MemoryError, RuntimeError, SyntaxError),
    *(TokenError, NotImplementedError, zipfile.BadZipFile, zlib.error),
)
"""What numpy and zipfile raise for files that are truncated, damaged or of another format."""


def read_arrays(
    content: Path | BinaryIO, names: Sequence[str] = (), *, start: str = "", most_bytes: int | None = None
) -> dict[str, NDArray[Any]]:
    """The arrays of these names, or without names all whose names begin with `start`, which is taken from them.

    Raises FormatError, also if they unpack to more than `most_bytes`, or than FREE_BYTES and MOST_RATIO allow.
    """
    try:
        _check_size(content, most_bytes)
        with np.load(content, allow_pickle=False) as file:
            wanted = names or [name for name in file.files if name.startswith(start)]
            arrays = {name.removeprefix(start): file[name] for name in wanted}
    except _DAMAGED as error:
        raise FormatError(f"{' '.join(str(error).split()) or type(error).__name__}.") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # for another member numpy returns bytes
            raise FormatError(f"{name} is not an array.")
    return arrays


def _check_size(content: Path | BinaryIO, most_bytes: int | None) -> None:
    """Raise ValueError if the archive says that it unpacks to too many bytes; zipfile reads no more than it says."""
    with zipfile.ZipFile(content) as archive:
        unpacked, packed = (
            sum(getattr(entry, size) for entry in archive.infolist()) for size in ("file_size", "compress_size")
        )
    most = max(FREE_BYTES, MOST_RATIO * packed) if most_bytes is None else most_bytes
    if unpacked > most:
        raise ValueError(f"it unpacks to {unpacked:,} bytes, which is too many")
