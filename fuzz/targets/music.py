"""The tasks of `convert abc2midi` and `convert midi2abc`: by the rules, by models, with verification and a picture."""

from __future__ import annotations

from pathlib import Path

import bytesim
from bytesim.tasks.convert.notes_table import notes_table
from fuzz import fixtures
from fuzz.targets.target import Run, keep_loaded, raise_first, task, write

_LONGEST = 4000
"""Bytes of a source that a model reads or whose pictures are drawn: 300 tunes in one file take longer than 10 s."""


def _convert(folder: Path, direction: str, **options: object) -> Run:
    keep_loaded("bytesim.predictors.writer", "load_writer")
    name, convert = f"in.{direction[:3]}", getattr(bytesim, direction)
    whole = options == {"engine": "rules"}

    def run(data: bytes) -> None:
        source = write(folder, name, data if whole else data[:_LONGEST])
        raise_first(convert([source], output=f"{folder / 'out'}/", **options))

    return run


@task("abc2midi-rules", "abc", command="convert abc2midi")
def abc_by_rules(folder: Path) -> Run:
    return _convert(folder, "abc2midi", engine="rules")


@task("abc2midi-auto", "abc", command="convert abc2midi")
def abc_by_auto(folder: Path) -> Run:
    """As users run it, with the shipped model."""
    return _convert(folder, "abc2midi", engine="auto")


@task("abc2midi-model", "abc", command="convert abc2midi")
def abc_by_model(folder: Path) -> Run:
    """With a small model, whose answers are mostly wrong, and everything that may be asked for."""
    return _convert(folder, "abc2midi", engine="model", model=f"{fixtures.model('music')}/", verify=True)


@task("abc2midi-picture", "abc", command="convert abc2midi")
def abc_with_picture(folder: Path) -> Run:
    return _convert(folder, "abc2midi", engine="rules", picture=True)


@task("midi2abc-rules", "midi", command="convert midi2abc")
def midi_by_rules(folder: Path) -> Run:
    return _convert(folder, "midi2abc", engine="rules")


@task("midi2abc-auto", "midi", command="convert midi2abc")
def midi_by_auto(folder: Path) -> Run:
    return _convert(folder, "midi2abc", engine="auto")


@task("midi2abc-model", "midi", command="convert midi2abc")
def midi_by_model(folder: Path) -> Run:
    return _convert(folder, "midi2abc", engine="model", model=f"{fixtures.model('music')}/", verify=True)


@task("notes-table", "midi")
def table_of_notes(folder: Path) -> Run:
    """The table of notes that a terminal shows, and the picture of them."""
    from rich.console import Console

    from bytesim.pictures.piano_roll import piano_roll

    console = Console(file=(folder / "table.txt").open("w"), width=80)

    def run(data: bytes) -> None:
        console.print(notes_table(data))
        piano_roll(data)

    return run
