"""What a user can type. Every command stands in a file of `bytesim.commands`; this page lists them."""

from __future__ import annotations

from typing import Annotated

import typer

import bytesim
from bytesim.commands.classify import classify_app
from bytesim.commands.convert import convert_app
from bytesim.commands.data.app import data_app
from bytesim.commands.doctor import doctor
from bytesim.commands.evaluate.app import evaluate_app
from bytesim.commands.generate import generate
from bytesim.commands.models import models_app
from bytesim.commands.normalize import normalize
from bytesim.commands.simulate_cpu import simulate_cpu
from bytesim.commands.train import train_app
from bytesim.console import print_error, stdout
from bytesim.errors import BytesimError

app = typer.Typer(
    name="bytesim",
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


app.add_typer(convert_app, name="convert")
app.add_typer(classify_app, name="classify")
app.command()(generate)
app.command()(normalize)
app.command("simulate-cpu")(simulate_cpu)
app.add_typer(evaluate_app, name="evaluate")
app.command()(doctor)
app.add_typer(models_app, name="models")
app.add_typer(train_app, name="train")
app.add_typer(data_app, name="data")


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
