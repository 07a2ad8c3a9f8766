"""extents: where files inside a file begin and end, for files that other programs wrote."""

import bz2
import gzip
import io
import lzma
import pickle
import random
import sqlite3
import struct
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bytesim.formats.extents.reading import StoredBytes
from bytesim.formats.extents.scan import extents
from bytesim.oracles.abcmidi import render_abc2midi

TEXT = b"The quick brown fox jumps over the lazy dog.\n" * 40
BEFORE, AFTER = b"what stands before it\n", b"and after it"


def image(kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture = Image.effect_mandelbrot((40, 30), (-2, -1.5, 1, 1.5), 50).convert("RGB")
    picture.save(file, kind, **options)
    return file.getvalue()


def sound(kind: str, subtype: str) -> bytes:
    soundfile = pytest.importorskip("soundfile")
    file = io.BytesIO()
    wave = np.sin(np.arange(20_000) / 30) * np.linspace(0, 0.7, 20_000)
    soundfile.write(file, wave, 16_000, format=kind, subtype=subtype)
    return file.getvalue()


def zipped(*names: str, first: str | None = None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if first is not None:
            archive.writestr(zipfile.ZipInfo("mimetype"), first)
        for name in names:
            archive.writestr(name, TEXT)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size = len(TEXT)
            archive.addfile(member, io.BytesIO(TEXT))
    return file.getvalue()


def ar(*members: tuple[str, bytes]) -> bytes:
    parts = [b"!<arch>\n"]
    for name, data in members:
        parts.append(
            f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return b"".join(parts)


def database(tmp_path: Path) -> bytes:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table t (a, b)")
        connection.executemany("insert into t values (?, ?)", [(str(n), n) for n in range(500)])
    return (tmp_path / "a.db").read_bytes()


def array(kind: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.save(file, np.arange(60).astype(kind).reshape(5, 12), allow_pickle=True)
    return file.getvalue()


def font() -> bytes:
    matplotlib = pytest.importorskip("matplotlib")
    return (Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "cmr10.ttf").read_bytes()


def translations() -> bytes:
    pairs = [(b"", b"Content-Type: text/plain\n"), (b"cat", b"Katze"), (b"dog", b"Hund")]
    at, sources, targets, strings = 28 + 16 * len(pairs), b"", b"", b""
    for key, value in pairs:
        sources += struct.pack("<II", len(key), at + len(strings))
        strings += key + b"\0"
        targets += struct.pack("<II", len(value), at + len(strings))
        strings += value + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, at)
    return head + sources + targets + strings


def java_class() -> bytes:
    names = [b"A", b"java/lang/Object", b"x", b"I"]
    texts = b"".join(b"\1" + struct.pack(">H", len(name)) + name for name in names)
    constants = texts + b"\7\0\1" + b"\7\0\2" + b"\5" + bytes(8)
    head = b"\xca\xfe\xba\xbe" + struct.pack(">HHH", 0, 52, 1 + len(names) + 2 + 2) + constants
    return head + struct.pack(">HHHHH", 0x21, 5, 6, 0, 1) + struct.pack(">HHHH", 0, 3, 4, 0) + struct.pack(">HH", 0, 0)


MADE = {
    "png": lambda _: image("PNG"),
    "gif": lambda _: image("GIF"),
    "jpeg": lambda _: image("JPEG"),
    "jpeg, progressive": lambda _: image("JPEG", progressive=True),
    "bmp": lambda _: image("BMP"),
    "ico": lambda _: image("ICO", sizes=[(16, 16), (32, 32)]),
    "tiff": lambda _: image("TIFF"),
    "tiff, packed": lambda _: image("TIFF", compression="tiff_lzw"),
    "webp": lambda _: image("WEBP"),
    "pdf": lambda _: image("PDF"),
    "wav": lambda _: sound("WAV", "PCM_16"),
    "flac": lambda _: sound("FLAC", "PCM_16"),
    "ogg": lambda _: sound("OGG", "VORBIS"),
    "opus": lambda _: sound("OGG", "OPUS"),
    "mp3": lambda _: sound("MP3", "MPEG_LAYER_III"),
    "zip": lambda _: zipped("a.txt", "b.txt"),
    "docx": lambda _: zipped("[Content_Types].xml", "word/document.xml"),
    "xlsx": lambda _: zipped("[Content_Types].xml", "xl/workbook.xml"),
    "pptx": lambda _: zipped("[Content_Types].xml", "ppt/presentation.xml"),
    "jar": lambda _: zipped("META-INF/MANIFEST.MF", "A.class"),
    "epub": lambda _: zipped("META-INF/container.xml", first="application/epub+zip"),
    "odt": lambda _: zipped("content.xml", first="application/vnd.oasis.opendocument.text"),
    "gz": lambda _: gzip.compress(TEXT),
    "gz, of nothing": lambda _: gzip.compress(b""),
    "gz, blocked": lambda _: gzip.compress(TEXT) + gzip.compress(b""),
    "gz, many members": lambda _: gzip.compress(b"a line\n") * 6000,
    "gz, two members": lambda _: gzip.compress(TEXT) + gzip.compress(TEXT[:99]),
    "bz2": lambda _: bz2.compress(TEXT),
    "xz": lambda _: lzma.compress(TEXT),
    "tar": lambda _: tarred(),
    "ar": lambda _: ar(("a.o/", TEXT[:301]), ("b.o/", TEXT)),
    "deb": lambda _: ar(("debian-binary", b"2.0\n"), ("control.tar.gz", gzip.compress(TEXT))),
    "elf": lambda _: Path(sys.executable).resolve().read_bytes(),
    "sqlite": database,
    "npy": lambda _: array(),
    "npy, of objects": lambda _: array("O"),
    "npy, of text": lambda _: array("<U3"),
    "pickle": lambda _: pickle.dumps([{"a": 1, "b": [2.5, "c"]}] * 4, protocol=4),
    "ttf": lambda _: font(),
    "mo": lambda _: translations(),
    "class": lambda _: java_class(),
    "wasm": lambda _: b"\0asm\1\0\0\0" + b"\1\4\1\x60\0\0" + b"\3\2\1\0" + b"\x0a\4\1\2\0\x0b",
    "beam": lambda _: b"FOR1" + struct.pack(">I", 16) + b"BEAM" + b"Atom" + struct.pack(">I", 2) + b"\0\1\0\0",
    "lz4": lambda _: b"\x04\x22\x4d\x18\x40\x40\xc0" + struct.pack("<I", 0x80000005) + b"hello" + bytes(4),
    "zst": lambda _: b"\x28\xb5\x2f\xfd\x20\5" + struct.pack("<I", 5 << 3 | 1)[:3] + b"hello",
    "webm": lambda _: b"\x1aE\xdf\xa3\x87\x42\x82\x84webm" + b"\x18\x53\x80\x67\x83abc",
    "mp4": lambda _: b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x0cmdatabcd" + b"\0\0\0\x08moov",
    "aac": lambda _: (b"\xff\xf1\x50\x80" + bytes([20 >> 3, (20 & 7) << 5 | 31, 0xFC]) + b"a" * 13) * 8,
}
"""Type, and what else is special -> a file."""


MUTATED = {
    name: make(None)
    for name, make in MADE.items()
    if name not in ("elf", "sqlite", "ttf", "wav", "flac", "ogg", "opus", "mp3", "gz, many members")
}


def linux_only(name: str) -> bool:
    return name == "elf" and sys.platform != "linux"


@pytest.mark.parametrize("name", [name for name in MADE if not linux_only(name)])
def test_a_file_inside_a_file_is_found_with_both_ends(name, tmp_path):
    data = MADE[name](tmp_path)
    found = list(extents(BEFORE + data + AFTER))
    assert [(each.type, each.start, each.end) for each in found] == [
        (name.partition(",")[0], len(BEFORE), len(BEFORE) + len(data))
    ]


def test_a_tune_is_found_with_both_ends():
    data = render_abc2midi((EXAMPLES / "greensleeves.abc").read_text()).midi
    assert [(each.type, each.start, each.end) for each in extents(BEFORE + data + AFTER)] == [
        ("midi", len(BEFORE), len(BEFORE) + len(data))
    ]


CUT = ["png", "gif", "webp", "wav", "flac", "zip", "xz", "bz2", "elf", "sqlite", "class", "wasm", "pdf", "npy", "mo"]
"""Types of files whose first bytes tell what they are, also if the rest is not there."""
CUT_UNTOLD = ["jpeg", "bmp", "tiff", "gz", "mp3", "aac", "mp4", "ttf", "pickle"]
"""Types of which the first bytes are too common to tell."""


@pytest.mark.parametrize("name", CUT + CUT_UNTOLD)
def test_a_file_that_is_cut_off_has_no_end_and_hides_no_other(name, tmp_path):
    if linux_only(name):
        pytest.skip("Python is an ELF file on Linux only")
    data, other = MADE[name](tmp_path), image("PNG")
    cut = data[: len(data) * 2 // 3]
    found = list(extents(BEFORE + cut + other + AFTER))
    first = [each for each in found if each.start == len(BEFORE)]
    if name in CUT:
        assert [each.type for each in first] == [name]
    assert all(each.end is None or each.end <= len(BEFORE + cut) for each in first)
    assert ("png", len(BEFORE + cut), len(BEFORE + cut + other)) in [
        (each.type, each.start, each.end) for each in found
    ]


@pytest.mark.parametrize("kind", ["noise", "tone"])
def test_a_checksum_that_is_right_by_chance_does_not_end_a_recording(kind):
    soundfile = pytest.importorskip("soundfile")
    for seed in range(20):
        rng, file = np.random.default_rng(seed), io.BytesIO()
        wave = rng.normal(0, 0.2, 30_000 + 777 * seed)
        if kind == "tone":
            wave = np.sin(np.arange(len(wave)) / rng.uniform(5, 60)) * 0.6 + wave * 0.001
        soundfile.write(file, wave, 16_000, format="FLAC", subtype="PCM_16")
        data = file.getvalue()
        assert [(each.start, each.end) for each in extents(data + TEXT)] == [(0, len(data))]


def test_two_recordings_in_a_row_are_two():
    pytest.importorskip("soundfile")
    first, second = MADE["ogg"](None), MADE["opus"](None)
    assert [(each.type, each.end) for each in extents(first + second)] == [
        ("ogg", len(first)),
        ("opus", len(first + second)),
    ]


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '<f4', 'shape': (1e999,)}",
        b"{'descr': '<f" + b"9" * 5000 + b"', 'shape': (1,)}",
        b"{'descr': '\\d', 'shape': (-1,)}",
        b"(" * 5000,
    ],
)
def test_a_header_that_lies_has_no_end(header):
    data = b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header
    assert [(each.type, each.end) for each in extents(data + TEXT)] == [("npy", None)]


def test_what_asks_for_much_work_ends_soon():
    """The number of steps is limited, so this ends; without a limit it took minutes."""
    tags = b"ID3\3\0\0\0\0\0\0" * 50
    assert {each.end for each in extents(tags + bytes(1 << 20))} == {None}
    blocks = b"GIF89a" + bytes(7) + b"!\xff" + b"\1\1" * (1 << 19)
    assert [each.end for each in extents(blocks)] == [None]


def test_all_files_in_a_row_are_found(tmp_path):
    parts = [(name, make(tmp_path)) for name, make in MADE.items() if name != "elf" and not name.startswith("gz,")]
    random.Random(1).shuffle(parts)
    data, expected = b"", []
    for name, part in parts:
        expected.append((name.partition(",")[0], len(data), len(data) + len(part)))
        data += part + b"text between\n"
    assert [(each.type, each.start, each.end) for each in extents(data)] == expected


def test_a_stored_file_reads_as_its_bytes_do(tmp_path):
    data = random.Random(2).randbytes(3 << 20)
    data = data[: 1 << 20] + image("PNG") + data[1 << 20 :]
    path = tmp_path / "a.bin"
    path.write_bytes(data)
    with path.open("rb") as file:
        stored = StoredBytes(file)
        assert len(stored) == len(data)
        for start, end in (
            (0, 5),
            ((1 << 20) - 3, (1 << 20) + 9),
            (5, 3 << 20),
            (len(data) - 4, len(data) + 9),
            (9, 2),
        ):
            assert stored[start:end] == data[start:end]
        pattern = data[(1 << 20) - 2 : (1 << 20) + 2]
        assert stored.find(pattern, 0, len(data)) == data.find(pattern)
        assert stored.find(pattern, 0, data.find(pattern) + 3) == -1
        assert list(extents(stored)) == list(extents(data))
        assert [each.type for each in extents(stored)] == ["png"]


SIGNS = [
    *(b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xe0", b"BM", b"II*\0\x08\0\0\0", b"\0\0\1\0\1\0"),
    *(b"RIFF\4\0\0\0WAVE", b"fLaC\0\0\0\x22", b"OggS\0\2", b"PK\3\4\x14\0", b"\x1f\x8b\x08\0", b"!<arch>\n"),
    *(b"\x28\xb5\x2f\xfd", b"\x7fELF\2\1\1", b"\xca\xfe\xba\xbe\0\0\0\x34", b"\0asm\1\0\0\0", b"%PDF-1.4", b"wOF2"),
    *(b"\xf7\2\1\x83\x92\xc0\x1c\x3b", b"SQLite format 3\0", b"\x93NUMPY\1\0", b"\xde\x12\4\x95", b"\x80\4\x95"),
    *(b"PAR1\x15", b"ARROW1\0\0", b"\x89HDF\r\n\x1a\n", b"ID3\3\0", b"\0\0\0\x10ftyp", b"7z\xbc\xaf\x27\x1c"),
]


@given(st.lists(st.one_of(st.sampled_from(SIGNS), st.binary(max_size=60)), max_size=12).map(b"".join))
def test_any_bytes_have_extents_that_lie_inside_and_do_not_overlap(data):
    free_from = 0
    for each in extents(data):
        assert free_from <= each.start < len(data)
        if each.end is not None:
            assert each.start < each.end <= len(data)
            free_from = each.end


@settings(max_examples=300)
@given(st.data())
def test_a_changed_file_has_extents_that_lie_inside(data):
    whole = MUTATED[data.draw(st.sampled_from(sorted(MUTATED)))]
    places = data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255)), max_size=6))
    changed = bytearray(whole)
    for place, value in places:
        changed[place] = value
    cut = data.draw(st.integers(0, len(changed)))
    for each in extents(bytes(changed[:cut]) + whole[:50]):
        assert 0 <= each.start < cut + 50
        assert each.end is None or each.start < each.end <= cut + 50
