"""The commands of the Typer app, for tests that walk all of them."""

from collections.abc import Iterator
from typing import Any

import typer

from bytesim.cli import app


def _walk(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in getattr(group, "commands", {}).items():
        yield " ".join((*path, name)), command
        yield from _walk(command, (*path, name))


EVERYTHING: dict[str, Any] = dict(_walk(typer.main.get_command(app)))
"""Words after `bytesim` -> command or group."""

COMMANDS = {words: command for words, command in EVERYTHING.items() if not hasattr(command, "commands")}
"""The same without the groups."""
