"""`bytesim generate`: new files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.convert import AsJson, Device, Dtype, DtypeChoice, Force, Model
from bytesim.console import print_note, progress, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.generate import Generated


def generate(
    model: Model = "music",
    suffix: Annotated[
        str | None, typer.Option(help="Kind of file, where the model writes several.", show_default=False)
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="How the file begins.", show_default=False)] = None,
    prompt_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="The same from a file; - reads stdin.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many files.")] = 1,
    temperature: Annotated[
        float, typer.Option(min=0.0, help="0 takes the likeliest byte every time, 1 draws as the model learned.")
    ] = 1.0,
    top_k: Annotated[int, typer.Option(min=0, help="Draw among so many of the likeliest bytes; 0: among all.")] = 0,
    top_p: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Draw among the likeliest bytes with this share of probability.")
    ] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Draw the same files again.", show_default=False)] = None,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Cut files at this length; a cut one is kept.", show_default=False)
    ] = None,
    allow_truncated: Annotated[
        bool, typer.Option("--allow-truncated", help="Keep files that the model did not end.")
    ] = False,
    tries: Annotated[int, typer.Option(min=1, help="Draws for each file, until one is valid.")] = 8,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="File or folder; without it MODEL-SEED.suffix, here.", show_default=False),
    ] = None,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    as_json: AsJson = False,
) -> None:
    """Write new files, byte by byte: tunes, with the model music.

    bytesim generate --model music -n 3 --seed 7 -o tunes/

    Only valid files are kept; one that does not parse is drawn again with the next seed.
    """
    from bytesim.tasks import generate as task

    if as_json and output == "-":
        raise typer.BadParameter("--json and the file itself cannot both go to stdout; name a file with -o.")
    if prompt is not None and prompt_file is not None:
        raise typer.BadParameter("--prompt and --prompt-file both say how the file begins; give one of them.")
    with progress() as bar:
        job = bar.add_task("generate", total=None, speed="")

        def on_bytes(num_bytes: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, advance=num_bytes, speed="" if speed is None else f"{speed:,.0f}")

        outcomes = task.generate(
            model=model,
            suffix=suffix,
            prompt=prompt,
            prompt_file=prompt_file,
            count=count,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            max_bytes=max_bytes,
            allow_truncated=allow_truncated,
            tries=tries,
            output=output,
            force=force,
            device=device,
            dtype=dtype.value,
            on_bytes=on_bytes,
        )
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


def _line(made: Generated) -> str | None:
    tries = "" if made.tries == 1 else f", valid at try {made.tries}"
    cut = ", cut" if made.truncated else ""
    line = f"{made.output}: {made.num_bytes:,} bytes by the model {made.model}, seed {made.seed}{tries}{cut}"
    if made.output != "-":
        return line
    print_note(line)
    return None
