"""`bytesim normalize`: convert recordings and pictures to the form that the models read."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson
from bytesim.console import byte_progress, print_note, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.normalize import Normalized


class To(str, Enum):
    auto = "auto"
    wav = "wav"
    bmp = "bmp"


class Segment(str, Enum):
    first = "first"
    loudest = "loudest"
    all = "all"


class Fit(str, Enum):
    crop = "crop"
    pad = "pad"
    stretch = "stretch"


def normalize(
    sources: Annotated[
        list[str], typer.Argument(metavar="SRC", help="Recordings, pictures, or folders of them; - reads stdin.")
    ],
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File to write; for several files, the folder to write to.")
    ] = None,
    to: Annotated[To, typer.Option(help="Format to write; auto decides by the content of each file.")] = To.auto,
    segment: Annotated[
        Segment, typer.Option(help="Which second of a recording to take; all writes every second.")
    ] = Segment.first,
    fit: Annotated[Fit, typer.Option(help="How a picture is made square.")] = Fit.crop,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: AsJson = False,
) -> None:
    """Convert recordings and pictures to the form that the models read: one second of 8000 Hz mono WAV, 32x32 BMP.

    bytesim normalize song.mp3 photo.jpg -o small/
    """
    from bytesim.tasks import normalize as task

    to_stdout = output == "-" or (output is None and "-" in sources)
    if to_stdout and as_json:
        raise typer.BadParameter("--json and the file itself cannot both go to stdout; name a file with -o.")
    with byte_progress("normalize") as on_progress:
        outcomes = task.normalize(
            sources,
            output=output,
            to=to.value,
            segment=segment.value,
            fit=fit.value,
            force=force,
            on_progress=on_progress,
        )
    apart = [outcome.result for outcome in outcomes if outcome.result is not None and outcome.result.whole_name]
    if apart and not as_json:
        example = f"{apart[0].source} -> {apart[0].outputs[0]}"
        print_note(f"inputs that differ in their suffix only keep their whole names: {example}")
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


def _line(normalized: Normalized) -> str | None:
    outputs = normalized.outputs
    names = outputs if len(outputs) < 3 else [outputs[0], "...", outputs[-1]]
    line = f"{normalized.source} -> {' '.join(names)}: {normalized.found} -> {normalized.done}"
    if outputs != ["-"]:
        return line
    print_note(line)
    return None
