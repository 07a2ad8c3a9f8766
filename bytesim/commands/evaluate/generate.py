"""`bytesim evaluate generate`: do the files that a model writes open, and are they new?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.generate import file_progress
from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Jobs, Model
from bytesim.console import print_json, print_line

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.generate import GenerateEvaluation


def evaluate_generate(
    model: Model = "music",
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many files.")] = 1000,
    against: Annotated[
        list[str] | None,
        typer.Option(metavar="SHARD", help="A shard the model was trained on (.npz); may be given several times."),
    ] = None,
    suffix: Annotated[
        str | None, typer.Option(help="Kind of file, where the model writes several.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first file.")] = 0,
    temperature: Annotated[float, typer.Option(min=0.0, help="1 draws as the model learned.")] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Draw among so many of the likeliest bytes; 0: among all.")] = 0,
    top_p: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Draw among the likeliest bytes with this share of probability.")
    ] = 1.0,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Keep the files in this new folder.", show_default=False)
    ] = None,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Let a model write many files; count those that open elsewhere, that are alike, and that equal a training row.

    bytesim evaluate generate --model image -n 1000 --against image.npz
    """
    from bytesim.tasks.evaluate import generate as task

    with file_progress(count) as (on_bytes, on_files):
        seen = task.evaluate_generate(
            model=model,
            count=count,
            against=against or (),
            suffix=suffix,
            seed=seed,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            output=output,
            device=device,
            dtype=dtype.value,
            jobs=jobs,
            on_bytes=on_bytes,
            on_files=on_files,
        )
    if as_json:
        print_json(seen)
    else:
        for line in _table(seen):
            print_line(line)


def _table(seen: GenerateEvaluation) -> list[str]:
    """Rows of a Markdown table, what they were measured on, and what went wrong."""
    copies = "not compared" if seen.copies is None else f"{seen.copies} (of {seen.training_rows:,} rows)"
    return [
        f"| .{seen.suffix} files by the model {seen.model} | of {seen.asked} |",
        "|---|---|",
        f"| written | {seen.written} |",
        f"| open in {seen.opens_in} | {seen.opened} |",
        f"| equal to an earlier one | {seen.alike} |",
        f"| equal to a training row | {copies} |",
        f"| brought to an end or cut | {seen.truncated} |",
        "",
        f"seeds from {seen.seed}, {seen.tries} draws; {seen.num_bytes:,} bytes, "
        f"{seen.num_bytes / seen.seconds:,.0f} bytes/s, {60 * seen.written / seen.seconds:,.0f} files a minute",
        *seen.reasons,
    ]
