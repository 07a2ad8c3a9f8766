"""What bulk runs read: manifests, and the ledger, index and marks of an earlier run."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import bytesim
from bytesim.cluster.ledger import ledger_rows
from bytesim.cluster.sources import manifest_names
from fuzz.bulk_here import check_nothing, run_here
from fuzz.seeds_data import BULK_LEDGER, BULK_SOURCES, bulk_options
from fuzz.targets.target import Run, keep_loaded, replace, task, write
from fuzz.targets.tasks import unpack


@task("manifest", "manifest")
def manifest(folder: Path) -> Run:
    def run(data: bytes) -> None:
        suffix = "parquet" if data[:2] == b"PA" else "jsonl" if data[:1] == b"{" else "csv"
        list(islice(manifest_names(str(write(folder, f"in.{suffix}", data))), 10_000))

    return run


@task("ledger", "ledger")
def ledger(folder: Path) -> Run:
    """A run goes on from a damaged ledger, or a damaged folder beside it: every file is in the ledger once."""
    keep_loaded("bytesim.predictors.classifier", "load_classifier")
    replace("bytesim.cluster.bulk", "check_cluster", check_nothing)
    replace("bytesim.cluster.bulk", "run_on_ray", run_here)

    def run(data: bytes) -> None:
        path = unpack(folder, data, "bulk") / BULK_LEDGER
        options = {**bulk_options(), "retry_failed": len(data) % 2 == 0}
        bytesim.bulk("classify_file", BULK_SOURCES, ledger=path, **options)
        names = [row["path"] for row in ledger_rows(path)]
        assert all(names.count(name) == 1 for name in BULK_SOURCES), "a file is not in the ledger once"

    return run
