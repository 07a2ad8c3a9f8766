"""Bulk runs without Ray: the workers run in this process, one share after the other."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path

from bytesim.cluster.bulk import BulkSummary
from bytesim.cluster.ledger import ledger_rows
from fuzz.bulk_here import shares_here


class Killed(BaseException):
    """What ends a run as a kill would: no code of the run catches it."""


class Here:
    """In place of `run_on_ray`; after `most` shares the run is killed, before their rows are in the ledger."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most

    @contextmanager
    def __call__(self, cluster, settings, plan: Path, **options):
        yield self.shares(settings, plan)

    def shares(self, settings, plan: Path):
        for number, done in enumerate(shares_here(settings, plan)):
            if number == self.most:
                raise Killed
            yield done


def bulk_here(monkeypatch, *words, most: int | None = None, **options) -> BulkSummary:
    """`bytesim.bulk` with the workers in this process."""
    from bytesim.cluster import bulk

    monkeypatch.setattr(bulk, "check_cluster", lambda cluster: None)
    monkeypatch.setattr(bulk, "run_on_ray", Here(most))
    return bulk.bulk(*words, **options)


def rows_of(ledger: str | Path) -> dict[str, dict]:
    """Path -> row of a ledger, in which every file must stand once."""
    rows = list(ledger_rows(ledger))
    found = {row["path"]: row for row in rows}
    assert len(found) == len(rows), "a file stands twice in the ledger"
    return found


def lines_of(ledger: str | Path) -> list[dict]:
    return [json.loads(line) for line in Path(ledger).read_text().splitlines()]
