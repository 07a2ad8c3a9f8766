"""Decoding files: prefill once, then a patch at a time, many files together (continuous batching).

All running files take their next patch in lockstep, at places of their own; one that ends leaves, and a waiting one is
prefilled in its stead.

Axes: B running files, P patches, S bytes per patch, H hidden, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from bytesim.clocks import Clock
from bytesim.engine.sampling import choose, generator_for, patch_noise
from bytesim.models.bgpt import request_times
from bytesim.models.bgpt.model import BGPT
from bytesim.models.bgpt.session import Caches
from bytesim.patching import END_OF_PATCH, VOCAB_SIZE
from bytesim.requests import Grammar, Reply, Request

DEFAULT_SLOTS = 16
_ANYTHING = np.ones(VOCAB_SIZE, np.bool_)


@dataclass(slots=True)
class _Running:
    """A file that is being written."""

    index: int
    request: Request
    length: int
    """Patches of it that the patch-level decoder has read."""
    generator: torch.Generator | None
    grammar: Grammar | None
    """None also from its end on."""
    clock: Clock | None
    written: bytearray = field(default_factory=bytearray)
    forced: bytes = b""
    nats: list[NDArray[np.float32]] = field(default_factory=list)
    num_bytes: int = 0
    """Bytes that its grammar has seen."""
    overran: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it has gone on for longer than was asked, or its music for longer than that of its source."""
        if self.request.end_after is not None and self.num_bytes >= self.request.end_after:
            return True
        latest = self.request.times.latest if self.request.times else None
        return bool(self.clock and latest is not None and self.clock.now[0] > latest)


def decode(
    model: BGPT,
    requests: Sequence[Request],
    *,
    slots: int = DEFAULT_SLOTS,
    on_done: Callable[[int, Reply], None] | None = None,
    on_bytes: Callable[[int], None] | None = None,
) -> list[Reply]:
    """Answer every request, in their order.

    `on_done` hears of each as it ends, `on_bytes` of how many bytes each round of patches wrote.
    """
    if not requests:
        return []
    return _Decoder(model, requests, slots, on_done, on_bytes).run()


def _is_particular(state: _Running) -> bool:
    """Whether a file's bytes are not simply the likeliest ones."""
    return bool(state.grammar or state.forced or state.generator)


