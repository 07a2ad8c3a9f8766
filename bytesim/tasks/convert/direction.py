"""The directions of conversion, such as ABC to MIDI, with all functions that differ between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bytesim.formats.grammar import GrammarMaker
from bytesim.requests import Asked, Reply
from bytesim.tasks.convert.jobs import Job, Places, Prepared

if TYPE_CHECKING:
    from bytesim.tasks.convert.rules import Verification


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A file that a model wrote, after checks and repairs."""

    data: bytes
    raw: bytes
    """The bytes that the model wrote."""
    mended: tuple[str, ...] = ()
    """The repairs that were made."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """The conversion of files of one suffix to another."""

    source: str
    """Suffix of the files read."""
    target: str
    """Suffix of the files written."""
    finish: Callable[[Reply, str | None, float | None], Answer]
    """Makes a file of (reply that ended, title, quarter notes per minute). Raises DecodeError."""
    grammar: GrammarMaker | None = None
    """The grammar to which answers are constrained."""
    growth: float = 1.0
    """Estimated bytes written per byte read."""

    @property
    def suffixes(self) -> tuple[str, str]:
        """(source, target)."""
        return self.source, self.target

    def asked(self, source: bytes) -> Asked:
        """The file to ask of a model, to convert a source."""
        return Asked(suffix=self.target, source=source, source_suffix=self.source)


@dataclass(frozen=True, kw_only=True)
class MusicDirection(Direction):
    """ABC to MIDI or back, which the rules can convert as well."""

    name: str
    """Name of the command."""
    in_folders: frozenset[str]
    """Suffixes of the files that are converted in a folder."""
    read: Callable[[str, Places, str], Iterator[Prepared]]
    """Takes (source, places, engine); yields a job for each tune in the source."""
    by_rules: Callable[[Job], tuple[bytes, str, tuple[str, ...]]]
    """Converts by the rules; returns (file, program, its remarks). Raises FormatError and ToolError."""
    verify: Callable[[Job, bytes], Verification]
    """Compares a file that a model wrote with the expected notes, which come from the rules or from the source."""
    proves: bool
    """Whether `verify` compares with the source, after rendering the answer, and so proves that an answer is right."""
    draw: Callable[[Job, bytes, bool], bytes]
    """A PNG of a written file; with True it also shows the differences from the expected notes."""
