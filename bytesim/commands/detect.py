"""`bytesim detect`: the parts of a file of mixed content."""

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
from bytesim.commands.options import AsJson, Backend, BackendChoice, Device, complete_model
from bytesim.console import byte_progress, print_json, print_line

if TYPE_CHECKING:
    from bytesim.tasks.detect.segments import Detection, Segment


def detect(
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="File to look into; - reads stdin. With --cluster also a folder of files.",
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Classifier that labels what has no length field.", autocompletion=complete_model)
    ] = "filetype",
    extract: Annotated[
        str | None, typer.Option(metavar="DIR", help="Also write each part to this folder.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files of the folder that exist.")] = False,
    device: Device = "auto",
    engine_backend: BackendChoice = Backend.auto,
    jobs: Annotated[int, typer.Option(min=1, help="With --cluster: number of workers.")] = 1,
    cluster: Cluster = None,
    manifest: Manifest = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """List the parts of FILE: files inside a file, texts in a binary, and padding, each with its offsets and its type.

    bytesim detect disk.img
    bytesim detect firmware.bin --extract parts/
    """
    from bytesim.tasks.detect.detect import detect as task

    check_cluster(cluster, manifest, ledger, retry_failed, refused={"--extract": extract, "--force": force})
    if cluster is not None:
        run_bulk_command(
            "detect",
            [source] if source else None,
            as_json=as_json,
            cluster=cluster,
            manifest=manifest,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            model=model,
            device=device,
            engine_backend=engine_backend.value,
        )
    if jobs != 1:
        raise typer.BadParameter("--jobs goes with --cluster; add --cluster ray.")
    (source,) = need_sources([source] if source else None, "FILE")
    with byte_progress("detect") as on_progress:
        found = task(
            source,
            model=model,
            extract=extract,
            force=force,
            device=device,
            engine_backend=engine_backend.value,
            on_progress=on_progress,
        )
    if as_json:
        print_json(found)
    else:
        _show(found)


def _show(found: Detection) -> None:
    width = len(f"{found.num_bytes:,}")
    kind = max(len(each.label) for each in found.segments)
    for each in found.segments:
        print_line(
            f"{each.start:>{width},} to {each.end:>{width},}  0x{each.start:08x}  {each.label:{kind}}  {_told(each)}"
        )
    parts = "1 part" if len(found.segments) == 1 else f"{len(found.segments)} parts"
    print_line(f"{found.source}: {found.num_bytes:,} bytes, {parts}")


def _told(segment: Segment) -> str:
    how = "exact" if segment.exact else f"{segment.probability:4.0%} "
    if segment.label != segment.guess:
        how += f" {segment.guess}?"
    bits = "" if segment.bits_per_byte is None else f"  {segment.bits_per_byte:.2f} bits per byte"
    return how + bits + (f"  {segment.extracted}" if segment.extracted else "")
