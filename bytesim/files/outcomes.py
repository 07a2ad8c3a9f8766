"""Work on several inputs, of which some fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bytesim.errors import BytesimError
from bytesim.files.names import STDIO

T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Called with (bytes written, estimated total)."""


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """The result of one input, or the error that stopped it."""

    source: str
    result: T | None = None
    error: BytesimError | None = None


def run_each(
    sources: Iterable[str],
    work: Callable[[str], T],
    on_done: Callable[[Outcome[T]], None] | None = None,
) -> list[Outcome[T]]:
    """Run `work` on every source; one that fails with a BytesimError does not stop the rest.

    `on_done` is called with each outcome. Any other exception is a bug and is not caught.
    """
    outcomes = []
    for source in sources:
        try:
            outcome = Outcome(source, result=work(source))
        except BytesimError as error:
            outcome = Outcome(source, error=error.in_file("stdin" if source == STDIO else source))
        outcomes.append(outcome)
        if on_done is not None:
            on_done(outcome)
    return outcomes
