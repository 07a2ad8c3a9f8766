"""The engine auto: the model's answer if it is proven or confident, else the rules', else whichever is closest.

What it compares with comes from the functions of a direction; this file imports no rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from bytesim.errors import BytesimError, ContextError, DecodeError, ToolError
from bytesim.predictors.confidence import AnswerBound, direction_of, nll_nats, read_answer_bound
from bytesim.predictors.writer import Writer
from bytesim.requests import Reply
from bytesim.tasks.convert.direction import Answer, MusicDirection, RuleAnswer, Verification
from bytesim.tasks.convert.jobs import Job
from bytesim.tasks.convert.model import Meter, check_ended, convert_all
from bytesim.tasks.convert.run import Converted, Run, converted


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """An answer of the model that is not proven to be right."""

    answer: Answer
    nats: float
    corrections: int = 0
    """Notes that were corrected after decoding."""
    check: Verification | None = None
    """The comparison that it failed; None if nothing could play it."""


class _NotProvenError(DecodeError):
    def __init__(self, message: str, draft: _Draft) -> None:
        super().__init__(message)
        self.draft = draft


def by_auto(run: Run, writer: Writer, *, processes: int = 1) -> None:
    """Convert all files, and write each as soon as its engine is known."""
    direction = run.direction
    assert isinstance(direction, MusicDirection), "rules exist for music only"
    jobs = [(index, job) for index, job in run.jobs() if job.unread is None]
    bound, proves = read_answer_bound(writer.folder, direction_of(direction.suffixes)), direction.proves()
    meter = Meter(sum(len(job.data) for _, job in jobs), direction.growth, run.on_progress)
    grammars = [direction.constrain(job.data) if direction.constrain else None for _, job in jobs]
    sources = [job.data for _, job in jobs]
    drafts: dict[int, _Draft] = {}
    answers = convert_all(writer, sources, direction, jobs=processes, on_bytes=meter.add, grammars=grammars)
    for row, reply in answers:
        index, job = jobs[row]
        try:
            run.keep(index, job, _proven(run, writer, job, reply, bound if not proves else None, proves))
        except _NotProvenError as error:
            drafts[index] = error.draft
            run.refuse(index, job, error)
        except BytesimError as error:
            run.refuse(index, job, error)
    for index, job in run.jobs():
        if run.unanswered(index):
            _by_rules(run, writer, index, job, drafts.get(index))


def _proven(
    run: Run, writer: Writer, job: Job, reply: Reply | BytesimError, bound: AnswerBound | None, proves: bool
) -> Converted:
    """Write the model's answer if it is right. Raises _NotProvenError if it may be wrong, or another BytesimError."""
    direction = run.direction
    assert isinstance(direction, MusicDirection)
    if isinstance(reply, BytesimError):
        raise reply
    check_ended(reply, writer)
    answer = direction.finish(reply, job.title, job.bpm)
    draft = _Draft(answer=answer, nats=nll_nats(reply.data, reply.token_nats, direction.target))
    if not proves:
        if bound is None or draft.nats > bound.most_nats:
            raise _NotProvenError("the model is not confident of its answer.", draft)
        return _write(run, writer, job, draft, confident=True)
    draft = _checked(direction, job, draft)
    check = draft.check
    if check is None:
        raise _NotProvenError("nothing on this machine can play the model's answer.", draft)
    if not check.same:
        raise _NotProvenError(
            f"{check.engine} plays other notes from the model's answer (note F1 {check.note_f1:.4f}).", draft
        )
    if not check.sounds_same:
        raise _NotProvenError(f"{check.engine} plays the tune with other loudness, instruments or tempo.", draft)
    return _write(run, writer, job, draft, confident=True)


def _checked(direction: MusicDirection, job: Job, draft: _Draft) -> _Draft:
    """The draft with its comparison, after the correction of single notes if that is wrong."""
    try:
        draft = replace(draft, check=direction.verify(job, draft.answer.data))
        if draft.check is not None and not draft.check.same and direction.respell is not None:
            data, corrections = direction.respell(job, draft.answer.data)
            if corrections:
                answer = replace(draft.answer, data=data)
                return replace(draft, answer=answer, corrections=corrections, check=direction.verify(job, data))
    except ToolError:
        return draft
    except BytesimError as error:
        raise DecodeError(f"the model's answer cannot be played ({error.message}).") from error
    return draft


