"""Numbers in a source, in both notations: the values of decimal numerals, and the decimal digits of binary numbers.

They depend on the source alone, and are computed once for each. No torch.

Axes: B files, T source bytes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bytesim.patching import END_OF_PATCH

Integers = NDArray[np.int64]

LONGEST = 6
"""Digits of a numeral that count; the value of a longer one is that of its last digits."""
_VALUES = 1 << 16
NO_VALUE = 256
DIGITS = (3, 5, 5)
"""Decimal digits of one byte, of two bytes with the lower first, and of two with the higher first."""
TABLES = 8
"""Low and high byte of: a numeral, a numeral with its decimals, and both negated after a minus sign."""
NUMERAL_ROWS = TABLES * (NO_VALUE + 1) + 10 * sum(DIGITS)
"""Vectors of `numerals.Numerals`."""
MOST_NUMBERS = 8192
"""Most bytes that are offered for a file, which bounds the time for long files: they are those of about a thousand
numerals, or of 480 bytes of a binary file."""
TEXT_CHANNELS, BINARY_CHANNELS = 9, sum(DIGITS) + 4
CHANNELS = TEXT_CHANNELS + BINARY_CHANNELS
"""Ways to write a number of the source in the other notation, see `other_notation`."""


def numeral_rows(source: Integers) -> Integers:
    """(B, T, TABLES + digits): the rows of each byte in the tables of `numerals.Numerals`, without their starts."""
    return np.concatenate([*(_low_and_high(value) for value in numeral_values(source)), decimal_digits(source)], -1)


def row_starts() -> Integers:
    """(TABLES + digits,): where the rows of each feature begin."""
    return np.concatenate([np.arange(TABLES) * (NO_VALUE + 1), TABLES * (NO_VALUE + 1) + 10 * np.arange(sum(DIGITS))])


def numeral_values(source: Integers) -> list[Integers]:
    """Four (B, T) values, modulo 65536, of the numeral that ends at each byte; -1 where none does.

    They are: its digits after the last point; with the digits before one point, so that 12.3 is 123; and the same two
    negated, if a minus sign precedes the numeral.
    """
    digit = ((source >= 48) & (source <= 57)).astype(np.int64)
    run, whole = np.zeros_like(digit), np.zeros_like(digit)
    going, power = digit, 1
    for back in range(LONGEST):
        whole = whole + going * (_back(source, back) - 48) * power
        run = run + going
        going, power = going * _back(digit, back + 1), power * 10
    before = _at(source, run)
    pointed = (before == ord(".")) & (_at(digit, run + 1) == 1) & (digit == 1)
    joined = np.where(pointed, whole + 10**run * _at(whole, run + 1), whole)
    first = np.where(pointed, _at(source, run + 1 + _at(run, run + 1)), before)
    minus = (first == ord("-")) & (digit == 1)
    values = (whole, joined)
    negated = [np.where(minus, (-value) % _VALUES, -1) for value in values]
    return [np.where(digit == 1, value % _VALUES, -1) for value in values] + negated


def decimal_digits(source: Integers) -> Integers:
    """(B, T, 13) decimal digits, the last one first, of each byte, and of it and the next one as two-byte numbers."""
    here = source * (source != END_OF_PATCH)
    then = np.pad(here[:, 1:], ((0, 0), (0, 1)))
    numbers = (here, here + 256 * then, 256 * here + then)
    digits = [number // 10**place % 10 for number, count in zip(numbers, DIGITS, strict=True) for place in range(count)]
    return np.stack(digits, -1)


def other_notation(source: Integers) -> tuple[Integers, Integers, Integers]:
    """The bytes that write the numbers of sources (B, T) in the other notation, for each file the first MOST_NUMBERS.

    Returns three (B, K): the bytes, padded with 256; the places in the source that they are made of; and their
    channels, which tell how. A text has, at the end of each numeral, low and high byte of its `numeral_values`, and at
    the end of two hexadecimal digits their value. A binary file has, at each byte, its `decimal_digits` and its
    hexadecimal digits, lower and upper case, as ASCII.
    """
    visible = source != END_OF_PATCH
    text = ~((_is_control(source) | (source >= 127)) & visible).any(1)[:, None, None]
    numbers = np.concatenate([_low_and_high(value) for value in _at_ends(source)] + [_hexadecimal_pairs(source)], -1)
    digits = np.concatenate([decimal_digits(source) + ord("0"), _hexadecimal_digits(source)], -1)
    candidates = np.concatenate(
        [np.where(text, numbers, END_OF_PATCH), np.where(text | ~visible[..., None], END_OF_PATCH, digits)], -1
    ).reshape(len(source), -1)
    valid = candidates != END_OF_PATCH
    count = min(max(1, int(valid.sum(1).max())), MOST_NUMBERS)
    order = np.argsort(~valid, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(candidates, order, 1), order // CHANNELS, order % CHANNELS


def _is_control(source: Integers) -> NDArray[np.bool_]:
    return (source < 32) & (source != 9) & (source != 10) & (source != 13)


def _at_ends(source: Integers) -> list[Integers]:
    """The values of numerals at their last digit only; -1 elsewhere."""
    digit = (source >= 48) & (source <= 57)
    ends = digit & ~np.pad(digit[:, 1:], ((0, 0), (0, 1)))
    return [np.where(ends, value, -1) for value in numeral_values(source)]


def _hexadecimal_pairs(source: Integers) -> Integers:
    """(B, T, 1) the value of two hexadecimal digits at the second one; 256 elsewhere."""
    lower = source + 32 * ((source >= 65) & (source <= 70))
    digit = np.where((source >= 48) & (source <= 57), source - 48, -1)
    digit = np.where((lower >= 97) & (lower <= 102), lower - 87, digit)
    before = np.pad(digit, ((0, 0), (1, 0)), constant_values=-1)[:, :-1]
    return np.where((digit >= 0) & (before >= 0), 16 * before + digit, END_OF_PATCH)[..., None]


def _hexadecimal_digits(source: Integers) -> Integers:
    """(B, T, 4) high and low hexadecimal digit of each byte in lower case, and both in upper case, as ASCII."""
    halves = np.stack([source // 16 % 16, source % 16], -1)
    return np.concatenate([halves + 48 + (halves > 9) * letters for letters in (39, 7)], -1)


def _low_and_high(value: Integers) -> Integers:
    """(B, T, 2) low and high byte of values; 256 for -1."""
    return np.where((value < 0)[..., None], NO_VALUE, np.stack([value % 256, value // 256], -1))


def _back(x: Integers, steps: int) -> Integers:
    """x (B, T), `steps` places to the right; zeros enter from the left."""
    return np.pad(x, ((0, 0), (steps, 0)))[:, : x.shape[1]]


def _at(x: Integers, back: Integers) -> Integers:
    """x (B, T) at `back` (B, T) places before each place; 0 before the first."""
    places = np.arange(x.shape[1]) - back
    return np.take_along_axis(x, np.maximum(places, 0), 1) * (places >= 0)
