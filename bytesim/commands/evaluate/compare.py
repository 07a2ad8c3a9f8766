"""`bytesim evaluate compare`: compare recipes at equal floating-point operations."""

from __future__ import annotations

from typing import Annotated

import typer

from bytesim.commands.options import AsJson, Device, Force
from bytesim.console import print_json, print_line, print_note


def compare(
    recipes: Annotated[list[str], typer.Argument(help="Recipes that name the same validation files.")],
    tflops: Annotated[
        float, typer.Option(min=0.0, help="Floating-point operations of each training, in 10^12.")
    ] = 100.0,
    out: Annotated[str, typer.Option(help="Folder of the models, in which an interrupted comparison goes on.")] = (
        "runs/compare"
    ),
    picture: Annotated[
        str | None, typer.Option(help="Draw the learning curves to this PNG.", show_default=False)
    ] = None,
    device: Device = "auto",
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Train several recipes with the same number of floating-point operations, and measure them on the same files.

    bytesim evaluate compare small.toml patched.toml --tflops 200 --picture curves.png

    Printed are bits per byte, bytes per second in training and decoding, the most memory, and the mean length of a
    patch. Bits per byte are measured on at most 192 files of each validation source.
    """
    from bytesim.tasks.evaluate import compare as task

    comparison = task.evaluate_compare(
        recipes, tflops=tflops, out=out, picture=picture, device=device, force=force, on_note=print_note
    )
    if as_json:
        print_json(comparison)
    else:
        for line in task.table(comparison):
            print_line(line)
