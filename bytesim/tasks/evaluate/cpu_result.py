"""The results of `evaluate cpu`."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.metrics import StateScore


@dataclass(frozen=True, kw_only=True)
class OpcodeScore:
    """How often a model predicts the effect of an operation correctly.

    Only states up to the first wrong one of each program count, because later states depend on the wrong values.
    """

    executed: int
    wrong: int

    @property
    def accuracy(self) -> float:
        """Share of the executions that are right; 1 without executions."""
        return 1 - self.wrong / self.executed if self.executed else 1.0


@dataclass(frozen=True, kw_only=True)
class CpuEvaluation:
    """The results of a free-running model on programs of the CPU."""

    model: str
    split: str
    split_sha256: str
    decoding: str
    score: StateScore
    byte_accuracy: float
    program_accuracy: float
    """Share of programs that are right in every byte."""
    by_length: dict[str, StateScore]
    by_opcode: dict[str, OpcodeScore]
    fetch: OpcodeScore
    """The score of PC and IR of the same states."""
    unended: int
    """Number of programs that the model did not end."""
    longest_right: int
    """Instructions of the longest program that is right in every byte; 0 for none."""
    bits_per_byte: float | None
    """Bits per byte of the states after the first, teacher-forced; None if not asked for."""
    states_per_second: float
    """Speed of predicting all programs together."""
