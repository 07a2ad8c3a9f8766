"""`bytesim evaluate convert` on pairs of files: runs the task and prints its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bytesim.console import byte_progress, print_json, print_line
from bytesim.files import check_output, write_output

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.pairs import PairsEvaluation, ShareRight, WrongAnswer

SHOWN = 100
"""Letters to show of a source and of answers to it."""
BEFORE = 50
"""Letters to show of answers before the first that differs."""


def refuse_given(ctx: typer.Context, *options: str, only_for: str) -> None:
    """Raise BadParameter if one of these options was given."""
    for name in options:
        source = ctx.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(f"--{name} is for {only_for}, which these are not.")


def evaluate_pairs_of_files(
    pairs: str, *, csv: str | None, force: bool, as_json: bool, model: str, **options: Any
) -> None:
    """Evaluate a converter and print the result; `csv` is a table to write."""
    from bytesim.tasks.evaluate.pairs import evaluate_pairs, pairs_csv

    if csv == "-":
        raise typer.BadParameter("--csv - would print the table between other lines; name a file.")
    if csv is not None:
        check_output(csv, force=force)
    with byte_progress("evaluate convert") as on_progress:
        evaluation = evaluate_pairs(pairs, model=model, on_progress=on_progress, **options)
    if csv is not None:
        write_output(csv, pairs_csv(evaluation), force=force)
    if as_json:
        print_json(evaluation)
        return
    for line in _table(evaluation):
        print_line(line)


def _table(evaluation: PairsEvaluation) -> list[str]:
    """Rows of a Markdown table, and lines about wrong answers, the files and the speed."""
    lines = [
        f"| .{evaluation.source_suffix} to .{evaluation.target_suffix} by {evaluation.model} | files | exact | share "
        "| 95 % interval |",
        "|---|---|---|---|---|",
        _row("all", evaluation.answers),
    ]
    confident, others = evaluation.confident, evaluation.not_confident
    if confident is not None and others is not None:
        lines += [_row("confident", confident), _row("not confident", others)]
    if failed := evaluation.refused + evaluation.failed:
        lines.append(f"| no answer | {failed} | 0 | | |")
    lines.append("")
    if confident is None:
        lines.append("which answers are confident is not known: the model's card does not tell")
    elif evaluation.answers.right:
        share = confident.right / evaluation.answers.right
        lines.append(f"{share:.1%} of the exact answers are confident")
    lines.append(
        f"mean edit distance: {evaluation.mean_edit_distance:.4f} of the longer of answer and target; 1 without an "
        "answer"
    )
    for wrong in evaluation.wrong:
        lines += _shown(wrong)
    part = "" if evaluation.num_files == evaluation.split_files else f"{evaluation.num_files} of "
    return [
        *lines,
        "",
        f"{part}{evaluation.split_files} pairs of {evaluation.split} (sha256 {evaluation.split_sha256}); "
        f"{evaluation.refused} too long for the model and {evaluation.failed} failed, which count as wrong",
        f"decoding: {evaluation.decoding}; {evaluation.seconds:.1f} s, {evaluation.bytes_per_second:,.0f} bytes/s",
    ]


def _row(name: str, share: ShareRight) -> str:
    if not share.files:
        return f"| {name} | 0 | 0 | | |"
    interval = f"{share.low:.1%} to {share.high:.1%}"
    return f"| {name} | {share.files} | {share.right} | {share.right / share.files:.1%} | {interval} |"


def _shown(wrong: WrongAnswer) -> list[str]:
    """A wrong answer under the right one, from a little before the first letter that differs."""
    lines = ["", f"wrong: {wrong.source_name}", f"  source    {_cut(wrong.source, 0)}"]
    if wrong.answer is None:
        return [*lines, f"  expected  {_cut(wrong.expected, 0)}", f"  no answer {wrong.error}"]
    both = zip(wrong.expected, wrong.answer, strict=False)
    shorter = min(len(wrong.expected), len(wrong.answer))
    first = next((index for index, (a, b) in enumerate(both) if a != b), shorter)
    start = max(0, first - BEFORE)
    pointer = " " * (first - start + (3 if start else 0)) + "^"
    return [
        *lines,
        f"  expected  {_cut(wrong.expected, start)}",
        f"  answer    {_cut(wrong.answer, start)}",
        f"            {pointer}",
    ]


def _cut(text: str, start: int) -> str:
    """The letters from `start` on, with dots where some are left out."""
    rest = "..." if len(text) > start + SHOWN else ""
    return f"{'...' if start else ''}{text[start : start + SHOWN]}{rest}"
