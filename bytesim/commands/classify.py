"""`bytesim classify`: label files by their content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

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
from bytesim.commands.options import AsJson, Backend, BackendChoice, Device, Dtype, DtypeChoice, Model, complete_model
from bytesim.console import (
    byte_progress,
    one_line,
    print_error,
    print_json,
    print_line,
    print_note,
    progress,
    report_outcomes,
    stdout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bytesim.files import Outcome
    from bytesim.tasks.classify.answers import Answer, Classified
    from bytesim.tasks.classify.fragment_map import FragmentMap

classify_app = typer.Typer(cls=Group, no_args_is_help=True)


@classify_app.callback()
def _classify() -> None:
    """Label files by their content alone, with probabilities.

    bytesim classify file downloads/
    """


Csv = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE", help="Write a CSV table to FILE; - prints it instead.", show_default=False),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Answer `unknown` only if the best guess is less probable than this; by default the model's card decides, "
        "and what its training files were like.",
        show_default=False,
    ),
]
Batch = Annotated[int, typer.Option(min=1, help="Number of windows that go through the model at once.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the table or picture if it exists.")]


@classify_app.command()
def file(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH", help="Files, or folders of them; - reads stdin.")
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            help="Model name, or path of a model folder; auto asks filetype, and then perhaps another; see --then.",
            autocompletion=complete_model,
        ),
    ] = "auto",
    top: Annotated[int, typer.Option(min=1, help="Number of labels to show, the most probable first.")] = 1,
    threshold: Threshold = None,
    csv: Csv = None,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    batch: Batch = 32,
    then: Annotated[
        bool,
        typer.Option(
            "--then",
            help="Also ask the model for the file's type about every file: agnews about texts, cifar10 about pictures, "
            "speech about recordings. By default only about files like those that it was trained on.",
        ),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Number of parallel processes on a CPU.")] = 1,
    cluster: Cluster = None,
    manifest: Manifest = None,
    ledger: LedgerFile = None,
    retry_failed: RetryFailed = False,
    as_json: AsJson = False,
) -> None:
    """Label each file, with the probability that the label is right.

    bytesim classify file notes.bin pictures/ --top 3

    A file longer than the model's input is read in windows, or only in part; the answer says which bytes were read.
    """
    from bytesim.files import check_output, write_output
    from bytesim.tasks.classify.files import classify_file
    from bytesim.tasks.classify.table import files_csv

    check_cluster(cluster, manifest, ledger, retry_failed, refused={"--csv": csv})
    if cluster is not None:
        run_bulk_command(
            "classify_file",
            paths,
            as_json=as_json,
            cluster=cluster,
            manifest=manifest,
            ledger=ledger,
            retry_failed=retry_failed,
            jobs=jobs,
            model=model,
            top=top,
            threshold=threshold,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            batch=batch,
            then=then,
        )
    paths = need_sources(paths, "PATH")
    if csv == "-" and as_json:
        raise typer.BadParameter("--json and --csv - cannot both go to stdout; name a file for the table.")
    if csv is not None:
        check_output(csv, force=force, option="--csv")
    with progress("files/s") as bar:
        job = bar.add_task("classify", total=None, speed="")

        def on_progress(done: int, total: int) -> None:
            speed = bar.tasks[job].speed
            bar.update(job, completed=done, total=total, speed="" if speed is None else f"{speed:,.0f}")

        outcomes = classify_file(
            paths,
            model=model,
            top=top,
            threshold=threshold,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            batch=batch,
            jobs=jobs,
            then=then,
            on_progress=on_progress,
        )
    if csv is not None:
        write_output(csv, files_csv(outcomes), force=force)
    if as_json or (csv != "-" and not stdout.is_terminal):
        raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))
    raise typer.Exit(_show_table(outcomes, hidden=csv == "-"))


def _line(classified: Classified) -> str:
    then = classified.then
    parts = [_answer(classified.answer)] + ([f"{then.model}: {_answer(then, second=True)}"] if then else [])
    if classified.then_error:
        print_note(f"{classified.source}: the second model could not read it: {classified.then_error}")
    return f"{classified.source}: {'; '.join(parts)}"


def _answer(answer: Answer, *, second: bool = False) -> str:
    """The label with its probability, the next most probable labels if asked for, and how the file was read."""
    label, others = _words(answer, lambda probability: f"{probability:.4f}", second=second)
    known = answer.label == answer.guess
    text = ", ".join([label, *others]) if known or not others else f"{label} (perhaps {', '.join(others)})"
    notes = "; ".join(_notes(answer))
    return f"{text} ({notes})" if notes else text


def _notes(answer: Answer) -> list[str]:
    """How the file was read, and whether it is unlike the training files."""
    outlier = f"unlike the training files of {answer.model}" if answer.outlier else ""
    return [note for note in (answer.changed, answer.read, outlier) if note]


_LEAST_SHOWN = 0.01
"""Least probability of a guess that is shown beside `unknown`."""
_LEAST_LISTED = 0.00005
"""Least probability of a further guess: a smaller one would be shown as 0."""


def _words(answer: Answer, shown: Callable[[float], str], *, second: bool = False) -> tuple[str, list[str]]:
    """(the label, other guesses), with probabilities in the form `shown`. The word `unknown` is never a guess.

    Of an unknown file the first model says whether it is text or binary.
    """
    if answer.label == "empty":
        return "empty", []
    guesses = [(guess.label, guess.probability) for guess in answer.top if guess.label not in (answer.guess, "unknown")]
    if answer.label == answer.guess:
        label = f"{_shown(answer.guess)} {shown(answer.probability)}"
        listed = [guess for guess in guesses if guess[1] >= _LEAST_LISTED] if len(answer.top) > 1 else []
    else:
        label = "unknown" if second else f"unknown {answer.content}".rstrip()
        listed = [guess for guess in [(answer.guess, answer.probability), *guesses] if guess[1] >= _LEAST_SHOWN]
    return label, [f"{_shown(name)} {shown(probability)}" for name, probability in listed]


def _shown(label: str) -> str:
    """A label as people read it; those of Speech Commands for clips without one of its words are in underscores."""
    return {"_silence_": "silence", "_unknown_": "another word"}.get(label, label)


def _show_table(outcomes: Sequence[Outcome[Classified]], *, hidden: bool) -> int:
    """Print a table, with a column for the second model's answers if there are any; errors go to stderr.

    Returns the exit code.
    """
    from rich.table import Table

    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    then = any(result.then is not None for result in results)
    table = Table(box=None, pad_edge=False)
    for name in ("file", "answer", *(["then"] if then else []), "read"):
        table.add_column(name, overflow="fold")
    for outcome in outcomes:
        if outcome.error is not None:
            print_error(outcome.error)
    for result in results:
        answers = [result.answer, *([result.then] if result.then else [])]
        read = "; ".join(note for answer in answers for note in _notes(answer))
        second = [_cell(result.then, second=True) if result.then else escape(result.then_error)] if then else []
        table.add_row(escape(one_line(result.source)), _cell(result.answer), *second, escape(read))
    if results and not hidden:
        stdout.print(table)
    return int(len(results) < len(outcomes))


def _cell(answer: Answer, *, second: bool = False) -> str:
    """An answer in colour with the other labels below it: green from 95 %, cyan below, yellow for `unknown`."""
    style = "yellow" if answer.label != answer.guess else "green" if answer.probability >= 0.95 else "cyan"
    first, others = _words(answer, lambda probability: f"{probability:.2%}", second=second)
    if answer.label != answer.guess and others:
        others[0] = f"perhaps {others[0]}"
    return f"[{style}]{escape(first)}[/]" + "".join(f"\n[dim]{escape(line)}[/]" for line in others)


@classify_app.command()
def fragments(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File of any length; - reads stdin.")],
    model: Model = "filetype",
    window: Annotated[
        int, typer.Option(min=1, help="Length of a window in bytes, such as 4096 or 512, the sizes of disk blocks.")
    ] = 4096,
    step: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Bytes from the start of one window to the start of the next; by default the window's length.",
            show_default=False,
        ),
    ] = None,
    threshold: Threshold = None,
    picture: Annotated[
        str | None, typer.Option(metavar="OUT.png", help="Draw the windows, coloured by label.", show_default=False)
    ] = None,
    csv: Csv = None,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    batch: Batch = 32,
    as_json: AsJson = False,
) -> None:
    """Label the inside of a disk image or container, window by window.

    bytesim classify fragments disk.img --window 512 --picture disk.png
    """
    from bytesim.files import check_output, write_output
    from bytesim.tasks.classify.fragments import classify_fragments
    from bytesim.tasks.classify.table import fragments_csv

    if csv == "-" and as_json:
        raise typer.BadParameter("--json and --csv - cannot both go to stdout; name a file for the table.")
    if csv is not None:
        check_output(csv, force=force, option="--csv")
    with byte_progress("classify") as on_progress:
        fragment_map = classify_fragments(
            file,
            model=model,
            window=window,
            step=step,
            threshold=threshold,
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            batch=batch,
            on_progress=on_progress,
        )
    if csv is not None:
        write_output(csv, fragments_csv(fragment_map), force=force)
    if as_json:
        print_json(fragment_map)
    elif csv != "-":
        _show_map(fragment_map)


def _show_map(fragment_map: FragmentMap) -> None:
    """Print a strip of colours if stdout is a terminal, then one line for each stretch of one label."""
    if stdout.is_terminal:
        _show_strip(fragment_map.labels)
    count = len(fragment_map.fragments)
    print_line(
        f"{fragment_map.source}: {fragment_map.num_bytes:,} bytes in {count:,} window{'s' * (count != 1)} "
        f"of {fragment_map.window:,} by the model {fragment_map.model}"
        + (f"; picture {fragment_map.picture}" if fragment_map.picture else "")
    )
    width = len(f"{fragment_map.num_bytes:,}")
    for stretch in fragment_map.stretches:
        windows = "1 window" if stretch.windows == 1 else f"{stretch.windows:,} windows"
        span = f"{stretch.start:{width},} - {stretch.end:{width},}"
        print_line(f"{span}  {stretch.label}  {stretch.probability:.4f}  {windows}")


def _show_strip(labels: Sequence[str]) -> None:
    from rich.text import Text

    from bytesim.pictures.fragments import OTHERS, label_colours, strip_labels

    colours = label_colours(labels)
    strip, legend = Text(), Text()
    for label in strip_labels(labels, stdout.width):
        strip.append("█", style=colours.get(label, colours.get(OTHERS, "")))
    for label, colour in colours.items():
        legend.append("█ ", style=colour)
        legend.append(f"{label}  ")
    stdout.print(strip)
    stdout.print(legend)
