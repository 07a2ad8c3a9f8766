"""`bytesim classify`: what files are, judged by their bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Model
from bytesim.console import (
    byte_progress,
    print_error,
    print_json,
    print_line,
    print_note,
    progress,
    report_outcomes,
    stdout,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bytesim.files import Outcome
    from bytesim.tasks.classify.answers import Answer, Classified
    from bytesim.tasks.classify.fragment_map import FragmentMap

classify_app = typer.Typer(no_args_is_help=True)


@classify_app.callback()
def _classify() -> None:
    """Say what files are, by their content alone, and how probable that is.

    bytesim classify file downloads/
    """


Csv = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE", help="Write a CSV table; - prints it instead.", show_default=False),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Answer `unknown` where the best guess is less probable; without it as the model's card says.",
        show_default=False,
    ),
]
Batch = Annotated[int, typer.Option(min=1, help="Windows of files that go through the model at once.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the table or picture if it exists.")]


@classify_app.command()
def file(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, or folders of them; - reads stdin.")],
    model: Annotated[
        str,
        typer.Option(
            help="Model name, or the path of a model folder; auto asks filetype, then the model for that type."
        ),
    ] = "auto",
    top: Annotated[int, typer.Option(min=1, help="Show so many of the most probable labels.")] = 1,
    threshold: Threshold = None,
    csv: Csv = None,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    batch: Batch = 32,
    jobs: Annotated[int, typer.Option(min=1, help="Processes that work side by side on a CPU.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Label each file, with the probability that the label is right.

    bytesim classify file notes.bin pictures/ --top 3

    A file longer than the model's history is read in windows, and the answer says which.
    """
    from bytesim.files import check_output, write_output
    from bytesim.tasks.classify.files import classify_file
    from bytesim.tasks.classify.table import files_csv

    if csv == "-" and as_json:
        raise typer.BadParameter("--json and --csv - cannot both go to stdout; name a file for the table.")
    if csv is not None:
        check_output(csv, force=force)
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
            batch=batch,
            jobs=jobs,
            on_progress=on_progress,
        )
    if csv is not None:
        write_output(csv, files_csv(outcomes), force=force)
    if as_json or (csv != "-" and not stdout.is_terminal):
        raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))
    raise typer.Exit(_show_table(outcomes, hidden=csv == "-"))


def _line(seen: Classified) -> str:
    parts = [_answer(seen.answer)] + ([f"{seen.then.model}: {_answer(seen.then)}"] if seen.then else [])
    if seen.then_error:
        print_note(f"{seen.source}: not looked into further: {seen.then_error}")
    return f"{seen.source}: {'; '.join(parts)}"


def _answer(answer: Answer) -> str:
    """The label with its probability, the others that were asked for, and how the file was read."""
    if answer.label == answer.guess:
        text = f"{answer.label} {answer.probability:.4f}"
    else:
        text = f"{answer.label} (perhaps {answer.guess}, {answer.probability:.4f})"
    others = [each for each in answer.top if each.label != answer.guess] if len(answer.top) > 1 else []
    text += "".join(f", {each.label} {each.probability:.4f}" for each in others)
    notes = "; ".join(filter(None, (answer.changed, answer.read)))
    return f"{text} ({notes})" if notes else text


def _show_table(outcomes: Sequence[Outcome[Classified]], *, hidden: bool) -> int:
    """A table on the terminal, with a column for the second answer where there are any; errors on stderr."""
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
        read = "; ".join(filter(None, (text for each in answers for text in (each.changed, each.read))))
        second = [_cell(result.then) if result.then else escape(result.then_error)] if then else []
        table.add_row(escape(result.source), _cell(result.answer), *second, escape(read))
    if results and not hidden:
        stdout.print(table)
    return int(len(results) < len(outcomes))


def _cell(answer: Answer) -> str:
    """An answer in colour, green where it is nearly certain, and the other labels below it."""
    style = "yellow" if answer.label != answer.guess else "green" if answer.probability >= 0.95 else "cyan"
    bare = _answer_lines(answer)
    return f"[{style}]{escape(bare[0])}[/]" + "".join(f"\n[dim]{escape(line)}[/]" for line in bare[1:])


def _answer_lines(answer: Answer) -> list[str]:
    if answer.label == answer.guess:
        first = f"{answer.label} {answer.probability:.2%}"
    else:
        first = f"{answer.label} (perhaps {answer.guess}, {answer.probability:.2%})"
    others = [each for each in answer.top if each.label != answer.guess] if len(answer.top) > 1 else []
    return [first, *(f"{each.label} {each.probability:.2%}" for each in others)]


@classify_app.command()
def fragments(
    file: Annotated[str, typer.Argument(metavar="FILE", help="File to look into, of any length; - reads stdin.")],
    model: Model = "filetype",
    window: Annotated[int, typer.Option(min=1, help="Bytes of a window: 4096 or 512, say, as disks have them.")] = 4096,
    step: Annotated[
        int | None,
        typer.Option(
            min=1, help="Bytes from one window to the next; the window's length if left out.", show_default=False
        ),
    ] = None,
    threshold: Threshold = None,
    picture: Annotated[
        str | None, typer.Option(metavar="OUT.png", help="Draw the windows in colours.", show_default=False)
    ] = None,
    csv: Csv = None,
    force: Force = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
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
        check_output(csv, force=force)
    with byte_progress("classify") as on_progress:
        found = classify_fragments(
            file,
            model=model,
            window=window,
            step=step,
            threshold=threshold,
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            batch=batch,
            on_progress=on_progress,
        )
    if csv is not None:
        write_output(csv, fragments_csv(found), force=force)
    if as_json:
        print_json(found)
    elif csv != "-":
        _show_map(found)


def _show_map(found: FragmentMap) -> None:
    """A strip of colours on a terminal, then a line for each stretch of one label."""
    if stdout.is_terminal:
        _show_strip(found)
    count = len(found.fragments)
    print_line(
        f"{found.source}: {found.num_bytes:,} bytes in {count:,} window{'s' * (count != 1)} of {found.window:,} "
        f"by the model {found.model}" + (f"; picture {found.picture}" if found.picture else "")
    )
    width = len(f"{found.num_bytes:,}")
    for each in found.stretches:
        windows = "1 window" if each.windows == 1 else f"{each.windows:,} windows"
        print_line(f"{each.start:{width},} - {each.end:{width},}  {each.label}  {each.probability:.4f}  {windows}")


def _show_strip(found: FragmentMap) -> None:
    from rich.text import Text

    from bytesim.pictures.fragments import OTHERS, label_colours, strip_labels

    colours = label_colours(found.labels)
    strip, legend = Text(), Text()
    for label in strip_labels(found.labels, stdout.width):
        strip.append("█", style=colours.get(label, colours.get(OTHERS, "")))
    for label, colour in colours.items():
        legend.append("█ ", style=colour)
        legend.append(f"{label}  ")
    stdout.print(strip)
    stdout.print(legend)
