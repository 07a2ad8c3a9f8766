"""Training examples for CPU models: programs made during the training, or programs of a shard. No torch."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bytesim.clocks import Times, clock_of, clock_patches
from bytesim.cpu.alone import states_alone
from bytesim.cpu.many import random_programs, split_programs, with_states
from bytesim.errors import ConfigError, FormatError
from bytesim.formats.cpu_trace import INSTRUCTION_SIZE, MEMORY_SIZE, STATE_SIZE, TRACE_SUFFIX, program_of
from bytesim.models.bgpt.config import BGPTConfig
from bytesim.patching import closing_patch, frame_source, header_patches, split_patches
from bytesim.training.data.examples import BUCKET_PATCHES, Example
from bytesim.training.data.shards import Shard, pack
from bytesim.training.sources import CpuSource

if TYPE_CHECKING:
    from bytesim.models.registry import ModelConfig

_HELD_PROGRAMS = 384
"""Number of held-out programs for validation; they are the same in every training."""
NEARLY_FULL, NEARLY_FULL_SHARE = 4, 0.75
"""In this share of the batches programs need fewer than four patches of padding, so that little computation is lost."""


class CpuStream:
    """Programs of the lengths that a data source names: new ones for each step, or those of a shard.

    The shard comes from `bytesim data build cpu`: its sources are programs, its targets all their states.
    """

    left_out = 0
    why_left_out = ""  # no program is left out

    def __init__(self, source: CpuSource, config: ModelConfig, shard: Shard | None = None, *, sha256: str = "") -> None:
        if config.patch_size not in (1, STATE_SIZE):
            raise ConfigError(f"patch_size is {config.patch_size}; the states of the CPU need {STATE_SIZE}, or 1.")
        if source.result_states and not (isinstance(config, BGPTConfig) and config.patch_reads):
            raise ConfigError("result_states is for a model that reads single bytes of a patch; set patch_reads.")
        self.source = source
        self.config = config
        self.plan = source.plan
        self.sha256 = sha256
        size = config.patch_size
        self.state_patches = STATE_SIZE // size
        """Patches of a state, of which there is one for each instruction, and the first."""
        memory = MEMORY_SIZE // size if config.inputs.source_in_history else 0
        self.extra = header_patches(size) + memory + self.state_patches + len(closing_patch(size))
        """Patches of a file besides the states after the first."""
        needed = self.plan.longest * self.state_patches + self.extra
        if needed > config.max_patches:
            limit = "max_bytes" if size == 1 else "max_patches"
            raise ConfigError(f"programs of {self.plan.longest} instructions need {limit} = {needed} or more.")
        if shard is None:
            blocks = split_programs("dev", _HELD_PROGRAMS, self.plan)
            shard = pack([row for block in blocks for row in with_states(block)])
        self.shard = shard
        from_bytes, to_bytes = shard.lengths()
        if np.any(from_bytes > MEMORY_SIZE) or np.any(to_bytes % STATE_SIZE):
            raise FormatError("is not a shard of programs and their states.", file=source.path)
        self.lengths = to_bytes // STATE_SIZE - 1
        self.rows = np.flatnonzero((self.lengths >= self.plan.shortest) & (self.lengths <= self.plan.longest))
        if not len(self.rows):
            raise ConfigError(
                f"{source.path} holds no program of {self.plan.shortest} to {self.plan.longest} instructions."
            )

    def coarsen(self) -> None:
        """Nothing: the buckets of programs have few sizes in any case."""

    def __len__(self) -> int:
        return len(self.rows)

    def example(self, index: int) -> Example:
        """A program of the shard; without a shard, one of the held-out programs."""
        return self._frame(*self.shard.row(int(self.rows[index])))

    def draw(self, rng: np.random.Generator, budget: int) -> list[Example]:
        """Random programs of similar length: at least one, else as many as fit in `budget` bytes with their states."""
        lowest, highest = self.plan.shortest, self.plan.longest
        lengths = np.arange(lowest, highest + 1) if not self.source.path else self.lengths[self.rows]
        about = int(rng.choice(lengths, p=lengths / lengths.sum()))  # proportional to their states
        bucket = -(-(self.extra + about * self.state_patches) // BUCKET_PATCHES) * BUCKET_PATCHES - self.extra
        top, bottom = bucket // self.state_patches, -((BUCKET_PATCHES - 1 - bucket) // self.state_patches)
        less = NEARLY_FULL if rng.random() < NEARLY_FULL_SHARE else BUCKET_PATCHES
        high = min(highest, top)
        low = max(lowest, bottom, high - less + 1)
        count = max(1, budget // (high * (STATE_SIZE + INSTRUCTION_SIZE)))
        if self.source.path:
            low = max(lowest, bottom)  # the whole bucket, so that `about` is in it
            similar = self.rows[(lengths >= low) & (lengths <= high)]
            chosen = np.searchsorted(self.rows, rng.choice(similar, count))
            return self._with_results(rng, [self.example(int(index)) for index in chosen])
        programs = random_programs(rng, count, self.plan.of_lengths(low, high))
        return self._with_results(rng, [self._frame(program, states) for program, states in with_states(programs)])

    def _with_results(self, rng: np.random.Generator, examples: list[Example]) -> list[Example]:
        """The examples; the first one also has the states of the auxiliary loss."""
        if self.source.result_states:
            states, results = states_alone(rng, self.source.result_states)
            examples[0] = replace(examples[0], states_alone=states.astype(np.int16), results=results)
        return examples

    def _frame(self, program: bytes, states: bytes) -> Example:
        size = self.config.patch_size
        memory = program.ljust(MEMORY_SIZE, b"\0")
        head = frame_source(memory if self.config.inputs.source_in_history else b"", TRACE_SUFFIX, size)
        patches = np.concatenate([head, split_patches(states, size), closing_patch(size)])
        source = program_of(memory)
        times = _times(MEMORY_SIZE + len(states)) if self.config.inputs.times else None
        skipped = 0 if self.config.inputs.source_in_history else MEMORY_SIZE
        return Example(
            patches,
            len(head),
            source,
            0,
            len(states) - STATE_SIZE,
            given=self.state_patches,
            times=None if times is None else clock_patches(times[skipped:], size),
            source_times=None if times is None else times[: len(source)],
        )


@cache
def _all_times() -> Times:
    return clock_of(bytes(MEMORY_SIZE + STATE_SIZE * 257), TRACE_SUFFIX)


def _times(num_bytes: int) -> Times:
    return _all_times()[: num_bytes + 1]
