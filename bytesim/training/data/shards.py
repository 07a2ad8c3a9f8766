"""Shards: many short files in one .npz, or .npz.xz, which is smaller; read without pickle. No torch.

Arrays: `source` and `target`, the concatenated bytes (uint8); `source_ends` and `target_ends`, the end offset of each
row (int64); `group`, 0 for whole files and n for fragments of n parts (uint8); `label`, for classifiers (int32).
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bytesim.errors import FormatError, InputError, OutputError
from bytesim.formats.npz import read_arrays


@dataclass(frozen=True, slots=True)
class Shard:
    """Rows of (source bytes, target bytes, group, label). A row without a source has an empty one."""

    source: NDArray[np.uint8]
    source_ends: NDArray[np.int64]
    target: NDArray[np.uint8]
    target_ends: NDArray[np.int64]
    group: NDArray[np.uint8]
    label: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.target_ends)

    def row(self, index: int) -> tuple[bytes, bytes]:
        """Source and target bytes of one row."""
        return _piece(self.source, self.source_ends, index), _piece(self.target, self.target_ends, index)

    def lengths(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Bytes of each source and of each target."""
        return np.diff(self.source_ends, prepend=0), np.diff(self.target_ends, prepend=0)


_DTYPES = {
    "source": np.uint8,
    "source_ends": np.int64,
    "target": np.uint8,
    "target_ends": np.int64,
    "group": np.uint8,
    "label": np.int32,
}


def _piece(data: NDArray[np.uint8], ends: NDArray[np.int64], index: int) -> bytes:
    return data[ends[index - 1] if index else 0 : ends[index]].tobytes()


def pack(rows: Sequence[tuple[bytes, bytes]], groups: Sequence[int] = (), labels: Sequence[int] = ()) -> Shard:
    """A shard of rows (source, target); groups and labels are 0 by default."""
    sources, targets = [row[0] for row in rows], [row[1] for row in rows]
    return Shard(
        source=np.frombuffer(b"".join(sources), np.uint8),
        source_ends=np.cumsum([len(source) for source in sources], dtype=np.int64),
        target=np.frombuffer(b"".join(targets), np.uint8),
        target_ends=np.cumsum([len(target) for target in targets], dtype=np.int64),
        group=np.array(groups or [0] * len(rows), np.uint8),
        label=np.array(labels or [0] * len(rows), np.int32),
    )


def some_rows(shard: Shard, rows: Sequence[int]) -> Shard:
    """A shard of these rows, in this order."""
    pairs = [shard.row(int(row)) for row in rows]
    groups, labels = shard.group[list(rows)].tolist(), shard.label[list(rows)].tolist()
    return pack(pairs, groups, labels)


XZ_SUFFIX = ".xz"
MAX_UNPACKED_BYTES = 1 << 30
"""Most bytes of a .npz inside a .npz.xz."""


def save_shard(path: Path, shard: Shard) -> None:
    """Write a shard atomically. Raises OutputError."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(xz_bytes(shard) if path.suffix == XZ_SUFFIX else _npz_bytes(shard, np.savez_compressed))
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"cannot be written ({error.strerror}).", file=str(path)) from error
    finally:
        temporary.unlink(missing_ok=True)


def xz_bytes(shard: Shard) -> bytes:
    """The content of a .npz.xz file: xz finds more repetition than the compression of .npz, which sees 32 KiB."""
    return lzma.compress(_npz_bytes(shard, np.savez))


def _npz_bytes(shard: Shard, save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, **{name: getattr(shard, name) for name in Shard.__slots__})
    return stream.getvalue()


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def load_shard(path: Path) -> Shard:
    """Read a shard. Raises InputError if it is missing, FormatError if its arrays do not fit together."""
    if not os.path.isfile(path):
        raise InputError("there is no such shard. `bytesim data build` makes one.", file=str(path))
    shard = Shard(**load_arrays(path, tuple(Shard.__slots__), what="a shard of bytesim"))
    _check(shard, str(path))
    return shard


def load_arrays(path: Path, names: Sequence[str], *, what: str) -> dict[str, NDArray[Any]]:
    """The arrays of these names in a .npz or .npz.xz. Raises FormatError, which says that it is not `what`."""
    content = _unpacked(path) if path.suffix == XZ_SUFFIX else path
    try:
        return read_arrays(content, names)
    except FormatError as error:
        raise FormatError(
            f"is not {what}, which is a .npz file ({error.message.rstrip('.')}).", file=str(path)
        ) from error


def _unpacked(path: Path) -> BinaryIO:
    """The .npz inside a .npz.xz. Raises FormatError if it is damaged or longer than MAX_UNPACKED_BYTES."""
    try:
        decompressor = lzma.LZMADecompressor()
        content = decompressor.decompress(path.read_bytes(), MAX_UNPACKED_BYTES)
    except (lzma.LZMAError, OSError, MemoryError, EOFError) as error:
        raise FormatError(f"cannot be unpacked ({' '.join(str(error).split())}).", file=str(path)) from error
    if not decompressor.eof:
        raise FormatError("is cut off, or longer than 1 GiB when unpacked.", file=str(path))
    return io.BytesIO(content)


def _check(shard: Shard, name: str) -> None:
    arrays = {field: getattr(shard, field) for field in Shard.__slots__}
    if any(array.ndim != 1 or array.dtype != _DTYPES[field] for field, array in arrays.items()):
        raise FormatError("its arrays do not have the types of a shard.", file=name)
    rows = len(shard)
    for data, ends in ((shard.source, shard.source_ends), (shard.target, shard.target_ends)):
        rising = len(ends) == rows and (rows == 0 or (ends[0] >= 0 and bool(np.all(np.diff(ends) >= 0))))
        if not rising or (ends[-1] if rows else 0) != len(data):
            raise FormatError("the ends of its rows do not fit its bytes.", file=name)
    if len(shard.group) != rows or len(shard.label) != rows:
        raise FormatError("its numbers of groups, labels and rows differ.", file=name)