class _Decoder:
    def __init__(
        self,
        model: BGPT,
        requests: Sequence[Request],
        slots: int,
        on_done: Callable[[int, Reply], None] | None,
        on_bytes: Callable[[int], None] | None,
    ) -> None:
        self.model = model
        self.size = model.config.patch_size
        self.device = next(model.parameters()).device
        # Longest first: the long ones would otherwise run alone at the end.
        order = sorted(range(len(requests)), key=lambda index: -len(requests[index].history))
        self.waiting = [(index, requests[index]) for index in reversed(order)]
        self.slots = min(slots, len(requests))
        self.caches = Caches(model, self.slots)
        self.running: list[_Running] = []
        self.together = model.config.parts == "modern"
        """Whether patches are spelled in passes over the whole patch, where that can be."""
        self.replies: dict[int, Reply] = {}
        self.on_done = on_done
        self.on_bytes = on_bytes

    @torch.inference_mode()
    def run(self) -> list[Reply]:
        was_training = self.model.training
        self.model.eval()
        try:
            while self.waiting or self.running:
                self._admit()
                self._write_patch()
        finally:
            self.model.train(was_training)
        return [self.replies[index] for index in sorted(self.replies)]

    def _admit(self) -> None:
        """Prefill waiting files, together, where others have left."""
        entering: list[_Running] = []
        while self.waiting and len(self.running) + len(entering) < self.slots:
            index, request = self.waiting.pop()
            generator, grammar = generator_for(request.sampling), request.grammar() if request.grammar else None
            clock = request.times.clock() if request.times else None
            clock = None if clock and clock.stands_still else clock
            state = _Running(index, request, len(request.history), generator, grammar, clock, forced=request.prefix)
            if state.length >= request.max_patches:
                self._answer(state, ended=False)
            else:
                entering.append(state)
        if entering:
            self.caches.enter([each.request for each in entering])
            self.running += entering

    def _write_patch(self) -> None:
        """One patch of every running file."""
        if not self.running:
            return
        tokens, nats = self._spell_together() or self._spell_patch()
        leaving = []
        for row, state in enumerate(self.running):
            ended = self._take(state, tokens[row], nats[row])
            state.length += 1
            if ended or state.length >= state.request.max_patches:
                self._answer(state, ended=ended)
                leaving.append(row)
        if self.on_bytes:
            self.on_bytes(int((tokens != END_OF_PATCH).sum()))
        if leaving:
            staying = self.caches.leave(leaving)
            self.running, tokens = [self.running[row] for row in staying], tokens[staying]
        if self.running:
            patches = torch.from_numpy(tokens.astype(np.int64)).to(self.device)
            positions = torch.tensor([each.length - 1 for each in self.running], device=self.device)
            self.caches.advance(patches, positions, self._times())

    def _spell_together(self) -> tuple[np.ndarray, np.ndarray] | None:
        """`_spell_patch` in a few passes over the whole patch; None where that cannot be, or has not been quicker.

        A pass takes the patch as guessed and predicts every byte. What it predicts is the next guess, and the right
        bytes are those that come out as they were guessed. The first guess is the patch before: files repeat.
        """
        if not self.together or any(_is_particular(each) for each in self.running):
            return None
        clocked = self.model.config.clock
        times = request_times.ahead([each.clock for each in self.running], self.size, self.device) if clocked else None
        if clocked and times is None:
            return None
        guess = self.caches.patch[: len(self.running)].clone()
        passes, found = 0, None
        while found is None or not torch.equal(found, guess):
            guess = guess if found is None else found
            logits = self.caches.patch_logits(guess, times).float()
            passes, found = passes + 1, logits.argmax(-1)
        self.together = passes <= self.size // 2
        nats = F.cross_entropy(logits.flatten(0, 1), guess.flatten(), reduction="none").view_as(guess)
        for state, row in zip(self.running, guess.tolist(), strict=True):
            if state.clock:
                state.clock.follow(bytes(token for token in row if token != END_OF_PATCH))
        return guess.cpu().numpy(), nats.cpu().numpy()

    def _spell_patch(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens (B, S) of the next patch of each file, and their nats (B, S) under the model."""
        samplings = [each.request.sampling for each in self.running]
        noise = patch_noise([each.generator for each in self.running], self.size, self.device)
        grammars = [each.grammar for each in self.running]
        tokens: list[Tensor] = []
        nats: list[Tensor] = []
        for place in range(self.size):
            logits = self.caches.byte_logits(place, self._times()).float()
            allowed = self._allowed(grammars) if any(grammars) else None
            chosen = choose(logits, samplings, None if noise is None else noise[:, place], allowed)
            chosen = self._forced(chosen, place)
            nats.append(F.cross_entropy(logits, chosen, reduction="none"))
            tokens.append(chosen)
            self.caches.last[: len(chosen)] = chosen
            if any(grammars) or any(state.clock for state in self.running):
                self._take_note(chosen.tolist())
        return torch.stack(tokens, 1).cpu().numpy(), torch.stack(nats, 1).cpu().numpy()

    def _take_note(self, tokens: list[int]) -> None:
        """Move on the grammars and clocks of the running files, by one token each."""
        for state, token in zip(self.running, tokens, strict=True):
            if state.clock and token != END_OF_PATCH:
                state.clock.advance(token)
            if state.grammar and token == END_OF_PATCH:
                state.grammar = None
            elif state.grammar:
                state.num_bytes += 1
                state.grammar.ending.wanted = state.is_over
                state.overran = state.overran or state.is_over
                state.grammar.advance(token)

    def _times(self) -> Tensor | None:
        """(B, 2) what the clocks of the running files show; None for a model without."""
        if not self.model.config.clock:
            return None
        return request_times.now([each.clock for each in self.running], self.device)

    def _allowed(self, grammars: list[Grammar | None]) -> Tensor:
        """(B, V) the tokens that each file's grammar allows next."""
        rows = [grammar.allowed if grammar else _ANYTHING for grammar in grammars]
        return torch.from_numpy(np.stack(rows)).to(self.device)

    def _forced(self, chosen: Tensor, place: int) -> Tensor:
        """The chosen tokens, with the byte of a prefix in its place."""
        for row, state in enumerate(self.running):
            if place < len(state.forced):
                chosen = chosen.clone()
                chosen[row] = state.forced[place]
        return chosen

    def _take(self, state: _Running, tokens: np.ndarray, nats: np.ndarray) -> bool:
        """Add a patch to a file, up to its END_OF_PATCH; whether there was one."""
        ends = np.flatnonzero(tokens == END_OF_PATCH)
        count = int(ends[0]) if len(ends) else len(tokens)
        state.written += tokens[:count].astype(np.uint8).tobytes()
        state.nats.append(nats[len(state.forced) : count + 1])
        state.forced = b""
        return bool(len(ends))

    def _answer(self, state: _Running, *, ended: bool) -> None:
        nats = np.concatenate(state.nats) if state.nats else np.zeros(0, np.float32)
        reply = Reply(bytes(state.written), ended, nats, state.overran)
        self.replies[state.index] = reply
        if self.on_done:
            self.on_done(state.index, reply)
