"""What a model expects of every next byte of a file, step by step as it decodes. No torch.

The steps of the native engine depend only on the bytes before them, so whoever has these bytes computes the same
numbers on the same processor, bit by bit. A long file is read in windows (`patching.reading_windows`).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bytesim.clocks import make_clock
from bytesim.engine.decode import DecodingSession
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.models.bgpt.request_times import before_patches
from bytesim.patching import END_OF_PATCH, begins_piece, has_pieces, history_bytes, split_patches
from bytesim.predictors.cpu import states_request
from bytesim.predictors.writer import Writer
from bytesim.requests import Asked, Request

Floats = NDArray[np.float32]

_LINE_END = ord("\n")
_PROBE = bytes(range(32, 80))
"""Bytes whose logits tell whether two processors compute the same."""


class NextByte:
    """Reads one file, as one of a suffix. The writer must run on the native engine."""

    def __init__(self, writer: Writer, suffix: str) -> None:
        assert writer.native is not None, "torch does not promise the same numbers twice"
        self.writer, self.native, self.suffix = writer, writer.native, suffix
        self.most = history_bytes(writer.config.max_patches, writer.config.patch_size)
        self.data = bytearray()
        """The bytes of the file so far."""
        self.piece = self.start = 0
        """Where the piece of the file begins that is read as a file by itself, and where the window does."""
        self.session: DecodingSession | None = None if writer.simulates else self._window(b"")

    def logits(self) -> Floats | None:
        """(1, V) logits of the next byte; None where the model cannot tell, as in the program before a trace."""
        if self.writer.simulates:
            self._follow_trace()
        elif begins_piece(self.data[-3:], self.suffix, len(self.data) - self.piece):
            self.piece = self.start = len(self.data)
            self.session = self._window(b"")
        elif len(self.data) - self.start == self.most:
            self.start = len(self.data) - self.most // 2
            self.session = self._window(bytes(self.data[self.start :]))
        if self.session is None:
            return None
        logits = np.array(self.session.logits(), np.float32, order="C")
        if has_pieces(self.suffix):  # where a piece would end, a blank line follows
            logits[0, _LINE_END] = np.logaddexp(logits[0, _LINE_END], logits[0, END_OF_PATCH])
        return logits

    def write(self, byte: int) -> None:
        """Append a byte. `logits` must have been called before it."""
        if self.session is not None:
            self.session.write(np.array([[byte]], np.int64))
        self.data.append(byte)

    def _window(self, known: bytes) -> DecodingSession:
        """A session that has read the first bytes of a window."""
        request = self.writer.frame(Asked(suffix=self.suffix, prompt=known))
        if request.times and self.start > self.piece:  # the clock counts from the start of the piece
            before = bytes(self.data[self.piece : self.start])
            inside = known[: len(known) - len(request.prefix)]
            whole = self.writer.frame(Asked(suffix=self.suffix))
            assert whole.times
            whole = replace(whole, times=replace(whole.times, clock=partial(make_clock, self.suffix, before)))
            history = before_patches(whole, split_patches(inside, self.writer.config.patch_size))
            assert history is not None
            clock = partial(make_clock, self.suffix, before + inside)
            request = replace(request, times=replace(request.times, history=history[0].astype(np.int32), clock=clock))
        return self._opened(request)

    def _follow_trace(self) -> None:
        """Open the session of a trace when its program and first state are known, and close it where it is full."""
        begin = MEMORY_SIZE + STATE_SIZE
        if len(self.data) == begin:
            memory, first = bytes(self.data[:MEMORY_SIZE]), bytes(self.data[MEMORY_SIZE:])
            request = states_request(self.writer, memory, first)
            self.session = self._opened(request)
            self.most = begin + (request.max_patches - len(request.history)) * self.writer.config.patch_size
        elif len(self.data) == self.most:
            self.session = None

    def _opened(self, request: Request) -> DecodingSession:
        session = self.native.decoding_session(1)
        session.enter([request])
        for byte in request.prefix:
            session.logits()
            session.write(np.array([[byte]], np.int64))
        return session


def numbers_of(writer: Writer, suffix: str, count: int) -> bytes:
    """The first bytes of a SHA-256, which differ where a processor, or another version, computes other logits.

    It is of the first bytes of a file, and of those before a window is full.
    """
    begin = bytes(MEMORY_SIZE + STATE_SIZE) if writer.simulates else b""
    digest = hashlib.sha256()
    for reader, data in ((NextByte(writer, suffix), begin + _PROBE), _near_the_end(writer, suffix)):
        for byte in data:
            logits = reader.logits()
            digest.update(b"" if logits is None else logits.tobytes())
            reader.write(byte)
    return digest.digest()[:count]


def _near_the_end(writer: Writer, suffix: str) -> tuple[NextByte, bytes]:
    """A reader whose window has room for a few bytes, and these; nothing of a model that reads no windows."""
    reader = NextByte(writer, suffix)
    if writer.simulates:
        return reader, b""
    reader.data = bytearray(_PROBE * (reader.most // len(_PROBE) + 1))[: reader.most - len(_PROBE)]
    reader.session = reader._window(bytes(reader.data))
    return reader, _PROBE
