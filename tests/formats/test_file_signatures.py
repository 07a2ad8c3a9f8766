"""Signatures: files of real programs keep their type, and bytes without one lose it."""

import bz2
import gzip
import io
import json
import lzma
import marshal
import pickle
import random
import sqlite3
import struct
import tarfile
import wave
import zipfile
from importlib.util import MAGIC_NUMBER

import numpy as np
import pytest
import soundfile
from helpers.paths import EXAMPLES
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bytesim.formats.filetypes import FILE_TYPES, LABELS
from bytesim.formats.signatures import BINARY_TYPES, PROOFS, SIGNATURES, TEXT_AT_TIMES, types_ruled_out

BYTES = random.Random(1).randbytes(3000)
TEXT = b"A line of plain text, and nothing else.\n" * 40


def picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 20), (200, 30, 90)).save(file, form)
    return file.getvalue()


def sound(form: str, subtype: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(4000), 8000, format=form, subtype=subtype)
    return file.getvalue()


def packed(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "<a/>")
    return file.getvalue()


def taped() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(EXAMPLES / "ode_to_joy.abc", "tune.abc")
    return file.getvalue()


def stored(tmp_path) -> bytes:
    with sqlite3.connect(tmp_path / "some.db") as database:
        database.execute("create table notes (pitch integer)")
    return (tmp_path / "some.db").read_bytes()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(9))
    return file.getvalue()


def waves() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sink:
        sink.setparams((1, 2, 8000, 0, "NONE", ""))
        sink.writeframes(bytes(200))
    return file.getvalue()


MADE = {
    "bmp": lambda: picture("BMP"),
    "gif": lambda: picture("GIF"),
    "ico": lambda: picture("ICO"),
    "jpeg": lambda: picture("JPEG"),
    "png": lambda: picture("PNG"),
    "tiff": lambda: picture("TIFF"),
    "webp": lambda: picture("WEBP"),
    "pdf": lambda: picture("PDF"),
    "flac": lambda: sound("FLAC", "PCM_16"),
    "ogg": lambda: sound("OGG", "VORBIS"),
    "wav": waves,
    "midi": lambda: b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk\0\0\0\4\0\xff\x2f\0",
    "zip": lambda: packed("a.xml"),
    "docx": lambda: packed("[Content_Types].xml", "word/document.xml"),
    "jar": lambda: b"#!/bin/sh\nexec java -jar $0\n" + packed("META-INF/MANIFEST.MF"),
    "tar": taped,
    "gz": lambda: gzip.compress(BYTES),
    "bz2": lambda: bz2.compress(BYTES),
    "xz": lambda: lzma.compress(BYTES),
    "npy": array,
    "pickle": lambda: pickle.dumps({"a": [1, 2]}),
    "pyc": lambda: MAGIC_NUMBER + bytes(12) + marshal.dumps(compile("1", "a", "exec")),
}


TEXTS = {
    "afm": "StartFontMetrics 4.1\nComment made\n",
    "bdf": "STARTFONT 2.1\nFONT fixed\n",
    "diff": "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n",
    "ipynb": json.dumps({"cells": [], "nbformat": 4}),
    "lua": "#!/usr/bin/env lua5.4\nprint(1)\n",
    "pem": "-----BEGIN CERTIFICATE-----\nMIIB\n",
    "perl": "# a test\n\npackage Some::Name;\nuse strict;\n",
    "php": "<?php\necho 1;\n",
    "po": '# a comment\nmsgid ""\nmsgstr ""\n',
    "postscript": "%!PS-Adobe-3.0 EPSF-3.0\n",
    "python": "#!/usr/bin/python3\nimport os\n",
    "rtf": "{\\rtf1 text}",
    "ruby": "#! /usr/bin/env ruby\nputs 1\n",
    "svg": '<?xml version="1.0"?>\n<!-- made -->\n<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "tex": "% !TEX program = pdflatex\n\\documentclass{article}\n",
    "texinfo": "\\input texinfo\n",
    "xpm": "/* XPM */\nstatic char *a[] = {\n",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_text_that_begins_as_its_type_asks_is_of_no_other(name, mark):
    if not (mark and name == "ipynb"):
        assert types_ruled_out((mark + TEXTS[name]).encode(), whole=True) == set(LABELS) - {name}
    assert types_ruled_out(("x" + TEXTS[name]).encode(), whole=True) <= BINARY_TYPES


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PGP MESSAGE-----\n",
        "%!PS-AdobeFont-1.0: Utopia\n",
        "#!/usr/bin/perldoc\n",
        "Use strict; rules.\n",
        '<?xml version="1.0"?>\n<html><svg/></html>\n',
        "--- a heading\n+++ another\n",
    ],
)
def test_a_text_that_begins_nearly_so_may_be_anything(text):
    assert types_ruled_out(text.encode(), whole=True) <= BINARY_TYPES


