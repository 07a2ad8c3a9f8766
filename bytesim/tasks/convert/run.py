"""A run of convert: many files decoded as one batch, each written as it ends. No rules in here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bytesim.errors import BytesimError, ContextError, DecodeError, ModelError
from bytesim.files import Outcome, write_output
from bytesim.tasks.convert.jobs import Job, Prepared

if TYPE_CHECKING:
    from bytesim.predictors.writer import Writer
    from bytesim.requests import Reply
    from bytesim.tasks.convert.model import Answer
    from bytesim.tasks.convert.rules import Verification
from bytesim.files import Progress


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

    suffixes: tuple[str, str]
    """(source, target)."""
    prepared: list[tuple[str, Prepared]]
    force: bool
    verify: Callable[[Job, bytes], Verification] | None = None
    """Compares a written file with what it should be."""
    proof: Callable[[Job, bytes], Verification] | None = None
    """Decides, where only sure answers are to be used, in place of the model's surprise."""
    draw: Callable[[Job, bytes], bytes] | None = None
    """Draws a written file."""
    on_progress: Progress | None = None
    sure_only: bool = False
    """Whether an answer that the model is not sure of is an error."""
    outcomes: dict[int, Outcome[Converted]] = field(default_factory=dict)

    def jobs(self) -> list[tuple[int, Job]]:
        """(place among the outcomes, job) of everything that could be read."""
        return [(index, each) for index, (_, each) in enumerate(self.prepared) if isinstance(each, Job)]

    def write(self, job: Job, data: bytes) -> None:
        """Write a file, then its picture where one was asked for. Raises OutputError, and what drawing raises."""
        write_output(job.target, data, force=self.force)
        if self.draw is None or job.picture is None:
            return
        try:
            write_output(job.picture, self.draw(job, data), force=self.force)
        except BytesimError as error:
            error.message = f"{job.target} is written, but could not be drawn: {error.message}"
            raise

    def unanswered(self, index: int) -> bool:
        """Whether the model was not asked for the file at that place, or gave no answer that is to be used."""
        return index not in self.outcomes or isinstance(self.outcomes[index].error, (ContextError, DecodeError))

    def finish(self, index: int, job: Job, work: Callable[[], Converted]) -> None:
        """Do the last of a file's work, and keep its result or error."""
        try:
            outcome = Outcome(job.source, result=work())
        except BytesimError as error:
            outcome = Outcome(job.source, error=job.located(error))
        self.outcomes[index] = outcome

    def in_order(self) -> list[Outcome[Converted]]:
        """Every outcome, errors of reading among them, in the order of the sources."""
        for index, (source, each) in enumerate(self.prepared):
            if isinstance(each, BytesimError):
                self.outcomes[index] = Outcome(source, error=each)
        return [self.outcomes[index] for index in sorted(self.outcomes)]


def by_model(run: Run, writer: Writer, *, processes: int = 1) -> None:
    """Decode all files that the model can read, writing each as it ends; `processes` as `decode_all` takes `jobs`."""
    from bytesim.predictors.confidence import direction_of, nll_nats, read_answer_bound
    from bytesim.tasks.convert.model import MUSIC_GRAMMARS, check_ended, decode_all

    jobs = [(index, job) for index, job in run.jobs() if job.unread is None]
    plain = any(job.plain for _, job in jobs)
    calibration = None if plain else read_answer_bound(writer.folder, direction_of(run.suffixes))
    if run.sure_only and calibration is None and run.proof is None:
        raise ModelError(
            f"the card of {writer.name!r} does not say when it is sure. --engine auto needs that; "
            "`bytesim evaluate convert --calibrate` finds it out."
        )
    meter = _Meter(sum(len(job.data) for _, job in jobs), run.suffixes, run.on_progress)

    def on_reply(row: int, reply: Reply | BytesimError) -> None:
        index, job = jobs[row]

        def work() -> Converted:
            if isinstance(reply, BytesimError):
                raise reply
            check_ended(reply, writer)
            answer = _finished(job, reply, run.suffixes[1])
            nats = nll_nats(reply.data, reply.token_nats, run.suffixes[1])
            sure = None if calibration is None else nats <= calibration.most_nats
            if run.proof:
                sure = _proven(run.proof, job, answer.data)
            elif run.sure_only and not sure:
                raise DecodeError("the model is not sure of its answer.")
            run.write(job, answer.data)
            return converted(
                job,
                answer.data,
                "model",
                model=writer.name,
                mended=answer.mended,
                surprise_nats=nats,
                sure=sure,
                verified=_verified(run, job, answer.data),
            )

        run.finish(index, job, work)

    grammar = None if plain else MUSIC_GRAMMARS[run.suffixes[1]]
    sources = [job.data for _, job in jobs]
    decode_all(writer, sources, run.suffixes, on_reply, grammar=grammar, jobs=processes, on_bytes=meter.add)


def _finished(job: Job, reply: Reply, suffix: str) -> Answer:
    from bytesim.tasks.convert.model import finish_abc, finish_any, finish_midi

    if job.plain:
        return finish_any(reply, suffix)
    finish = finish_midi if suffix == "mid" else finish_abc
    return finish(reply, title=job.title, bpm=job.bpm)


def _proven(proof: Callable[[Job, bytes], Verification], job: Job, data: bytes) -> bool:
    """True. Raises DecodeError for an answer that is not proven right."""
    try:
        seen = proof(job, data)
    except BytesimError as error:
        raise DecodeError(f"the model's answer cannot be played ({error.message}).") from error
    if not seen.same:
        raise DecodeError(f"{seen.engine} plays other notes from the model's answer (note F1 {seen.note_f1:.4f}).")
    return True


def _verified(run: Run, job: Job, data: bytes) -> Verification | None:
    if run.verify is None:
        return None
    try:
        return run.verify(job, data)
    except BytesimError as error:
        error.message = f"{job.target} is written, but could not be verified: {error.message}"
        raise


def converted(
    job: Job,
    data: bytes,
    engine: str,
    *,
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


_GROWTH = {("abc", "mid"): 6.0, ("mid", "abc"): 0.2}
"""Bytes written for each byte read, about."""


class _Meter:
    """Counts bytes written against an estimate of how many there will be."""

    def __init__(self, source_bytes: int, suffixes: tuple[str, str], on_progress: Progress | None) -> None:
        self.done = 0
        self.expected = int(source_bytes * _GROWTH.get(suffixes, 1.0))
        self.on_progress = on_progress

    def add(self, num_bytes: int) -> None:
        self.done += num_bytes
        if self.on_progress:
            self.on_progress(self.done, max(self.expected, self.done))
