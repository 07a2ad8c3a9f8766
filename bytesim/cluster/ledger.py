"""The ledger of a bulk run: JSON Lines, a first line that says what is run and then a row for every file.

A row is written with one call before anything else learns that its file is done, so a process that is killed leaves at
most one torn line at the end, which the next run cuts off. Beside the ledger stands a folder of the same name with the
ending STATE: the index, the plan of the run and the marks of what was begun.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from bytesim.cluster.begun import are_texts, begin_run, clear_marks, left_begun, may_be_path
from bytesim.cluster.index import Index
from bytesim.errors import ConfigError, OutputError
from bytesim.files import make_folder

STATE = ".state"
Row = dict[str, Any]
"""path, outputs, sha256, results, error and kind, which is the class of the error."""
_FIELDS = {"path", "outputs", "sha256", "results", "error", "kind"}
_TAIL = 4096


class Ledger:
    """A ledger, open for one run. Its methods may be called from several threads."""

    def __init__(
        self,
        path: Path,
        header: dict[str, Any],
        *,
        counted: Callable[[Row], Iterable[str]],
        retry_failed: bool = False,
        distinct: bool = False,
    ) -> None:
        """Open a ledger, or begin one, and bring its index up to date.

        `counted` gives the names under which the results of a row are counted. `retry_failed` drops the rows with
        errors. With `distinct` a row with the same output as an earlier one becomes an error, and its output is
        removed. Raises ConfigError if it was begun with other settings, or another run has it open, and OutputError.
        """
        self.path, self.header, self.counted, self.distinct = path, header, counted, distinct
        self.folder = Path(f"{path}{STATE}")
        make_folder(self.folder)
        self.lock = threading.RLock()
        self.index = Index(self.folder / "index.sqlite", ledger=str(path))
        try:
            self.run = begin_run(self.folder)
            retried = _prepare(path, header) and retry_failed
            self._catch_up()
            # Kept before the rows go, so that a run that is killed here leaves no output without an owner.
            failed = _failed_outputs(path) if retried else {}
            begun = left_begun(self.folder, lambda name: name in failed or self.index.kind_of(name) is None, failed)
            for name, outputs in begun:
                self.index.keep_begun(name, outputs)
            if retried:
                _drop_failed(path)
                self._catch_up()
            self.file: BinaryIO = open(path, "ab", buffering=0)  # noqa: SIM115 - open as long as the ledger is
        except OSError as error:
            self.index.close()
            raise OutputError(f"cannot be written: {error.strerror or error}.", file=str(path)) from error
        except BaseException:
            self.index.close()
            raise

    def close(self, *, complete: bool = False) -> None:
        """Close it. Once a run is complete, nothing is left that was begun and is not done."""
        with self.lock:
            self.file.close()
            self.index.close()
            if complete:
                clear_marks(self.folder)

    def add(self, rows: Sequence[Row]) -> list[Row]:
        """Write the rows of files that are not done. Returns them."""
        with self.lock:
            seen: set[str] = set()
            new = [self._checked(row, seen) for row in rows if self.index.kind_of(row["path"]) is None]
            lines = b"".join(json.dumps(row).encode("ascii") + b"\n" for row in new)
            try:
                self._write(lines)
                for row in new:
                    self.index.add(row, self.counted(row))
                self._keep_place()
            except BaseException:
                self.index.roll_back()  # the next run takes these rows from the ledger
                raise
            self.index.commit_at_times()
            return new

    def _write(self, lines: bytes) -> None:
        try:
            while lines:
                lines = lines[self.file.write(lines) :]
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}.", file=str(self.path)) from error

    def _checked(self, row: Row, seen: set[str]) -> Row:
        """The row, or an error in its place if outputs are `distinct` and this one equals another; `seen` are new."""
        if not self.distinct or row["error"] is not None:
            return row
        digest = row["sha256"][0]
        if digest not in seen and not self.index.has_digest(digest):
            seen.add(digest)
            return row
        from bytesim.tasks.generate.draw import SAME_FILE

        for output in row["outputs"]:
            with suppress(OSError):
                os.unlink(output)
        return error_row(row["path"], f"{row['path']}: {SAME_FILE}", "DecodeError")

    # --- the index ---------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Bring the index up to the ledger's end, from its start if the two do not belong together."""
        with open(self.path, "rb") as file:
            offset = self.index.number("offset")
            if not offset or self.index.state("tail") != _tail_of(file, offset):
                self.index.clear()
                file.seek(0)
                file.readline()
                offset = file.tell()
            file.seek(offset)
            self.index.keep("offset", "0")  # one that is interrupted begins again, and meets no row twice
            for line in file:
                row = _row(line, self.path)
                if self.index.kind_of(row["path"]) is not None:
                    raise _damaged(self.path, "a file stands in it twice")
                self._add_to_index(row)
                self.index.commit_at_times()
            self.index.keep("offset", str(file.tell()))
            self.index.keep("tail", _tail_of(file, file.tell()))

    def _add_to_index(self, row: Row) -> None:
        """Add a row of the ledger to the index. Raises ConfigError if a field is missing or is not valid text."""
        try:
            self.index.add(row, [str(name) for name in self.counted(row)])
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, sqlite3.IntegrityError) as error:
            raise _damaged(self.path) from error

    def _keep_place(self) -> None:
        """Note up to where the index has the ledger's rows; it is committed together with them."""
        with open(self.path, "rb") as file:
            offset = file.seek(0, os.SEEK_END)
            self.index.keep("tail", _tail_of(file, offset))
        self.index.keep("offset", str(offset))


