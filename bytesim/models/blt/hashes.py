"""The hash functions of n-grams, those of bytelatent, so that its weights mean the same. No torch."""

from __future__ import annotations

PRIMES = (
    1000000007, 5915587277, 1500450271, 3267000013, 5754853343, 4093082899, 9576890767, 3628273133, 2860486313,
    5463458053, 3367900313,
)  # fmt: skip
"""Bases of the hash functions, in their order."""


def power(prime: int, exponent: int) -> int:
    """A power of a prime in the arithmetic of 64-bit integers, which wraps around."""
    value = pow(prime, exponent, 1 << 64)
    return value - (1 << 64) if value >= 1 << 63 else value
