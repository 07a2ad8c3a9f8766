"""`bytesim convert`: turn one file into another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.console import byte_progress, print_line, print_note, report_outcomes, stdout

if TYPE_CHECKING:
    from bytesim.files import Outcome
    from bytesim.tasks.convert.run import Converted
from bytesim.commands.bulk import (
    Cluster,
    LedgerFile,
    Manifest,
    RetryFailed,
    check_cluster,
    need_sources,
    run_bulk_command,
)
from bytesim.commands.groups import Group
from bytesim.commands.options import (
    AsJson,
    Backend,
    BackendChoice,
    Check,
    Device,
    Dtype,
    DtypeChoice,
    Engine,
    EngineChoice,
    Force,
    Jobs,
    Model,
    Output,
)

convert_app = typer.Typer(cls=Group, no_args_is_help=True)


@convert_app.callback()
def _convert() -> None:
    """Turn files into files of another format with a model that predicts them byte by byte.

    bytesim convert abc2midi examples/greensleeves.abc
    """


Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also list changes that come with nearly every file.")]
Picture = Annotated[
    bool, typer.Option("--picture", help="Draw a piano roll beside each file; with --verify, differences are coloured.")
]


@convert_app.command()
def abc2midi(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SRC", help="ABC files of one or several tunes, or folders of them; - reads stdin."),
    ] = None,
    output: Output = None,
    model: Model = "music",
    engine: EngineChoice = Engine.auto,
    verify: Annotated[
        bool, typer.Option("--verify", help="Also convert the tune by the rules, and show every note that differs.")
    ] = False,
    picture: Picture = False,
    notes: Annotated[
        bool,
        typer.Option("--notes", help="Show the first notes even for several files or when stdout is not a terminal."),
    ] = False,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    jobs: Jobs = 1,
    verbose: Verbose = False,
    cluster: Cluster = None,
    manifest: Manifest = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """Convert tunes in ABC notation to MIDI files.

    bytesim convert abc2midi tune.abc -o tune.mid

    A file book.abc of several tunes becomes book-001.mid, book-002.mid and so on.
    """
    from bytesim.tasks.convert import tunes as task

    _check_verify(verify, engine)
    check_cluster(cluster, manifest, ledger, retry_failed, refused={"--notes": notes})
    if cluster is not None:
        run_bulk_command(
            "abc2midi",
            sources,
            as_json=as_json,
            cluster=cluster,
            manifest=manifest,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            output=output,
            force=force,
            model=model,
            engine=engine.value,
            verify=verify,
            picture=picture,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
        )
    sources = need_sources(sources, "SRC")
    _check_stdout(sources, output, as_json)
    with byte_progress("abc2midi") as on_progress:
        outcomes = task.abc2midi(
            sources,
            output=output,
            model=model,
            engine=engine.value,
            verify=verify,
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            jobs=jobs,
            on_progress=on_progress,
        )
    code = _report(outcomes, as_json=as_json, verbose=verbose)
    if not as_json and (notes or (stdout.is_terminal and len(outcomes) == 1)):
        _show_notes(outcomes)
    raise typer.Exit(code)


@convert_app.command()
def midi2abc(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="SRC", help="MIDI files, or folders of them; - reads stdin."),
    ] = None,
    output: Output = None,
    model: Model = "music",
    engine: EngineChoice = Engine.auto,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Also convert the ABC text back by the rules, and show every note that differs."),
    ] = False,
    picture: Picture = False,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    jobs: Jobs = 1,
    verbose: Verbose = False,
    cluster: Cluster = None,
    manifest: Manifest = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """Convert MIDI files to ABC notation.

    bytesim convert midi2abc tune.mid -o tune.abc

    The engine auto plays its answer, and says how close it is if it is not right. Files of several voices go to the
    program midi2abc.
    """
    from bytesim.tasks.convert import tunes as task

    _check_verify(verify, engine)
    check_cluster(cluster, manifest, ledger, retry_failed)
    if cluster is not None:
        run_bulk_command(
            "midi2abc",
            sources,
            as_json=as_json,
            cluster=cluster,
            manifest=manifest,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            output=output,
            force=force,
            model=model,
            engine=engine.value,
            verify=verify,
            picture=picture,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
        )
    sources = need_sources(sources, "SRC")
    _check_stdout(sources, output, as_json)
    with byte_progress("midi2abc") as on_progress:
        outcomes = task.midi2abc(
            sources,
            output=output,
            model=model,
            engine=engine.value,
            verify=verify,
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            jobs=jobs,
            on_progress=on_progress,
        )
    raise typer.Exit(_report(outcomes, as_json=as_json, verbose=verbose))


@convert_app.command()
def files(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SRC", help="Files, or folders of them; - reads stdin.")
    ] = None,
    *,
    model: Model,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="SUFFIX", help="Suffix to convert to, if the model converts to several.", show_default=False
        ),
    ] = None,
    output: Output = None,
    check: Check = "auto",
    only_confident: Annotated[
        bool,
        typer.Option("--only-confident", help="Refuse answers that are not confident: write nothing, exit with 1."),
    ] = False,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    jobs: Jobs = 1,
    cluster: Cluster = None,
    manifest: Manifest = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """Convert files with a model that you trained on pairs of files. It converts the suffixes it was trained on.

    bytesim convert files notes.csv --model ./my-converter

    An answer that is not confident is written with a warning; look at it before you use it.
    """
    from bytesim.tasks.convert import files as task

    check_cluster(cluster, manifest, ledger, retry_failed)
    if cluster is not None:
        run_bulk_command(
            "convert_files",
            sources,
            as_json=as_json,
            cluster=cluster,
            manifest=manifest,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            output=output,
            force=force,
            model=model,
            to=to,
            check=check,
            only_confident=only_confident,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
        )
    sources = need_sources(sources, "SRC")
    _check_stdout(sources, output, as_json)
    with byte_progress("convert") as on_progress:
        outcomes = task.convert_files(
            sources,
            model=model,
            to=to,
            output=output,
            check=check,
            only_confident=only_confident,
            force=force,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            jobs=jobs,
            on_progress=on_progress,
        )
    _warn_not_confident(outcomes)
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


def _warn_not_confident(outcomes: list[Outcome[Converted]]) -> None:
    """A line on stderr for each answer that was written although it is not confident."""
    for outcome in outcomes:
        if outcome.result is not None and outcome.result.confident is False:
            source = "stdin" if outcome.source == "-" else outcome.source
            print_note(f"warning: {source}: the answer is not confident: {outcome.result.doubt}; look at it")


def _check_verify(verify: bool, engine: Engine) -> None:
    if verify and engine is Engine.rules:
        raise typer.BadParameter(
            "--verify compares the model's answer with the rules; use it with the engine auto or model."
        )


def _check_stdout(sources: list[str], output: str | None, as_json: bool) -> None:
    if as_json and (output == "-" or (output is None and "-" in sources)):
        raise typer.BadParameter("--json and the file itself cannot both go to stdout; name a file with -o.")


def _report(outcomes: list[Outcome[Converted]], *, as_json: bool, verbose: bool) -> int:
    """Print every outcome. Returns the exit code: 1 if a file failed, or if `--verify` found differences."""
    code = report_outcomes(outcomes, as_json=as_json, line=partial(_line, verbose=verbose))
    different = [outcome.result for outcome in outcomes if outcome.result is not None and _differs(outcome.result)]
    for result in different:
        print_note(f"warning: {_named(result)}: the notes differ from those of {result.verified.reference}")  # type: ignore[union-attr]
    return code or int(bool(different))


def _differs(converted: Converted) -> bool:
    return converted.verified is not None and not converted.verified.same


def _named(converted: Converted) -> str:
    return converted.source if converted.tune is None else f"{converted.source}, tune {converted.tune}"


def _line(converted: Converted, *, verbose: bool = False) -> str | None:
    """Print the line itself, so that the comparison can follow it."""
    engine = f"{converted.engine} {converted.engine_version}"
    by = f"the model {converted.model}" if converted.model is not None else engine
    if converted.confident is not None:
        by += ", confident" if converted.confident else ", not confident"
    source = _named(converted)
    line = f"{source} -> {converted.output}: {converted.num_bytes:,} bytes by {by}"
    line += f"; picture {converted.picture}" if converted.picture else ""
    if converted.asked_rules and converted.model is None:
        print_note(f"{source}: converted by {converted.engine}, because {converted.asked_rules.rstrip('.')}")
    if converted.dropped:
        print_note(f"{source}: left out or changed: {'; '.join(converted.dropped)}")
    if converted.mended:
        print_note(f"{source}: mended: {'; '.join(converted.mended)}")
    if verbose and converted.routine:
        print_note(f"{source}: as for nearly every file: {'; '.join(converted.routine)}")
    if converted.closeness is not None and converted.closeness < 1:
        print_note(f"warning: {source}: notes differ from those of the MIDI file (note F1 {converted.closeness:.4f})")
    show = print_line if converted.output != "-" else print_note
    show(line)
    for text in _comparison(converted):
        show(text)
    return None


def _comparison(converted: Converted) -> list[str]:
    """The lines that `--verify` adds."""
    check = converted.verified
    if check is None:
        return []
    program = f"{check.engine} {check.engine_version}"
    if check.same:
        return [f"  verified by {program}: the same {check.num_expected} notes as {check.reference}"]
    counts = f"{check.num_written} notes, {check.reference} has {check.num_expected}; note F1 {check.note_f1:.4f}"
    return [f"  verified by {program}: {counts}", *(f"  {difference}" for difference in check.differences)]


def _show_notes(outcomes: list[Outcome[Converted]]) -> None:
    from bytesim.files import read_input
    from bytesim.tasks.convert.notes_table import notes_table

    for outcome in outcomes:
        if outcome.result is not None and outcome.result.output != "-":
            stdout.print(notes_table(read_input(outcome.result.output)))
