"""The answers of a model to files of any kind: decoded, checked, and confident or not. Must not import the rules.

Where an answer fails its check, or is not confident though it could be checked, more candidates are sampled, and the
likeliest one that passes is taken. If the model has also learned to convert back, that is a check, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bytesim.engine.decode import DEFAULT_SLOTS, OnBytes
from bytesim.errors import BytesimError, ContextError, DecodeError, FormatError
from bytesim.formats.checks import Check
from bytesim.predictors.confidence import direction_of, nll_nats
from bytesim.predictors.converter import Confidence, read_confidence
from bytesim.predictors.writer import Writer
from bytesim.requests import Reply, Sampling
from bytesim.tasks.convert.direction import Answer, Direction
from bytesim.tasks.convert.finish_file import finish_file
from bytesim.tasks.convert.model import check_ended, convert_all, framed

CANDIDATES = 8
"""Further answers that are sampled where the likeliest bytes do not give one that passes."""
TEMPERATURE = 0.8
BLOCK = 512
"""Sources that are converted, checked and sampled again before the next ones begin."""


@dataclass(frozen=True, kw_only=True)
class FileAnswer:
    """A file that a model wrote, and passed its check."""

    data: bytes
    raw: bytes
    """The bytes that the model wrote."""
    mended: tuple[str, ...]
    """The repairs that were made."""
    nll_nats: float
    """Negative log-likelihood of the answer under the model, in nats."""
    doubt: str | None
    """Why the answer is not confident, empty if it is; None if the model's card does not tell."""
    candidates: int = 1
    """How many answers were compared."""

    @property
    def confident(self) -> bool | None:
        """Whether the answer is confident; None if the model's card does not tell."""
        return None if self.doubt is None else not self.doubt


def file_direction(source_suffix: str, target_suffix: str) -> Direction:
    """The conversion of files of one suffix to another, unchanged but for repairs of MIDI."""
    return Direction(source=source_suffix, target=target_suffix, finish=partial(finish_file, target_suffix))


def answer_confidence(writer: Writer, direction: Direction) -> Confidence | None:
    """What the model's folder tells of confident answers; None if it tells nothing. Raises ModelError."""
    return read_confidence(writer.folder, direction_of(direction.suffixes))


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
    """Convert all sources; yields (index, answer), or (index, error) for one that failed.

    An error is a ContextError for a source that is too long, or a DecodeError if no candidate ends, parses and passes
    the check. `slots` files are decoded at a time in each of `jobs` processes.
    """
    confidence = answer_confidence(writer, direction)
    if confidence is not None:
        direction = replace(direction, most=confidence.bound.most_bytes)
    converter = _Converter(writer, direction, check, confidence, slots, jobs, on_bytes)
    for start in range(0, len(sources), BLOCK):
        answers = converter.answers(sources[start : start + BLOCK])
        yield from ((start + index, answer) for index, answer in answers.items())


