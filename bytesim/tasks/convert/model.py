"""Conversion by a model only. This file must not use the rules, nor the programs that judge the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.errors import BytesimError, DecodeError, ModelError
from bytesim.files import Progress
from bytesim.predictors.confidence import AnswerBound, direction_of, nll_nats, read_answer_bound
from bytesim.predictors.writer import Writer
from bytesim.requests import Reply, Request
from bytesim.tasks.convert.direction import Direction, MusicDirection
from bytesim.tasks.convert.jobs import Job
from bytesim.tasks.convert.run import Converted, Run, converted


def by_model(run: Run, writer: Writer, *, processes: int = 1) -> None:
    """Convert all files that the model can read, in `processes` on a CPU; each is written as it ends.

    Raises ModelError for the engine auto if there is neither a calibration nor a proof of right answers.
    """
    jobs = [(index, job) for index, job in run.jobs() if job.unread is None]
    bound = _answer_bound(run, writer)
    meter = Meter(sum(len(job.data) for _, job in jobs), run.direction.growth, run.on_progress)
    sources = [job.data for _, job in jobs]
    for row, reply in convert_all(writer, sources, run.direction, jobs=processes, on_bytes=meter.add):
        index, job = jobs[row]
        try:
            run.keep(index, job, _write(run, writer, job, reply, bound))
        except BytesimError as error:
            run.refuse(index, job, error)


def _answer_bound(run: Run, writer: Writer) -> AnswerBound | None:
    """The bound of confident answers of this direction in the model's card; None if the card has none."""
    if not isinstance(run.direction, MusicDirection):
        return None
    bound = read_answer_bound(writer.folder, direction_of(run.direction.suffixes))
    if run.engine == "auto" and bound is None and not run.direction.proves:
        raise ModelError(
            f"the card of {writer.name!r} has no calibration, so its answers are never known to be confident. "
            "The engine auto needs one; make it with `bytesim evaluate convert --calibrate`."
        )
    return bound


def convert_all(
    writer: Writer,
    sources: Sequence[bytes],
    direction: Direction,
    *,
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
) -> Iterator[tuple[int, Reply | BytesimError]]:
    """Convert all sources, `slots` at a time in each of `jobs` processes; a GPU is used by one process only.

    Yields (index, reply) as each ends, or (index, ContextError) for a source that is too long.
    """
    requests: list[Request] = []
    indices: list[int] = []
    for index, source in enumerate(sources):
        try:
            request = writer.model.frame(direction.asked(source), grammar=direction.grammar)
        except BytesimError as error:
            yield index, error
        else:
            requests.append(request)
            indices.append(index)
    for row, reply in writer.answers(requests, slots=slots, jobs=jobs, on_bytes=on_bytes):
        yield indices[row], reply


def check_ended(reply: Reply, writer: Writer) -> None:
    """Raise DecodeError for a reply that filled the history."""
    if not reply.ended:
        config = writer.model.config
        raise DecodeError(
            f"the answer did not end within the model's history of {config.max_patches} patches of {config.patch_size} "
            f"bytes, source included; it had {len(reply.data)} bytes. Nothing is written. Convert a shorter piece, or "
            "choose another engine or model."
        )


def _write(run: Run, writer: Writer, job: Job, reply: Reply | BytesimError, bound: AnswerBound | None) -> Converted:
    """Write the file of a reply. Raises BytesimError if it is invalid, and for the engine auto if it may be wrong."""
    if isinstance(reply, BytesimError):
        raise reply
    check_ended(reply, writer)
    answer = run.direction.finish(reply, job.title, job.bpm)
    nats = nll_nats(reply.data, reply.token_nats, run.direction.target)
    confident = None if bound is None else nats <= bound.most_nats
    if run.engine == "auto" and run.proof is not None:
        confident = _proven(run, job, answer.data)
    elif run.engine == "auto" and not confident:
        raise DecodeError("the model is not confident of its answer.")
    run.write(job, answer.data)
    return converted(
        job,
        answer.data,
        "model",
        model=writer.name,
        mended=answer.mended,
        surprise_nats=nats,
        sure=confident,
        verified=run.verified(job, answer.data),
    )


def _proven(run: Run, job: Job, data: bytes) -> bool:
    """True if rendering the answer gives the notes of the source, else raises DecodeError."""
    assert run.proof is not None
    try:
        verification = run.proof(job, data)
    except BytesimError as error:
        raise DecodeError(f"the model's answer cannot be rendered ({error.message}).") from error
    if not verification.same:
        raise DecodeError(
            f"{verification.engine} renders other notes from the model's answer (note F1 {verification.note_f1:.4f})."
        )
    return True


class Meter:
    """Counts bytes written and reports them with an estimate of their total."""

    def __init__(self, source_bytes: int, growth: float, on_progress: Progress | None) -> None:
        self.done = 0
        self.expected = int(source_bytes * growth)
        self.on_progress = on_progress

    def add(self, num_bytes: int) -> None:
        """Add `num_bytes` to the bytes written."""
        self.done += num_bytes
        if self.on_progress:
            self.on_progress(self.done, max(self.expected, self.done))
