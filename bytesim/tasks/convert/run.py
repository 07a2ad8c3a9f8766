"""A run of convert: the sources that were read, and their outcomes. This file must not import the rules."""

from __future__ import annotations

from dataclasses import dataclass, field

from bytesim.errors import BytesimError, ContextError, DecodeError
from bytesim.files import Outcome, Progress, write_output
from bytesim.tasks.convert.direction import Direction, MusicDirection, Verification
from bytesim.tasks.convert.jobs import Job, Prepared


@dataclass(frozen=True, kw_only=True)
class Converted:
    """One converted file."""

    source: str
    tune: int | None
    """Its number in a tune book; None if the source holds one tune."""
    output: str
    """The file written; `-` is stdout."""
    picture: str | None
    """Path of its picture; None if none was drawn."""
    engine: str
    """model, or the program that converted the file: abc2midi, music21, midi2abc."""
    engine_version: str | None
    """Version of that program, such as `5.02`; None for the model."""
    model: str | None
    """Name of the model; None if the rules converted the file."""
    num_bytes: int
    title: str | None = None
    bpm: float | None = None
    """Quarter notes per minute; None if the source does not give them."""
    dropped: tuple[str, ...] = ()
    """Parts of the source that are not in the output, and changes made before the model read it."""
    mended: tuple[str, ...] = ()
    """Repairs of the model's output."""
    routine: tuple[str, ...] = ()
    """Changes and repairs that come with nearly every file, such as track lengths."""
    corrections: int = 0
    """Engine auto: notes of the model's answer that were corrected after playing it."""
    closeness: float | None = None
    """Engine auto, MIDI to ABC: note F1 of the written tune, played by the rules, and the source; 1 is the same notes.
    For a source that the model cannot read, notes are compared within a 64th note. None if it was not measured."""
    nll_nats: float | None = None
    """Negative log-likelihood of the answer under the model, in nats, without track lengths, which are guesses."""
    confident: bool | None = None
    """Whether the answer is confident: it lies within the calibrated bound, or was verified by rendering it. None if
    there is no calibration."""
    doubt: str = ""
    """Learned converters: why the answer is not confident; empty if it is, or if there is no calibration."""
    candidates: int = 1
    """Learned converters: answers of the model that were compared, because the first failed a check."""
    asked_rules: str = ""
    """Engine auto: why the rules converted the file."""
    verified: Verification | None = None
    """The comparison with the expected notes; None if it was not asked for."""


@dataclass(kw_only=True)
class Run:
    """The settings of one call, its jobs and their outcomes."""

    direction: Direction
    prepared: list[tuple[str, Prepared]]
    """(source, its job or its error) in the order of the sources."""
    engine: str = "model"
    verify: bool = False
    """Whether the notes of written files are compared with the expected ones."""
    force: bool
    on_progress: Progress | None = None
    outcomes: dict[int, Outcome[Converted]] = field(default_factory=dict)
    """Index in `prepared` -> outcome."""

    def jobs(self) -> list[tuple[int, Job]]:
        """(index, job) of every source that could be read."""
        return [(index, job) for index, (_, job) in enumerate(self.prepared) if isinstance(job, Job)]

    def write(self, job: Job, data: bytes) -> None:
        """Write a file and, if asked for, its picture. Raises OutputError, and the errors of drawing."""
        write_output(job.target, data, force=self.force)
        if job.picture is None or not isinstance(self.direction, MusicDirection):
            return
        try:
            write_output(job.picture, self.direction.draw(job, data, self.verify), force=self.force)
        except BytesimError as error:
            error.message = f"{job.target} is written, but could not be drawn: {error.message}"
            raise

    def verified(self, job: Job, data: bytes) -> Verification | None:
        """The comparison of a written file with the expected notes; None if not asked for. Raises BytesimError."""
        if not self.verify or not job.data or not isinstance(self.direction, MusicDirection):
            return None
        try:
            return self.direction.verify(job, data)
        except BytesimError as error:
            error.message = f"{job.target} is written, but could not be verified: {error.message}"
            raise

    def by_rules(self, jobs: list[tuple[int, Job]]) -> None:
        """Convert these jobs by the rules, and write each."""
        assert isinstance(self.direction, MusicDirection), "rules exist for music only"
        for done, (index, job) in enumerate(jobs, start=1):
            try:
                answer = self.direction.by_rules(job)
                self.write(job, answer.data)
                version, remarks = answer.version, answer.remarks
                result = converted(job, answer.data, answer.engine, engine_version=version, remarks=remarks)
                self.keep(index, job, result)
            except BytesimError as error:
                self.refuse(index, job, error)
            if self.on_progress:
                self.on_progress(done, len(jobs))

    def unanswered(self, index: int) -> bool:
        """Whether the model was not asked for the file at this index, or its answer cannot be used."""
        return index not in self.outcomes or isinstance(self.outcomes[index].error, (ContextError, DecodeError))

    def keep(self, index: int, job: Job, result: Converted) -> None:
        """Store the result of a written file."""
        self.outcomes[index] = Outcome(job.source, result=result)

    def refuse(self, index: int, job: Job, error: BytesimError) -> None:
        """Store the error of a job that was not, or not completely, written."""
        self.outcomes[index] = Outcome(job.source, error=job.located(error))

    def in_order(self) -> list[Outcome[Converted]]:
        """All outcomes, including errors of reading, in the order of the sources."""
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
    nll_nats: float | None = None,
    confident: bool | None = None,
) -> Converted:
    """The result of a job; `remarks` name what an engine left out."""
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
        nll_nats=nll_nats,
        confident=confident,
    )
