"""`bytesim simulate-cpu`: run a program of the 8-bit CPU and show every state."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from bytesim.commands.options import Backend, BackendChoice, Device, Dtype, DtypeChoice, Model
from bytesim.console import print_json, stderr, stdout
from bytesim.errors import ConfigError

if TYPE_CHECKING:
    from bytesim.tasks.simulate_cpu.report import Cell
    from bytesim.tasks.simulate_cpu.simulation import Simulation


class Engine(str, Enum):
    """What runs the program."""

    EXACT = "exact"
    MODEL = "model"


def simulate_cpu(
    program: Annotated[
        str,
        typer.Argument(
            metavar="PROGRAM",
            show_default=False,
            help="Assembly (.asm), or .bin: memory (1024 bytes), memory and first state (1040), or a trace. "
            "- reads stdin.",
        ),
    ],
    engine: Annotated[
        Engine, typer.Option(help="What computes the states: the exact machine, or a model that predicts them.")
    ] = Engine.EXACT,
    model: Model = "cpu",
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the model's states with those of the exact machine.")
    ] = False,
    steps: Annotated[int, typer.Option(min=1, max=65_536, help="Stop after this many steps.")] = 256,
    acc: Annotated[
        int | None, typer.Option(min=0, max=255, help="First value of ACC; 0 by default.", show_default=False)
    ] = None,
    registers: Annotated[
        str | None,
        typer.Option(
            metavar="A=N,B=N...", help="First values of the registers; those not named are 0.", show_default=False
        ),
    ] = None,
    random_state: Annotated[
        bool, typer.Option("--random-state", help="Begin with random values in ACC and all registers.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Seed of --random-state: the same seed gives the same values.", show_default=False),
    ] = None,
    trace: Annotated[
        str | None,
        typer.Option(
            metavar="OUT.bin", help="Also write memory and states to this file; - writes to stdout.", show_default=False
        ),
    ] = None,
    picture: Annotated[
        str | None,
        typer.Option(metavar="OUT.png", help="Also draw ACC and registers step by step.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace trace and picture if they exist.")] = False,
    device: Device = "auto",
    dtype: DtypeChoice = Dtype.float32,
    engine_backend: BackendChoice = Backend.auto,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Run PROGRAM on the 8-bit CPU and show its state at every step.

    bytesim simulate-cpu examples/multiply.asm --registers A=13,B=11
    bytesim simulate-cpu examples/gcd.asm --engine model --verify

    A row shows the state before its instruction acts, so the instruction's effect is visible in the next row.
    A trace is run again from its first state; its wrong bytes are shown as found(right).
    """
    from bytesim.tasks.simulate_cpu.report import outside_text, plain_values, stop_text
    from bytesim.tasks.simulate_cpu.simulate import simulate_cpu as simulate

    if as_json and trace == "-":
        raise typer.BadParameter("--json and --trace - cannot both go to stdout; name a file for the trace.")
    if verify and engine is not Engine.MODEL:
        raise typer.BadParameter("--verify compares a model with the exact machine; use it with --engine model.")
    if seed is not None and not random_state:
        raise typer.BadParameter("--seed is the seed of --random-state; give both or neither.")
    if random_state and (acc is not None or registers is not None):
        raise typer.BadParameter(
            "--random-state sets the whole first state; use it, or --acc and --registers, not both."
        )
    result = simulate(
        program,
        engine=engine.value,
        model=model,
        verify=verify,
        steps=steps,
        acc=acc,
        registers=None if registers is None else _register_values(registers),
        random_state=random_state,
        seed=seed,
        trace=trace,
        picture=picture,
        force=force,
        device=device,
        dtype=dtype.value,
        engine_backend=engine_backend.value,
    )
    if as_json:
        print_json(plain_values(result))
    elif trace != "-":
        _print_table(result)
    if result.seed is not None and seed is None:
        stderr.print(f"first state: random, repeat it with --seed {result.seed}")
    stderr.print(stop_text(result), markup=False)
    if result.outside:
        stderr.print(outside_text(result), markup=False, soft_wrap=True)


def _register_values(text: str) -> dict[str, int]:
    """`A=3,B=7` -> {"A": 3, "B": 7}. Raises BadParameter."""
    from bytesim.tasks.simulate_cpu.simulate import parse_registers

    try:
        return parse_registers(text)
    except ConfigError as error:
        raise typer.BadParameter(error.message, param_hint="--registers") from None


def _print_table(result: Simulation) -> None:
    from bytesim.tasks.simulate_cpu.report import COLUMNS, Cell, comparison_text, state_rows

    # Not a rich Table, which would wrap numbers to fit a narrow terminal.
    grid = [([Cell(name) for name in ("step", *COLUMNS)], "instruction")]
    grid += [([Cell(str(row.step)), *row.cells], row.instruction) for row in state_rows(result)]
    widths = [max(len(cell.plain) for cell in column) for column in zip(*(cells for cells, _ in grid), strict=True)]
    for number, (cells, instruction) in enumerate(grid):
        if stdout.is_terminal:
            stdout.print(_line(cells, widths, instruction), style="" if number else "bold")
        else:
            padded = [cell.plain.rjust(width) for cell, width in zip(cells, widths, strict=True)]
            print(" ".join([*padded, instruction] if instruction else padded))
    if result.comparison is not None:
        print(comparison_text(result.comparison))


def _line(cells: Sequence[Cell], widths: Sequence[int], instruction: str) -> Text:
    line = Text()
    for cell, width in zip(cells, widths, strict=True):
        line.append(" " * (width - len(cell.plain)))
        if cell.right is None:
            line.append(cell.text, "bold green" if cell.changed else "")
        else:
            line.append(cell.text, "bold red").append(f"({cell.right})", "green")
        line.append(" ")
    return line.append(instruction)
