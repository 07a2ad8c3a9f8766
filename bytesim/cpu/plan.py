"""Settings of random programs: their lengths, operations and values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.isa import BY_NAME, OPERATIONS
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.errors import ConfigError

NUM_OPCODES = len(OPERATIONS)
FAVOUR = 4.0
"""How many times as often as another operation a favoured one is drawn."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How random programs are drawn. The defaults give the programs of docs/cpu.md, on which models are evaluated."""

    shortest: int = 1
    """Fewest instructions, HLT included."""
    longest: int = MAX_INSTRUCTIONS
    """Most instructions; lengths are uniform between the two."""
    favoured: str = ""
    """Names of operations, such as `MUL DIV`, that are drawn `FAVOUR` times as often as the others."""
    small_share: float = 0.0
    """Share of the programs with small values in the first state and in LOADI: below 2, 4, 8 ... 256, each bound
    equally often, so that products are not all 255 and quotients not all 0."""
    beyond_share: float = 0.0
    """Share of the programs that have more instructions after their HLT, which are never executed."""

    drill_share: float = 0.0
    """Share of the programs that practise operations with two operands, see `drills`."""

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest <= MAX_INSTRUCTIONS:
            raise ConfigError(f"programs of {self.shortest} to {self.longest} instructions; choose 1 to 255.")
        unknown = sorted(set(self.favoured.split()) - set(BY_NAME))
        if unknown:
            raise ConfigError(f"not operations of the CPU: {', '.join(unknown)}.")
        for share in (self.small_share, self.beyond_share, self.drill_share):
            if not 0 <= share <= 1:
                raise ConfigError(f"a share of the programs is {share}; choose 0 to 1.")

    def of_lengths(self, shortest: int, longest: int) -> Plan:
        """The same settings for programs of these lengths."""
        return replace(self, shortest=shortest, longest=longest)

    @property
    def opcode_shares(self) -> NDArray[np.float64]:
        """(20,): the probability of each of the opcodes 1 .. 20."""
        names = self.favoured.split()
        weights = np.array([FAVOUR if operation.name in names else 1.0 for operation in OPERATIONS[1:]])
        return weights / weights.sum()


PLAIN = Plan()
"""The programs of docs/cpu.md, on which models are evaluated."""
