"""The command line. Each command is defined in a file of `bytesim.commands`, which is imported when it is used."""

from __future__ import annotations

import errno
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import bytesim
from bytesim.commands.groups import Group
from bytesim.console import end_quietly, print_error, stdout_error
from bytesim.errors import BytesimError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors of writing to a file that is open, such as one on a full disk."""
_PANELS = {
    "Turn files into files": {
        "convert": "convert:convert_app",
        "generate": "generate:generate",
        "normalize": "normalize:normalize",
        "compress": "compress:compress",
        "decompress": "compress:decompress",
    },
    "Find out what a file is": {
        "classify": "classify:classify_app",
        "detect": "detect:detect",
        "inspect": "inspect:inspect",
    },
    "Learn from your own files": {
        "train": "train:train_app",
        "evaluate": "evaluate.app:evaluate_app",
        "data": "data.app:data_app",
    },
    "Predict a machine": {
        "simulate-cpu": "simulate_cpu:simulate_cpu",
    },
    "Models and this computer": {
        "models": "models:models_app",
        "doctor": "doctor:doctor",
    },
}
"""Purpose -> command -> MODULE:NAME in `bytesim.commands`; NAME is a function, or the Typer app of a group. The help
lists the commands by purpose, in this order."""
_COMMANDS = {name: (panel, place) for panel, commands in _PANELS.items() for name, place in commands.items()}


def _nothing() -> None:
    pass


def _found(name: str) -> tuple[str, Any]:
    """The panel of a command, and its function or Typer app."""
    panel, place = _COMMANDS[name]
    module, _, attribute = place.partition(":")
    return panel, getattr(import_module(f"bytesim.commands.{module}"), attribute)


class _Commands(Mapping[str, Any]):
    """The commands by name. Each is built when it is first looked up, so running one does not import the others."""

    def __init__(self) -> None:
        self._built: dict[str, Any] = {}

    def listed(self, name: str) -> TyperCommand:
        """A command as the help lists it: its name and help without its options, which take long to build."""
        panel, command = _found(name)
        told = command.__doc__
        if isinstance(command, typer.Typer):
            callback = command.registered_callback
            told = command.info.help if callback is None or callback.callback is None else callback.callback.__doc__
        return TyperCommand(name, help=inspect.cleandoc(str(told)), rich_help_panel=panel, rich_markup_mode="rich")

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            panel, command = _found(name)
            holder = typer.Typer(add_completion=False, rich_markup_mode="rich")
            holder.callback()(_nothing)  # makes a group of it, even of one command
            if isinstance(command, typer.Typer):
                holder.add_typer(command, name=name, rich_help_panel=panel)
            else:
                holder.command(name, rich_help_panel=panel)(command)
            self._built[name] = typer.main.get_group(holder).commands[name]
        return self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in _COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


class _Root(Group):
    """The group `bytesim`, which holds all commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: _Commands = _Commands()  # type: ignore[assignment]  # a mapping: no command is added later
        self._lists = False

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name, None if there is none; inside the help only what that lists."""
        if self._lists and cmd_name in self.commands:
            return self.commands.listed(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        self._lists = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._lists = False

    def invoke(self, ctx: Any) -> Any:
        """Run the command. Ends the program quietly if the reader of stdout has gone, as after `| head -1`."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            end_quietly()


app = typer.Typer(
    name="bytesim",
    cls=_Root,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Learns to turn one kind of file into another, from examples, and says when not to trust the answer.\n\n"
    "bytesim convert abc2midi tune.abc",
)


def _version(asked: bool) -> None:
    if asked:
        from bytesim.commands.models import print_version

        print_version(bytesim.__version__)
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and the shipped models, and exit."
        ),
    ] = False,
) -> None:
    pass


def _was_printing(error: OSError) -> bool:
    """Whether an error was raised as rich printed: another full disk is not that behind stdout."""
    step = error.__traceback__
    while step is not None:
        if str(step.tb_frame.f_globals.get("__name__")).startswith("rich."):
            return True
        step = step.tb_next
    return False


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a BytesimError, 2 wrong usage, 130 interrupted, 141 stdout closed."""
    try:
        app()
    except BytesimError as error:
        print_error(error)
        raise SystemExit(1) from None
    except OSError as error:  # the help is printed by Typer
        if error.errno not in _FULL or not _was_printing(error):
            raise
        print_error(stdout_error(error))
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
