"""What a bulk run has to look up, on disk: files that are done, outputs that are taken. It is also the run's lock.

The index holds nothing that the ledger does not, besides the plans of the run that is going on: it is made again from
the ledger when it is missing. While it is open no other process can open it; the system frees it when a process dies.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from bytesim.errors import ConfigError, OutputError

_COMMIT_S = 2.0
_TABLES = """
CREATE TABLE IF NOT EXISTS done (key BLOB PRIMARY KEY, kind TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outputs (key BLOB PRIMARY KEY, owner BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digests (digest TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (name TEXT, value TEXT, number INTEGER, PRIMARY KEY (name, value)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_PLANS = """
DROP TABLE IF EXISTS planned; DROP TABLE IF EXISTS claimed; DROP TABLE IF EXISTS begun;
CREATE TABLE planned (key BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE claimed (key BLOB PRIMARY KEY, owner BLOB) WITHOUT ROWID;
CREATE TABLE begun (key BLOB PRIMARY KEY, outputs TEXT) WITHOUT ROWID;
"""
ROWS, FAILED = "rows", "failed"


def key_of(path: str) -> bytes:
    """16 bytes that stand for a path."""
    return hashlib.blake2b(os.fsencode(path), digest_size=16).digest()


class Index:
    """An open index. Raises ConfigError if another run has it open, OutputError where it cannot be written."""

    def __init__(self, path: Path, *, ledger: str) -> None:
        try:
            self._open(path)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise ConfigError(
                    "another run is writing this ledger. Wait for it, or name another.", file=ledger
                ) from None
            raise OutputError(f"cannot be opened: {error}.", file=str(path)) from error
        except sqlite3.DatabaseError:  # damaged, as by a computer that lost power
            self.base.close()
            path.unlink()
            self._open(path)

    def _open(self, path: Path) -> None:
        self.base = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        # A process that is killed cannot damage the index in this mode; a computer that loses power might.
        self.base.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=OFF;")
        self.base.execute("BEGIN EXCLUSIVE")
        self.base.execute("COMMIT")
        self.base.executescript(_TABLES + _PLANS)
        self.base.execute("BEGIN")
        self.committed = time.monotonic()

    def close(self) -> None:
        """Commit, and let other runs open it."""
        with suppress(sqlite3.Error):
            self.base.execute("COMMIT")
        self.base.close()

    def roll_back(self) -> None:
        """Forget what was added since the last commit."""
        with suppress(sqlite3.Error):
            self.base.execute("ROLLBACK")
        with suppress(sqlite3.Error):
            self.base.execute("BEGIN")

    def commit_at_times(self) -> None:
        """Commit what was added if the last commit is some time ago."""
        if time.monotonic() - self.committed > _COMMIT_S:
            self.base.execute("COMMIT")
            self.base.execute("BEGIN")
            self.committed = time.monotonic()

    def clear(self) -> None:
        """Forget all rows of the ledger."""
        for table in ("done", "outputs", "digests", "counts", "state"):
            self.base.execute(f"DELETE FROM {table}")

    # --- rows of the ledger ------------------------------------------------------------------

    def kind_of(self, path: str) -> str | None:
        """The class of the error of a file that is done, empty without one; None for a file that is not done."""
        found = self.base.execute("SELECT kind FROM done WHERE key = ?", (key_of(path),)).fetchone()
        return None if found is None else str(found[0])

    def add(self, row: dict[str, Any], counted: Iterable[str]) -> None:
        """Add a row that the ledger has, with the names under which its results are counted."""
        key = key_of(row["path"])
        self.base.execute("INSERT OR REPLACE INTO done VALUES (?, ?)", (key, row["kind"] or ""))
        claims = [(output_key(output), key) for output in row["outputs"]]
        self.base.executemany("INSERT OR REPLACE INTO outputs VALUES (?, ?)", claims)
        if row["outputs"]:
            self.base.executemany("INSERT OR IGNORE INTO digests VALUES (?)", [(each,) for each in row["sha256"]])
        counts = Counter(("result", name) for name in counted)
        counts[ROWS, ""] += 1
        if row["error"] is not None:
            counts[FAILED, row["kind"]] += 1
        self.base.executemany(
            "INSERT INTO counts VALUES (?, ?, ?) "
            "ON CONFLICT (name, value) DO UPDATE SET number = number + excluded.number",
            [(name, value, number) for (name, value), number in counts.items()],
        )

    def has_digest(self, digest: str) -> bool:
        """Whether an output with this sha256 is in the ledger."""
        return self.base.execute("SELECT 1 FROM digests WHERE digest = ?", (digest,)).fetchone() is not None

    def counts(self, name: str) -> dict[str, int]:
        """How often each value was counted, the most frequent first."""
        query = "SELECT value, number FROM counts WHERE name = ? ORDER BY number DESC, value"
        return {str(value): _checked(number) for value, number in self.base.execute(query, (name,))}

    def state(self, name: str) -> str | None:
        """A value that was kept."""
        found = self.base.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if found is None else str(found[0])

    def number(self, name: str) -> int:
        """A number that was kept; 0 if there is none, or the index is damaged."""
        text = self.state(name) or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

    def keep(self, name: str, value: str) -> None:
        """Keep a value."""
        self.base.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    # --- plans of this run -------------------------------------------------------------------

    def plan(self, path: str) -> bool:
        """Note that this run does a file; False if it was noted before."""
        return self.base.execute("INSERT OR IGNORE INTO planned VALUES (?)", (key_of(path),)).rowcount == 1

    def claim(self, path: str, outputs: Sequence[str]) -> str | None:
        """Take the outputs for a file. Returns the first that another file has taken; then none is taken."""
        owner = key_of(path)
        keys = [output_key(output) for output in outputs]
        for output, key in zip(outputs, keys, strict=True):
            for table in ("outputs", "claimed"):
                found = self.base.execute(f"SELECT owner FROM {table} WHERE key = ?", (key,)).fetchone()
                if found is not None and found[0] != owner:
                    return output
        self.base.executemany("INSERT OR IGNORE INTO claimed VALUES (?, ?)", [(key, owner) for key in keys])
        return None

    def keep_begun(self, path: str, outputs: Sequence[str]) -> None:
        """Note the outputs that an earlier run may have written for a file that is not done."""
        self.base.execute("INSERT OR REPLACE INTO begun VALUES (?, ?)", (key_of(path), json.dumps(outputs)))

    def begun(self, path: str) -> list[str]:
        """The outputs that an earlier run may have written for a file."""
        found = self.base.execute("SELECT outputs FROM begun WHERE key = ?", (key_of(path),)).fetchone()
        return [] if found is None else list(json.loads(found[0]))


def _checked(number: object) -> int:
    """Raises sqlite3.DataError for what is not a number, as in a damaged index."""
    if not isinstance(number, int):
        raise sqlite3.DataError(f"{number!r} is not a number")
    return number


def output_key(path: str) -> bytes:
    """16 bytes that stand for an output, under whatever name it is reached."""
    return key_of(os.path.normcase(os.path.realpath(path)))
