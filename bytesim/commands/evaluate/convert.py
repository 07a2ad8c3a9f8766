"""`bytesim evaluate convert`: a model's conversions of a split, judged by bytes and by notes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Jobs, Model
from bytesim.console import byte_progress, print_json, print_line

if TYPE_CHECKING:
    from bytesim.metrics import ConvertScore
    from bytesim.tasks.evaluate.convert import ConvertEvaluation


class Direction(str, Enum):
    abc2midi = "abc2midi"
    midi2abc = "midi2abc"


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
            "--calibrate", help="Note in the model's card which answers are confident, judged by these tunes."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Convert every tune of a split, and compare with what abc2midi makes of it. Failures count as wrong.

    bytesim evaluate convert tunes.jsonl.xz --direction midi2abc --baseline
    """
    from bytesim.tasks.evaluate.convert import evaluate_convert

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
        rows.append(f"| confident: files; identical notes | {seen.sure}; {right} |{' |' * (len(columns) - 1)}")
    rows += ["", "| tunes with | files | parses | identical notes | note F1, mean |", "|---|---|---|---|---|"]
    for name, score in seen.by_construct.items():
        shares = f"{score.parsed:.4f} | {score.same_notes:.4f} | {score.mean_note_f1:.4f}"
        rows.append(f"| {name} | {score.num_files} | {shares} |")
    return [
        *rows,
        "",
        f"{part}{seen.split_files} tunes of {seen.split} (sha256 {seen.split_sha256}); "
        f"{seen.refused} refused and {seen.failed} failed, which count as wrong",
        f"reference: {seen.reference}",
        f"decoding: {seen.decoding}; {seen.bytes_per_second:,.0f} bytes/s",
    ]


def _calibrated(seen: ConvertEvaluation) -> str:
    made = seen.calibration
    if made is None:
        return "calibration: too few answers are right to call any confident; 299 without a wrong one are enough"
    confident = f"{made.sure} of {made.files} answers are confident, {made.right} of them right"
    return f"calibration: {confident}; noted in the card"


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
