"""`bytesim classify file`: what each file is, by a model that reads its bytes, and how probable that is."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial

import torch

from bytesim.engine.classify import DEFAULT_BATCH
from bytesim.engine.hardware import open_device
from bytesim.errors import BytesimError, ConfigError, InputError, ModelError, ToolError
from bytesim.files import STDIO, Outcome, expand_inputs, open_input, read_input
from bytesim.models.store import stored_models
from bytesim.predictors.classifier import Classifier, Reading, load_classifier
from bytesim.processes import EndedProcess, map_in_processes
from bytesim.tasks.classify.answers import TYPE_MODEL, Answer, Classified, answers_of

AUTO = "auto"
"""In place of a model: TYPE_MODEL is asked first, and then the one that its card names for that type."""

_SHARE_FILES = 64
_GROUP_BYTES = 16 << 20

Progress = Callable[[int, int], None]
"""Hears of (files done, files in all)."""


@dataclass(frozen=True, kw_only=True)
class _Settings:
    """What all files of a run share."""

    model: str
    top: int
    threshold: float | None
    device: str
    dtype: str
    batch: int


def classify_file(
    paths: Sequence[str | os.PathLike[str]],
    *,
    model: str = AUTO,
    top: int = 1,
    threshold: float | None = None,
    device: str = "auto",
    dtype: str = "float32",
    batch: int = DEFAULT_BATCH,
    jobs: int = 1,
    on_progress: Progress | None = None,
) -> list[Outcome[Classified]]:
    """Label files by their content. Folders are walked.

    `auto` asks the model `filetype`, and then the one that its card names for that type, where it is there. An answer
    less probable than `threshold` (without it, than the model's card says) is `unknown`. A file longer than the model's
    history is read in windows, as the answer says; of any file only those are read. `batch` windows go through the
    model at once, in each of `jobs` processes; a GPU is given one. Raises ConfigError, ModelError, and ToolError where
    a process is ended from outside; what is wrong with one file is in its outcome.
    """
    _check(top, threshold, batch, jobs)
    names = expand_inputs([os.fspath(path) for path in paths])
    settings = _Settings(model=model, top=top, threshold=threshold, device=device, dtype=dtype, batch=batch)
    alone = min(jobs, len(names)) == 1 or STDIO in names or open_device(device).type != "cpu"
    size = _SHARE_FILES if alone else max(1, min(_SHARE_FILES, len(names) // (4 * jobs)))
    shares = [names[start : start + size] for start in range(0, len(names), size)]
    outcomes: dict[int, list[Outcome[Classified]]] = {}
    done = 0
    with closing(_in_one(settings, shares) if alone else _in_many(settings, shares, jobs)) as answers:
        for place, share in answers:
            outcomes[place] = share
            done += len(share)
            if on_progress:
                on_progress(done, len(names))
    return [outcome for place in range(len(shares)) for outcome in outcomes[place]]


def _check(top: int, threshold: float | None, batch: int, jobs: int) -> None:
    for name, value in (("top", top), ("batch", batch), ("jobs", jobs)):
        if value < 1:
            raise ConfigError(f"{name} {value} is out of range; choose 1 or more.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"threshold {threshold} is no probability; choose 0 to 1.")


Shares = Generator[tuple[int, list[Outcome[Classified]]], None, None]


def _in_one(settings: _Settings, shares: Sequence[list[str]]) -> Shares:
    panel = _Panel(settings)
    for place, share in enumerate(shares):
        yield place, panel.judge(share)


def _in_many(settings: _Settings, shares: Sequence[list[str]], jobs: int) -> Shares:
    """The same by several processes."""
    _Panel(settings)  # what is wrong with the model is told before others are started
    threads = max(1, torch.get_num_threads() // jobs)
    try:
        yield from map_in_processes(partial(_start, settings, threads), _Panel.judge, shares, jobs=jobs)
    except EndedProcess as error:
        raise ToolError("a classifying process was ended, for lack of memory say. Take fewer jobs.") from error


def _start(settings: _Settings, threads: int) -> _Panel:
    torch.set_num_threads(threads)
    return _Panel(settings)


class _Panel:
    """The classifiers of a process. Those that a type leads to are loaded when the first file needs them."""

    def __init__(self, settings: _Settings) -> None:
        """Raises ModelError and ConfigError."""
        self.settings = settings
        self.loaded: dict[str, Classifier] = {}
        self.there = {found.name for found in stored_models()} if settings.model == AUTO else set()
        if settings.model == AUTO and TYPE_MODEL not in self.there:
            raise ModelError(f"model auto looks at the type of a file first, and no model {TYPE_MODEL!r} is there.")
        self.first = self.load(TYPE_MODEL if settings.model == AUTO else settings.model)

    def load(self, name: str) -> Classifier:
        if name not in self.loaded:
            asked = self.settings
            self.loaded[name] = load_classifier(name, device=asked.device, dtype=asked.dtype, batch=asked.batch)
        return self.loaded[name]

    def judge(self, sources: Sequence[str]) -> list[Outcome[Classified]]:
        """An outcome for each source, in their order."""
        files = [_File(source) for source in sources]
        self.ask(self.first, files)
        for name in sorted({self.next_model(file) for file in files} - {""}):
            self.ask(self.load(name), [file for file in files if self.next_model(file) == name])
        return [file.outcome() for file in files]

    def next_model(self, file: _File) -> str:
        """The model that knows more of a file of this type; empty where there is none."""
        if self.settings.model != AUTO or not file.answers:
            return ""
        name = self.first.next_models.get(file.answers[0].label, "")
        return name if name in self.there else ""

    def ask(self, classifier: Classifier, files: Sequence[_File]) -> None:
        """Give each file the model's answer, or the error that it cannot be read."""
        waiting: list[tuple[_File, Reading]] = []
        held = 0
        for file in files:
            try:
                reading = file.read(classifier)
            except BytesimError as error:
                file.error = error
                continue
            waiting.append((file, reading))
            held += sum(map(len, reading.windows))
            if held > _GROUP_BYTES:
                self.answer(classifier, waiting)
                waiting, held = [], 0
        self.answer(classifier, waiting)

    def answer(self, classifier: Classifier, waiting: Sequence[tuple[_File, Reading]]) -> None:
        if not waiting:
            return
        probabilities = classifier.scaling.probabilities(classifier.logits([reading for _, reading in waiting]))
        asked = self.settings
        answers = answers_of(classifier.doubting(asked.threshold), probabilities, asked.top)
        for (file, reading), answer in zip(waiting, answers, strict=True):
            file.num_bytes = reading.num_bytes
            file.answers.append(replace(answer, read=reading.told, changed=reading.changed))


class _File:
    """One source, and what is known of it so far."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.num_bytes = 0
        self.answers: list[Answer] = []
        self.error: BytesimError | None = None
        self.held: bytes | None = None
        """What a pipe held, which cannot be read twice."""

    def read(self, classifier: Classifier) -> Reading:
        """Raises InputError."""
        if self.held is None and (self.source == STDIO or not os.path.isfile(self.source)):
            self.held = read_input(self.source)
        with nullcontext(io.BytesIO(self.held)) if self.held is not None else open_input(self.source) as file:
            try:
                return classifier.read(file, self.source)
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror}.") from error

    def outcome(self) -> Outcome[Classified]:
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
