"""What a user can type. A command stands in a file of `bytesim.commands`, imported when the command is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import bytesim
from bytesim.console import print_error, stdout
from bytesim.errors import BytesimError

_COMMANDS = {
    "generate": "generate:generate",
    "normalize": "normalize:normalize",
    "simulate-cpu": "simulate_cpu:simulate_cpu",
    "doctor": "doctor:doctor",
    "convert": "convert:convert_app",
    "classify": "classify:classify_app",
    "evaluate": "evaluate.app:evaluate_app",
    "models": "models:models_app",
    "train": "train:train_app",
    "data": "data.app:data_app",
}
"""Command -> file of `bytesim.commands` and the function, or the Typer app of a group, in it; in the help's order."""


class _Commands(Mapping[str, Any]):
    """The commands by name, each made by Typer when it is first asked for: one command need not load the others."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            module, _, attribute = _COMMANDS[name].partition(":")
            command = getattr(import_module(f"bytesim.commands.{module}"), attribute)
            if not isinstance(command, typer.Typer):
                alone = typer.Typer()
                alone.command(name)(command)
                command = alone
            self._made[name] = typer.main.get_command(command)
            self._made[name].name = name
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Root(TyperGroup):
    """`bytesim` itself."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()  # type: ignore[assignment]  # nothing is added to it


app = typer.Typer(
    name="bytesim",
    cls=_Root,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Byte models that turn files into files.\n\nbytesim convert abc2midi tune.abc",
)


def _version(asked: bool) -> None:
    if asked:
        stdout.print(bytesim.__version__)
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line: exit 0 done, 1 a BytesimError, 2 wrong usage, 130 interrupted."""
    try:
        app()
    except BytesimError as error:
        print_error(error)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
