"""Examples for models of the CPU: programs made while the training runs, so that none is seen twice. No torch."""

from __future__ import annotations

from functools import cache

import numpy as np

from bytesim.clocks import Times, clock_of, clock_patches
from bytesim.cpu.many import Bytes, Programs, random_programs, run_programs
from bytesim.errors import ConfigError
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, MEMORY_SIZE, STATE_SIZE, TRACE_SUFFIX
from bytesim.models.bgpt_config import BGPTConfig
from bytesim.patching import closing_patch, frame_source
from bytesim.training.examples import BUCKET_PATCHES, Example
from bytesim.training.recipe import DataSource

_HELD_PROGRAMS = 384
"""Programs that a training is watched by; they are the same in every training."""
_HELD_SEED = 1_000_003


class CpuStream:
    """Programs of the lengths that a data source names, drawn and run afresh for each step."""

    sha256 = ""
    left_out = 0

    def __init__(self, source: DataSource, config: BGPTConfig) -> None:
        if config.patch_size != STATE_SIZE:
            raise ConfigError(f"patches of {config.patch_size} bytes; the states of the CPU need {STATE_SIZE}.")
        self.source = source
        self.config = config
        self.plan = source.plan
        needed = MEMORY_SIZE // STATE_SIZE + self.plan.longest + 3
        if needed > config.max_patches:
            raise ConfigError(f"programs of {self.plan.longest} instructions need max_patches = {needed} or more.")
        self._held: list[Example] | None = None

    def __len__(self) -> int:
        return _HELD_PROGRAMS

    def example(self, index: int) -> Example:
        """One of the programs kept for validation, the same in every training."""
        if self._held is None:
            programs = random_programs(np.random.default_rng([_HELD_SEED, 0]), _HELD_PROGRAMS, self.plan)
            self._held = self._examples(programs)
        return self._held[index]

    def draw(self, rng: np.random.Generator, budget: int) -> list[Example]:
        """Programs of like length, as many as `budget` bytes of memory and states hold, at least one."""
        lowest, highest = self.plan.shortest, self.plan.longest
        lengths = np.arange(lowest, highest + 1)
        about = int(rng.choice(lengths, p=lengths / lengths.sum()))  # as often as they hold states
        # n instructions make n + 2 rows: the first state, the others, and the closing patch.
        top = -(-(about + 2) // BUCKET_PATCHES) * BUCKET_PATCHES - 2
        low, high = max(lowest, top - BUCKET_PATCHES + 1), min(highest, top)
        count = max(1, budget // (high * (STATE_SIZE + INSTRUCTION_SIZE)))
        return self._examples(random_programs(rng, count, self.plan.of_lengths(low, high)))

    def _examples(self, programs: Programs) -> list[Example]:
        states = run_programs(programs)
        return [
            self._frame(programs.memory(index), states[index, : programs.lengths[index] + 1])
            for index in range(len(programs))
        ]

    def _frame(self, program: bytes, states: Bytes) -> Example:
        size = self.config.patch_size
        head = frame_source(program.ljust(MEMORY_SIZE, b"\0"), TRACE_SUFFIX, size)
        patches = np.concatenate([head, states.astype(np.int16), closing_patch(size)])
        source = program
        times = _times(MEMORY_SIZE + states.size) if self.config.clock else None
        return Example(
            patches,
            len(head),
            source,
            0,
            states.size - STATE_SIZE,
            given=1,
            times=None if times is None else clock_patches(times, size),
            source_times=None if times is None else times[: len(source)],
        )


@cache
def _all_times() -> Times:
    return clock_of(bytes(MEMORY_SIZE + STATE_SIZE * 257), TRACE_SUFFIX)


def _times(num_bytes: int) -> Times:
    return _all_times()[: num_bytes + 1]
