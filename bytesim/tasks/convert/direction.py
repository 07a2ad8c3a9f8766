"""A direction of conversion, and all that is particular to it."""

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
    """A file that a model wrote, checked and finished."""

    data: bytes
    raw: bytes
    """As the model wrote it."""
    mended: tuple[str, ...] = ()
    """What was mended, an item each."""


@dataclass(frozen=True, kw_only=True)
class RuleAnswer:
    """A file that a program wrote which knows the formats."""

    data: bytes
    engine: str
    """abc2midi, midi2abc or music21."""
    version: str
    """Of the engine, such as `5.02`."""
    remarks: tuple[str, ...] = ()
    """What it left out, an item each."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """From files of one suffix to files of another."""

    source: str
    """Suffix of the files read."""
    target: str
    """Suffix of the files written."""
    finish: Callable[[Reply, str | None, float | None], Answer]
    """Makes a file of a reply that ended, its title and its quarter notes a minute. Raises DecodeError."""
    grammar: GrammarMaker | None = None
    """What answers keep to."""
    growth: float = 1.0
    """Bytes written for each byte read, about."""

    @property
    def suffixes(self) -> tuple[str, str]:
        """(source, target)."""
        return self.source, self.target

    def asked(self, source: bytes) -> Asked:
        """What a model is asked for, to convert a source."""
        return Asked(suffix=self.target, source=source, source_suffix=self.source)


@dataclass(frozen=True, kw_only=True)
class MusicDirection(Direction):
    """From ABC to MIDI or back: what the rules can do as well."""

    name: str
    """As a command is called."""
    in_folders: frozenset[str]
    """Suffixes of the files that are taken out of a folder."""
    read: Callable[[str, Places, str], Iterator[Prepared]]
    """Takes (source, places, engine), gives a job for each tune in it."""
    by_rules: Callable[[Job], RuleAnswer]
    """Converts without a model. Raises FormatError and ToolError."""
    verify: Callable[[Job, bytes], Verification]
    """Compares a file that a model wrote with what the rules, or the source, say it should be."""
    proves: bool
    """Whether `verify` decides by itself if an answer is right: it plays it, and compares with the source."""
    draw: Callable[[Job, bytes, bool], bytes]
    """A PNG of a written file; with True, of what differs from what `verify` compares it with, too."""
