"""`bytesim classify file`: label each file by its content, with a probability."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from bytesim.engine.classify import DEFAULT_BATCH
from bytesim.engine.gpus import runs_on_cpu
from bytesim.errors import BytesimError, ConfigError, EmptyError, InputError, ModelError, ToolError
from bytesim.files import STDIO, Inputs, Outcome, expand_inputs, open_input, read_input
from bytesim.models.store import find_model, stored_models
from bytesim.native.library import num_cores
from bytesim.predictors.classifier import Classifier, Reading, load_classifier
from bytesim.predictors.fits import Fits
from bytesim.processes import EndedProcess, map_in_processes
from bytesim.tasks.classify.answers import EMPTY, TYPE_MODEL, Answer, Classified, classify_readings, empty_answer

AUTO = "auto"
"""In place of a model name: TYPE_MODEL runs first, and then the model that its card names for that file type."""

_SHARE_FILES = 64
"""Files that a process receives at a time."""
_GROUP_BYTES = 16 << 20
"""Bytes of windows that are held in memory before the model runs on them."""

Progress = Callable[[int, int], None]
"""Called with (files done, files in all)."""


@dataclass(frozen=True, kw_only=True)
class PanelSettings:
    """The settings of a run, which apply to all files."""

    model: str = AUTO
    top: int = 1
    threshold: float | None = None
    device: str = "auto"
    dtype: str = "float32"
    engine_backend: str = "auto"
    batch: int = DEFAULT_BATCH
    then: bool = False

    def __post_init__(self) -> None:
        for name, value in (("top", self.top), ("batch", self.batch)):
            if value < 1:
                raise ConfigError(f"{name} {value} is out of range; choose 1 or more.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise ConfigError(f"threshold {self.threshold} is not a probability; choose 0 to 1.")


def classify_file(
    paths: Inputs,
    *,
    model: str = AUTO,
    top: int = 1,
    threshold: float | None = None,
    device: str = "auto",
    dtype: str = "float32",
    engine_backend: str = "auto",
    batch: int = DEFAULT_BATCH,
    jobs: int = 1,
    then: bool = False,
    on_progress: Progress | None = None,
) -> list[Outcome[Classified]]:
    """Label files by their content. Folders are searched for files; a file without a byte is `empty`.

    The model `auto` is the model `filetype`. It is followed by the model that its card names for the file's type, if
    that model exists and its own card says that such a file fits, or for every file of that type with `then`. An answer
    less probable than `threshold` is `unknown`; by default the model's card decides, and what its training files were
    like. A file longer than the model's
    history is read in windows, or only in part, as the answer says; no other bytes are read. `batch` windows go through
    the model at once, in each of `jobs` processes (on a GPU, in one process). Raises ConfigError, ModelError, and
    ToolError if a process is killed. The error of a single file is in its outcome.
    """
    if jobs < 1:
        raise ConfigError(f"jobs {jobs} is out of range; choose 1 or more.")
    names = expand_inputs(paths)
    settings = PanelSettings(
        model=model, top=top, threshold=threshold, device=device, dtype=dtype, engine_backend=engine_backend,
        batch=batch, then=then,
    )  # fmt: skip
    one_process = min(jobs, len(names)) == 1 or STDIO in names or not runs_on_cpu(device)
    size = _SHARE_FILES if one_process else max(1, min(_SHARE_FILES, len(names) // (4 * jobs)))
    shares = [names[start : start + size] for start in range(0, len(names), size)]
    outcomes: dict[int, list[Outcome[Classified]]] = {}
    done = 0
    with closing(_in_one(settings, shares) if one_process else _in_many(settings, shares, jobs)) as answers:
        for index, share in answers:
            outcomes[index] = share
            done += len(share)
            if on_progress:
                on_progress(done, len(names))
    return [outcome for index in range(len(shares)) for outcome in outcomes[index]]


Shares = Generator[tuple[int, list[Outcome[Classified]]], None, None]
"""(index of a share of the files, the outcomes of its files)."""


def _in_one(settings: PanelSettings, shares: Sequence[list[str]]) -> Shares:
    panel = Panel(settings)
    for index, share in enumerate(shares):
        yield index, panel.judge(share)


def _in_many(settings: PanelSettings, shares: Sequence[list[str]], jobs: int) -> Shares:
    """The same as `_in_one` with several processes; the shares come in any order."""
    Panel(settings)  # raises the errors of the model before processes are started
    try:
        yield from map_in_processes(partial(_start, settings, jobs), Panel.judge, shares, jobs=jobs)
    except EndedProcess as error:
        raise ToolError("a classifying process was killed, perhaps for lack of memory. Use fewer jobs.") from error


def _start(settings: PanelSettings, jobs: int) -> Panel:
    """The panel of one of `jobs` processes, which share the cores."""
    os.environ["OMP_NUM_THREADS"] = str(max(1, num_cores() // jobs))  # for torch, if it is loaded
    return Panel(settings)


class Panel:
    """The classifiers of a process. Each second model is loaded when the first file needs it."""

    def __init__(self, settings: PanelSettings) -> None:
        """Raises ModelError and ConfigError."""
        self.settings = settings
        self.loaded: dict[str, Classifier] = {}
        self.fits: dict[str, Fits] = {}
        self.available = {stored.name for stored in stored_models()} if settings.model == AUTO else set()
        if settings.model == AUTO and TYPE_MODEL not in self.available:
            raise ModelError(f"model auto needs the model {TYPE_MODEL!r}, which is not installed. Name another model.")
        self.first = self.load(TYPE_MODEL if settings.model == AUTO else settings.model)

    def load(self, name: str) -> Classifier:
        if name not in self.loaded:
            settings = self.settings
            self.loaded[name] = load_classifier(
                name,
                device=settings.device,
                dtype=settings.dtype,
                batch=settings.batch,
                engine_backend=settings.engine_backend,
            )
        return self.loaded[name]

    def judge(self, sources: Sequence[str]) -> list[Outcome[Classified]]:
        """The outcome of each source, in the given order."""
        files = [_File(source) for source in sources]
        self.classify(self.first, files)
        following = [(file, self.next_model(file)) for file in files]
        for name in sorted({name for _, name in following} - {""}):
            self.classify(self.load(name), [file for file, next_name in following if next_name == name])
        return [file.outcome() for file in files]

    def next_model(self, file: _File) -> str:
        """The name of the second model for a file of this type; empty if there is none."""
        if self.settings.model != AUTO or not file.answers or file.answers[0].label == EMPTY:
            return ""
        name = self.first.next_models.get(file.answers[0].label, "")
        if name not in self.available:
            return ""
        return name if self.settings.then or self.fits_model(file, name) else ""

    def fits_model(self, file: _File, name: str) -> bool:
        """Whether the card of a second model says that the file is one for it."""
        if name not in self.fits:
            self.fits[name] = Fits(find_model(name).folder)
        try:
            with file.open() as opened:
                return self.fits[name](opened)
        except BytesimError:  # the file has gone since the first model read it
            return False

    def classify(self, classifier: Classifier, files: Sequence[_File]) -> None:
        """Add the model's answer to each file, or the error if it cannot be read."""
        group: list[tuple[_File, Reading]] = []
        num_bytes = 0
        for file in files:
            try:
                reading = file.read(classifier)
            except EmptyError:
                file.answers.append(empty_answer(classifier.name))
                continue
            except BytesimError as error:
                file.error = error
                continue
            group.append((file, reading))
            num_bytes += sum(map(len, reading.windows))
            if num_bytes > _GROUP_BYTES:
                self.add_answers(classifier, group)
                group, num_bytes = [], 0
        self.add_answers(classifier, group)

    def add_answers(self, classifier: Classifier, group: Sequence[tuple[_File, Reading]]) -> None:
        """Run the model on a group of readings, and add each answer to its file."""
        asked = classifier.with_threshold(self.settings.threshold)
        answers = classify_readings(asked, [reading for _, reading in group], self.settings.top)
        for (file, reading), answer in zip(group, answers, strict=True):
            file.num_bytes = reading.num_bytes
            file.answers.append(answer)


class _File:
    """One source, with its answers so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.num_bytes = 0
        self.answers: list[Answer] = []
        self.error: BytesimError | None = None
        self.data: bytes | None = None
        """The content of stdin or a pipe, which cannot be read twice."""

    def read(self, classifier: Classifier) -> Reading:
        """The parts that the classifier needs. Raises InputError."""
        with self.open() as file:
            try:
                return classifier.read(file, self.source)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror}.") from error

    def open(self) -> AbstractContextManager[BinaryIO]:
        """The file, which can seek. Raises InputError."""
        if self.data is None and (self.source == STDIO or not os.path.isfile(self.source)):
            self.data = read_input(self.source)
        return nullcontext(io.BytesIO(self.data)) if self.data is not None else open_input(self.source)

    def outcome(self) -> Outcome[Classified]:
        """The answers, or the error if there are none."""
        if not self.answers:
            assert self.error is not None
            return Outcome(self.source, error=self.error.in_file("stdin" if self.source == STDIO else self.source))
        first, *others = self.answers
        result = Classified(
            source=self.source,
            num_bytes=self.num_bytes,
            answer=first,
            then=others[0] if others else None,
            then_error="" if self.error is None else self.error.message,
        )
        return Outcome(self.source, result=result)
