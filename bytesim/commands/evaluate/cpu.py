"""`bytesim evaluate cpu`: measure how often a model of the CPU is right."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bytesim.commands.options import AsJson, Backend, BackendChoice, Device, Dtype, DtypeChoice, Model
from bytesim.console import byte_progress, print_json, print_line

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.cpu_result import CpuEvaluation


LONGEST = 255
"""Instructions that fit the memory."""


class Split(str, Enum):
    train = "train"
    dev = "dev"
    test = "test"


def cpu(
    programs: Annotated[
        str | None,
        typer.Argument(help="A shard made by `data build cpu`; by default random programs.", show_default=False),
    ] = None,
    model: Model = "cpu",
    count: Annotated[
        int | None,
        typer.Option(
            min=1, help="Number of programs; by default 1,000 random ones, or all of a shard.", show_default=False
        ),
    ] = None,
    split: Annotated[
        Split, typer.Option(help="Which random programs to use; training sets contain those of train.")
    ] = Split.test,
    longest: Annotated[int, typer.Option(min=1, max=LONGEST, help="Most instructions in a random program.")] = LONGEST,
    score: Annotated[
        bool,
        typer.Option(
            "--score",
            help="Also measure bits per byte with teacher forcing: the model sees the right states before each.",
        ),
    ] = (False),
    exhaustive: Annotated[
        bool,
        typer.Option(
            "--exhaustive",
            help="Instead, check every operation in every form on all operand values, each with the right states "
            "before it. Takes about 20 minutes on a core.",
        ),
    ] = False,
    picture: Annotated[
        str | None,
        typer.Option(
            metavar="OUT.png",
            help="Draw the accuracy by program length and by operation, or with --exhaustive the wrong pairs.",
            show_default=False,
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture if it exists.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    slots: Annotated[int, typer.Option(min=1, help="Number of programs decoded, or read, at once.")] = 64,
    as_json: AsJson = False,
) -> None:
    """Run programs of the 8-bit CPU with a model, and compare every state with the exact machine's.

    bytesim evaluate cpu --count 100 --picture cpu.png
    """
    if exhaustive:
        if programs is not None or count is not None or score or split is not Split.test or longest != LONGEST:
            raise typer.BadParameter(
                "--exhaustive makes its own programs; leave out the shard, --count, --split, --longest and --score."
            )
        _check_operations(model, picture, as_json, force=force, device=device, dtype=dtype.value, slots=slots)
        return
    from bytesim.tasks.evaluate.cpu import evaluate_cpu

    with byte_progress("evaluate cpu") as on_progress:
        evaluation = evaluate_cpu(
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
            engine_backend=engine_backend.value,
            slots=slots,
            on_progress=on_progress,
        )
    if as_json:
        print_json(evaluation)
        return
    for line in _cpu_table(evaluation):
        print_line(line)


def _check_operations(model: str, picture: str | None, as_json: bool, **options: Any) -> None:
    """Check every operation on all operand values, and print a row for each form."""
    from bytesim.tasks.evaluate.cpu_operations import evaluate_cpu_operations

    with byte_progress("evaluate cpu") as on_progress:
        check = evaluate_cpu_operations(model=model, picture=picture, on_progress=on_progress, **options)
    if as_json:
        print_json(check)
        return
    print_line("| operation | operand values | wrong | executed | wrong |")
    print_line("|---|---|---|---|---|")
    for form in check.forms:
        name = f"{form.operation} {form.operands}".strip()
        print_line(f"| {name} | {form.cells:,} | {form.wrong:,} | {form.executed:,} | {form.executed_wrong:,} |")
    print_line("")
    print_line(f"{check.wrong:,} of {check.cells:,} cells are wrong, by the model {check.model}, teacher-forced")
    print_line(f"{check.fetched_wrong:,} of {check.fetched:,} fetches (PC and IR) are wrong")


def _cpu_table(evaluation: CpuEvaluation) -> list[str]:
    """Rows of Markdown tables, and lines about the programs and the speed."""
    rows = [f"| cpu, free-running | model {evaluation.model} |", "|---|---|"]
    rows.append(f"| state bytes right | {evaluation.byte_accuracy:.6f} |")
    rows.append(f"| programs right to the last byte | {evaluation.program_accuracy:.4f} |")
    rows.append(f"| longest program right to the last byte | {evaluation.longest_right} instructions |")
    rows.append(f"| programs that the model did not end | {evaluation.unended} |")
    if evaluation.bits_per_byte is not None:
        rows.append(f"| bits per byte of the states, teacher-forced | {evaluation.bits_per_byte:.6f} |")
    rows += ["", "| instructions | programs | right | state bytes right |", "|---|---|---|---|"]
    for name, length in evaluation.by_length.items():
        rows.append(f"| {name} | {length.num_programs} | {length.programs_right} | {length.byte_accuracy:.6f} |")
    rows += ["", "| operation, before the first error | executed | wrong | right |", "|---|---|---|---|"]
    for name, opcode in {"(fetch: PC and IR)": evaluation.fetch, **evaluation.by_opcode}.items():
        rows.append(f"| {name} | {opcode.executed:,} | {opcode.wrong} | {opcode.accuracy:.6f} |")
    return [
        *rows,
        "",
        f"{evaluation.split} (sha256 {evaluation.split_sha256})",
        f"decoding: {evaluation.decoding}; {evaluation.states_per_second:,.0f} states/s",
    ]
