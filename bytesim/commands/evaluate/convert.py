"""`bytesim evaluate convert`: compare a model's conversions with the right ones; tunes with abc2midi's, by notes."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.evaluate.pairs import evaluate_pairs_of_files, refuse_given
from bytesim.commands.options import AsJson, Backend, BackendChoice, Check, Device, Dtype, DtypeChoice, Jobs, Model
from bytesim.console import byte_progress, print_json, print_line

if TYPE_CHECKING:
    from bytesim.metrics import ConvertScore
    from bytesim.tasks.evaluate.convert import ConvertEvaluation


class Direction(str, Enum):
    abc2midi = "abc2midi"
    midi2abc = "midi2abc"


def convert(
    ctx: typer.Context,
    pairs: Annotated[
        str,
        typer.Argument(
            help="A folder of pairs, NAME.csv with NAME.json beside it. Tunes: JSON Lines with a field abc (.jsonl, "
            ".jsonl.xz), a folder of ABC files, or a shard (.npz)."
        ),
    ],
    model: Model = "music",
    source_suffix: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="SUFFIX",
            help="Suffix of the files to read, if the model's card names several.",
            show_default=False,
        ),
    ] = None,
    target_suffix: Annotated[
        str | None,
        typer.Option("--to", metavar="SUFFIX", help="Suffix of the right answers.", show_default=False),
    ] = None,
    check: Check = "auto",
    direction: Annotated[Direction, typer.Option(help="Tunes: direction of the conversion.")] = Direction.abc2midi,
    limit: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of pairs or tunes to use: the first ones; of a shard, spread evenly over it.",
            show_default=False,
        ),
    ] = None,
    baseline: Annotated[
        bool,
        typer.Option(
            "--baseline", help="For midi2abc: also measure the program midi2abc of abcMIDI on the same files."
        ),
    ] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Also convert the files as users do: verified, corrected, else by the rules.")
    ] = False,
    details: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Tunes: write one line of JSON for each to FILE.", show_default=False),
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", metavar="FILE", help="Pairs: write a CSV table with a row for each to FILE.", show_default=False
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file of --details or --csv if it exists.")
    ] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    slots: Annotated[int, typer.Option(min=1, help="Number of files that a process decodes at once.")] = 16,
    jobs: Jobs = 1,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Tunes: fit to these which answers are confident, and write it to the model's card.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Convert every source of a split, and compare with the right answer. Failures count as wrong.

    bytesim evaluate convert pairs/ --model ./run/run

    bytesim evaluate convert tunes.jsonl.xz --direction midi2abc --baseline

    Answers to tunes are compared with abc2midi's, by their notes; those to pairs of other files by their bytes. With
    --from or --to, tunes are pairs of files as well.
    """
    from bytesim.tasks.evaluate.convert import evaluate_convert
    from bytesim.tasks.evaluate.pairs import converts_tunes

    if source_suffix or target_suffix or not converts_tunes(model):
        refuse_given(ctx, "direction", "baseline", "details", "calibrate", only_for="tunes")
        evaluate_pairs_of_files(
            pairs,
            csv=csv,
            force=force,
            as_json=as_json,
            model=model,
            source_suffix=source_suffix,
            target_suffix=target_suffix,
            check=check,
            limit=limit,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            slots=slots,
            jobs=jobs,
        )
        return
    refuse_given(ctx, "check", "csv", only_for="pairs of files")
    if baseline and direction is Direction.abc2midi:
        raise typer.BadParameter(
            "with --direction abc2midi the reference is abc2midi itself; use --baseline with --direction midi2abc."
        )
    with byte_progress(f"evaluate {direction.value}") as on_progress:
        evaluation = evaluate_convert(
            pairs,
            model=model,
            direction=direction.value,
            limit=limit,
            baseline=baseline,
            auto=auto,
            details=details,
            force=force,
            device=device,
            dtype=dtype.value,
            engine_backend=engine_backend.value,
            slots=slots,
            jobs=jobs,
            calibrate=calibrate,
            on_progress=on_progress,
        )
    if as_json:
        print_json(evaluation)
        return
    for line in _table(evaluation):
        print_line(line)
    if calibrate:
        print_line(_calibrated(evaluation))


def _table(evaluation: ConvertEvaluation) -> list[str]:
    """Rows of a Markdown table, and lines about the files and the speed."""
    part = "" if evaluation.num_files == evaluation.split_files else f"{evaluation.num_files} of "
    columns = [("model " + evaluation.model, evaluation.score)]
    if evaluation.baseline is not None:
        columns.append(("abcMIDI's midi2abc", evaluation.baseline))
    rows = [f"| {evaluation.direction} | {' | '.join(name for name, _ in columns)} |", "|---|" + "---|" * len(columns)]
    rows += [
        f"| {label} | {' | '.join(f'{_value(score, field):.4f}' for _, score in columns)} |"
        for label, field in _ROWS
        if field not in _BYTES or evaluation.direction == "abc2midi"
    ]
    if evaluation.bits_per_byte is not None:
        empty = " |" * (len(columns) - 1)
        files = f"{evaluation.scored_files} files that fit"
        rows.append(f"| bits per byte of the target, {files} | {evaluation.bits_per_byte:.4f} |{empty}")
        rows.append(f"| all-token mean, nats | {evaluation.mean_nats:.4f} |{empty}")
    if evaluation.confident is not None:
        right = (
            f"{evaluation.confident_right / evaluation.confident:.4f} of them"
            if evaluation.confident and evaluation.confident_right is not None
            else "none"
        )
        rows.append(
            f"| confident: files; identical notes | {evaluation.confident}; {right} |{' |' * (len(columns) - 1)}"
        )
    rows += _auto_rows(evaluation)
    rows += ["", "| tunes with | files | parses | identical notes | note F1, mean |", "|---|---|---|---|---|"]
    for name, score in evaluation.by_construct.items():
        shares = f"{score.parsed:.4f} | {score.same_notes:.4f} | {score.mean_note_f1:.4f}"
        rows.append(f"| {name} | {score.num_files} | {shares} |")
    return [
        *rows,
        "",
        f"{part}{evaluation.split_files} tunes of {evaluation.split} (sha256 {evaluation.split_sha256}); "
        f"{evaluation.refused} refused and {evaluation.failed} failed, which count as wrong",
        f"reference: {evaluation.reference}",
        f"decoding: {evaluation.decoding}; {evaluation.bytes_per_second:,.0f} bytes/s",
    ]


def _auto_rows(evaluation: ConvertEvaluation) -> list[str]:
    """The table of the engine auto; empty if it was not measured."""
    score = evaluation.auto
    if score is None:
        return []
    return [
        "",
        f"| {evaluation.direction} | engine auto |",
        "|---|---|",
        f"| written | {score.written:.4f} |",
        f"| identical notes | {score.same_notes:.4f} |",
        f"| note F1, mean | {score.mean_note_f1:.4f} |",
        f"| notes were corrected | {score.corrected:.4f} |",
        f"| converted by the rules | {score.fell_back:.4f} |",
        f"| seconds a file | {score.seconds_per_file:.2f} |",
    ]


def _calibrated(evaluation: ConvertEvaluation) -> str:
    """The result of `--calibrate` in one line."""
    bound = evaluation.calibration
    if bound is None:
        return "calibration: too few answers are right to call any confident; 299 right and no wrong ones suffice"
    confident = f"{bound.confident} of {bound.files} answers are confident, {bound.right} of them right"
    return f"calibration: {confident}; written to the card"


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
