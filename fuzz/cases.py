"""A case: the input of a target that (target, seed, number) stands for."""

from __future__ import annotations

import random
from pathlib import Path

from fuzz.mutate import mutated
from fuzz.seeds import seeds
from fuzz.targets import Target

FOUND = Path(__file__).resolve().parent / "found"
"""Where inputs that break something are saved."""


def pool(target: Target) -> list[bytes]:
    """The seeds of a target."""
    return [data for kind in target.kinds for data in seeds(kind)]


def case(target: Target, seed: int, number: int) -> bytes:
    """The input of a number; always the same for the same seeds."""
    return mutated(random.Random(f"{target.name} {seed} {number}"), pool(target))
