"""The door that every architecture that writes bytes comes in by: what the engine, and training, ask of a model.

Axes: B running files, n bytes, P patches, Q scored patches, S bytes per patch, V = 257 tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeGuard

from torch import Tensor, nn

from bytesim.patching import Patches
from bytesim.requests import Asked, Request


class Session(Protocol):
    """The files that one model is writing, a row each."""

    stride: int
    """Bytes between which files may enter or leave: the patch size of bGPT, 1 for a decoder over bytes."""

    def enter(self, requests: Sequence[Request]) -> None:
        """Prefill: read the histories of files, which take the rows after those in use."""

    def leave(self, rows: Sequence[int]) -> list[int]:
        """Forget the files in these rows. Returns the rows that stay, in the order in which they stand from now on."""

    def logits(self) -> Tensor:
        """(B, V) logits of the next byte of every row."""

    def write(self, tokens: Tensor) -> None:
        """Add (B, n) tokens to the rows: one after `logits`, or the whole stride that `verify` scored."""

    def verify(self, guess: Tensor) -> Tensor | None:
        """(B, S, V) logits of every byte of the next stride, were its bytes `guess` (B, S); None where that cannot be.

        Logits of a byte depend on the guess before it alone. It is the step of Jacobi decoding, arXiv:2305.10427.
        """


class ByteModel(Protocol):
    """A model that writes bytes, as the engine and training see it."""

    @property
    def config(self) -> Any:
        """Its shape: `patch_size` (the stride), `max_patches` (the longest history), and fields of its own."""

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
        """Teacher forcing: (B, Q, S, V) logits of patches (B, P, S), row q those of patch `first` + q of each file."""

    def frame(self, asked: Asked, **options: Any) -> Request:
        """The request for a file; `options` are further fields of it, such as `sampling` and `grammar`.

        Raises ContextError for a source or a prompt that leaves no room for an answer.
        """

    def answer_logits(self, request: Request, answer: Patches) -> Tensor:
        """Teacher forcing: (A, S, V) logits of the strides of an answer (A, S), each given the true ones before it."""

    def session(self, rows: int) -> Session:
        """An empty session for at most that many files."""

    def train(self, mode: bool = True) -> Any:
        """Switch between training and evaluation, as torch modules do."""

    def parameters(self) -> Any:
        """The weights, as torch modules give them."""


class ClassifierModel(Protocol):
    """A model that answers with classes."""

    @property
    def config(self) -> Any:
        """Its shape: `num_classes`, `patch_size` and `max_patches` among others."""

    def classify(self, patches: Tensor, lengths: Tensor) -> Tensor:
        """(B, C) logits of files framed as patches (B, P, S), the first `lengths` (B,) of which are real."""

    def parameters(self) -> Any:
        """The weights, as torch modules give them."""


def writes_bytes(model: nn.Module) -> TypeGuard[ByteModel]:
    """Whether a model writes bytes, and does not classify."""
    return not getattr(model.config, "num_classes", 0)


def classifies(model: nn.Module) -> TypeGuard[ClassifierModel]:
    """Whether a model answers with classes, and not with bytes."""
    return not writes_bytes(model)
