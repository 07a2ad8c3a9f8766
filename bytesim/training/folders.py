"""Folders of a user's files as training rows: pairs by stem, labels by folder or by file name. No torch."""

from __future__ import annotations

from pathlib import Path

from bytesim.errors import InputError
from bytesim.training.recipe import DataSource
from bytesim.training.shards import Shard, pack

MAX_FILE_BYTES = 1 << 20


def read_folder(folder: Path, source: DataSource) -> Shard:
    """The rows of a folder for a data source. Raises InputError if it holds none."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    if source.task == "convert":
        rows = _pairs(folder, files, source)
        return pack(rows)
    if source.target_suffix:
        files = [path for path in files if path.suffix.lower() == f".{source.target_suffix}"]
    if not files:
        raise InputError("holds no files to train on.", file=str(folder))
    return pack([(b"", _read(path)) for path in files])


def _pairs(folder: Path, files: list[Path], source: DataSource) -> list[tuple[bytes, bytes]]:
    if not source.source_suffix or not source.target_suffix:
        raise InputError("pairs in a folder need source_suffix and target_suffix in the recipe.", file=str(folder))
    targets = {_stem(path, folder): path for path in files if path.suffix.lower() == f".{source.target_suffix}"}
    sources = {_stem(path, folder): path for path in files if path.suffix.lower() == f".{source.source_suffix}"}
    both = sorted(set(sources) & set(targets))
    if not both:
        raise InputError(
            f"holds no pairs NAME.{source.source_suffix} + NAME.{source.target_suffix}.", file=str(folder)
        )
    return [(_read(sources[stem]), _read(targets[stem])) for stem in both]


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise InputError(f"is over {MAX_FILE_BYTES} bytes, too large for a training example.", file=str(path))
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror}).", file=str(path)) from error
