"""`bytesim evaluate`: a model's figures on files it has not seen."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.convert import AsJson, Device, Dtype, DtypeChoice, Jobs, Model
from bytesim.commands.evaluate_generate import evaluate_generate
from bytesim.console import byte_progress, print_json, print_line, progress, report_outcomes

if TYPE_CHECKING:
    from bytesim.metrics import ConvertScore
    from bytesim.tasks.evaluate import ConvertEvaluation
    from bytesim.tasks.evaluate_bpb import BitsPerByte
    from bytesim.tasks.evaluate_cpu import CpuEvaluation

evaluate_app = typer.Typer(no_args_is_help=True)


@evaluate_app.callback()
def _evaluate() -> None:
    """Measure a model on files it has not seen.

    bytesim evaluate convert tunes.jsonl.xz --model music --direction abc2midi
    """


evaluate_app.command("generate")(evaluate_generate)


class Direction(str, Enum):
    abc2midi = "abc2midi"
    midi2abc = "midi2abc"


class Split(str, Enum):
    train = "train"
    dev = "dev"
    test = "test"


@evaluate_app.command()
def convert(
    pairs: Annotated[
        str,
        typer.Argument(
            help="Tunes: JSON Lines with a field abc (.jsonl, .jsonl.xz), ABC files in a folder, a shard (.npz)."
        ),
    ],
    model: Model = "music",
    direction: Annotated[Direction, typer.Option(help="What is converted to what.")] = Direction.abc2midi,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Take so many tunes: the first, of a shard spread over it.", show_default=False),
    ] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="For midi2abc: also measure abcMIDI's midi2abc on the same files.")
    ] = False,
    details: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write a line of JSON for each tune.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of details if it exists.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    slots: Annotated[int, typer.Option(min=1, help="Files that a process decodes at once.")] = 16,
    jobs: Jobs = 1,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Note in the model's card which answers may be called sure, judged by these tunes."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Convert every tune of a split, and compare with what abc2midi makes of it. Failures count as wrong.

    bytesim evaluate convert tunes.jsonl.xz --direction midi2abc --baseline
    """
    from bytesim.tasks.evaluate import evaluate_convert

    if baseline and direction is Direction.abc2midi:
        raise typer.BadParameter("abc2midi is the reference there; --baseline goes with --direction midi2abc.")
    with byte_progress(f"evaluate {direction.value}") as on_progress:
        seen = evaluate_convert(
            pairs,
            model=model,
            direction=direction.value,
            limit=limit,
            baseline=baseline,
            details=details,
            force=force,
            device=device,
            dtype=dtype.value,
            slots=slots,
            jobs=jobs,
            calibrate=calibrate,
            on_progress=on_progress,
        )
    if as_json:
        print_json(seen)
        return
    for line in _table(seen):
        print_line(line)
    if calibrate:
        print_line(_calibrated(seen))


@evaluate_app.command()
def bpb(
    files: Annotated[list[str], typer.Argument(help="Files, folders of them, or packed shards (.npz).")],
    model: Model = "music",
    source_suffix: Annotated[
        str | None,
        typer.Option(metavar="SUFFIX", help="Shards: score conversions from this kind of file.", show_default=False),
    ] = None,
    target_suffix: Annotated[
        str | None,
        typer.Option(metavar="SUFFIX", help="Score as this kind of file; shards need it.", show_default=False),
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", help="Shards: targets are read and sources scored.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Shards: take the first rows only.", show_default=False)
    ] = None,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    as_json: AsJson = False,
) -> None:
    """Bits a model needs for each byte of files: 8 is no idea, 0 is knowing them beforehand.

    bytesim evaluate bpb examples/ode_to_joy.abc --model music
    """
    from bytesim.tasks.evaluate_bpb import evaluate_bpb

    with progress("files/s") as bar:
        job = bar.add_task("evaluate bpb", total=None, speed="")
        outcomes = evaluate_bpb(
            files,
            model=model,
            source_suffix=source_suffix,
            target_suffix=target_suffix,
            reverse=reverse,
            limit=limit,
            device=device,
            dtype=dtype.value,
            on_progress=lambda done, total: bar.update(job, completed=done, total=total),
        )
    raise typer.Exit(report_outcomes(outcomes, as_json=as_json, line=_line))


