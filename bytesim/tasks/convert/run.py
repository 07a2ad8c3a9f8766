"""A run of convert: sources that were read, and what became of each. No rules are imported here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bytesim.errors import BytesimError, ContextError, DecodeError
from bytesim.files import Outcome, Progress, write_output
from bytesim.tasks.convert.direction import Direction, MusicDirection
from bytesim.tasks.convert.jobs import Job, Prepared

if TYPE_CHECKING:
    from bytesim.tasks.convert.rules import Verification


@dataclass(frozen=True, kw_only=True)
class Converted:
    """One file written."""

    source: str
    tune: int | None
    """Its number in a tune book; None where the source holds one."""
    output: str
    """The file written; `-` is stdout."""
    picture: str | None
    """The picture drawn of it, where one was asked for."""
    engine: str
    """model, or the program that did it: abc2midi, music21, midi2abc."""
    engine_version: str | None
    """Of that program, such as `5.02`; None for the model."""
    model: str | None
    """The model's name."""
    num_bytes: int
    title: str | None = None
    bpm: float | None = None
    """Quarter notes a minute, where the source says."""
    dropped: tuple[str, ...] = ()
    """What of the source is not in the output, or was changed before the model read it."""
    mended: tuple[str, ...] = ()
    """What was put right in the model's output."""
    surprise_nats: float | None = None
    """Surprise of the model at its own answer, guessed track lengths left out: exp(-it) is what it gave the file."""
    sure: bool | None = None
    """Whether answers of no more surprise were nearly all right, or playing this one showed that it is; None where
    neither is known."""
    asked_rules: str = ""
    """Engine auto: why the rules did it."""
    verified: Verification | None = None


@dataclass(kw_only=True)
class Run:
    """What the files of one call share."""

    direction: Direction
    prepared: list[tuple[str, Prepared]]
    """(source, what is to be written, or why it is not) in the order of the sources."""
    engine: str = "model"
    verify: bool = False
    """Whether a written file is compared with what it should be."""
    force: bool
    on_progress: Progress | None = None
    outcomes: dict[int, Outcome[Converted]] = field(default_factory=dict)

    @property
    def proof(self) -> Callable[[Job, bytes], Verification] | None:
        """What decides for engine auto, in place of the model's confidence; None where nothing does."""
        direction = self.direction
        return direction.verify if isinstance(direction, MusicDirection) and direction.proves else None

    def jobs(self) -> list[tuple[int, Job]]:
        """(index among the outcomes, job) of everything that could be read."""
        return [(index, job) for index, (_, job) in enumerate(self.prepared) if isinstance(job, Job)]

    def write(self, job: Job, data: bytes) -> None:
        """Write a file, then its picture where one was asked for. Raises OutputError, and what drawing raises."""
        write_output(job.target, data, force=self.force)
        if job.picture is None or not isinstance(self.direction, MusicDirection):
            return
        try:
            write_output(job.picture, self.direction.draw(job, data, self.verify), force=self.force)
        except BytesimError as error:
            error.message = f"{job.target} is written, but could not be drawn: {error.message}"
            raise

    def verified(self, job: Job, data: bytes) -> Verification | None:
        """How a written file compares with what it should be, where that was asked for. Raises what stopped that."""
        if not self.verify or not isinstance(self.direction, MusicDirection):
            return None
        try:
            return self.direction.verify(job, data)
        except BytesimError as error:
            error.message = f"{job.target} is written, but could not be verified: {error.message}"
            raise

    def by_rules(self, jobs: list[tuple[int, Job]]) -> None:
        """Convert these jobs by the rules, writing each."""
        assert isinstance(self.direction, MusicDirection), "only music has rules"
        for done, (index, job) in enumerate(jobs, start=1):
            refused = self.outcomes[index].error if index in self.outcomes else job.unread
            reason = refused.message if refused else ""
            if reason:  # what was changed for the model is not changed for the rules
                job = replace(job, dropped=())
            try:
                answer = self.direction.by_rules(job)
                self.write(job, answer.data)
                result = converted(
                    job,
                    answer.data,
                    answer.engine,
                    engine_version=answer.version,
                    remarks=answer.remarks,
                    asked_rules=reason,
                )
                self.keep(index, job, result)
            except BytesimError as error:
                self.refuse(index, job, error)
            if self.on_progress:
                self.on_progress(done, len(jobs))

    def unanswered(self, index: int) -> bool:
        """Whether the model was not asked for the file at that index, or gave no answer that is to be used."""
        return index not in self.outcomes or isinstance(self.outcomes[index].error, (ContextError, DecodeError))

    def keep(self, index: int, job: Job, result: Converted) -> None:
        """Note what was written."""
        self.outcomes[index] = Outcome(job.source, result=result)

    def refuse(self, index: int, job: Job, error: BytesimError) -> None:
        """Note why nothing, or not all, was written."""
        self.outcomes[index] = Outcome(job.source, error=job.located(error))

    def in_order(self) -> list[Outcome[Converted]]:
        """Every outcome, errors of reading among them, in the order of the sources."""
        for index, (source, prepared) in enumerate(self.prepared):
            if isinstance(prepared, BytesimError):
                self.outcomes[index] = Outcome(source, error=prepared)
        return [self.outcomes[index] for index in sorted(self.outcomes)]


def converted(
    job: Job,
    data: bytes,
    engine: str,
    *,
    engine_version: str | None = None,
    model: str | None = None,
    remarks: tuple[str, ...] = (),
    asked_rules: str = "",
    mended: tuple[str, ...] = (),
    surprise_nats: float | None = None,
    sure: bool | None = None,
    verified: Verification | None = None,
) -> Converted:
    """The result of a job; `remarks` are what an engine says it left out."""
    return Converted(
        source=job.source,
        tune=job.tune,
        output=str(job.target),
        picture=None if job.picture is None else str(job.picture),
        engine=engine,
        engine_version=engine_version,
        model=model,
        num_bytes=len(data),
        title=job.title,
        bpm=job.bpm,
        dropped=(*job.dropped, *remarks),
        mended=mended,
        surprise_nats=surprise_nats,
        sure=sure,
        asked_rules=asked_rules,
        verified=verified,
    )