def _tail_of(file: BinaryIO, offset: int) -> str:
    """A hash of the bytes before an offset; empty if the file ends earlier."""
    start = max(0, offset - _TAIL)
    file.seek(start)
    data = file.read(offset - start)
    return hashlib.sha256(data).hexdigest() if start + len(data) == offset else ""


def error_row(path: str, error: str, kind: str) -> Row:
    """The row of a file that failed."""
    return {"path": path, "outputs": [], "sha256": [], "results": [], "error": error, "kind": kind}


def read_header(path: Path) -> dict[str, Any] | None:
    """The first line of a ledger; None if it has none. Raises ConfigError for a file that is not a ledger."""
    try:
        with open(path, "rb") as file:
            line = file.readline(1 << 22)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OutputError(f"cannot be read: {error.strerror}.", file=str(path)) from error
    if not line.endswith(b"\n") and b'{"bytesim"'.startswith(line[:10]):
        return None  # the first run was killed as it wrote this line
    with suppress(ValueError, RecursionError):
        header = json.loads(line)
        if isinstance(header, dict) and "bytesim" in header and isinstance(header.get("settings", {}), dict):
            return header
    raise ConfigError("this file is not a ledger of bytesim. Name another.", file=str(path))


def _prepare(path: Path, header: dict[str, Any]) -> bool:
    """Write the first line of a new ledger, or check that of an old one and cut a torn line off its end.

    Returns whether there was one. Raises ConfigError for other settings.
    """
    before = read_header(path)
    if before is None:
        path.write_bytes(json.dumps(header).encode("ascii") + b"\n")
        return False
    if different := _difference(before, header):
        raise ConfigError(
            f"this ledger was begun with another {different}. Use the settings of then, or name another ledger.",
            file=str(path),
        )
    with open(path, "rb+") as file:
        file.truncate(_end_of_lines(file))
    return True


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str:
    """The first setting that differs, with both values; empty without any."""
    old, new = ({**header, **header.get("settings", {}), "settings": None} for header in (before, now))
    for name in dict.fromkeys((*old, *new)):
        first, second = old.get(name), new.get(name)
        if first != second:
            name = "version of bytesim" if name == "bytesim" else name
            return f"{name} ({_short(first)}, now {_short(second)})"
    return ""


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _end_of_lines(file: BinaryIO) -> int:
    """The offset after the last newline."""
    end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - (1 << 16))
        file.seek(start)
        place = file.read(end - start).rfind(b"\n")
        if place >= 0:
            return start + place + 1
        end = start
    return 0


def _failed_outputs(path: Path) -> dict[str, list[str]]:
    """The outputs of rows that have an error, by path: tunes of a book besides the one that failed."""
    rows = ledger_rows(path)
    return {row["path"]: row["outputs"] for row in rows if row["error"] is not None and row["outputs"]}


def _drop_failed(path: Path) -> None:
    """Write the ledger anew without the rows that have errors."""
    temporary = path.with_name(f".{path.name}.part")
    with open(path, "rb") as old, open(temporary, "wb") as new:
        new.write(old.readline())
        for line in old:
            if _row(line, path)["error"] is None:
                new.write(line)
    os.replace(temporary, path)


def ledger_rows(path: str | Path) -> Iterator[Row]:
    """The rows of a ledger in JSON Lines; a torn line at its end is left out."""
    with open(path, "rb") as file:
        file.readline()
        for line in file:
            if line.endswith(b"\n"):
                yield _row(line, Path(path))


def _row(line: bytes, path: Path) -> Row:
    """The row of a line. Raises ConfigError for another line."""
    with suppress(ValueError, RecursionError):
        row = json.loads(line)
        if isinstance(row, dict) and row.keys() >= _FIELDS and _is_row(row):
            return row
    raise _damaged(path)


def _is_row(row: Row) -> bool:
    """Whether the fields of a row are of their types."""
    if not are_texts(row["outputs"]) or not are_texts(row["sha256"]) or not isinstance(row["results"], list):
        return False
    paths = all(map(may_be_path, [row["path"], *row["outputs"]]))
    results = all(isinstance(result, dict) for result in row["results"])
    fault = isinstance(row["error"], str | None) and isinstance(row["kind"], str | None)
    return paths and results and fault and (row["error"] is None) == (row["kind"] is None)


def _damaged(path: Path, what: str = "a line of it is not a row") -> ConfigError:
    return ConfigError(f"this ledger is damaged: {what}. Name another ledger.", file=str(path))


def write_parquet(path: Path, target: Path) -> None:
    """The rows of a ledger in JSON Lines as a Parquet file, which is written whole or not at all."""
    import pyarrow
    import pyarrow.parquet

    texts = pyarrow.list_(pyarrow.string())
    columns = {"path": pyarrow.string(), "outputs": texts, "sha256": texts, "results": texts}
    schema = pyarrow.schema([*columns.items(), ("error", pyarrow.string()), ("kind", pyarrow.string())])
    temporary = target.with_name(f".{target.name}.part")
    try:
        with pyarrow.parquet.ParquetWriter(temporary, schema) as writer:
            for rows in _groups(ledger_rows(path), 10_000):
                writer.write_table(pyarrow.Table.from_pylist([_as_texts(row) for row in rows], schema=schema))
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot be written: {error.strerror or error}.", file=str(target)) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _groups(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    group: list[Row] = []
    for row in rows:
        group.append(row)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _as_texts(row: Row) -> Row:
    """A row for Parquet: results are JSON, and what is not UTF-8 in a name is escaped."""
    return {
        "path": _clean(row["path"]),
        "outputs": [_clean(output) for output in row["outputs"]],
        "sha256": row["sha256"],
        "results": [json.dumps(result) for result in row["results"]],
        "error": None if row["error"] is None else _clean(row["error"]),
        "kind": row["kind"],
    }


def _clean(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
