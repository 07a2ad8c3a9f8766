"""Text is told from binary data, whatever its language and encoding."""

import lzma
import random

import pytest
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st

from bytesim.formats.text import is_text

POEM = "Wer reitet so spät durch Nacht und Wind? Это отец. 春眠不覚暁\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_of_any_script_is_text(encoding):
    assert is_text(POEM.encode(encoding))


@pytest.mark.parametrize(
    "data", [b"a", "naïve café".encode("latin-1"), b"\x1b[31mred\x1b[0m\r\n\f", b"X:1\nK:D\nDFAd|\n", b"caf\xe9"]
)
def test_older_encodings_and_signs_of_terminals_are_text(data):
    assert is_text(data)


def test_a_piece_that_is_cut_inside_a_character_is_text():
    data = POEM.encode()
    assert all(is_text(data[start:end]) for start in range(60, 70) for end in range(130, 140))


def test_two_pieces_that_are_cut_and_joined_inside_characters_are_text():
    verse = "春眠不覚暁、処処聞啼鳥。".encode() * 60
    assert all(is_text(verse[start : start + 500] + verse[-end:]) for start in range(3) for end in range(500, 503))


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"abc\0", random.Random(0).randbytes(200), lzma.compress(POEM.encode()), bytes(range(200, 210)) * 5],
)
def test_binary_data_and_no_data_are_not_text(data):
    assert not is_text(data)


def test_the_pictures_and_recordings_of_the_examples_are_binary_and_the_others_are_text():
    for path in EXAMPLES.iterdir():
        assert is_text(path.read_bytes()) == (path.suffix not in (".wav", ".bmp", ".png", ".mid", ".bin")), path


@given(st.binary(max_size=300))
def test_any_bytes_have_an_answer_and_text_has_no_zero(data):
    assert is_text(data) in (True, False)
    if b"\0" in data and data[:2] not in (b"\xff\xfe", b"\xfe\xff", b"\0\0"):
        assert not is_text(data)
