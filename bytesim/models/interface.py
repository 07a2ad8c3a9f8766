"""The protocols of models: what the engine and training require of every architecture.

Axes: B running files, n bytes, P patches, Q scored patches, S bytes per patch, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Protocol, TypeGuard

from torch import Tensor, nn

from bytesim.patching import Patches
from bytesim.requests import Asked, Request


class Session(Protocol):
    """The decoding state of the files that one model is writing, one row for each."""

    stride: int
    """Files may enter or leave after every `stride` bytes: the patch size of bGPT; for a decoder over bytes 1, or as
    many as it guesses at a time."""

    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of new files, which take the rows after those in use."""

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Drop the files in these rows. Returns the old indices of the remaining rows, in their new order."""

    def logits(self) -> Tensor:
        """(B, V) logits of the next byte of every row."""

    def write(self, tokens: Tensor) -> None:
        """Append (B, n) tokens to the rows: n = 1 after `logits`, or the whole stride that `verify` scored."""

    def guess(self) -> Tensor | None:
        """(B, S) a guess of the next stride, for Jacobi decoding (arXiv:2305.10427); None if it cannot be verified."""

    def verify(self, guess: Tensor) -> Tensor:
        """One step of Jacobi decoding: (B, S, V) logits of the next stride, given a guess (B, S) of it.

        The logits of a byte depend only on the guessed bytes before it.
        """


Choose = Callable[[Tensor, int], Tensor]
"""Takes (B, V) logits and the offset of the next byte in its stride to its tokens (B,), without the host."""
Run = Callable[[Hashable, Callable[[], None]], None]
"""Runs steps, which have this key, as they are or as a CUDA graph. Steps of one key are the same operations on the same
tensors, and do not wait for the host."""


class StrideSession(Session, Protocol):
    """A session that can write whole strides without the host."""

    def writes_strides(self) -> bool:
        """Whether `write_stride` can write the running files."""

    def write_stride(self, choose: Choose, run: Run) -> tuple[Tensor, Tensor]:
        """Write a stride of each file: its tokens (B, S), and their negative log-likelihoods (B, S) in nats."""


class ByteModel(Protocol):
    """A model that writes bytes."""

    @property
    def config(self) -> Any:
        """The config: `patch_size`, `max_patches` (the longest history) and fields of the architecture."""

    training: bool

    def __call__(
        self,
        patches: Tensor,
        source: Tensor | None = None,
        first: Tensor | None = None,
        rows: int | None = None,
        times: Tensor | None = None,
        source_times: Tensor | None = None,
    ) -> Tensor:
        """Teacher forcing: (B, Q, S, V) logits of patches (B, P, S); row q scores patch `first` + q of each file."""

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; `options` are other fields of `Request`, such as `sampling` and `grammar`.

        Raises ContextError if source or prompt leave no room for an answer.
        """

    def answer_logits(self, request: Request, answer: Patches) -> Tensor:
        """Teacher forcing: (A, S, V) logits of the patches of an answer (A, S), given the true patches before each."""

    def session(self, rows: int) -> Session:
        """An empty session for at most `rows` files."""

    def train(self, mode: bool = True) -> Any:
        """Switch to training or evaluation mode, as torch modules do."""

    def parameters(self) -> Any:
        """The weights, as torch modules give them."""


class ClassifierModel(Protocol):
    """A model that classifies files."""

    @property
    def config(self) -> Any:
        """The config: `num_classes`, `patch_size`, `max_patches` and fields of the architecture."""

    def classify(self, patches: Tensor, lengths: Tensor) -> Tensor:
        """(B, C) logits of files framed as patches (B, P, S); after the first `lengths` (B,) patches comes padding."""

    def parameters(self) -> Any:
        """The weights, as torch modules give them."""


def writes_bytes(model: nn.Module) -> TypeGuard[ByteModel]:
    """Whether a model writes bytes, so is not a classifier."""
    return not getattr(model.config, "num_classes", 0)


def has_strides(session: Session) -> TypeGuard[StrideSession]:
    """Whether a session can write whole strides without the host."""
    return hasattr(session, "write_stride")


def classifies(model: nn.Module) -> TypeGuard[ClassifierModel]:
    """Whether a model is a classifier, so does not write bytes."""
    return not writes_bytes(model)
