"""The commands of bulk work: for each, what a file's outputs are and how a share of files is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bytesim.errors import ConfigError
from bytesim.files import Outcome, read_input, run_each
from bytesim.models.folder import CARD_FILE, CONFIG_FILE, WEIGHTS_FILE, fingerprint
from bytesim.models.store import find_model, stored_models

if TYPE_CHECKING:
    from bytesim.tasks.classify.files import Panel
    from bytesim.tasks.compress.compress import Compressor
    from bytesim.tasks.convert.files import FileConverter
    from bytesim.tasks.convert.tunes import TuneConverter
    from bytesim.tasks.detect.detect import Classifier
    from bytesim.tasks.generate.draw import Job

SEED = "seed "
"""What the names of files that are drawn begin with."""


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


def model_stamp(names: Iterable[str | Path]) -> dict[str, str]:
    """Model -> sha256 of its weights, with the first digits of those of its config and card."""
    stamps = {}
    for name in names:
        stored = find_model(name)
        digests = [fingerprint(stored.folder / file)["sha256"] for file in (WEIGHTS_FILE, CONFIG_FILE, CARD_FILE)]
        stamps[stored.name] = "-".join((digests[0], digests[1][:16], digests[2][:16]))
    return stamps


class _Answers:
    """A command that writes no file: its answers are in the ledger alone."""

    share_factor = 1
    walks = True
    suffixes = None

    def __init__(self, roots: list[str], output: str | None) -> None:
        if output is not None:
            raise ConfigError("this command writes its answers to the ledger; leave output out.")

    def targets(self, path: str) -> list[str]:
        return []

    def outputs(self, result: Any) -> list[str]:
        return []


class _ClassifyFiles(_Answers):
    share_factor = 4

    def __init__(self, roots: list[str], output: str | None, **options: Any) -> None:
        from bytesim.tasks.classify.files import PanelSettings

        super().__init__(roots, output)
        self.asked = PanelSettings(**options)

    @cached_property
    def panel(self) -> Panel:
        from bytesim.tasks.classify.files import Panel

        return Panel(self.asked)

    def load(self) -> None:
        _ = self.panel

    def settings(self) -> dict[str, Any]:
        following = {name for name in self.panel.first.next_models.values() if name in self.panel.available}
        return {**asdict(self.asked), "models": model_stamp([self.panel.first.folder, *sorted(following)])}

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        return self.panel.judge(paths)

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [result["answer"]["label"]]


class _Detect(_Answers):
    def __init__(
        self,
        roots: list[str],
        output: str | None,
        *,
        model: str = "filetype",
        device: str = "auto",
        engine_backend: str = "auto",
    ) -> None:
        super().__init__(roots, output)
        self.options = {"model": model, "device": device, "engine_backend": engine_backend}

    @cached_property
    def classifier(self) -> Classifier:
        from bytesim.tasks.detect.detect import load_detector

        return load_detector(**self.options)

    def load(self) -> None:
        _ = self.classifier

    def settings(self) -> dict[str, Any]:
        return {**self.options, "models": model_stamp([self.classifier.folder])}

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        from bytesim.tasks.detect.detect import detect_with

        return run_each(paths, lambda path: detect_with(self.classifier, path))

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [segment["label"] for segment in result["segments"]]


class _Tunes:
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


class _ConvertFiles:
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


OTHER_NOTES = "other notes"
"""How a conversion counts whose notes differ from the expected ones."""


class _Compress:
    share_factor = 1
    walks = False
    suffixes = None

    def __init__(self, roots: list[str], output: str | None, *, model: str = "auto", fast: bool = False) -> None:
        from bytesim.tasks.compress.compress import Compressor

        self.output, self.roots = output, roots
        self.compressor: Compressor = Compressor(model=model, fast=fast)

    def load(self) -> None:
        """Models are loaded when a file first needs them."""

    def settings(self) -> dict[str, Any]:
        from bytesim.tasks.compress.compress import NO_MODEL

        model = self.compressor.model
        names = [stored.folder for stored in stored_models()] if model == "auto" else [model] * (model != NO_MODEL)
        return {"model": model, "models": model_stamp(names)}

    def targets(self, path: str) -> list[str]:
        from bytesim.tasks.compress.compress import compressed_path

        return [str(compressed_path(path, self.output, many=True, roots=self.roots))]

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        return run_each(paths, lambda path: self.compressor.compress(path, Path(*self.targets(path)), force=True))

    def outputs(self, result: Any) -> list[str]:
        return [result.output]

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [result["model"] or "no model"]


class _Generate:
    """Files that are drawn; a file is named by its seed, and drawn once."""

    share_factor = 1
    walks = False
    suffixes = None

    def __init__(self, roots: list[str], output: str | None, **options: Any) -> None:
        from bytesim.tasks.generate.generate import DrawSettings

        self.output, self.asked = output, DrawSettings(**options)

    @cached_property
    def job(self) -> Job:
        from bytesim.tasks.generate.generate import drawing_job

        return drawing_job(self.asked, output=self.output, many=True, force=True)

    def load(self) -> None:
        _ = self.job

    def settings(self) -> dict[str, Any]:
        models = model_stamp([self.job.writer.folder])
        prompt = self.asked.prompt_file
        stamp = None if prompt is None else fingerprint(Path(prompt))["sha256"]
        return {**asdict(self.asked), "prompt_file": stamp, "models": models}

    def targets(self, path: str) -> list[str]:
        return [str(self.job.path(int(path.removeprefix(SEED))))]

    def outcomes(self, paths: Sequence[str]) -> Iterable[Outcome[Any]]:
        from bytesim.tasks.generate.draw import draw_once

        return draw_once(self.job, [int(path.removeprefix(SEED)) for path in paths])

    def outputs(self, result: Any) -> list[str]:
        return [result.output]

    def counted(self, result: dict[str, Any]) -> list[str]:
        return [result["model"]]


def _abc2midi(roots: list[str], output: str | None, **options: Any) -> Command:
    return _Tunes("abc2midi", roots, output, **options)


def _midi2abc(roots: list[str], output: str | None, **options: Any) -> Command:
    return _Tunes("midi2abc", roots, output, **options)


COMMANDS: dict[str, Any] = {
    "abc2midi": _abc2midi,
    "midi2abc": _midi2abc,
    "convert_files": _ConvertFiles,
    "classify_file": _ClassifyFiles,
    "generate": _Generate,
    "compress": _Compress,
    "detect": _Detect,
}
"""Name of the function of a command -> what makes it of (folders among the inputs, output folder, its options)."""
