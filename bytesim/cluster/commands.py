"""The commands of bulk work: for each, what a file's outputs are and how a share of files is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

from bytesim.cluster.answers import ClassifyFiles, Detect
from bytesim.cluster.conversions import ConvertFiles, Tunes
from bytesim.cluster.writing import Compress, Generate
from bytesim.errors import ConfigError
from bytesim.files import Outcome


class Command(Protocol):
    """A command with its settings. An error of the settings or the model is raised by its constructor or `load`."""

    share_factor: int
    """How many times as many files a share has as usual, because each takes little time."""
    walks: bool
    """Whether a folder stands for the files in it."""

    @property
    def suffixes(self) -> Collection[str] | None:
        """Suffixes of the files of a folder that are done; None for all."""

    def load(self) -> None:
        """Load the model."""

    def settings(self) -> dict[str, Any]:
        """All settings that change the answers, as JSON has them."""

    def targets(self, path: str) -> list[str]:
        """The outputs of a file. Raises BytesimError where there can be none."""

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        """Do these files, and replace outputs that exist. A tune book has an outcome for each tune."""

    def outputs(self, result: Any) -> list[str]:
        """The files that were written for a result."""

    def counted(self, result: dict[str, Any]) -> list[str]:
        """The names under which a result of the ledger is counted: its label, or its engine."""


def command_of(name: str, options: dict[str, Any], roots: list[str], output: str | None) -> Command:
    """The command of a function's name. Raises ConfigError, and TypeError for an option that it does not have."""
    if name not in COMMANDS:
        raise ConfigError(f"bulk does not know the command {name!r}; choose one of {', '.join(COMMANDS)}.")
    return COMMANDS[name](roots, output, **options)


def _abc2midi(roots: list[str], output: str | None, **options: Any) -> Command:
    return Tunes("abc2midi", roots, output, **options)


def _midi2abc(roots: list[str], output: str | None, **options: Any) -> Command:
    return Tunes("midi2abc", roots, output, **options)


COMMANDS: dict[str, Any] = {
    "abc2midi": _abc2midi,
    "midi2abc": _midi2abc,
    "convert_files": ConvertFiles,
    "classify_file": ClassifyFiles,
    "generate": Generate,
    "compress": Compress,
    "detect": Detect,
}
"""Name of the function of a command -> what makes it of (folders among the inputs, output folder, its options)."""
