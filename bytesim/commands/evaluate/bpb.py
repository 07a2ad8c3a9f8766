"""`bytesim evaluate bpb`: measure a model's bits per byte on files."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Model
from bytesim.console import progress, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.bpb import BitsPerByte


class Noise(str, Enum):
    antspeak = "antspeak"
    drop = "drop"
    randomcase = "randomcase"
    repeat = "repeat"
    uppercase = "uppercase"


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
    noise: Annotated[
        list[Noise] | None,
        typer.Option(
            help="Also score each text with this noise: capitals with spaces, missing characters, letters in random "
            "case, repeated characters, capitals. May be repeated.",
            show_default=False,
        ),
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
            noise=[each.value for each in noise or ()],
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            on_progress=lambda done, total: bar.update(job, completed=done, total=total),
        )
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


def _line(score: BitsPerByte) -> str:
    noise = f" with {score.noise}" if score.noise else ""
    notes = [f"{score.num_bytes:,} bytes", f"all-token mean {score.mean_nats:.4f} nats"]
    if score.num_files != 1:
        notes.insert(0, f"{score.num_files:,} files")
    if score.windows > score.num_files:
        notes.append(f"in {score.windows} windows that overlap by half")
    if score.target is not None:
        notes.insert(0, f"{score.target} given its source")
    if score.refused:
        notes.append(f"{score.refused} left out because they do not fit the model")
    figure = f"{score.bits_per_byte:.4f} bits per byte by the model {score.model}"
    return f"{score.source}{noise}: {figure} ({', '.join(notes)})"
