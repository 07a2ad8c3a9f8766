"""Properties that all training inputs share."""

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bytesim.predictors.invariants import FEWEST, PROPERTIES, named_properties, shared_properties


def words(rng: random.Random, count: int) -> list[str]:
    return ["".join(rng.choices("abcdefgh", k=rng.randint(2, 9))) for _ in range(count)]


def csv(rng: random.Random) -> bytes:
    columns = rng.randint(2, 4)
    return "".join(",".join(words(rng, columns)) + "\n" for _ in range(rng.randint(2, 5))).encode()


def settings(rng: random.Random) -> bytes:
    keys = sorted(set(words(rng, 6)))
    return "".join(f"{key} = [{key}]\n" for key in keys).encode()


def records(rng: random.Random) -> bytes:
    tags = rng.sample(range(1, 200), rng.randint(1, 5))
    return b"".join(bytes([tag, size]) + rng.randbytes(size) for tag in tags for size in [rng.randint(0, 9)])


def sized(rng: random.Random) -> bytes:
    body = rng.randbytes(rng.randint(1, 40))
    return b"RI" + struct.pack(">I", len(body)) + body


def checked(rng: random.Random) -> bytes:
    body = rng.randbytes(rng.randint(1, 40))
    return body + struct.pack("<I", zlib.crc32(body))


def summed(rng: random.Random) -> bytes:
    body = rng.randbytes(rng.randint(1, 40))
    return body + bytes([sum(body) % 256])


def names(make, seeds: range = range(300)) -> set[str]:
    return {each.name for each in shared_properties([make(random.Random(seed)) for seed in seeds])}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (csv, {"newline", "even 44"}),
        (settings, {"newline", "even 61", "keys 61", "balanced []"}),
        (records, {"records 0 1 1 little", "tags 0 1 1 little"}),
        (sized, {"size 2 6 4 big"}),
        (checked, {"crc32 little"}),
        (summed, {"sum"}),
    ],
)
def test_the_properties_of_a_format_are_found(make, expected):
    found = names(make)
    assert expected <= found
    fresh = [make(random.Random(seed)) for seed in range(1000, 1300)]
    broken = [data for data in fresh if any(each.holds(data) is False for each in named_properties(found))]
    assert len(broken) <= 3


@pytest.mark.parametrize(
    ("make", "odd", "broken"),
    [
        (csv, b"a,b\nc\n", "its lines have different numbers of ,"),
        (csv, b"a,b\nc,d", "it does not end with a newline"),
        (settings, b"a = [a]\na = [b]\n", "the text before = is the same in two lines"),
        (settings, b"a = [a\n", "its [ ] are not in pairs"),
        (settings, b"a = ]a[\n", "its [ ] are not in pairs"),
        (records, b"\x07\x05abc", "the lengths in it do not add up"),
        (records, b"\x07\x01a\x07\x01b", "one of its fields occurs twice"),
        (sized, b"RI\x00\x00\x00\x09abc", "a length in it is not that of the file"),
        (checked, b"abcdefgh", "its checksum is wrong"),
        (summed, b"abcdefgh", "its checksum is wrong"),
    ],
)
def test_an_input_that_breaks_a_property_is_told(make, odd, broken):
    assert broken in [each.broken for each in named_properties(names(make)) if each.holds(odd) is False]


def test_separators_in_quotes_separate_nothing():
    assert PROPERTIES["even 44"].holds(b'a,b\n"c,d",e\n') is True
    assert PROPERTIES["even 124"].holds(b"| a | b |\n| c \\| d | e |\n") is True


def test_few_inputs_show_nothing():
    assert not names(records, range(FEWEST - 1))


def test_what_no_input_shows_is_no_property():
    """Words without brackets do not say whether brackets come in pairs."""
    assert not any(name.startswith("balanced") for name in names(csv))


@given(st.binary(max_size=200))
def test_every_property_of_any_bytes_is_true_false_or_unknown(data):
    assert all(each.holds(data) in (True, False, None) for each in PROPERTIES.values())
