"""Whole patches of a bGPT session, written without the host: steps that a CUDA graph can hold.

A graph replays its operations on the same addresses. So the tensors that a step reads and changes stay where they are,
and free rows take part: a step has one of a few numbers of rows, and nobody reads what it computes for free ones.

Axes: B running files, N rows, S bytes per patch, C values of a clock.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bytesim.clocks import CLOCK_WIDTH
from bytesim.models.bgpt.conditioning import Conditioning, Source
from bytesim.models.interface import Choose, Run

if TYPE_CHECKING:
    from bytesim.models.bgpt.session import BGPTSession

_SOURCE_STEP = 256
"""The padded length of sources grows by this many bytes, as each length has graphs of its own."""


class PatchSteps:
    """The steps of a session over whole patches."""

    def __init__(self, session: BGPTSession) -> None:
        self.tokens = torch.zeros_like(session.previous)
        """(N, S) the patches that are written and then read."""
        self.nats = torch.zeros(self.tokens.shape, device=session.device)
        """(N, S) their negative log-likelihoods in nats."""
        count, size = self.tokens.shape
        self._times: Tensor | None = None
        """(N, S + 1, C) for a model with a clock: the times before each byte of the patch, and before the patch."""
        if session.model.config.clock:
            self._times = self.tokens.new_zeros(count, size + 1, CLOCK_WIDTH)
        self._source: Source | None = None
        """The sources of the session, padded."""
        self._copied: Source | None = None
        """The sources of the session when they were copied."""
        self._sources = 0
        """How often the padded sources have changed their place."""

    def write(self, session: BGPTSession, choose: Choose, run: Run) -> tuple[Tensor, Tensor]:
        """Write a patch of each file: its tokens (B, S), and their negative log-likelihoods (B, S) in nats."""
        rows = min(len(self.tokens), 1 << (session.count - 1).bit_length())
        source = self._fixed_source(session.source)
        source = None if source is None else source.first(rows)
        self._tell_times(session)
        if session.current.shape[1]:
            self.tokens[: session.count] = session.current
            session.begin_patch()
            length = session.capacity
            run(("read", rows, length, self._sources), partial(self._read, session, rows, source, length))
        run(("write", rows, self._sources), partial(self._write, session, rows, source, choose))
        session.current = self.tokens[: session.count].clone()
        session.follow(session.current)
        return session.current, self.nats[: session.count].clone()

    def _fixed_source(self, source: Source | None) -> Source | None:
        """The sources of the session, padded, at a place where they stay."""
        if source is not None and source is not self._copied:
            width = max(0 if self._source is None else self._source.mask.shape[-1], source.mask.shape[-1])
            width += -width % _SOURCE_STEP
            padded = source.padded(len(self.tokens), width)
            if self._source is not None and self._source.mask.shape == padded.mask.shape:
                self._source.replace(padded)
            else:
                self._source = padded
                self._sources += 1
        self._copied = source
        return None if source is None else self._source

    def _tell_times(self, session: BGPTSession) -> None:
        """Set the times of the next patch, which do not depend on its bytes."""
        if self._times is not None:
            ahead, now = session.times_ahead(), session.times_now()
            assert ahead is not None
            assert now is not None
            self._times[: session.count] = torch.cat([ahead, now], 1)

    def _given(self, rows: int, source: Source | None, place: int) -> Conditioning:
        """What conditions the byte at this place of the patch; place S is before the patch."""
        return Conditioning(source, None if self._times is None else self._times[:rows, place : place + 1])

    def _read(self, session: BGPTSession, rows: int, source: Source | None, length: int) -> None:
        session.read_patches(self.tokens[:rows], self._given(rows, source, session.stride), length)
        session.positions.clamp_(max=session.model.config.max_patches - 1)  # for free rows

    def _write(self, session: BGPTSession, rows: int, source: Source | None, choose: Choose) -> None:
        tokens = self.tokens[:rows]
        last = session.last[:rows]
        for offset in range(session.stride):
            before = tokens[:, :offset]
            given = self._given(rows, source, offset)
            logits = session.byte_logits(last[:, None], before, given, offset)[:, 0].float()
            last = choose(logits, offset)
            tokens[:, offset] = last
            self.nats[:rows, offset] = logits.logsumexp(-1) - logits.gather(1, last[:, None])[:, 0]
        session.last[:rows] = last
