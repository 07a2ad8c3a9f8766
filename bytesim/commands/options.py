"""Options that several commands share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Engine(str, Enum):
    model = "model"
    rules = "rules"
    auto = "auto"


class Dtype(str, Enum):
    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


Output = Annotated[
    str | None,
    typer.Option("--output", "-o", help="File to write, or folder where there are several.", show_default=False),
]


Model = Annotated[str, typer.Option(help="Model name, or the path of a model folder.")]


EngineChoice = Annotated[
    Engine,
    typer.Option(
        help="What converts: the model, a program that knows the formats (rules), or the model where it is confident, "
        "or its answer is proven by playing it, and else the rules (auto)."
    ),
]


Jobs = Annotated[int, typer.Option(min=1, help="Processes that decode side by side on a CPU.")]


Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps...; auto takes a GPU where there is one.")]


DtypeChoice = Annotated[Dtype, typer.Option(help="Numbers the model computes with; auto takes the faster.")]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