@dataclass(frozen=True, slots=True)
class _Converter:
    """A model that converts, checks what it wrote, and tries again."""

    writer: Writer
    direction: Direction
    check: Check | None
    confidence: Confidence | None
    slots: int
    jobs: int
    on_bytes: OnBytes | None

    @property
    def back(self) -> Direction | None:
        """The conversion back to the source, if the model has learned it and the bounds ask for it."""
        asks = self.confidence is not None and self.confidence.bound.back
        return file_direction(self.direction.target, self.direction.source) if asks else None

    def answers(self, sources: Sequence[bytes]) -> dict[int, FileAnswer | BytesimError]:
        """The answers to some sources, by index, in order."""
        first = dict(self._replies(sources, self.direction))
        answers = self._judged(sources, [(index, first[index]) for index in range(len(sources))])
        best = {index: candidates[0] for index, candidates in answers.items()}
        again = [index for index, answer in best.items() if self._is_worth_sampling(sources[index], answer)]
        sampled = self._judged([sources[index] for index in again], self._samples([sources[index] for index in again]))
        for row, index in enumerate(again):
            best[index] = _likeliest([best[index], *sampled.get(row, [])])
        return {index: self._explained(sources[index], answer) for index, answer in best.items()}

    def _explained(self, source: bytes, answer: FileAnswer | BytesimError) -> FileAnswer | BytesimError:
        """An answer; an error of the model also says whether the source is unlike those it has learned from."""
        if not isinstance(answer, DecodeError) or self.confidence is None:
            return answer
        unlike = self.confidence.unlike(source)
        reason = f" The reason may be that {unlike}." if unlike else ""
        return DecodeError(f"{answer.message}{reason}", file=answer.file, offset=answer.offset)

    def _is_worth_sampling(self, source: bytes, answer: FileAnswer | BytesimError) -> bool:
        """Whether candidates may give a better answer: one that can be checked, to an input that is familiar."""
        if isinstance(answer, ContextError) or (self.check is None and self.back is None):
            return False
        familiar = self.confidence is None or self.confidence.is_familiar(source)
        return familiar and (isinstance(answer, BytesimError) or bool(answer.doubt))

    def _replies(self, sources: Sequence[bytes], direction: Direction) -> Iterator[tuple[int, Reply | BytesimError]]:
        return convert_all(self.writer, sources, direction, slots=self.slots, jobs=self.jobs, on_bytes=self.on_bytes)

    def _samples(self, sources: Sequence[bytes]) -> list[tuple[int, Reply | BytesimError]]:
        """CANDIDATES sampled replies to each source, with its index; equal ones occur once."""
        asked = [
            (index, framed(self.writer, source, self.direction, sampling=Sampling(temperature=TEMPERATURE, seed=seed)))
            for index, source in enumerate(sources)
            for seed in range(CANDIDATES)
        ]
        replies = self.writer.answers([request for _, request in asked], slots=self.slots, jobs=self.jobs)
        found = {(asked[row][0], reply.data, reply.ended): reply for row, reply in replies}
        return [(index, reply) for (index, _, _), reply in sorted(found.items(), key=lambda item: item[0])]

    def _judged(
        self, sources: Sequence[bytes], replies: Sequence[tuple[int, Reply | BytesimError]]
    ) -> dict[int, list[FileAnswer | BytesimError]]:
        """Index of a source -> its candidates: files, or why there is none; converted back if the bounds ask for it."""
        candidates: list[tuple[int, FileAnswer | BytesimError]] = []
        for index, reply in replies:
            try:
                candidates.append((index, self._file(reply)))
            except BytesimError as error:
                candidates.append((index, error))
        returned = self._converted_back([answer for _, answer in candidates])
        judged: dict[int, list[FileAnswer | BytesimError]] = {}
        for row, (index, answer) in enumerate(candidates):
            if isinstance(answer, FileAnswer) and self.confidence is not None:
                back = None if self.back is None else returned.get(row) == sources[index]
                answer = replace(answer, doubt=self.confidence.doubt(sources[index], answer.nll_nats, back))
            judged.setdefault(index, []).append(answer)
        return judged

    def _file(self, reply: Reply | BytesimError) -> FileAnswer:
        """The file of a reply. Raises BytesimError if there is none."""
        if isinstance(reply, BytesimError):
            raise reply
        if not reply.ended and self.confidence is not None:
            raise DecodeError(
                f"the answer did not end after {len(reply.data)} bytes, more than the training gives reason to expect. "
                "Nothing is written."
            )
        check_ended(reply, self.writer)
        answer = self.direction.finish(reply, None, None)
        if self.check is not None:
            _check(answer, self.check)
        nats = nll_nats(reply.data, reply.token_nats, self.direction.target)
        return FileAnswer(data=answer.data, raw=answer.raw, mended=answer.mended, nll_nats=nats, doubt=None)

    def _converted_back(self, answers: Sequence[FileAnswer | BytesimError]) -> dict[int, bytes]:
        """Index of an answer -> what the model makes of it when it converts back; none if that is not asked for."""
        if self.back is None:
            return {}
        rows = [row for row, answer in enumerate(answers) if isinstance(answer, FileAnswer)]
        texts = [answer.raw for answer in answers if isinstance(answer, FileAnswer)]
        replies = self._replies(texts, self.back)
        return {rows[row]: reply.data for row, reply in replies if isinstance(reply, Reply) and reply.ended}


def _likeliest(candidates: Sequence[FileAnswer | BytesimError]) -> FileAnswer | BytesimError:
    """The best of the first answer and the sampled ones: confident ones first, then the likeliest; else the error."""
    files = [answer for answer in candidates if isinstance(answer, FileAnswer)]
    if not files:
        return candidates[0]
    best = min(files, key=lambda answer: (bool(answer.doubt), answer.nll_nats))
    return replace(best, candidates=len(candidates))


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
