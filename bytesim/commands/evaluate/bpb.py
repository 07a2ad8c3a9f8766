"""`bytesim evaluate bpb`: measure a model's bits per byte on files."""

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
        typer.Option(
            metavar="SUFFIX", help="For shards: score conversions from files with this suffix.", show_default=False
        ),
    ] = None,
    target_suffix: Annotated[
        str | None,
        typer.Option(
            metavar="SUFFIX", help="Treat all files as files with this suffix; required for shards.", show_default=False
        ),
    ] = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="For shards: swap source and target, so that the sources are scored.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="For shards: score only this number of rows, from the first.", show_default=False),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="OUT.png", help="Draw a histogram of the bits per byte of the files or rows.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture if it exists.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    as_json: AsJson = False,
) -> None:
    """Measure the bits per byte that a model needs for files: 0 is perfect prediction, 8 is a uniform guess.

    bytesim evaluate bpb examples/ode_to_joy.abc --model music

    A converter is scored on the target of a pair, given the source: a.csv needs a.json beside it.
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


def _line(score: BitsPerByte) -> str:
    notes = [f"{score.num_bytes:,} bytes", f"all-token mean {score.mean_nats:.4f} nats"]
    if score.num_files != 1:
        notes.insert(0, f"{score.num_files:,} files")
    if score.windows > score.num_files:
        notes.append(f"in {score.windows} windows that overlap by half")
    if score.target is not None:
        notes.insert(0, f"{score.target} given its source")
    if score.refused:
        notes.append(f"{score.refused} left out because they do not fit the model")
    return f"{score.source}: {score.bits_per_byte:.4f} bits per byte by the model {score.model} ({', '.join(notes)})"
