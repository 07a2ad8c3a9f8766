"""Numbers in a source, in both notations: the values of decimal numerals, and the decimal digits of binary numbers.

A converter between text and binary records has to compute one from the other. From a thousand examples a network learns
that by heart for the numbers it has seen; given the value as a feature, it learns where to write it. The features of a
byte depend on the source alone.

Axes: B files, T source bytes, H width, R features of a byte.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bytesim.nn.numbers import begin_as_numbers
from bytesim.patching import END_OF_PATCH

_LONGEST = 6
"""Digits of a numeral that count; the value of a longer one is that of its last digits."""
_VALUES = 1 << 16
_NO_VALUE = 256
_DIGITS = (3, 5, 5)
"""Decimal digits of one byte, of two bytes with the lower first, and of two with the higher first."""
_TABLES = 8
"""Low and high byte of: a numeral, a numeral with its decimals, and both negated after a minus sign."""


class Numerals(nn.Module):
    """The sum of learned vectors for the features of every source byte: (B, T) -> (B, T, H)."""

    starts: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        values = torch.zeros(_TABLES, _NO_VALUE + 1, size)
        for table in values:
            begin_as_numbers(table, 0.5)
        values[:, _NO_VALUE] = 0.0
        digits = torch.randn(sum(_DIGITS) * 10, size) * 0.1
        self.vectors = nn.Parameter(torch.cat([values.flatten(0, 1), digits]))
        tables = torch.arange(_TABLES) * (_NO_VALUE + 1)
        places = _TABLES * (_NO_VALUE + 1) + 10 * torch.arange(sum(_DIGITS))
        self.register_buffer("starts", torch.cat([tables, places]), persistent=False)

    def forward(self, source: Tensor) -> Tensor:
        """(B, T, H) for source bytes (B, T), padded with 256."""
        rows = torch.cat([*(_low_and_high(value) for value in numeral_values(source)), decimal_digits(source)], -1)
        return F.embedding_bag((rows + self.starts).flatten(0, 1), self.vectors, mode="sum").unflatten(0, source.shape)


def numeral_values(source: Tensor) -> list[Tensor]:
    """Four (B, T) values, modulo 65536, of the numeral that ends at each byte; -1 where none does.

    They are: its digits after the last point; with the digits before one point, so that 12.3 is 123; and the same two
    negated, if a minus sign precedes the numeral.
    """
    digit = ((source >= 48) & (source <= 57)).long()
    run, whole = torch.zeros_like(digit), torch.zeros_like(digit)
    going, power = digit, 1
    for back in range(_LONGEST):
        whole = whole + going * (_back(source, back) - 48) * power
        run = run + going
        going, power = going * _back(digit, back + 1), power * 10
    before = _at(source, run)
    pointed = (before == ord(".")) & (_at(digit, run + 1) == 1) & (digit == 1)
    joined = torch.where(pointed, whole + 10**run * _at(whole, run + 1), whole)
    first = torch.where(pointed, _at(source, run + 1 + _at(run, run + 1)), before)
    minus = (first == ord("-")) & (digit == 1)
    values = (whole, joined)
    negated = [torch.where(minus, (-value) % _VALUES, -1) for value in values]
    return [torch.where(digit == 1, value % _VALUES, -1) for value in values] + negated


def decimal_digits(source: Tensor) -> Tensor:
    """(B, T, 13) decimal digits, the last one first, of each byte, and of it and the next one as two-byte numbers."""
    here = source * (source != END_OF_PATCH)
    then = F.pad(here[:, 1:], (0, 1))
    numbers = (here, here + 256 * then, 256 * here + then)
    digits = [
        number // 10**place % 10 for number, count in zip(numbers, _DIGITS, strict=True) for place in range(count)
    ]
    return torch.stack(digits, -1)


MOST_NUMBERS = 8192
"""Most bytes that are offered for a file, which bounds the time for long files: they are those of about a thousand
numerals, or of 480 bytes of a binary file."""
TEXT_CHANNELS, BINARY_CHANNELS = 9, sum(_DIGITS) + 4
CHANNELS = TEXT_CHANNELS + BINARY_CHANNELS
"""Ways to write a number of the source in the other notation, see `other_notation`."""


def other_notation(source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The bytes that write the numbers of sources (B, T) in the other notation, for each file the first MOST_NUMBERS.

    Returns three (B, K): the bytes, padded with 256; the places in the source that they are made of; and their
    channels, which tell how. A text has, at the end of each numeral, low and high byte of its `numeral_values`, and at
    the end of two hexadecimal digits their value. A binary file has, at each byte, its `decimal_digits` and its
    hexadecimal digits, lower and upper case, as ASCII.
    """
    visible = source != END_OF_PATCH
    text = ~((_is_control(source) | (source >= 127)) & visible).any(1)[:, None, None]
    numbers = torch.cat([_low_and_high(value) for value in _at_ends(source)] + [_hexadecimal_pairs(source)], -1)
    digits = torch.cat([decimal_digits(source) + ord("0"), _hexadecimal_digits(source)], -1)
    candidates = torch.cat(
        [numbers.masked_fill(~text, END_OF_PATCH), digits.masked_fill(text | ~visible[..., None], END_OF_PATCH)], -1
    ).flatten(1)
    valid = candidates != END_OF_PATCH
    count = min(max(1, int(valid.sum(1).max())), MOST_NUMBERS)
    order = (~valid).long().argsort(dim=1, stable=True)[:, :count]
    return candidates.gather(1, order), order // CHANNELS, order % CHANNELS


def _is_control(source: Tensor) -> Tensor:
    return (source < 32) & (source != 9) & (source != 10) & (source != 13)


def _at_ends(source: Tensor) -> list[Tensor]:
    """The values of numerals at their last digit only; -1 elsewhere."""
    digit = (source >= 48) & (source <= 57)
    ends = digit & ~F.pad(digit[:, 1:], (0, 1))
    return [value.masked_fill(~ends, -1) for value in numeral_values(source)]


def _hexadecimal_pairs(source: Tensor) -> Tensor:
    """(B, T, 1) the value of two hexadecimal digits at the second one; 256 elsewhere."""
    lower = source + 32 * ((source >= 65) & (source <= 70))
    digit = torch.where((source >= 48) & (source <= 57), source - 48, -1)
    digit = torch.where((lower >= 97) & (lower <= 102), lower - 87, digit)
    before = F.pad(digit, (1, 0), value=-1)[:, :-1]
    return torch.where((digit >= 0) & (before >= 0), 16 * before + digit, END_OF_PATCH)[..., None]


def _hexadecimal_digits(source: Tensor) -> Tensor:
    """(B, T, 4) high and low hexadecimal digit of each byte in lower case, and both in upper case, as ASCII."""
    halves = torch.stack([source // 16 % 16, source % 16], -1)
    return torch.cat([halves + 48 + (halves > 9) * letters for letters in (39, 7)], -1)


def _low_and_high(value: Tensor) -> Tensor:
    """(B, T, 2) low and high byte of values; 256 for -1."""
    return torch.stack([value % 256, value // 256], -1).masked_fill((value < 0)[..., None], _NO_VALUE)


def _back(x: Tensor, steps: int) -> Tensor:
    """x (B, T), `steps` places to the right; zeros enter from the left."""
    return F.pad(x, (steps, 0))[:, : x.shape[1]]


def _at(x: Tensor, back: Tensor) -> Tensor:
    """x (B, T) at `back` (B, T) places before each place; 0 before the first."""
    places = torch.arange(x.shape[1], device=x.device) - back
    return x.gather(1, places.clamp(min=0)) * (places >= 0)
