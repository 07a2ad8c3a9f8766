"""`bytesim evaluate cpu`: how often a model of the CPU is right."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from bytesim.commands.options import AsJson, Device, Dtype, DtypeChoice, Model
from bytesim.console import byte_progress, print_json, print_line

if TYPE_CHECKING:
    from bytesim.tasks.evaluate.cpu_result import CpuEvaluation


class Split(str, Enum):
    train = "train"
    dev = "dev"
    test = "test"


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
    from bytesim.tasks.evaluate.cpu import evaluate_cpu

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
