"""What `evaluate cpu` finds."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.metrics import StateScore


@dataclass(frozen=True, kw_only=True)
class OpcodeScore:
    """How often the effect of an operation came out right. Counted up to the first wrong state of each program:
    what follows rests on wrong values."""

    executed: int
    wrong: int

    @property
    def accuracy(self) -> float:
        """Share of the executed ones that came out right; 1 for none."""
        return 1 - self.wrong / self.executed if self.executed else 1.0


@dataclass(frozen=True, kw_only=True)
class CpuEvaluation:
    """A model on programs of the CPU, free-running."""

    model: str
    split: str
    split_sha256: str
    decoding: str
    score: StateScore
    byte_accuracy: float
    program_accuracy: float
    """Share of programs right to the last byte."""
    by_length: dict[str, StateScore]
    by_opcode: dict[str, OpcodeScore]
    fetch: OpcodeScore
    """PC and IR of the same states."""
    unended: int
    """Programs that the model did not end."""
    longest_right: int
    """Instructions of the longest program that is right to the last byte; 0 for none."""
    bits_per_byte: float | None
    """Of the states after the first, teacher-forced, where that was asked for."""
    states_per_second: float
    """Predicted, all programs decoded together."""
