"""The commands that convert: tunes in both directions, and files by a learned converter."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bytesim.cluster.stamps import model_stamp
from bytesim.files import Outcome, read_input

if TYPE_CHECKING:
    from bytesim.tasks.convert.files import FileConverter
    from bytesim.tasks.convert.tunes import TuneConverter

OTHER_NOTES = "other notes"
"""How a conversion counts whose notes differ from the expected ones."""


class Tunes:
    """abc2midi or midi2abc."""

    share_factor = 1
    walks = True

    def __init__(
        self, direction: str, roots: list[str], output: str | None, *, picture: bool = False, **options: Any
    ) -> None:
        from bytesim.tasks.convert.jobs import Places
        from bytesim.tasks.convert.tunes import DIRECTIONS, TuneConverter, TuneSettings

        self.direction = DIRECTIONS[direction]
        self.converter: TuneConverter = TuneConverter(self.direction, TuneSettings(**options))
        self.suffixes = self.direction.in_folders
        self.places = Places(
            output=output, suffix=self.direction.target, many=True, force=True, roots=roots, pictures=picture
        )

    def load(self) -> None:
        if self.converter.settings.engine != "rules":
            _ = self.converter.writer

    def settings(self) -> dict[str, Any]:
        asked = self.converter.settings
        stamp = {} if asked.engine == "rules" else model_stamp([self.converter.writer.folder])
        return {**asdict(asked), "picture": self.places.pictures, "models": stamp}

    def targets(self, path: str) -> list[str]:
        tunes = self._num_tunes(path) if self.direction.source == "abc" else 1
        written = [self.places.path(path, number + 1 if tunes > 1 else None) for number in range(tunes)]
        drawn = [Path(target).with_suffix(".png") for target in written if self.places.pictures]
        return [str(target) for target in (*written, *drawn)]

    def _num_tunes(self, path: str) -> int:
        from bytesim.formats import abc
        from bytesim.tasks.convert.jobs import MAX_SOURCE_BYTES

        return len(abc.split_book(abc.decode_text(read_input(path, limit_bytes=MAX_SOURCE_BYTES))))

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        self.places.taken.clear()  # the driver has seen to it that no two files have the same output
        return self.converter.convert(paths, self.places)

    def outputs(self, result: Any) -> list[str]:
        return [result.output, *([result.picture] if result.picture else [])]

    def counted(self, result: dict[str, Any]) -> list[str]:
        return _counted(result)


class ConvertFiles:
    share_factor = 1
    walks = True

    def __init__(self, roots: list[str], output: str | None, **options: Any) -> None:
        from bytesim.tasks.convert.files import FilePlaces, FileSettings

        self.asked = FileSettings(**options)
        self.places = FilePlaces(output=output, many=True, force=True, roots=roots)

    @cached_property
    def converter(self) -> FileConverter:
        from bytesim.tasks.convert.files import FileConverter

        return FileConverter(self.asked)

    @property
    def suffixes(self) -> Collection[str]:
        return self.converter.in_folders

    def load(self) -> None:
        _ = self.converter

    def settings(self) -> dict[str, Any]:
        return {**asdict(self.asked), "models": model_stamp([self.converter.writer.folder])}

    def targets(self, path: str) -> list[str]:
        _, suffix = self.converter.direction(path)
        return [str(self.places.of(suffix).path(path))]

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        self.places.taken.clear()
        return self.converter.convert(paths, self.places)

    def outputs(self, result: Any) -> list[str]:
        return [result.output]

    def counted(self, result: dict[str, Any]) -> list[str]:
        return _counted(result)


def _counted(result: dict[str, Any]) -> list[str]:
    """A conversion counts by its engine, and again if the answer is not confident, or has other notes."""
    verified = result["verified"]
    return [
        result["engine"],
        *(["not confident"] if result["confident"] is False else []),
        *([OTHER_NOTES] if verified is not None and not verified["same"] else []),
    ]
