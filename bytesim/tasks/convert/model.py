"""Conversion by a model only. This file must not use the rules, nor the programs that judge the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.errors import BytesimError, ContextError, DecodeError
from bytesim.files import Progress
from bytesim.formats.grammar import GrammarMaker
from bytesim.predictors.confidence import AnswerBound, direction_of, nll_nats, read_answer_bound
from bytesim.predictors.writer import Writer
from bytesim.requests import Reply, Request
from bytesim.tasks.convert.direction import Direction
from bytesim.tasks.convert.jobs import Job
from bytesim.tasks.convert.run import Converted, Run, converted


def by_model(run: Run, writer: Writer, *, processes: int = 1) -> None:
    """Convert all tunes that the model can read, in `processes` on a CPU; each is written as it ends."""
    jobs = [(index, job) for index, job in run.jobs() if job.unread is None]
    bound = read_answer_bound(writer.folder, direction_of(run.direction.suffixes))
    meter = Meter(sum(len(job.data) for _, job in jobs), run.direction.growth, run.on_progress)
    sources = [job.data for _, job in jobs]
    for row, reply in convert_all(writer, sources, run.direction, jobs=processes, on_bytes=meter.add):
        index, job = jobs[row]
        try:
            run.keep(index, job, _write(run, writer, job, reply, bound))
        except BytesimError as error:
            if isinstance(error, ContextError):
                error.message += " Or use --engine auto or rules."
            run.refuse(index, job, error)


def convert_all(
    writer: Writer,
    sources: Sequence[bytes],
    direction: Direction,
    *,
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
    grammars: Sequence[GrammarMaker | None] | None = None,
) -> Iterator[tuple[int, Reply | BytesimError]]:
    """Convert all sources, `slots` at a time in each of `jobs` processes; a GPU is used by one process only.

    `grammars` has a grammar for each source, or None for that of the direction. Yields (index, reply) as each ends, or
    (index, ContextError) for a source that is too long, or whose answer would be.
    """
    requests: list[Request] = []
    indices: list[int] = []
    for index, source in enumerate(sources):
        try:
            grammar = grammars[index] if grammars else None
            request = framed(writer, source, direction, grammar=grammar or direction.grammar)
        except BytesimError as error:
            yield index, error
        else:
            requests.append(request)
            indices.append(index)
    for row, reply in writer.answers(requests, slots=slots, jobs=jobs, on_bytes=on_bytes):
        yield indices[row], reply


def framed(writer: Writer, source: bytes, direction: Direction, **options: Any) -> Request:
    """The request that converts a source; `options` are other fields of `Request`.

    Raises ContextError for a source that is too long, or whose answer would be.
    """
    request = writer.frame(direction.asked(source), **options)
    _check_room(request, source, direction)
    return _limited(request, source, direction)


def _check_room(request: Request, source: bytes, direction: Direction) -> None:
    """Raise ContextError if the answer cannot fit into the model's history."""
    patches, size = request.history.shape
    room = (request.max_patches - patches) * size
    if direction.least is not None and (least := direction.least(source)) > room:
        raise ContextError(
            f"the file is too long for the model: its answer has at least {least:,} bytes, and {room:,} are left."
        )


def _limited(request: Request, source: bytes, direction: Direction) -> Request:
    """The request with at most as many bytes as the direction allows for the answer."""
    if direction.most is None:
        return request
    patches, size = request.history.shape
    return replace(request, max_patches=min(request.max_patches, patches + -(-direction.most(source) // size) + 1))


def check_ended(reply: Reply, writer: Writer) -> None:
    """Raise DecodeError for a reply that filled the history."""
    if not reply.ended:
        config = writer.config
        raise DecodeError(
            f"the answer did not end within the model's history of {config.max_patches} patches of {config.patch_size} "
            f"bytes, source included; it had {len(reply.data)} bytes. Nothing is written. Convert a shorter piece, or "
            "choose another engine or model."
        )


def _write(run: Run, writer: Writer, job: Job, reply: Reply | BytesimError, bound: AnswerBound | None) -> Converted:
    """Write the file of a reply. Raises BytesimError if it is invalid."""
    if isinstance(reply, BytesimError):
        raise reply
    check_ended(reply, writer)
    answer = run.direction.finish(reply, job.title, job.bpm)
    nats = nll_nats(reply.data, reply.token_nats, run.direction.target)
    # An answer to a source that was cut down in sound is never confident.
    confident = None if bound is None else nats <= bound.most_nats and not job.unheard
    run.write(job, answer.data)
    return replace(
        converted(job, answer.data, "model", model=writer.name, nll_nats=nats, confident=confident),
        mended=answer.mended,
        routine=(*job.routine, *answer.routine),
        verified=run.verified(job, answer.data),
    )


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
