"""`bytesim generate`: new files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Engine, Force, Jobs
from bytesim.console import print_note, progress, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.generate.generate import Generated


def generate(
    model: Annotated[
        str, typer.Option(help="image, abc (the tunes of music) or a name of your own; or a model folder.")
    ] = "music",
    suffix: Annotated[
        str | None, typer.Option(help="Kind of file, where the model writes several.", show_default=False)
    ] = None,
    prompt: Annotated[str | None, typer.Option(help="How the file begins.", show_default=False)] = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The same from a file; - reads stdin. Of a picture or recording in any format a part is kept.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of the prompt file that is kept. Where nothing is said: half of a picture (BMP stores its "
            "lower half first) or recording, else all.",
            show_default=False,
        ),
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
        int | None,
        typer.Option(
            min=1, help="Longest file: texts and tunes are brought to an end, other kinds cut.", show_default=False
        ),
    ] = None,
    allow_truncated: Annotated[
        bool, typer.Option("--allow-truncated", help="Keep files that are cut off where they had to end.")
    ] = False,
    any_form: Annotated[
        bool,
        typer.Option(
            "--any-form",
            help="For models of your own: .txt, .bmp, .wav and .abc files need not have the form that bytesim knows.",
        ),
    ] = False,
    tries: Annotated[int, typer.Option(min=1, help="Draws for each file, until one is valid and new.")] = 8,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="File or folder; without it MODEL-SEED.suffix, here.", show_default=False),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(metavar="PNG", help="Draw all pictures, or all waves, on one sheet.", show_default=False),
    ] = None,
    midi: Annotated[bool, typer.Option("--midi", help="Write the MIDI of each tune beside it.")] = False,
    engine: Annotated[
        Engine,
        typer.Option(help="What makes the MIDI: the model, the rules, or (auto) the model where it is confident."),
    ] = Engine.auto,
    score: Annotated[
        bool, typer.Option("--score", help="Draw the score of each tune beside it, as SVG; needs abcm2ps.")
    ] = False,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    jobs: Jobs = 1,
    as_json: AsJson = False,
) -> None:
    """Write new files, byte by byte: texts, pictures, sounds and tunes. All are valid, and no two are alike.

    bytesim generate --model abc -n 3 --seed 7 -o tunes/ --midi --score

    bytesim generate --model image -n 16 -o pictures/ --sheet pictures.png

    bytesim generate --model image --prompt-file photo.jpg --keep 0.6 -o rest.bmp
    """
    from bytesim.tasks.generate import generate as task

    if as_json and output == "-":
        raise typer.BadParameter("--json and the file itself cannot both go to stdout; name a file with -o.")
    if prompt is not None and prompt_file is not None:
        raise typer.BadParameter("--prompt and --prompt-file both say how the file begins; give one of them.")
    if keep is not None and prompt_file is None:
        raise typer.BadParameter("--keep says how much of a --prompt-file is kept; give one.")
    with file_progress(count) as (on_bytes, on_files):
        outcomes = task.generate(
            model=model,
            suffix=suffix,
            prompt=prompt,
            prompt_file=prompt_file,
            keep=keep,
            count=count,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            max_bytes=max_bytes,
            allow_truncated=allow_truncated,
            any_form=any_form,
            tries=tries,
            output=output,
            sheet=sheet,
            midi=midi,
            engine=engine.value,
            score=score,
            force=force,
            device=device,
            dtype=dtype.value,
            jobs=jobs,
            on_bytes=on_bytes,
            on_files=on_files,
        )
    code = report_outcomes(outcomes, as_json=as_json, line=_line)
    drawn = sum(outcome.result is not None for outcome in outcomes)
    if sheet is not None and drawn:
        print_note(f"{sheet}: {drawn} on one sheet")
    raise typer.Exit(code)


@contextmanager
def file_progress(count: int) -> Iterator[tuple[Callable[[int], None], Callable[[int, int], None]]]:
    """A bar of files done, with bytes per second: what hears of bytes, and what hears of files."""
    started, written = time.monotonic(), 0
    with progress() as bar:
        job = bar.add_task("generate", total=count, speed="")

        def on_bytes(num_bytes: int) -> None:
            nonlocal written
            written += num_bytes
            bar.update(job, speed=f"{written / max(1e-3, time.monotonic() - started):,.0f}")

        yield on_bytes, lambda done, total: bar.update(job, completed=done, total=total)


def _line(made: Generated) -> str | None:
    tries = "" if made.tries == 1 else f", valid at try {made.tries}"
    cut = ", cut" if made.truncated else ""
    line = f"{made.output}: {made.num_bytes:,} bytes by the model {made.model}, seed {made.seed}{tries}{cut}"
    if made.midi is not None:
        line += f"; {made.midi} by {'the model' if made.midi_engine == 'model' else made.midi_engine}"
    if made.score is not None:
        line += f"; {made.score}"
    if made.output != "-":
        return line
    print_note(line)
    return None
