"""The answers of a model to files of any kind: decoded, checked, and confident or not. Must not import the rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.errors import BytesimError, DecodeError, FormatError
from bytesim.formats.checks import Check
from bytesim.predictors.confidence import AnswerBound, direction_of, nll_nats, read_answer_bound
from bytesim.predictors.writer import Writer
from bytesim.requests import Reply
from bytesim.tasks.convert.direction import Answer, Direction
from bytesim.tasks.convert.finish_file import finish_file
from bytesim.tasks.convert.model import check_ended, convert_all


@dataclass(frozen=True, kw_only=True)
class FileAnswer:
    """A file that a model wrote, and passed its check."""

    data: bytes
    mended: tuple[str, ...]
    """The repairs that were made."""
    surprise_nats: float
    """Negative log-likelihood of the answer under the model, in nats."""
    confident: bool | None
    """Whether the answer is confident; None if the model's card has no bound for this conversion."""


def file_direction(source_suffix: str, target_suffix: str) -> Direction:
    """The conversion of files of one suffix to another, unchanged but for repairs of MIDI."""
    return Direction(source=source_suffix, target=target_suffix, finish=partial(finish_file, target_suffix))


def answer_bound(writer: Writer, direction: Direction) -> AnswerBound | None:
    """The bound of confident answers of a conversion; None if the model's card has none. Raises ModelError."""
    return read_answer_bound(writer.folder, direction_of(direction.suffixes))


def file_answers(
    writer: Writer,
    sources: Sequence[bytes],
    direction: Direction,
    *,
    check: Check | None = None,
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
) -> Iterator[tuple[int, FileAnswer | BytesimError]]:
    """Convert all sources; yields (index, answer) as each ends, or (index, error) for one that failed.

    An error is a ContextError for a source that is too long, or a DecodeError for an answer that did not end, does not
    parse or does not pass the check. `slots` files are decoded at a time in each of `jobs` processes.
    """
    bound = answer_bound(writer, direction)
    for index, reply in convert_all(writer, sources, direction, slots=slots, jobs=jobs, on_bytes=on_bytes):
        try:
            yield index, _answer(reply, writer, direction, check, bound)
        except BytesimError as error:
            yield index, error


def _answer(
    reply: Reply | BytesimError, writer: Writer, direction: Direction, check: Check | None, bound: AnswerBound | None
) -> FileAnswer:
    """The file of a reply. Raises BytesimError if there is none."""
    if isinstance(reply, BytesimError):
        raise reply
    check_ended(reply, writer)
    answer = direction.finish(reply, None, None)
    if check is not None:
        _check(answer, check)
    nats = nll_nats(reply.data, reply.token_nats, direction.target)
    confident = None if bound is None else nats <= bound.most_nats
    return FileAnswer(data=answer.data, mended=answer.mended, surprise_nats=nats, confident=confident)


def _check(answer: Answer, check: Check) -> None:
    """Raise DecodeError, with the place in the answer, if it does not pass the check."""
    try:
        check(answer.data)
    except FormatError as error:
        place = "" if error.offset is None else f" at byte {error.offset} of {len(answer.data)}"
        raise DecodeError(
            f"the model's answer is not valid{place}: {error.message} Nothing is written. To write it all the same, "
            "use --check none."
        ) from error