def _write(run: Run, writer: Writer, job: Job, draft: _Draft, *, confident: bool | None, reason: str = "") -> Converted:
    run.write(job, draft.answer.data)
    answer, check = draft.answer, draft.check
    return replace(
        converted(job, answer.data, "model", model=writer.name, nll_nats=draft.nats, confident=confident),
        mended=answer.mended,
        routine=(*job.routine, *answer.routine),
        corrections=draft.corrections,
        closeness=None if check is None else check.note_f1,
        verified=(check or run.verified(job, answer.data)) if run.verify else None,
        asked_rules=reason,
    )


@dataclass(frozen=True, kw_only=True)
class _Fallback:
    """An answer that a program made, and how close it is."""

    answer: RuleAnswer
    closeness: float | None
    """Note F1 with the source; None without a measure, as when the rules are the reference."""
    check: Verification | None


def _by_rules(run: Run, writer: Writer, index: int, job: Job, draft: _Draft | None) -> None:
    """Write the answer of the rules, or the draft if that is closer to the source or the rules fail."""
    direction = run.direction
    assert isinstance(direction, MusicDirection)
    refused = run.outcomes[index].error if index in run.outcomes else job.unread
    reason = refused.message if refused else ""
    if isinstance(refused, ContextError) and not reason.startswith("the file is too long"):
        reason = "the file is too long for the model."
    try:
        fallback = _closest(direction, job)
        if draft is None and fallback.closeness == 0.0 and job.unread is not None:
            raise job.unread  # not one note could be written
        if draft is not None and direction.closeness is not None and _is_closer(draft, fallback):
            result = _write(run, writer, job, draft, confident=False)
        else:
            result = replace(_write_fallback(run, job, fallback), asked_rules=reason)
        run.keep(index, job, result)
    except ToolError as error:
        _without_rules(run, writer, index, job, draft, error)
    except BytesimError as error:
        run.refuse(index, job, error)


def _is_closer(draft: _Draft, fallback: _Fallback) -> bool:
    """Whether the model's answer is closer; it also counts as closer if nothing can play either."""
    if fallback.closeness is None:
        return True
    return draft.check is not None and draft.check.note_f1 > fallback.closeness


def _closest(direction: MusicDirection, job: Job) -> _Fallback:
    """The answer of the rules, or that of the file's own notes if it is closer. Raises FormatError and ToolError."""
    failure: BytesimError | None = None
    best: _Fallback | None = None
    for convert in (direction.by_rules, direction.by_notes):
        answer = None
        try:
            answer = convert(job) if convert is not None else None
        except ToolError as error:
            failure = error
        if answer is not None:
            fallback = _measured(direction, job, answer)
            if best is None or (fallback.closeness or 0.0) > (best.closeness or 0.0):
                best = fallback
            if best.closeness in (None, 1.0):
                break
    if best is None:
        assert failure is not None
        raise failure
    return best


def _measured(direction: MusicDirection, job: Job, answer: RuleAnswer) -> _Fallback:
    closeness, check = None, None
    if direction.closeness is not None:
        try:
            check = direction.verify(job, answer.data) if job.data else None
            closeness = direction.closeness(job, answer.data) if check is None else check.note_f1
        except ToolError:
            closeness = None  # nothing is installed that plays it
        except BytesimError:
            closeness = 0.0
    return _Fallback(answer=answer, closeness=closeness, check=check)


def _write_fallback(run: Run, job: Job, fallback: _Fallback) -> Converted:
    answer = fallback.answer
    run.write(job, answer.data)
    # `dropped` are changes for the model; the rules read the source itself.
    plain = job if answer.as_read else replace(job, dropped=(), routine=(), unheard=())
    return replace(
        converted(plain, answer.data, answer.engine, engine_version=answer.version, remarks=answer.remarks),
        closeness=fallback.closeness,
        verified=fallback.check if run.verify else None,
    )


def _without_rules(run: Run, writer: Writer, index: int, job: Job, draft: _Draft | None, error: BytesimError) -> None:
    """Write the draft, although it may be wrong, for the rules failed; refuse without one."""
    try:
        if draft is None:
            if job.unread is not None:
                error.message = f"{job.unread.message.rstrip('.')}; by the rules: {error.message}"
            raise error
        run.keep(index, job, _write(run, writer, job, draft, confident=False))
    except BytesimError as failure:
        run.refuse(index, job, failure)
