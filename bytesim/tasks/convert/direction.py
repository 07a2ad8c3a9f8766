"""The directions of conversion, such as ABC to MIDI, with all functions that differ between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bytesim.formats.grammar import GrammarMaker
from bytesim.requests import Asked, Reply
from bytesim.tasks.convert.jobs import Job, Places, Prepared


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A file that a model wrote, after checks and repairs."""

    data: bytes
    raw: bytes
    """The bytes that the model wrote."""
    mended: tuple[str, ...] = ()
    """The repairs that were made."""
    routine: tuple[str, ...] = ()
    """Repairs that nearly every file needs: track lengths."""


@dataclass(frozen=True, kw_only=True)
class RuleAnswer:
    """A file that a program of the rules wrote."""

    data: bytes
    engine: str
    """abc2midi, midi2abc, music21 or bytesim."""
    version: str
    """Of the engine, such as `5.02`."""
    remarks: tuple[str, ...] = ()
    """What the program left out."""
    as_read: bool = False
    """Whether it read the source in the form that the model reads."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    """A comparison of a model's notes with the expected ones."""

    engine: str
    """The program that rendered the ABC text: abc2midi, or music21 if abc2midi is not installed."""
    engine_version: str
    """Its version, such as `5.02`."""
    reference: str
    """Origin of the expected notes: the engine, or `the MIDI file` that was converted."""
    same: bool
    """Whether all notes are equal."""
    sounds_same: bool
    """Whether loudness, instruments and tempo are equal too, where the reference is a MIDI file of the rules."""
    note_f1: float
    num_expected: int
    num_written: int
    differences: tuple[str, ...]
    """Bar by bar, such as `bar 3: missing D5 at 3.1 (1/2); surplus E5 at 3.1 (1/2)`."""


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
    most: Callable[[bytes], int] | None = None
    """Bytes after which an answer to a source is given up; by default those that fit into the model's history."""
    growth: float = 1.0
    """Estimated bytes written per byte read."""
    least: Callable[[bytes], int] | None = None
    """The least bytes that the answer to a source has, so that a source whose answer cannot fit is refused at once."""

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
    by_rules: Callable[[Job], RuleAnswer]
    """Converts by the rules. Raises FormatError and ToolError."""
    verify: Callable[[Job, bytes], Verification]
    """Compares a file that a model wrote with the expected notes, which come from the rules or from the source."""
    proves: Callable[[], bool]
    """Whether `verify` can prove that an answer is right, with the programs that are installed."""
    constrain: Callable[[bytes], GrammarMaker | None] | None = None
    """Makes, for the engine auto, a grammar of answers with the notes of this source; None if there is none for it."""
    respell: Callable[[Job, bytes], tuple[bytes, int]] | None = None
    """Corrects single notes of an answer that failed `verify`; returns it and the number of corrections."""
    by_notes: Callable[[Job], RuleAnswer | None] | None = None
    """Writes the notes of the source as they are; None for a source that it cannot write."""
    closeness: Callable[[Job, bytes], float] | None = None
    """Note F1 of a written file and a source that the model cannot read, within a 64th note."""
    draw: Callable[[Job, bytes, bool], bytes]
    """A PNG of a written file; with True it also shows the differences from the expected notes."""
