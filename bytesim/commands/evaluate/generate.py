"""`bytesim evaluate generate`: measure how many files that a model writes are valid and new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.generate import file_progress
from bytesim.commands.options import AsJson, Backend, BackendChoice, Device, Dtype, DtypeChoice, Jobs, Model
from bytesim.console import print_json, print_line

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.generate import GenerateEvaluation


def evaluate_generate(
    model: Model = "music",
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of files.")] = 1000,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SHARD", help="A shard (.npz) that the model was trained on, to count copies; may be repeated."
        ),
    ] = None,
    suffix: Annotated[
        str | None, typer.Option(help="Kind of file to write, if the model writes several.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the first file.")] = 0,
    temperature: Annotated[
        float,
        typer.Option(min=0.0, help="0 always chooses the most probable byte; 1 samples the model's own probabilities."),
    ] = 1.0,
    top_k: Annotated[
        int, typer.Option(min=0, help="Sample from this number of the most probable bytes; 0: from all.")
    ] = 0,
    top_p: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Sample from the most probable bytes that together have this probability."),
    ] = 1.0,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Keep the files in this new folder.", show_default=False)
    ] = None,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Let a model write files; count those that other programs open, duplicates, and copies of training files.

    bytesim evaluate generate --model image -n 1000 --against image.npz
    """
    from bytesim.tasks.evaluate import generate as task

    with file_progress(count) as (on_bytes, on_files):
        evaluation = task.evaluate_generate(
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
            engine_backend=engine_backend.value,
            jobs=jobs,
            on_bytes=on_bytes,
            on_files=on_files,
        )
    if as_json:
        print_json(evaluation)
    else:
        for line in _table(evaluation):
            print_line(line)


def _table(evaluation: GenerateEvaluation) -> list[str]:
    """Rows of a Markdown table, a line about the draws and the speed, and the reasons of failures."""
    copies = (
        "not compared" if evaluation.copies is None else f"{evaluation.copies} (of {evaluation.training_rows:,} rows)"
    )
    files_per_minute = 60 * evaluation.written / evaluation.seconds
    return [
        f"| .{evaluation.suffix} files by the model {evaluation.model} | of {evaluation.asked} |",
        "|---|---|",
        f"| written | {evaluation.written} |",
        f"| open in {evaluation.opens_in} | {evaluation.opened} |",
        f"| equal to an earlier one | {evaluation.alike} |",
        f"| equal to a training row | {copies} |",
        f"| ended or cut at the longest length | {evaluation.truncated} |",
        "",
        f"seeds from {evaluation.seed}, {evaluation.tries} draws; {evaluation.num_bytes:,} bytes, "
        f"{evaluation.num_bytes / evaluation.seconds:,.0f} bytes/s, {files_per_minute:,.0f} files a minute",
        *evaluation.reasons,
    ]
