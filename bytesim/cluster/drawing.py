"""The seeds that `generate` draws: those of the files, and further ones for files that were not valid."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bytesim.cluster.writing import SEED
from bytesim.tasks.generate.kinds import BLOCK

_POLL_S = 0.02


class Seeds:
    """The names of the seeds, in blocks and rounds as `draw_all` draws them: a round has a seed for each file of the
    block that is still missing."""

    def __init__(self, *, count: int, first: int, tries: int) -> None:
        self.count, self.first, self.tries = count, first, tries
        self.drawn = 0
        """Seeds of all rounds."""

    def names(self, kind_of: Callable[[str], str | None], stopped: Callable[[], bool]) -> Iterator[str | None]:
        """The names; None at the end of a round, whose rows are then waited for. `kind_of` is that of the ledger."""
        start = self.first
        for block in range(0, self.count, BLOCK):
            size = min(BLOCK, self.count - block)
            for _ in range(self.tries):
                self.drawn += size
                yield from (f"{SEED}{seed}" for seed in range(start, start + size))
                yield None
                again = 0
                for seed in range(start, start + size):
                    while (kind := kind_of(f"{SEED}{seed}")) is None:
                        if stopped():
                            return
                        time.sleep(_POLL_S)
                    again += kind == "DecodeError"
                start, size = start + size, again
                if not again:
                    break
