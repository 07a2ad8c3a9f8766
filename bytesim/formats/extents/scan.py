"""Finds the files in a file: signatures at any place, and the ends that the formats' own length fields give."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bytesim.formats.extents import archives, documents, pictures, programs, sound
from bytesim.formats.extents.reading import Bytes, CutError, Metered
from bytesim.formats.filetypes import UNKNOWN

End = Callable[[Metered, int], int]
Kind = Callable[[Metered, int, int], str]


@dataclass(frozen=True, slots=True)
class Extent:
    """A file inside a file."""

    type: str
    """One of `formats.filetypes.LABELS`."""
    start: int
    end: int | None
    """The offset after its last byte; None if it is not known, as of a file that is cut off."""


@dataclass(frozen=True, slots=True)
class _Format:
    type: str
    signature: str
    """The first bytes in hexadecimal: `??` is any byte, `10-3f` a byte of a range, `4d,4e` one of several."""
    end: End | None
    common: bool = False
    """Whether the signature is too common to tell a file of which the end is not found."""
    kind: Kind | None = None
    """The exact type of a file whose end is known."""
    at: int = 0
    """Bytes of the file before the signature."""
    frames: bool = False
    """Whether the file is a row of frames, of which the last one may be cut off without a trace."""
    checked: bool = False
    """Whether the way to the end checks every byte before it."""


def _ogg_kind(data: Metered, start: int, end: int) -> str:
    head = data[start + 28 : start + 36]
    return "opus" if head == b"OpusHead" else "ogg" if head[:7] == b"\1vorbis" else UNKNOWN


def _mp4_kind(data: Metered, start: int, end: int) -> str:
    return UNKNOWN if data[start + 8 : start + 12] in _OTHER_BRANDS else "mp4"


def _ebml_kind(data: Metered, start: int, end: int) -> str:
    return "webm" if b"webm" in data[start : start + 64] else UNKNOWN


_OTHER_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"jxl ", b"crx ", b"qt  ")
"""Brands of pictures, and of QuickTime, which are in the same boxes."""
_FORMATS = (
    _Format("png", "89 50 4e 47 0d 0a 1a 0a", pictures.png_end),
    _Format("gif", "47 49 46 38 37,39 61", pictures.gif_end),
    _Format("jpeg", "ff d8 ff c0-fe", pictures.jpeg_end, common=True),
    _Format("bmp", "42 4d ?? ?? ?? ?? 00 00 00 00", pictures.bmp_end, common=True),
    _Format("ico", "00 00 01 00 01-40 00 ?? ?? ?? 00,01", pictures.ico_end, common=True),
    _Format("tiff", "49 49 2a 00", pictures.tiff_end, common=True),
    _Format("tiff", "4d 4d 00 2a", pictures.tiff_end, common=True),
    _Format("wav", "52 49 46 46 ?? ?? ?? ?? 57 41 56 45", pictures.riff_end),
    _Format("avi", "52 49 46 46 ?? ?? ?? ?? 41 56 49 20", pictures.riff_end),
    _Format("webp", "52 49 46 46 ?? ?? ?? ?? 57 45 42 50", pictures.riff_end),
    _Format("midi", "52 49 46 46 ?? ?? ?? ?? 52 4d 49 44", pictures.riff_end),
    _Format("midi", "4d 54 68 64 00 00 00 06", sound.midi_end),
    _Format("ogg", "4f 67 67 53 00 02", sound.ogg_end, common=True, kind=_ogg_kind),
    _Format("flac", "66 4c 61 43 00,80 00 00 22", sound.flac_end),
    _Format("mp3", "49 44 33 02-04 00", sound.mp3_end, frames=True),
    _Format("mp3", "ff fa,fb,f2,f3,e2,e3 10-eb", sound.mp3_end, common=True, frames=True),
    _Format("aac", "ff f0,f1,f8,f9 00-bf", sound.aac_end, common=True, frames=True),
    _Format("mp4", "00 00 00 08-40 66 74 79 70", sound.mp4_end, common=True, kind=_mp4_kind),
    _Format("webm", "1a 45 df a3", sound.webm_end, common=True, kind=_ebml_kind),
    _Format("zip", "50 4b 03 04 0a-3f 00", archives.zip_end, kind=archives.zip_kind),
    _Format("gz", "1f 8b 08 00-1f", archives.gz_end, common=True, checked=True),
    _Format("bz2", "42 5a 68 31-39 31 41 59 26 53 59", archives.bz2_end, checked=True),
    _Format("xz", "fd 37 7a 58 5a 00", archives.xz_end, checked=True),
    _Format("zst", "28 b5 2f fd", archives.zst_end),
    _Format("lz4", "04 22 4d 18", archives.lz4_end),
    _Format("7z", "37 7a bc af 27 1c", archives.seven_zip_end),
    _Format("ar", "21 3c 61 72 63 68 3e 0a", archives.ar_end, kind=archives.ar_kind),
    _Format("tar", "75 73 74 61 72 00,20 30,20", archives.tar_end, common=True, at=257),
    _Format("elf", "7f 45 4c 46 01,02 01,02 01", programs.elf_end),
    _Format("pe", "4d 5a", programs.pe_end, common=True),
    _Format("macho", "ce,cf fa ed fe", programs.macho_end),
    _Format("macho", "fe ed fa ce,cf", programs.macho_end),
    _Format("macho", "ca fe ba be 00 00 00 01-10", programs.macho_end, common=True),
    _Format("class", "ca fe ba be 00 00,03 00 2d-45", programs.class_end),
    _Format("wasm", "00 61 73 6d 01 00 00 00", programs.wasm_end),
    _Format("beam", "46 4f 52 31 ?? ?? ?? ?? 42 45 41 4d", programs.beam_end),
    _Format("pdf", "25 50 44 46 2d 31,32 2e 30-39", documents.pdf_end),
    _Format("otf", "4f 54 54 4f 00 04-40", documents.font_end, common=True),
    _Format("ttf", "00 01 00 00 00 04-40", documents.font_end, common=True),
    _Format("ttf", "74 72 75 65 00 04-40", documents.font_end, common=True),
    _Format("woff2", "77 4f 46 32", documents.woff2_end, common=True),
    _Format("pcf", "01 66 63 70", documents.pcf_end),
    _Format("dvi", "f7 02 01 83 92 c0 1c 3b", documents.dvi_end),
    _Format("sqlite", "53 51 4c 69 74 65 20 66 6f 72 6d 61 74 20 33 00", documents.sqlite_end),
    _Format("npy", "93 4e 55 4d 50 59 01-03 00", documents.npy_end),
    _Format("mo", "de 12 04 95", documents.mo_end),
    _Format("mo", "95 04 12 de", documents.mo_end),
    _Format("hdf5", "89 48 44 46 0d 0a 1a 0a", documents.hdf5_end),
    _Format("parquet", "50 41 52 31 15", documents.parquet_end),
    _Format("arrow", "41 52 52 4f 57 31 00 00", documents.arrow_end),
    _Format("pickle", "80 02-05 28,29,4b,58,5d,63,7d,8c,95", documents.pickle_end, common=True),
    _Format("typelib", "47 4f 42 4a 0a 4d 45 54 41 44 41 54 41", documents.typelib_end),
    _Format("qm", "3c b8 64 18 ca ef 9c 95", None),
    _Format("elc", "3b 45 4c 43 13-1f 00 00 00", None),
)
_STEP = 1 << 20
_LAST_BYTES = 1 << 18
"""Bytes before an end in which no other file may begin that goes beyond it."""


def _bytes_of(token: str) -> frozenset[int]:
    if token == "??":
        return frozenset(range(256))
    if "-" in token:
        first, _, last = token.partition("-")
        return frozenset(range(int(first, 16), int(last, 16) + 1))
    return frozenset(int(each, 16) for each in token.split(","))


def _pattern(signature: str) -> re.Pattern[bytes]:
    sets = [b"".join(b"\\x%02x" % byte for byte in sorted(_bytes_of(token))) for token in signature.split()]
    return re.compile(b"".join(b"[%s]" % each for each in sets), re.DOTALL)


def _table(place: int) -> NDArray[np.uint64]:
    """(65536,) the formats, as bits, whose signatures may have two bytes at a place, the first one counting more."""
    table = np.zeros((256, 256), np.uint64)
    for bit, each in enumerate(_FORMATS):
        tokens = [*each.signature.split(), "??", "??", "??"]
        first, second = (np.isin(range(256), list(_bytes_of(token))) for token in tokens[place : place + 2])
        table |= (first[:, None] & second[None, :]).astype(np.uint64) << np.uint64(bit)
    return table.reshape(-1)


_LONGEST = max(len(each.signature.split()) for each in _FORMATS)
_PATTERNS = tuple(_pattern(each.signature) for each in _FORMATS)
_TABLES = (_table(0), _table(2))


def extents(data: Bytes) -> Iterator[Extent]:
    """The files inside a file, in their order; none lies inside another one whose end is known."""
    free_from, metered = 0, Metered(data)
    for place, each in _signatures(data):
        start = place - each.at
        if start < free_from:
            continue
        end = None if each.end is None else _end_of(metered, start, each.end)
        if end is not None and not each.checked:
            end = _unless_cut(data, metered, each, start, end)
        if end is not None:
            yield Extent(each.type if each.kind is None else _kind_of(metered, each.kind, start, end), start, end)
            free_from = end
        elif not each.common:
            yield Extent(each.type, start, None)


def _unless_cut(data: Bytes, metered: Metered, found: _Format, start: int, end: int) -> int | None:
    """The end of a file, unless another one begins before it and goes beyond it: then this one was cut off.

    A recording of frames then ends where the other one begins; of any other file the end is not known.
    """
    first = max(start + 1, end - _LAST_BYTES)
    for place, each in _signatures(data[first : end + _LONGEST]):
        other = first + place - each.at
        if first <= other < end and not each.frames and each.end is not None:
            beyond = _end_of(metered, other, each.end)
            if beyond is not None and beyond > end:
                return other if found.frames else None
    return end


def _signatures(data: Bytes) -> Iterator[tuple[int, _Format]]:
    """The places of signatures, in their order."""
    for base in range(0, len(data), _STEP):
        part = np.frombuffer(data[base : base + _STEP + 3].ljust(4, b"\0"), np.uint8).astype(np.uint16)
        if part[0] == part[-1] and not (part != part[0]).any():  # no signature is one byte repeated
            continue
        pairs = part[:-1] << 8 | part[1:]
        found = _TABLES[0][pairs[:-2]] & _TABLES[1][pairs[2:]]
        for place in np.flatnonzero(found).tolist():
            bits, head = int(found[place]), data[base + place : base + place + _LONGEST]
            while bits:
                bit = bits & -bits
                bits ^= bit
                index = bit.bit_length() - 1
                if _PATTERNS[index].match(head):
                    yield base + place, _FORMATS[index]


def _end_of(data: Metered, start: int, end_of: End) -> int | None:
    try:
        end = end_of(data, start)
    except (CutError, IndexError):
        return None
    return end if end > start else None


def _kind_of(data: Metered, kind: Kind, start: int, end: int) -> str:
    try:
        return kind(data, start, end)
    except CutError:
        return UNKNOWN
