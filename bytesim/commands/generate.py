"""`bytesim generate`: write new files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.bulk import Cluster, LedgerFile, RetryFailed, check_cluster, run_bulk_command
from bytesim.commands.options import (
    AsJson,
    Backend,
    BackendChoice,
    Device,
    Dtype,
    DtypeChoice,
    Engine,
    Force,
    Jobs,
    complete_model,
)
from bytesim.console import print_note, progress, report_outcomes

if TYPE_CHECKING:
    from bytesim.tasks.generate.generate import Generated


def generate(
    model: Annotated[
        str,
        typer.Option(
            help="image, audio, text, midi, abc (tunes of the model music), your own, or the path of a model folder.",
            autocompletion=complete_model,
        ),
    ] = "music",
    suffix: Annotated[
        str | None, typer.Option(help="Kind of file to write, if the model writes several.", show_default=False)
    ] = None,
    prompt: Annotated[
        str | None, typer.Option(help="First bytes of the file, as text; the model continues them.", show_default=False)
    ] = None,
    prompt_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="The same from a file; - reads stdin. A picture or recording may have any format; part of it is kept.",
            show_default=False,
        ),
    ] = None,
    keep: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Share of the prompt file to keep. By default half of a picture (the lower half, which BMP stores "
            "first) or recording, and all of other files.",
            show_default=False,
        ),
    ] = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="Number of files.")] = 1,
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
    repetition_penalty: Annotated[
        float,
        typer.Option(min=1.0, help="Above 1: the bytes among the last 64 become less probable, by about this factor."),
    ] = 1.0,
    seed: Annotated[
        int | None,
        typer.Option(help="Number that decides the files: the same seed gives the same files.", show_default=False),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option(min=1, help="Longest file: texts, tunes, MIDI end in time, others are cut.", show_default=False),
    ] = None,
    mixed: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL,MODEL",
            help="Write files with one file of each of these models, one after the other, as in text,image,text.",
            show_default=False,
        ),
    ] = None,
    allow_truncated: Annotated[
        bool, typer.Option("--allow-truncated", help="Keep files that are cut off at the longest length.")
    ] = False,
    any_form: Annotated[
        bool,
        typer.Option(
            "--any-form",
            help="For your own models: .txt, .bmp, .wav and .abc files need not have the form that bytesim reads.",
        ),
    ] = False,
    tries: Annotated[int, typer.Option(min=1, help="Most attempts at each file, until one is valid and new.")] = 8,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help="File or folder; by default MODEL-SEED.suffix in the current folder.",
            show_default=False,
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option(metavar="PNG", help="Draw all pictures, or all waveforms, on one PNG.", show_default=False),
    ] = None,
    midi: Annotated[bool, typer.Option("--midi", help="Also write each tune as a MIDI file beside it.")] = False,
    engine: Annotated[
        Engine,
        typer.Option(help="What makes the MIDI: the model, the rules, or (auto) the model if its notes are right."),
    ] = Engine.auto,
    score: Annotated[
        bool, typer.Option("--score", help="Also draw the sheet music of each tune beside it, as SVG; needs abcm2ps.")
    ] = False,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    jobs: Jobs = 1,
    cluster: Cluster = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """Write new files, byte by byte: texts, pictures, sounds and tunes. All are valid, and no two are equal.

    bytesim generate --model abc -n 3 --seed 7 -o tunes/ --midi --score

    bytesim generate --model image -n 16 -o pictures/ --sheet pictures.png

    bytesim generate --model image --prompt-file photo.jpg --keep 0.6 -o rest.bmp
    """
    from bytesim.tasks.generate import generate as task

    if as_json and output == "-":
        raise typer.BadParameter("--json and the file itself cannot both go to stdout; name a file with -o.")
    if prompt is not None and prompt_file is not None:
        raise typer.BadParameter("--prompt and --prompt-file both give the beginning of the file; use one of them.")
    if keep is not None and prompt_file is None:
        raise typer.BadParameter("--keep is the share of a prompt file to keep; give a --prompt-file.")
    extras = {"--mixed": mixed, "--sheet": sheet, "--midi": midi, "--score": score}
    check_cluster(cluster, None, ledger, retry_failed, refused=extras)
    if cluster is not None:
        run_bulk_command(
            "generate",
            None,
            as_json=as_json,
            cluster=cluster,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            output=output,
            force=force,
            model=model,
            suffix=suffix,
            prompt=prompt,
            prompt_file=prompt_file,
            keep=keep,
            count=count,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            repetition_penalty=repetition_penalty,
            seed=seed,
            max_bytes=max_bytes,
            allow_truncated=allow_truncated,
            any_form=any_form,
            tries=tries,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
        )
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
            repetition_penalty=repetition_penalty,
            seed=seed,
            max_bytes=max_bytes,
            mixed=mixed,
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
            engine_backend=engine_backend.value,
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
    """A progress bar of files with bytes per second.

    Gives (on_bytes, on_files): functions to call with the number of new bytes, and with (files done, files in all).
    """
    started, written = time.monotonic(), 0
    with progress() as bar:
        job = bar.add_task("generate", total=count, speed="")

        def on_bytes(num_bytes: int) -> None:
            nonlocal written
            written += num_bytes
            bar.update(job, speed=f"{written / max(1e-3, time.monotonic() - started):,.0f}")

        yield on_bytes, lambda done, total: bar.update(job, completed=done, total=total)


def _line(generated: Generated) -> str | None:
    tries = "" if generated.tries == 1 else f", valid at try {generated.tries}"
    cut = ", cut" if generated.truncated else ""
    by = f"by the model {generated.model}, seed {generated.seed}"
    line = f"{generated.output}: {generated.num_bytes:,} bytes {by}{tries}{cut}"
    if generated.midi is not None:
        line += f"; {generated.midi} by {'the model' if generated.midi_engine == 'model' else generated.midi_engine}"
    if generated.score is not None:
        line += f"; {generated.score}"
    if generated.output != "-":
        return line
    print_note(line)
    return None