@evaluate_app.command()
def cpu(
    programs: Annotated[
        str | None,
        typer.Argument(help="A shard of `data build cpu`; without one, random programs.", show_default=False),
    ] = None,
    model: Model = "cpu",
    count: Annotated[
        int | None,
        typer.Option(min=1, help="Measure so many programs; 1,000 random ones, or all of a shard.", show_default=False),
    ] = None,
    split: Annotated[
        Split, typer.Option(help="Which random programs; sets to train on hold those of train.")
    ] = Split.test,
    longest: Annotated[int, typer.Option(min=1, max=255, help="Most instructions of a random program.")] = 255,
    score: Annotated[
        bool, typer.Option("--score", help="Also take bits per byte, each state given the right ones.")
    ] = (False),
    picture: Annotated[
        str | None, typer.Option(metavar="OUT.png", help="Draw it by length and operation.", show_default=False)
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture if it exists.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    slots: Annotated[int, typer.Option(min=1, help="Programs decoded at once.")] = 64,
    as_json: AsJson = False,
) -> None:
    """Let a model run programs of the 8-bit CPU, and compare every state with the exact machine's.

    bytesim evaluate cpu --count 100 --picture cpu.png
    """
    from bytesim.tasks.evaluate_cpu import evaluate_cpu

    with byte_progress("evaluate cpu") as on_progress:
        seen = evaluate_cpu(
            programs,
            model=model,
            count=count,
            split=split.value,
            longest=longest,
            score=score,
            picture=picture,
            force=force,
            device=device,
            dtype=dtype.value,
            slots=slots,
            on_progress=on_progress,
        )
    if as_json:
        print_json(seen)
        return
    for line in _cpu_table(seen):
        print_line(line)


def _cpu_table(seen: CpuEvaluation) -> list[str]:
    """Rows of Markdown tables, and what they were measured on."""
    rows = [f"| cpu, free-running | model {seen.model} |", "|---|---|"]
    rows.append(f"| state bytes right | {seen.byte_accuracy:.6f} |")
    rows.append(f"| programs right to the last byte | {seen.program_accuracy:.4f} |")
    rows.append(f"| longest program right to the last byte | {seen.longest_right} instructions |")
    rows.append(f"| programs that it did not end | {seen.unended} |")
    if seen.bits_per_byte is not None:
        rows.append(f"| bits per byte of the states, teacher-forced | {seen.bits_per_byte:.6f} |")
    rows += ["", "| instructions | programs | right | state bytes right |", "|---|---|---|---|"]
    for name, each in seen.by_length.items():
        rows.append(f"| {name} | {each.num_programs} | {each.programs_right} | {each.byte_accuracy:.6f} |")
    rows += ["", "| operation, before the first error | executed | wrong | right |", "|---|---|---|---|"]
    for name, tried in {"(fetch: PC and IR)": seen.fetch, **seen.by_opcode}.items():
        rows.append(f"| {name} | {tried.executed:,} | {tried.wrong} | {tried.accuracy:.6f} |")
    return [
        *rows,
        "",
        f"{seen.split} (sha256 {seen.split_sha256})",
        f"decoding: {seen.decoding}; {seen.states_per_second:,.0f} states/s",
    ]


def _line(seen: BitsPerByte) -> str:
    notes = [f"{seen.num_bytes:,} bytes", f"all-token mean {seen.mean_nats:.4f} nats"]
    if seen.num_files != 1:
        notes.insert(0, f"{seen.num_files:,} files")
    if seen.windows > seen.num_files:
        notes.append(f"in {seen.windows} windows that overlap by half")
    if seen.refused:
        notes.append(f"{seen.refused} left out: they do not fit the model")
    return f"{seen.source}: {seen.bits_per_byte:.4f} bits per byte by the model {seen.model} ({', '.join(notes)})"


def _table(seen: ConvertEvaluation) -> list[str]:
    """Rows of a Markdown table, and what they were measured on."""
    part = "" if seen.num_files == seen.split_files else f"{seen.num_files} of "
    columns = [("model " + seen.model, seen.score)]
    if seen.baseline is not None:
        columns.append(("abcMIDI's midi2abc", seen.baseline))
    rows = [f"| {seen.direction} | {' | '.join(name for name, _ in columns)} |", "|---|" + "---|" * len(columns)]
    rows += [
        f"| {label} | {' | '.join(f'{_value(score, field):.4f}' for _, score in columns)} |"
        for label, field in _ROWS
        if field not in _BYTES or seen.direction == "abc2midi"
    ]
    if seen.bits_per_byte is not None:
        empty = " |" * (len(columns) - 1)
        rows.append(
            f"| bits per byte of the target, {seen.scored_files} files that fit | {seen.bits_per_byte:.4f} |{empty}"
        )
        rows.append(f"| all-token mean, nats | {seen.mean_nats:.4f} |{empty}")
    if seen.sure is not None:
        right = f"{seen.sure_right / seen.sure:.4f} of them" if seen.sure and seen.sure_right is not None else "none"
        rows.append(f"| sure of its answer: files; identical notes | {seen.sure}; {right} |{' |' * (len(columns) - 1)}")
    rows += ["", "| tunes with | files | parses | identical notes | note F1, mean |", "|---|---|---|---|---|"]
    for name, score in seen.by_construct.items():
        shares = f"{score.parsed:.4f} | {score.same_notes:.4f} | {score.mean_note_f1:.4f}"
        rows.append(f"| {name} | {score.num_files} | {shares} |")
    return [
        *rows,
        "",
        f"{part}{seen.split_files} tunes of {seen.split} (sha256 {seen.split_sha256}); "
        f"{seen.refused} refused and {seen.failed} failed, which count as wrong",
        f"decoding: {seen.decoding}; {seen.bytes_per_second:,.0f} bytes/s",
    ]


def _calibrated(seen: ConvertEvaluation) -> str:
    made = seen.calibration
    if made is None:
        return "calibration: too few answers are right for any to be called sure; 299 without a wrong one are enough"
    return f"calibration: {made.sure} of {made.files} answers are sure, {made.right} of them right; noted in the card"


_ROWS = [
    ("identical bytes, as written", "identical_raw"),
    ("identical bytes, track lengths mended", "identical"),
    ("parses", "parsed"),
    ("identical notes", "same_notes"),
    ("note F1 over 0.99", "share_f1_above_99"),
    ("note F1, mean", "mean_note_f1"),
]
_BYTES = {"identical_raw", "identical"}


def _value(score: ConvertScore, field: str) -> float:
    value: float = getattr(score, field)
    return value
