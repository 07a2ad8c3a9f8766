"""Numbers in a source, as values and as decimal digits."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from bytesim.nn.numeral_features import decimal_digits, numeral_values
from bytesim.nn.numerals import Numerals
from bytesim.patching import END_OF_PATCH


def values_at_end(text: str) -> list[int]:
    """The four values at the last byte of a text."""
    return [int(value[0, -1]) for value in numeral_values(np.array([list(text.encode())]))]


@given(st.integers(0, 999_999))
def test_a_numeral_has_its_value_at_its_last_digit(number):
    assert values_at_end(f"x={number}") == [number % 65536, number % 65536, -1, -1]


@given(st.integers(0, 999), st.integers(0, 99))
def test_decimals_count_alone_and_with_the_digits_before_the_point(whole, decimals):
    text = f"{whole}.{decimals:02}"
    joined = int(text.replace(".", "")) % 65536
    assert values_at_end(text) == [decimals, joined, -1, -1]
    assert values_at_end(f"t=-{text}") == [decimals, joined, -decimals % 65536, -joined % 65536]


def test_other_bytes_have_no_value():
    assert values_at_end("12a") == [-1] * 4
    assert values_at_end("12.") == [-1] * 4
    assert values_at_end("a.5") == [5, 5, -1, -1]


@given(st.integers(0, 255), st.integers(0, 255))
def test_digits_are_those_of_the_byte_and_of_both_two_byte_numbers(one, two):
    digits = decimal_digits(np.array([[one, two]]))[0, 0].tolist()
    numbers = (f"{one:03}", f"{one + 256 * two:05}", f"{256 * one + two:05}")
    assert digits == [int(digit) for number in numbers for digit in reversed(number)]


def test_padding_changes_nothing():
    torch.manual_seed(0)
    numerals = Numerals(16)
    data = list(b"t=-12.3\xff")
    padded = torch.tensor([[*data, END_OF_PATCH, END_OF_PATCH]])
    assert torch.allclose(numerals(padded)[:, : len(data)], numerals(torch.tensor([data])), atol=1e-6)
