"""`bytesim convert files`: convert files of any kind with a model that the user trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bytesim.errors import BytesimError, ConfigError, DecodeError, InputError, ModelError
from bytesim.files import STDIO, Inputs, Outcome, Progress, expand_inputs
from bytesim.formats.checks import AUTO, Check, find_check
from bytesim.patching import suffix_of
from bytesim.predictors.writer import Writer, load_writer
from bytesim.tasks.convert.answers import FileAnswer, answer_confidence, file_answers, file_direction
from bytesim.tasks.convert.direction import Direction
from bytesim.tasks.convert.jobs import Job, Places, Prepared, file_jobs, prepare
from bytesim.tasks.convert.model import Meter
from bytesim.tasks.convert.run import Converted, Run, converted


def convert_files(
    sources: Inputs,
    *,
    model: str,
    to: str | None = None,
    output: str | Path | None = None,
    check: str = AUTO,
    only_confident: bool = False,
    force: bool = False,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Converted]]:
    """Convert files of any kind with a model that the user trained; the suffixes are those of the model's card.

    `to` is the suffix of the outputs, needed only if the model converts a source to several. Files are read and
    written unchanged. `check` refuses answers that are not valid: json, toml, xml, csv, utf8, none,
    python:MODULE:FUNCTION for a function of your own, which takes bytes and returns False or raises, or auto, by the
    suffix of the output. `only_confident` refuses answers that are not confident. `jobs` processes decode on a CPU.
    Errors are raised, or stored in the outcomes, as by `abc2midi`; ModelError also if `only_confident` asks for what
    the model's card does not tell.
    """
    settings = FileSettings(
        model=model, to=to, check=check, only_confident=only_confident, device=device, dtype=dtype,
        engine_backend=engine_backend,
    )  # fmt: skip
    converter = FileConverter(settings)
    names = expand_inputs(sources, suffixes=converter.in_folders)
    places = FilePlaces(output=output, many=len(names) > 1, force=force, roots=sources)
    return converter.convert(names, places, processes=jobs, on_progress=on_progress)


@dataclass(frozen=True, kw_only=True)
class FileSettings:
    """The settings of `convert_files`, besides the paths."""

    model: str
    to: str | None = None
    check: str = AUTO
    only_confident: bool = False
    device: str = "auto"
    dtype: str = "float32"
    engine_backend: str = "auto"

    def __post_init__(self) -> None:
        find_check(self.check, "")  # an unknown check is an error before the model is loaded


@dataclass(frozen=True, kw_only=True)
class FilePlaces:
    """The rules for the output paths of one call."""

    output: str | Path | None
    many: bool
    force: bool
    roots: Inputs
    taken: set[str] = field(default_factory=set)

    def of(self, suffix: str) -> Places:
        """The rules for the outputs of a suffix."""
        return Places(
            output=self.output,
            suffix=suffix,
            many=self.many,
            force=self.force,
            roots=self.roots,
            tag="-converted",
            taken=self.taken,
        )


class FileConverter:
    """Converts files with a model that the user trained, call after call; the model is loaded once."""

    def __init__(self, settings: FileSettings) -> None:
        """Raises ModelError and ConfigError."""
        self.settings = settings
        self.writer = load_writer(
            settings.model, device=settings.device, dtype=settings.dtype, engine_backend=settings.engine_backend
        )
        if not self.writer.conversions:
            raise ConfigError(f"the card of {settings.model!r} names no conversion, so the suffixes are unknown.")
        target = None if settings.to is None else settings.to.lower().lstrip(".")
        self.known = [pair for pair in self.writer.conversions if target in (None, pair[1])]

    @property
    def in_folders(self) -> set[str]:
        """Suffixes of the files that are converted in a folder."""
        return {source for source, _ in self.known}

    def direction(self, name: str) -> tuple[str, str]:
        """The pair of suffixes for a source. Raises InputError if the model knows none, or several."""
        return _direction(name, self.known, self.writer)

    def convert(
        self, names: Sequence[str], places: FilePlaces, *, processes: int = 1, on_progress: Progress | None = None
    ) -> list[Outcome[Converted]]:
        """The outcome of each file, with the errors of `convert_files`."""
        outcomes: dict[str, Outcome[Converted]] = {}
        groups: dict[tuple[str, str], list[str]] = {}
        for name in names:
            try:
                groups.setdefault(self.direction(name), []).append(name)
            except BytesimError as error:
                outcomes[name] = Outcome(name, error=error.in_file("stdin" if name == STDIO else name))
        only_confident = self.settings.only_confident
        for pair, members in groups.items():
            direction = file_direction(*pair)
            if only_confident:
                _check_confidence(self.writer, direction)
            prepared = _read(members, places.of(pair[1]))
            run = Run(direction=direction, prepared=prepared, force=places.force, on_progress=on_progress)
            _convert(run, self.writer, find_check(self.settings.check, pair[1]), only_confident, processes)
            outcomes.update((outcome.source, outcome) for outcome in run.in_order())
        return [outcomes[name] for name in names]


def _convert(run: Run, writer: Writer, check: Check | None, only_confident: bool, jobs: int) -> None:
    """Convert all files that could be read; each is written as it ends."""
    prepared = run.jobs()
    sources = [job.data for _, job in prepared]
    meter = Meter(sum(map(len, sources)), run.direction.growth, run.on_progress)
    answers = file_answers(writer, sources, run.direction, check=check, jobs=jobs, on_bytes=meter.add)
    for row, answer in answers:
        index, job = prepared[row]
        try:
            run.keep(index, job, _write(run, writer, job, answer, only_confident))
        except BytesimError as error:
            run.refuse(index, job, error)


def _write(run: Run, writer: Writer, job: Job, answer: FileAnswer | BytesimError, only_confident: bool) -> Converted:
    """Write the file of an answer. Raises BytesimError if there is none, or it is refused."""
    if isinstance(answer, BytesimError):
        raise answer
    if only_confident and not answer.confident:
        raise DecodeError(
            f"the answer is not confident: {answer.doubt}. Nothing is written. To see the answer, leave out "
            "--only-confident."
        )
    run.write(job, answer.data)
    result = converted(
        job,
        answer.data,
        "model",
        model=writer.name,
        nll_nats=answer.nll_nats,
        confident=answer.confident,
    )
    return replace(result, mended=answer.mended, doubt=answer.doubt or "", candidates=answer.candidates)


def _check_confidence(writer: Writer, direction: Direction) -> None:
    """Raise ModelError if the model's card does not tell which answers of a conversion are confident."""
    if answer_confidence(writer, direction) is None:
        raise ModelError(
            f"the card of {writer.name!r} does not tell which answers are confident, so --only-confident would refuse "
            "all of them. Leave it out."
        )


def _read(names: Sequence[str], places: Places) -> list[tuple[str, Prepared]]:
    return prepare(names, lambda name: file_jobs(name, places))


def _direction(name: str, known: Sequence[tuple[str, str]], writer: Writer) -> tuple[str, str]:
    """The pair of suffixes for a source. Raises InputError if the model knows none, or several."""
    suffix = suffix_of(name)
    fitting = known if name == STDIO else [pair for pair in known if pair[0] == suffix]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f".{source} to .{target}" for source, target in known) or "nothing of the kind"
    if fitting:
        raise InputError(f"the model {writer.name!r} converts {listed}. Say which with --to, or name a file.")
    raise InputError(f"the model {writer.name!r} reads no .{suffix} files; it converts {listed}.")