@pytest.mark.parametrize(
    "repeated", [b"#\n", b"\n", b" ", b"<!--", b"<!-- -->", b"%", b"%\n", b"diff \n", b"ID3\xff\xfb\x90\0"]
)
def test_no_file_takes_long(repeated):
    for size in (4096, 65536):  # the limit of time of a test is what fails
        assert types_ruled_out((repeated * size)[:size], whole=True) < set(LABELS)


@pytest.mark.parametrize("name", sorted(set(PROOFS) & set(MADE)))
def test_a_file_of_a_real_program_is_of_its_type_alone(name):
    assert types_ruled_out(MADE[name](), whole=True) == set(LABELS) - {name}


def test_an_id3_tag_alone_is_no_proof_and_frames_behind_it_are():
    frame = b"\xff\xfb\x90\x00" + bytes(413)
    tag = b"ID3\3\0\0" + bytes([0, 0, 0, 20]) + bytes(20)
    assert "flac" not in types_ruled_out(tag + b"fLaC" + bytes(200), whole=True)
    assert types_ruled_out(tag + frame * 3, whole=True) == set(LABELS) - {"mp3"}
    assert types_ruled_out(tag + BYTES[:1000] + frame * 3, whole=True) == set(LABELS) - {"mp3"}
    assert "unknown" in types_ruled_out(frame * 4, whole=True)
    assert "unknown" not in types_ruled_out(frame, whole=True)


def test_every_signature_is_of_a_binary_type_of_the_list():
    assert set(SIGNATURES) <= BINARY_TYPES <= set(LABELS)
    assert TEXT_AT_TIMES <= BINARY_TYPES
    assert {each.name for each in FILE_TYPES if each.kind == "text"}.isdisjoint(BINARY_TYPES)


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_a_real_program_keeps_its_type(name):
    assert name not in types_ruled_out(MADE[name](), whole=True)


def test_a_database_and_a_long_file_of_which_the_ends_are_read_keep_their_types(tmp_path):
    assert "sqlite" not in types_ruled_out(stored(tmp_path), whole=True)
    long = gzip.compress(BYTES * 5)
    assert "gz" not in types_ruled_out(long[:2048] + long[-2048:], whole=True)


def test_an_archive_from_before_posix_is_told_by_its_checksum():
    header = bytearray(taped()[:512])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    assert "tar" not in types_ruled_out(bytes(header) + BYTES, whole=True)
    header[0] += 1
    assert "tar" in types_ruled_out(bytes(header) + BYTES, whole=True)


def test_a_text_pickle_is_text_and_a_pickle():
    assert "pickle" not in types_ruled_out(pickle.dumps({"a": 1}, protocol=0), whole=True)


def test_examples_keep_their_types():
    of_suffix = {".mid": "midi", ".wav": "wav", ".bmp": "bmp", ".png": "png", ".abc": "abc", ".json": "json"}
    checked = [path for path in EXAMPLES.rglob("*") if path.suffix in of_suffix]
    assert len(checked) > 5
    for path in checked:
        assert of_suffix[path.suffix] not in types_ruled_out(path.read_bytes(), whole=True), path


def test_random_bytes_are_of_no_type_with_a_signature():
    assert types_ruled_out(BYTES + b"\0\1", whole=True) == set(SIGNATURES)


def test_a_piece_of_the_middle_lacks_no_signature():
    assert types_ruled_out(BYTES, whole=False) == frozenset()


@pytest.mark.parametrize("whole", [True, False])
def test_a_text_is_of_no_binary_type(whole):
    ruled_out = types_ruled_out(json.dumps({"text": TEXT.decode()}).encode(), whole=whole)
    assert ruled_out >= BINARY_TYPES - TEXT_AT_TIMES
    assert ruled_out & TEXT_AT_TIMES == (TEXT_AT_TIMES if whole else set())


def test_a_text_with_the_signature_of_a_pdf_may_be_one():
    assert "pdf" not in types_ruled_out(b"%PDF-1.4\n" + TEXT, whole=True)


@given(st.binary(max_size=3000), st.booleans())
def test_any_bytes_leave_a_type_that_is_not_ruled_out(data, whole):
    assert types_ruled_out(data, whole=whole) < set(LABELS)
    assert types_ruled_out(data, whole=False) <= BINARY_TYPES
