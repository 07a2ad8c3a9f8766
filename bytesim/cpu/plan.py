"""Which random programs are drawn: how long, of which operations, and of which values. Nothing here runs one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bytesim.cpu.isa import BY_NAME, OPERATIONS
from bytesim.cpu.programs import MAX_INSTRUCTIONS
from bytesim.errors import ConfigError

NUM_OPCODES = len(OPERATIONS)
FAVOUR = 4.0
"""How often a favoured operation comes for each time that another one does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Which programs are drawn. The defaults are those of docs/cpu.md, which a model is judged on."""

    shortest: int = 1
    """Fewest instructions, HLT included."""
    longest: int = MAX_INSTRUCTIONS
    """Most instructions; every length between the two is as likely."""
    favoured: str = ""
    """Names of operations, `MUL DIV`, that come `FAVOUR` times as often as the others."""
    small_share: float = 0.0
    """Share of the programs whose first values, and those of LOADI, are as often below 2, 4, 8, 16 ... 256, so that
    products and quotients are neither 255 nor 0."""
    beyond_share: float = 0.0
    """Share of the programs behind whose HLT memory holds more instructions, which are never reached."""

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest <= MAX_INSTRUCTIONS:
            raise ConfigError(f"programs of {self.shortest} to {self.longest} instructions; choose 1 to 255.")
        unknown = sorted(set(self.favoured.split()) - set(BY_NAME))
        if unknown:
            raise ConfigError(f"no operations of the CPU: {', '.join(unknown)}.")
        for share in (self.small_share, self.beyond_share):
            if not 0 <= share <= 1:
                raise ConfigError(f"a share of the programs is {share}; choose 0 to 1.")

    def of_lengths(self, shortest: int, longest: int) -> Plan:
        """The same for programs of these lengths."""
        return replace(self, shortest=shortest, longest=longest)

    @property
    def opcode_shares(self) -> NDArray[np.float64]:
        """(20,) how often each of the opcodes 1 .. 20 comes."""
        names = self.favoured.split()
        weights = np.array([FAVOUR if each.name in names else 1.0 for each in OPERATIONS[1:]])
        return weights / weights.sum()


PLAIN = Plan()
"""The programs of docs/cpu.md, which a model is judged on."""
