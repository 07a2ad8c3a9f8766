"""`bytesim compress` and `bytesim decompress`: files and folders without a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.bulk import (
    Cluster,
    LedgerFile,
    Manifest,
    RetryFailed,
    check_cluster,
    need_sources,
    run_bulk_command,
)
from bytesim.commands.options import AsJson
from bytesim.console import byte_progress, print_note, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.compress.compress import Compressed
    from bytesim.tasks.compress.decompress import Decompressed


def compress(
    sources: Annotated[list[str] | None, typer.Argument(metavar="SRC", help="Files or folders; - reads stdin.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File to write; for several sources, the folder to write to.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="Name of a model that takes part, or none; auto tries those that write such files.")
    ] = "auto",
    fast: Annotated[bool, typer.Option("--fast", help="Work without a model, which is much faster.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="With --cluster: number of workers.")] = 1,
    cluster: Cluster = None,
    manifest: Manifest = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """Compress each file to FILE.bsim, and each folder to FOLDER.bsim, without a loss.

    bytesim compress tune.abc
    """
    from bytesim.tasks.compress.compress import compress as task

    check_cluster(cluster, manifest, ledger, retry_failed)
    if cluster is not None:
        run_bulk_command(
            "compress",
            sources,
            as_json=as_json,
            cluster=cluster,
            manifest=manifest,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            output=output,
            force=force,
            model=model,
            fast=fast,
        )
    if jobs != 1:
        raise typer.BadParameter("--jobs goes with --cluster; add --cluster ray.")
    sources = need_sources(sources, "SRC")
    _check_stdout(sources, output, as_json)
    with byte_progress("compress") as on_progress:
        outcomes = task(sources, output=output, model=model, fast=fast, force=force, on_progress=on_progress)
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_compressed_line))


def decompress(
    sources: Annotated[list[str], typer.Argument(metavar="SRC", help="Files that compress wrote; - reads stdin.")],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="File or folder to write; for several sources, the folder to write to."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="The model that took part, if it is not found by its name.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist; folders are not replaced.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the file or folder that each FILE.bsim was made of.

    bytesim decompress tune.abc.bsim
    """
    from bytesim.tasks.compress.decompress import decompress as task

    _check_stdout(sources, output, as_json)
    with byte_progress("decompress") as on_progress:
        outcomes = task(sources, output=output, model=model, force=force, on_progress=on_progress)
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_decompressed_line))


def _check_stdout(sources: list[str], output: str | None, as_json: bool) -> None:
    if as_json and (output == "-" or (output is None and "-" in sources)):
        raise typer.BadParameter("--json and the file itself cannot both go to stdout; name a file with -o.")


def _compressed_line(done: Compressed) -> str | None:
    with_model = f", with the model {done.model}" if done.model else ""
    files = f", {done.files:,} files" if done.files != 1 else ""
    figures = f"{done.num_bytes:,} -> {done.compressed_bytes:,} bytes, {done.bits_per_byte:.3f} bits per byte"
    return _line(done, f"{figures}{with_model}{files}")


def _decompressed_line(done: Decompressed) -> str | None:
    return _line(done, f"{done.num_bytes:,} bytes" + (f", {done.files:,} files" if done.files != 1 else ""))


def _line(done: Compressed | Decompressed, told: str) -> str | None:
    line = f"{done.source} -> {done.output}: {told}"
    if done.output != "-":
        return line
    print_note(line)
    return None
