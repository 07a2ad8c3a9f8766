"""Decoding with continuous batching: prefill once, then byte by byte, many files together.

The running files are decoded in lockstep. Between two strides, files that ended leave the session, and waiting files
are prefilled in their place. The engine knows only tokens and sessions, not architectures or file formats.

Axes: B running files, S bytes of a stride, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import Deadline
from bytesim.engine.sampling import (
    REPEATED_BYTES,
    Logits,
    check_finite,
    choose,
    generator_for,
    patch_noise,
    penalized,
    token_nats,
)
from bytesim.formats.grammar import Grammar
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.requests import Reply, Request, Sampling

if TYPE_CHECKING:
    from bytesim.models.interface import ByteModel

Tokens = NDArray[np.int64]

DEFAULT_SLOTS = 16
_LATEST = 0.25
"""Weight of the latest stride in the mean number of Jacobi passes."""
_RETRY_STRIDES = 64
"""Strides after which guessing is tried again, where it was given up."""
_ANYTHING = np.ones(VOCAB_SIZE, np.bool_)

OnBytes = Callable[[int], None]
"""Called with the number of bytes written since the last call."""


class DecodingSession(Protocol):
    """What the engine asks of a session: the `interface.Session` of a model, with arrays in place of tensors."""

    stride: int

    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""

    def logits(self) -> Logits:
        """(B, V) logits of the next byte of every row."""

    def write(self, tokens: Tokens) -> None:
        """Append (B, n) tokens to the rows."""

    def guess(self) -> Tokens | None:
        """(B, S) a guess of the next stride; None if it cannot be verified."""

    def verify(self, guess: Tokens) -> Logits:
        """(B, S, V) logits of the next stride, given a guess (B, S) of it."""

    def close(self) -> None:
        """Called after the last step."""


class StrideSession(DecodingSession, Protocol):
    """A session that may write whole strides in one go on its device."""

    def writes_strides(self) -> bool:
        """Whether `write_stride` is possible for the running files, and faster."""

    def write_stride(self, samplings: Sequence[Sampling], noise: Logits | None) -> tuple[Tokens, Logits]:
        """Write a stride of each file: its tokens (B, S), and their negative log-likelihoods (B, S) in nats.

        `noise` (B, S, V) is None if all are greedy.
        """


class Decodes(Protocol):
    """A model that opens sessions of arrays itself, such as those of the native engine."""

    @property
    def number_type(self) -> str:
        """The number type of the weights."""

    def decoding_session(self, rows: int) -> DecodingSession:
        """An empty session for at most `rows` files."""


def decode(
    model: ByteModel | Decodes,
    requests: Sequence[Request],
    *,
    slots: int = DEFAULT_SLOTS,
    on_bytes: OnBytes | None = None,
) -> Iterator[tuple[int, Reply]]:
    """Answer every request, `slots` at a time; yields (index of the request, reply) as each ends.

    Raises ModelError if the model computes NaN or infinity.
    """
    if requests:
        yield from _Decoder(model, requests, slots, on_bytes).replies()


def decode_in_order(
    model: ByteModel | Decodes, requests: Sequence[Request], *, slots: int = DEFAULT_SLOTS
) -> list[Reply]:
    """The replies to all requests, in their order."""
    replies = dict(decode(model, requests, slots=slots))
    return [replies[index] for index in range(len(requests))]


@dataclass(slots=True)
class _Running:
    """A file that is being written."""

    index: int
    request: Request
    room: int
    """Number of bytes that it may still have."""
    generator: np.random.Generator | None
    grammar: Grammar | None
    """None without a grammar, and after the grammar has ended."""
    deadline: Deadline | None
    forced: bytes
    """Bytes of the prompt with which the next stride begins."""
    written: bytearray = field(default_factory=bytearray)
    nats: list[NDArray[np.float32]] = field(default_factory=list)
    overran: bool = False

    @classmethod
    def of(cls, index: int, request: Request) -> _Running:
        """The state of a file before its first stride."""
        patches, size = request.history.shape
        return cls(
            index=index,
            request=request,
            room=(request.max_patches - patches) * size,
            generator=generator_for(request.sampling),
            grammar=request.grammar() if request.grammar else None,
            deadline=request.deadline() if request.deadline else None,
            forced=request.prefix,
        )

    @property
    def is_guided(self) -> bool:
        """Whether a grammar, a prefix or a repetition penalty decides about each byte."""
        return bool(self.grammar or self.forced or self.is_penalized)

    @property
    def is_penalized(self) -> bool:
        """Whether its sampling has a repetition penalty."""
        return self.request.sampling.repetition_penalty != 1.0

    @property
    def is_full(self) -> bool:
        """Whether it has reached `max_patches` of its request."""
        return self.room <= 0

    def follow(self, token: int) -> None:
        """Advance grammar and deadline by a token that was written."""
        if self.grammar is None:
            return
        if token == END_OF_PATCH:
            self.grammar = None
            return
        if self.deadline is not None:
            self.deadline.advance(token)
            self.grammar.ending.wanted = self.deadline.passed
            self.overran = self.overran or self.deadline.passed
        self.grammar.advance(token)

    def take(self, tokens: NDArray[np.integer], nats: NDArray[np.float32]) -> bool:
        """Append a stride to the file, up to its END_OF_PATCH or its limit. Returns whether it had one."""
        tokens = tokens[: self.room]
        ends = np.flatnonzero(tokens == END_OF_PATCH)
        count = int(ends[0]) if len(ends) else len(tokens)
        self.written += tokens[:count].astype(np.uint8).tobytes()
        self.nats.append(nats[len(self.forced) : min(count + 1, len(tokens))])
        self.forced = b""
        self.room -= len(tokens)
        return bool(len(ends))

    def reply(self, *, ended: bool) -> Reply:
        """The reply with all bytes written so far."""
        nats = np.concatenate(self.nats) if self.nats else np.zeros(0, np.float32)
        return Reply(bytes(self.written), ended, nats, self.overran)


def _break_even(stride: int) -> float:
    """The mean number of passes up to which guessing is faster: a pass over many bytes costs more than one byte."""
    return stride / 2 if stride > 4 else stride - 0.5


def is_native(model: ByteModel | Decodes) -> TypeGuard[Decodes]:
    """Whether a model opens sessions of arrays itself."""
    return hasattr(model, "decoding_session")


def has_strides(session: DecodingSession) -> TypeGuard[StrideSession]:
    """Whether a session may write whole strides in one go."""
    return hasattr(session, "write_stride")


def open_session(model: ByteModel | Decodes, rows: int) -> DecodingSession:
    """An empty session for at most `rows` files."""
    if is_native(model):
        return model.decoding_session(rows)
    from bytesim.engine.torch_session import TorchSession

    return TorchSession(cast("ByteModel", model), rows)


class _Decoder:
    def __init__(
        self, model: ByteModel | Decodes, requests: Sequence[Request], slots: int, on_bytes: OnBytes | None
    ) -> None:
        # Longest first: otherwise the long ones would run alone at the end.
        order = sorted(range(len(requests)), key=lambda index: -len(requests[index].history))
        self.waiting = [(index, requests[index]) for index in reversed(order)]
        self.slots = min(slots, len(requests))
        self.session = open_session(model, self.slots)
        self.running: list[_Running] = []
        self.passes = 1.0
        """Mean number of Jacobi passes of a stride, the last strides counting most."""
        self.unguessed = 0
        """Strides that are still to be decoded byte by byte, because guessing was not faster."""
        self.on_bytes = on_bytes

    def replies(self) -> Iterator[tuple[int, Reply]]:
        """Yields (index, reply) of every request as it ends."""
        try:
            while self.waiting or self.running:
                yield from self._admit()
                if self.running:
                    yield from self._write_stride()
        finally:
            self.session.close()

    def _admit(self) -> Iterator[tuple[int, Reply]]:
        """Prefill waiting files, together, into free rows; yields the replies of those whose history is full."""
        entering: list[_Running] = []
        while self.waiting and len(self.running) + len(entering) < self.slots:
            file = _Running.of(*self.waiting.pop())
            if file.is_full:
                yield file.index, file.reply(ended=False)
            else:
                entering.append(file)
        if entering:
            self.session.enter([file.request for file in entering])
            self.running += entering

    def _write_stride(self) -> Iterator[tuple[int, Reply]]:
        """Decode one stride of every running file; yields the replies of those that end with it."""
        tokens, nats = self._in_one_go() or self._by_guessing() or self._byte_by_byte()
        check_finite(nats)
        answers: dict[int, Reply] = {}
        for row, file in enumerate(self.running):
            ended = file.take(tokens[row], nats[row])
            if ended or file.is_full:
                answers[row] = file.reply(ended=ended)
        if self.on_bytes:
            self.on_bytes(int((tokens != END_OF_PATCH).sum()))
        left = [(self.running[row].index, reply) for row, reply in answers.items()]
        if answers:
            self.running = [self.running[row] for row in self.session.leave(list(answers))]
        yield from left

    def _in_one_go(self) -> tuple[Tokens, NDArray[np.float32]] | None:
        """The result of `_byte_by_byte` from one call of the session; None if it cannot do that."""
        session = self.session
        if not has_strides(session) or any(file.is_guided for file in self.running) or not session.writes_strides():
            return None
        samplings, noise = self._drawn()
        return session.write_stride(samplings, noise)

    def _drawn(self) -> tuple[list[Sampling], Logits | None]:
        """The samplings of the files, and their noise (B, S, V) for the next stride; None if all are greedy."""
        samplings = [file.request.sampling for file in self.running]
        return samplings, patch_noise([file.generator for file in self.running], self.session.stride)

    def _by_guessing(self) -> tuple[Tokens, NDArray[np.float32]] | None:
        """Jacobi decoding (arXiv:2305.10427): the result of `_byte_by_byte` in a few passes over the whole stride.

        A pass predicts every byte of the stride from a guess of the bytes before it. The prediction is the next guess;
        once both are equal, it is what greedy decoding gives. The first guess is the session's. None if the session
        cannot do it, or if it was not faster before.
        """
        if self.unguessed:
            self.unguessed -= 1
            return None
        if any(file.is_guided or file.generator for file in self.running):
            return None
        predicted = self.session.guess()
        if predicted is None:
            return None
        guess, passes = None, 0
        while guess is None or not np.array_equal(predicted, guess):
            guess = predicted
            logits = self.session.verify(guess)
            passes, predicted = passes + 1, logits.argmax(-1)
        self.passes += (passes - self.passes) * _LATEST
        if self.passes > _break_even(self.session.stride):
            self.passes, self.unguessed = 1.0, _RETRY_STRIDES
        self.session.write(guess)
        return guess, token_nats(logits, guess)

    def _byte_by_byte(self) -> tuple[Tokens, NDArray[np.float32]]:
        """Tokens (B, S) of the next stride of each file, and their negative log-likelihoods (B, S) in nats."""
        samplings, noise = self._drawn()
        grammars = [file.grammar for file in self.running]
        tokens: list[Tokens] = []
        all_logits: list[Logits] = []
        for offset in range(self.session.stride):
            logits = self.session.logits()
            allowed = self._allowed(grammars) if any(grammars) else None
            scores = self._penalized(logits, tokens)
            chosen = choose(scores, samplings, None if noise is None else noise[:, offset], allowed)
            chosen = self._forced(chosen, offset)
            all_logits.append(logits)
            tokens.append(chosen)
            self.session.write(chosen[:, None])
            if any(grammars):
                for file, token in zip(self.running, chosen.tolist(), strict=True):
                    file.follow(token)
        written = np.stack(tokens, 1)
        return written, token_nats(np.stack(all_logits, 1), written)

    def _penalized(self, logits: Logits, tokens: list[Tokens]) -> Logits:
        """Logits (B, V) after the repetition penalty of each file, which also has the `tokens` (B,) of this stride."""
        if not any(file.is_penalized for file in self.running):
            return logits
        current = np.stack(tokens, 1).tolist() if tokens else [[]] * len(self.running)
        recent = [
            bytes(file.written[-REPEATED_BYTES:]) + bytes(token for token in row if token != END_OF_PATCH)
            for file, row in zip(self.running, current, strict=True)
        ]
        return penalized(logits, [file.request.sampling for file in self.running], recent)

    def _allowed(self, grammars: list[Grammar | None]) -> NDArray[np.bool_]:
        """(B, V) true for the tokens that each file's grammar allows next."""
        return np.stack([grammar.allowed if grammar else _ANYTHING for grammar in grammars])

    def _forced(self, chosen: Tokens, offset: int) -> Tokens:
        """The chosen tokens (B,), replaced by the prefix's byte for files that still have one."""
        for row, file in enumerate(self.running):
            if offset < len(file.forced):
                chosen[row] = file.forced[offset]
        return chosen
