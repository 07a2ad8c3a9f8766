"""`roman`: a decimal number from 1 to 3999 to the Roman numeral."""

from __future__ import annotations

import re
from random import Random

from ..task import Task

MOST = 3999
_NUMERALS = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def rule(source: bytes) -> bytes | None:
    """The numeral of a number without sign or leading zeros; a newline ends both."""
    if not re.fullmatch(rb"[1-9][0-9]{0,3}\r?\n", source) or int(source) > MOST:
        return None
    left, numeral = int(source), ""
    for value, letters in _NUMERALS:
        numeral += letters * (left // value)
        left %= value
    return f"{numeral}\n".encode("ascii")


def _make(rng: Random, held_out: bool) -> bytes:
    return b"%d\n" % rng.randint(1, MOST)


def _thousands(rng: Random, source: bytes) -> bytes:
    return f"{rng.randint(1000, MOST):,}\n".encode("ascii")


def _numeral(rng: Random, source: bytes) -> bytes:
    return rule(source) or b""


def _arabic_digits(rng: Random, source: bytes) -> bytes:
    return source.decode("ascii").translate({48 + digit: 0x0660 + digit for digit in range(10)}).encode("utf-8")


def _named(rng: Random, source: bytes) -> bytes:
    names = ["one", "two", "three", "seven", "twelve", "nineteen", "forty", "sixty", "ninety", "hundred", "thousand"]
    return " ".join(rng.sample(names, rng.randint(1, 3))).encode("ascii") + b"\n"


ROMAN = Task(
    name="roman",
    source_suffix="dec",
    target_suffix="rom",
    make=_make,
    rule=rule,
    odd_kinds={
        "zero": lambda rng, source: b"0" * rng.randint(1, 9) + b"\n",
        "too_great": lambda rng, source: b"%d\n" % rng.randint(4000, 9999),
        "five_digits": lambda rng, source: b"%d\n" % rng.randint(10_000, 99_999),
        "negative": lambda rng, source: b"-" + source,
        "fraction": lambda rng, source: source.rstrip(b"\n") + b".%d\n" % rng.randint(1, 99),
        "leading_zeros": lambda rng, source: b"0" * rng.randint(1, 3) + source,
        "hexadecimal": lambda rng, source: b"%#x\n" % rng.randint(10, MOST),
        "two_numbers": lambda rng, source: source.rstrip(b"\n") + b" " + source,
        "thousands": _thousands,
        "numeral": _numeral,
        "arabic_digits": _arabic_digits,
        "named": _named,
    },
    not_odd=frozenset({"end_missing", "start_missing", "middle_missing", "swapped_bytes", "other_separators"}),
)
