"""Bulk runs without Ray: the workers run in this process, one share after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bytesim.cluster.plan import follow_plan
from bytesim.cluster.work import Done, Worker, WorkSettings


def check_nothing(cluster: str) -> None:
    """In place of `check_cluster`."""


@contextmanager
def run_here(cluster: str, settings: WorkSettings, plan: Path, **options: Any) -> Iterator[Iterator[Done]]:
    """In place of `run_on_ray`."""
    yield shares_here(settings, plan)


def shares_here(settings: WorkSettings, plan: Path) -> Iterator[Done]:
    """The shares of a plan, done by one worker."""
    worker = Worker(settings)
    for line in follow_plan(plan):
        yield worker.do(line)
