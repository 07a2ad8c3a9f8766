"""`bytesim evaluate bpb`: bits per byte of files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Model
from bytesim.console import progress, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.bpb import BitsPerByte


def bpb(
    files: Annotated[list[str], typer.Argument(help="Files, folders of them, or packed shards (.npz).")],
    model: Model = "music",
    source_suffix: Annotated[
        str | None,
        typer.Option(metavar="SUFFIX", help="Shards: score conversions from this kind of file.", show_default=False),
    ] = None,
    target_suffix: Annotated[
        str | None,
        typer.Option(metavar="SUFFIX", help="Score as this kind of file; shards need it.", show_default=False),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Shards: targets are read and sources scored.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Shards: take the first rows only.", show_default=False)
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(metavar="OUT.png", help="Draw a histogram over the files or rows.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture if it exists.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    as_json: AsJson = False,
) -> None:
    """Bits a model needs for each byte of files: 8 is no idea, 0 is knowing them beforehand.

    bytesim evaluate bpb examples/ode_to_joy.abc --model music
    """
    from bytesim.tasks.evaluate.bpb import evaluate_bpb

    with progress("files/s") as bar:
        job = bar.add_task("evaluate bpb", total=None, speed="")
        outcomes = evaluate_bpb(
            files,
            model=model,
            source_suffix=source_suffix,
            target_suffix=target_suffix,
            reverse=reverse,
            limit=limit,
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            on_progress=lambda done, total: bar.update(job, completed=done, total=total),
        )
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


def _line(seen: BitsPerByte) -> str:
    notes = [f"{seen.num_bytes:,} bytes", f"all-token mean {seen.mean_nats:.4f} nats"]
    if seen.num_files != 1:
        notes.insert(0, f"{seen.num_files:,} files")
    if seen.windows > seen.num_files:
        notes.append(f"in {seen.windows} windows that overlap by half")
    if seen.refused:
        notes.append(f"{seen.refused} left out: they do not fit the model")
    return f"{seen.source}: {seen.bits_per_byte:.4f} bits per byte by the model {seen.model} ({', '.join(notes)})"
