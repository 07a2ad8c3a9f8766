"""`bytesim normalize`."""

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
        str | None, typer.Option("--output", "-o", help="File to write, or folder where there are several.")
    ] = None,
    to: Annotated[To, typer.Option(help="What SRC is to become; auto looks at the content of each file.")] = To.auto,
    segment: Annotated[Segment, typer.Option(help="Which second of a recording.")] = Segment.first,
    fit: Annotated[Fit, typer.Option(help="How a picture becomes a square.")] = Fit.crop,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring recordings and pictures into the form the models read: one second of 8000 Hz mono WAV, 32x32 BMP.

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
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


def _line(made: Normalized) -> str | None:
    names = made.outputs if len(made.outputs) < 3 else [made.outputs[0], "...", made.outputs[-1]]
    line = f"{made.source} -> {' '.join(names)}: {made.found} -> {made.done}"
    if made.outputs != ["-"]:
        return line
    print_note(line)
    return None
