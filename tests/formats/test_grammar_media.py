"""What the grammars of text, pictures and recordings let through is valid, and what is valid they let through."""

import io
import random
import sys

import numpy as np
import pytest
import soundfile
from helpers.grammars import accepts, walk
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bytesim.formats import bmp, wav
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import Grammar, grammar_after, lead, only_way_on
from bytesim.formats.media_grammar import BMP_HEADER, WAV_HEADER, bmp_grammar, text_grammar, wav_grammar
from bytesim.patching import END_OF_PATCH

MAKERS = {"bmp": bmp_grammar, "wav": wav_grammar}
HEADERS = {"bmp": BMP_HEADER, "wav": WAV_HEADER}
SIZES = {"bmp": 3126, "wav": 8044}


def written_by_chance(grammar: Grammar, rng: random.Random) -> bytes:
    """A file of which every byte is drawn among those allowed."""
    data = bytearray()
    while not grammar.allowed[END_OF_PATCH]:
        data.append(int(rng.choice(np.flatnonzero(grammar.allowed[:256]))))
        grammar.advance(data[-1])
    assert not grammar.allowed[:256].any()
    return bytes(data)


def test_any_picture_the_grammar_lets_through_opens():
    data = written_by_chance(bmp_grammar(), random.Random(0))
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        assert (picture.format, picture.size, picture.mode) == ("BMP", (32, 32), "RGB")
    assert bmp.parse(data).is_model_form


def test_any_recording_the_grammar_lets_through_opens():
    data = written_by_chance(wav_grammar(), random.Random(0))
    samples, rate = soundfile.read(io.BytesIO(data))
    assert (len(samples), rate) == (8000, 8000)
    assert wav.parse(data).is_model_form


@given(st.binary(min_size=1, max_size=64))
def test_every_picture_of_the_model_s_form_is_let_through(some):
    pixels = (some * 3072)[:3072]
    assert accepts(bmp_grammar(), bmp.serialize(bmp.Picture(width=32, height=32, pixels=pixels))) is None


@given(st.binary(max_size=64))
def test_every_recording_of_the_model_s_form_is_let_through(some):
    assert accepts(wav_grammar(), wav.serialize(wav.model_recording(some * 100))) is None


@pytest.mark.parametrize("suffix", MAKERS)
def test_another_header_a_byte_too_few_and_one_too_many_are_kept_out(suffix):
    header, size, make = HEADERS[suffix], SIZES[suffix], MAKERS[suffix]
    whole = header + bytes(size - len(header))
    for place in range(len(header)):
        other = bytearray(whole)
        other[place] ^= 1
        assert accepts(make(), bytes(other)) == place
    assert accepts(make(), whole[:-1]) == size - 1
    assert accepts(make(), whole + b"\0") == size


@pytest.mark.parametrize("suffix", MAKERS)
def test_the_header_is_the_only_way_on(suffix):
    assert only_way_on(MAKERS[suffix]()) == HEADERS[suffix]
    assert only_way_on(grammar_after(MAKERS[suffix], HEADERS[suffix][:7])) == HEADERS[suffix][7:]
    assert only_way_on(grammar_after(MAKERS[suffix], HEADERS[suffix] + b"\0")) == b""
    assert only_way_on(grammar_after(MAKERS[suffix], bytes(HEADERS[suffix]).ljust(SIZES[suffix], b"\1"))) == b""


def test_the_only_way_on_ends_where_there_are_several():
    assert only_way_on(abc_grammar()) == b"X:1\nM:"
    assert only_way_on(grammar_after(abc_grammar, b"X:1\nM:4/4\n")) == b"L:1/"


def is_text(data: bytes) -> bool:
    try:
        return bool(data.decode("utf-8")) and b"\0" not in data
    except UnicodeDecodeError:
        return False


def test_every_character_is_let_through():
    every = [chr(point) for point in range(1, sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
    for text in ("".join(every[start : start + 5000]) for start in range(0, len(every), 5000 * 37)):
        assert accepts(text_grammar(), text.encode("utf-8")) is None
    edges = "\x01\x7f\x80\u07ff\u0800\u0fff\u1000\ud7ff\ue000\uffff\U00010000\U0003ffff\U00040000\U000fffff\U0010ffff"
    assert accepts(text_grammar(), edges.encode("utf-8")) is None


FRAGMENTS = st.sampled_from([b"a", b"\0", b"\x80", b"\xbf", b"\xc1", b"\xc2", b"\xe0", b"\xe1", b"\x9f", b"\xa0"])
MORE = st.sampled_from([b"\xed", b"\xef", b"\xf0", b"\x8f", b"\x90", b"\xf3", b"\xf4", b"\xf5", "é€😀".encode()])


@given(st.lists(FRAGMENTS | MORE | st.binary(max_size=2), max_size=6).map(b"".join))
def test_bytes_are_let_through_exactly_where_python_reads_them_as_text(data):
    misfit = accepts(text_grammar(), data)
    assert (misfit is None) == is_text(data)
    if misfit is not None and b"\0" not in data and data:
        with pytest.raises(UnicodeDecodeError) as caught:
            data.decode("utf-8")
        assert caught.value.start <= misfit <= caught.value.end


@pytest.mark.parametrize("seed", range(30))
def test_any_text_the_grammar_lets_through_is_utf_8(seed):
    assert is_text(walk(text_grammar(), random.Random(seed), 60, [END_OF_PATCH]))


@pytest.mark.parametrize("first", ["", "a", "é", "€", "😀"])
def test_a_text_that_is_told_to_end_finishes_its_character(first):
    for cut in range(len(first.encode()) + 1):
        begun = first.encode()[:cut]
        grammar = text_grammar()
        assert lead(grammar, begun[:-1]) is None
        grammar.ending.wanted = True
        assert lead(grammar, begun[-1:]) is None
        data = bytearray(begun)
        while not grammar.allowed[END_OF_PATCH]:
            data.append(int(np.flatnonzero(grammar.allowed[:256])[-1]))
            grammar.advance(data[-1])
        assert not grammar.allowed[:256].any()
        assert is_text(bytes(data))
        assert len(data) <= max(1, len(begun) + 3) if begun else 4
