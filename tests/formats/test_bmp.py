"""BMP pictures survive a round trip, and broken ones are explained."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import pytest
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from bytesim.errors import FormatError
from bytesim.formats import bmp

SUNSET = (EXAMPLES / "sunset.bmp").read_bytes()


@st.composite
def pictures(draw: st.DrawFn) -> bmp.Picture:
    width, height = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    size = 3 * width * height
    return bmp.Picture(width=width, height=height, pixels=draw(st.binary(min_size=size, max_size=size)))


def place_of_fault(data: bytes) -> int | None:
    """Where the parser finds the first fault; 0 for a sound file, None for an error without an offset."""
    try:
        bmp.parse(data)
    except FormatError as error:
        return error.offset
    return 0


def test_the_example_survives_a_round_trip():
    picture = bmp.parse(SUNSET)
    assert bmp.serialize(picture) == SUNSET
    assert len(SUNSET) == bmp.MODEL_BYTES == 3126
    assert picture.is_model_form


@given(pictures())
def test_we_write_what_pillow_writes_and_read_it_back(picture):
    file = io.BytesIO()
    Image.frombytes("RGB", (picture.width, picture.height), picture.pixels).save(file, "BMP")
    assert bmp.serialize(picture) == file.getvalue()
    assert bmp.parse(file.getvalue()) == picture


@given(pictures())
def test_pillow_sees_the_same_colours(picture):
    with Image.open(io.BytesIO(bmp.serialize(picture))) as image:
        assert image.size == (picture.width, picture.height)
        assert image.tobytes() == picture.pixels


def test_a_picture_stored_from_the_top_down_is_turned_over():
    picture = bmp.Picture(width=1, height=2, pixels=b"abcdef")
    data = bmp.serialize(picture)
    rows = data[58:62] + data[54:58]
    assert bmp.parse(data[:22] + struct.pack("<i", -2) + data[26:54] + rows) == picture


@given(st.binary(max_size=512))
def test_any_bytes_parse_or_explain(data):
    with suppress(FormatError):
        bmp.parse(b"BM" + data)


@given(st.integers(0, 54), st.binary(min_size=1, max_size=8))
def test_a_damaged_file_parses_or_explains_where(offset, damage):
    data = SUNSET[:offset] + damage + SUNSET[offset + len(damage) :]
    assert place_of_fault(data) in range(len(data) + 1)


@given(st.integers(0, len(SUNSET) - 1))
def test_a_file_cut_short_is_refused(length):
    with pytest.raises(FormatError):
        bmp.parse(SUNSET[:length])


@pytest.mark.parametrize(
    ("offset", "field", "says"),
    [
        (0, b"PK", "not a BMP file"),
        (2, struct.pack("<I", 9), "claims 9 bytes"),
        (10, struct.pack("<I", 3000), "do not fit"),
        (14, struct.pack("<I", 12), "older kind"),
        (18, struct.pack("<i", -32), "width is -32"),
        (18, struct.pack("<i", 50_000), "needed"),
        (22, struct.pack("<i", 0), "height is 0"),
        (28, struct.pack("<H", 8), "8 bits per pixel"),
        (30, struct.pack("<I", 1), "compression 1"),
        (34, struct.pack("<I", 7), "7 bytes of pixels"),
    ],
)
def test_a_header_that_lies_is_refused_at_the_field(offset, field, says):
    data = SUNSET[:offset] + field + SUNSET[offset + len(field) :]
    with pytest.raises(FormatError, match=says):
        bmp.parse(data)


@pytest.mark.parametrize("shape", [(0, 1, b""), (1, 1, b"ab"), (-1, -1, b"abc")])
def test_an_impossible_picture_is_refused(shape):
    width, height, pixels = shape
    with pytest.raises(FormatError):
        bmp.Picture(width=width, height=height, pixels=pixels)


def test_the_mirror_image_is_pillow_s():
    pixels = bytes(range(3 * 5 * 4))
    data = bmp.serialize(bmp.Picture(width=5, height=4, pixels=pixels))
    picture = Image.open(io.BytesIO(data))
    assert Image.open(io.BytesIO(bmp.mirrored(data))).tobytes() == ImageOps.mirror(picture).tobytes()
    assert bmp.mirrored(bmp.mirrored(data)) == data
