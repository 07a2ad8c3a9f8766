"""The options `--cluster` and what belongs to it, for the commands that do many files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bytesim.console import print_json, print_line, print_note, progress

if TYPE_CHECKING:
    from bytesim.cluster.bulk import BulkSummary

Cluster = Annotated[
    str | None,
    typer.Option(
        metavar="ray",
        help="Do any number of files on Ray, with a ledger from which a stopped run goes on: ray starts Ray on this "
        "computer, with --jobs workers; ray://HOST:PORT joins a cluster.",
        show_default=False,
    ),
]
Manifest = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="With --cluster: a .jsonl, .csv or .parquet file whose column path lists further files.",
        show_default=False,
    ),
]
LedgerFile = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="FILE",
        help="With --cluster: the file with a row for every file, .jsonl or .parquet; by default beside the output.",
        show_default=False,
    ),
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="With --cluster: do the files again that the ledger has with an error.")
]


def check_cluster(
    cluster: str | None,
    manifest: str | None,
    ledger: str | None,
    retry_failed: bool,
    *,
    refused: Mapping[str, object] | None = None,
) -> None:
    """Raise BadParameter for options that go with `--cluster` only, or that do not go with it: `refused` if not None,
    False or empty."""
    if cluster is None:
        for option, value in (("--manifest", manifest), ("--ledger", ledger), ("--retry-failed", retry_failed)):
            if value:
                raise typer.BadParameter(f"{option} goes with --cluster; add --cluster ray.")
        return
    if cluster != "ray" and not cluster.startswith("ray://"):
        raise typer.BadParameter(f"--cluster is ray or ray://HOST:PORT, not {cluster}.")
    for option, other in (refused or {}).items():
        if other:
            raise typer.BadParameter(f"{option} does not go with --cluster; docs/bulk.md says what to do instead.")


def need_sources(sources: list[str] | None, name: str) -> list[str]:
    """The files of a command without a cluster. Raises BadParameter without any."""
    if not sources:
        raise typer.BadParameter(f"Missing argument '{name}'.")
    return sources


def run_bulk_command(command: str, sources: list[str] | None, *, as_json: bool, **settings: Any) -> NoReturn:
    """Run `bytesim.bulk`, show its progress and its summary, and exit: with 1 if a file failed."""
    from bytesim.cluster.bulk import bulk
    from bytesim.cluster.conversions import OTHER_NOTES

    with progress("files/s") as bar:
        job = bar.add_task(command, total=None, speed="")

        def on_progress(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        summary = bulk(command, sources or (), on_progress=on_progress, on_note=print_note, **settings)
    if as_json:
        print_json(summary)
    else:
        _show(summary)
    raise typer.Exit(int(summary.failed > 0 or OTHER_NOTES in summary.results))


def _show(summary: BulkSummary) -> None:
    before = f"; {summary.done_before:,} of this run were in the ledger before" if summary.done_before else ""
    files = "1 file" if summary.files == 1 else f"{summary.files:,} files"
    print_line(f"{summary.command}: {files}{before}, {summary.failed:,} failed, {summary.seconds:,.1f} s")
    for label, count in summary.results.items():
        print_line(f"{count:>12,}  {label}")
    for kind, count in summary.errors.items():
        print_note(f"warning: {count:,} with {kind}; the ledger says why")
    print_line(f"ledger: {summary.ledger}")
