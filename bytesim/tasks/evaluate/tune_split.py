"""Loads the tunes on which a model is evaluated, with the name, sha256 and size of their split."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
from dataclasses import dataclass
from pathlib import Path

from bytesim.errors import BytesimError, InputError
from bytesim.files import expand_inputs, read_input
from bytesim.formats import abc
from bytesim.training.data.shards import load_shard, sha256_of

MAX_SPLIT_BYTES = 256 * 1024 * 1024
"""Largest split, after decompression."""


@dataclass(frozen=True, kw_only=True)
class Split:
    """Tunes as their authors wrote them."""

    name: str
    sha256: str
    """Hash of the file, or of the texts of a folder in order."""
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    num_tunes: int
    """Number of tunes in the whole split, before any limit."""


def load_tunes(path: str | Path, *, limit: int | None = None) -> Split:
    """The tunes of a JSON Lines file, of a folder of ABC files, or of a shard.

    Each line of the file is an object with the field `abc`; the file may be .xz. Of a shard the sources of its whole
    tunes are used. `limit` is a number of tunes: the first ones, or for a shard, whose rows are sorted by their
    sources, evenly spaced ones. Raises InputError.
    """
    location = Path(path)
    read = _from_folder if location.is_dir() else _from_shard if location.suffix == ".npz" else _from_lines
    rows, digest = read(location)
    if not rows:
        raise InputError("holds no tunes.", file=str(path))
    step = max(1, len(rows) // limit) if limit and location.suffix == ".npz" else 1
    kept = rows[::step][:limit]
    return Split(
        name=location.name or str(location.resolve().name),
        sha256=digest,
        ids=tuple(name for name, _ in kept),
        texts=tuple(text for _, text in kept),
        num_tunes=len(rows),
    )


def without_title(text: str) -> str:
    """The tune without its T: fields, which change the bytes that abc2midi writes, but no note."""
    return abc.split_book(text)[0].alone(title=False)


def _from_folder(folder: Path) -> tuple[list[tuple[str, str]], str]:
    rows: list[tuple[str, str]] = []
    digest = hashlib.sha256()
    for source in expand_inputs([folder], suffixes={"abc"}):
        try:
            text = abc.decode_text(read_input(source))
        except BytesimError as error:
            raise error.in_file(source) from error
        entries = abc.split_book(text)
        name = Path(source).relative_to(folder).as_posix()
        rows += [
            (name if len(entries) == 1 else f"{name}, tune {number}", entry.alone())
            for number, entry in enumerate(entries, start=1)
        ]
        digest.update(text.encode("utf-8"))
    return rows, digest.hexdigest()


def _from_shard(path: Path) -> tuple[list[tuple[str, str]], str]:
    shard = load_shard(path)
    whole = [index for index in range(len(shard)) if shard.group[index] == 0]
    return [(str(index), abc.decode_text(shard.row(index)[0])) for index in whole], sha256_of(path)


def _from_lines(path: Path) -> tuple[list[tuple[str, str]], str]:
    raw = read_input(path)
    rows: list[tuple[str, str]] = []
    for number, line in enumerate(_unpacked(raw, path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text, name = row["abc"], row.get("id", number)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"line {number} is not a JSON object with a field abc.", file=str(path)) from error
        if not isinstance(text, str):
            raise InputError(f"line {number}: the field abc is not text.", file=str(path))
        rows.append((str(name), text))
    return rows, hashlib.sha256(raw).hexdigest()


def _unpacked(raw: bytes, path: Path) -> str:
    try:
        if raw[:6] == b"\xfd7zXZ\0":
            with lzma.open(io.BytesIO(raw)) as file:
                raw = file.read(MAX_SPLIT_BYTES + 1)
        if len(raw) > MAX_SPLIT_BYTES:
            raise InputError(f"longer than {MAX_SPLIT_BYTES:,} bytes. Split the file.", file=str(path))
        return raw.decode("utf-8")
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"not a JSON Lines file, plain or .xz: {error}.", file=str(path)) from error
