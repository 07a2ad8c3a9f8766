"""The length limit of programs, and random first states. Source: docs/cpu.md. `cpu/many.py` draws random programs."""

from __future__ import annotations

from random import Random

from bytesim.formats.cpu_trace import REGISTER_NAMES, State

MAX_INSTRUCTIONS = 255


def random_first_state(rng: Random) -> State:
    """A first state: PC 0, nothing fetched, ACC and registers uniform over 0..255."""
    acc = _random_byte(rng)
    return State(acc=acc, registers=tuple(_random_byte(rng) for _ in REGISTER_NAMES))


def _random_byte(rng: Random) -> int:
    """Uniform in 0..255. Only `random()` promises the same numbers in every version of Python."""
    return int(rng.random() * 256)
