"""Options that several commands share."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class Engine(str, Enum):
    auto = "auto"
    model = "model"
    rules = "rules"


class Dtype(str, Enum):
    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"
    int8 = "int8"


class Backend(str, Enum):
    auto = "auto"
    native = "native"
    torch = "torch"


def complete_model(incomplete: str) -> list[str]:
    """The names of models that begin like this, for shell completion."""
    from bytesim.tasks.models import model_names

    return [name for name in model_names() if name.startswith(incomplete)]


Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", help="File to write; for several files, the folder to write to.", show_default=False
    ),
]


Model = Annotated[str, typer.Option(help="Model name, or path of a model folder.", autocompletion=complete_model)]


EngineChoice = Annotated[
    Engine,
    typer.Option(
        help="What converts. auto: the model, if playing its answer gives the right notes, else a program such as "
        "abc2midi. model: the model alone. rules: such a program alone."
    ),
]


Jobs = Annotated[int, typer.Option(min=1, help="Number of parallel processes on a CPU.")]


Check = Annotated[
    str,
    typer.Option(
        metavar="CHECK",
        help="Refuse answers that are not valid: json, toml, xml, csv, utf8, none, or python:MODULE:FUNCTION, a "
        "function of yours that takes bytes and returns False or raises; auto goes by the suffix of the output.",
    ),
]


Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


Device = Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps...; auto chooses a GPU if there is one.")]


DtypeChoice = Annotated[
    Dtype,
    typer.Option(
        help="Number type of the model's computations; auto chooses the faster one. int8 rounds the "
        "weights, so that the native engine reads large models in a quarter of the time."
    ),
]


BackendChoice = Annotated[
    Backend,
    typer.Option(
        "--engine-backend",
        help="What computes. native: compiled kernels, the fastest on a CPU. torch: any model and device. "
        "auto: native where it can.",
    ),
]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead.")]
