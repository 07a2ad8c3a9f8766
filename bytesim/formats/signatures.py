"""File types that the bytes of a file rule out, by file signatures (magic numbers), or because they are text. No torch.

A signature is tested as leniently as the files of its type are written: one that lacks it cannot be of that type.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bytesim.formats.filetypes import FILE_TYPES, LABELS
from bytesim.formats.text import is_text

Test = Callable[[bytes], bool]

BINARY_TYPES = frozenset(file_type.name for file_type in FILE_TYPES if file_type.kind != "text") - {"afm", "bdf"}
"""File types whose files are binary; two of the fonts are described in text."""
TEXT_AT_TIMES = frozenset({"ar", "elc", "pdf", "pickle"})
"""Those of BINARY_TYPES whose files may hold text alone."""
_PDF_HEAD = 1024
"""Bytes at the start of a PDF file in which its signature may stand (ISO 32000-1, annex H, note 13)."""
_HDF5_PLACES = (0, 512, 1024, 2048)
"""Where the signature of an HDF5 file may stand, after a block of the user (HDF5 File Format Specification, II.A)."""
_SKIPPABLE = tuple(bytes([0x50 + number]) + b"\x2a\x4d\x18" for number in range(16))
"""Skippable frames, with which LZ4 and Zstandard files may begin (RFC 8878, section 3.1.2)."""
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp", b"sidx", b"moof", b"uuid")
"""Types of the boxes with which MP4 and QuickTime files begin (ISO 14496-12; QuickTime File Format)."""
_MPEG1_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG2_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
"""Kilobits a second of MPEG audio of layer III, by their number in a frame's header (ISO 13818-3, 2.4.2.3)."""
_MACHO = (b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xca\xfe\xba\xbe")
"""Signatures of Mach-O files, in the byte order of some processors; others have the reverse."""


def _begins(*signatures: bytes, at: int = 0) -> Test:
    """A test for any of these bytes at a place."""
    return lambda data: any(data.startswith(signature, at) for signature in signatures)


def _riff(kind: bytes) -> Test:
    """A test for a RIFF file of a kind."""
    return lambda data: data.startswith(b"RIFF") and data.startswith(kind, 8)


def _is_zip(data: bytes) -> bool:
    """Whether a file begins as a zip archive, or ends as one after other bytes, such as a program that unpacks it."""
    return data.startswith(b"PK") or b"PK\5\6" in data


def _is_aac(data: bytes) -> bool:
    return data.startswith((b"ID3", b"ADIF")) or (data[:1] == b"\xff" and data[1:2] >= b"\xf0")


def _package(part: bytes) -> Test:
    """A test for an Office Open XML package with a part, which is named at its start or in its directory at the end."""
    return lambda data: data.startswith(b"PK\3\4") and part in data and b"[Content_Types].xml" in data


def _mp3_frame(data: bytes, start: int) -> int:
    """Length of the MPEG audio frame of layer III that begins at a place; 0 if none does (ISO 11172-3, 2.4.1.3)."""
    head = int.from_bytes(data[start : start + 4], "big")
    version, rate, sampling = head >> 19 & 3, head >> 12 & 15, head >> 10 & 3
    if head >> 21 != 0x7FF or head >> 17 & 3 != 1 or version == 1 or rate in (0, 15) or sampling == 3:
        return 0
    kbit_s = (_MPEG1_RATES if version == 3 else _MPEG2_RATES)[rate]
    hertz = (44_100, 48_000, 32_000)[sampling] >> {3: 0, 2: 1, 0: 2}[version]
    return (144_000 if version == 3 else 72_000) * kbit_s // hertz + (head >> 9 & 1)


def _is_mp3(data: bytes) -> bool:
    """Whether frames follow each other from the start on, or behind an ID3 tag, or at the end of a file with one."""
    if not data.startswith(b"ID3"):
        return _mp3_chain(data, 0, 3)
    size = sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
    return any(_mp3_chain(data, start, 2) for start in (10 + size, *range(len(data) // 2, len(data))))


def _mp3_chain(data: bytes, start: int, count: int) -> bool:
    """Whether so many frames follow each other."""
    for _ in range(count):
        length = _mp3_frame(data, start)
        if not length:
            return False
        start += length
    return True


def _is_tar(data: bytes) -> bool:
    """Whether the first header has the magic of POSIX, or, as in older archives, its own checksum."""
    if data[257:262] == b"ustar":
        return True
    stored = re.fullmatch(rb"[ 0]*([0-7]{1,6})[\0 ]*", data[148:156])
    return stored is not None and sum(data[:148]) + 8 * ord(" ") + sum(data[156:512]) == int(stored[1], 8)


def _is_pickle(data: bytes) -> bool:
    """Whether a file ends as a pickle, with the opcode STOP, perhaps before zero bytes or a line end."""
    return data.rstrip(b"\0\r\n").endswith(b".")


SIGNATURES: dict[str, Test] = {
    "otf": _begins(b"OTTO", b"ttcf"),
    "pcf": _begins(b"\1fcp"),
    "ttf": _begins(b"\0\1\0\0", b"true", b"typ1", b"ttcf"),
    "woff2": _begins(b"wOF2"),
    **dict.fromkeys(("docx", "epub", "odt", "pptx", "xlsx", "jar", "zip"), _is_zip),
    "dvi": _begins(b"\xf7\2", b"\xf7\3"),
    "pdf": lambda data: b"%PDF" in data[:_PDF_HEAD],
    "bmp": _begins(b"BM", b"BA", b"CI", b"CP", b"IC", b"PT"),
    "gif": _begins(b"GIF"),
    "ico": _begins(b"\0\0\1\0", b"\0\0\2\0"),
    "jpeg": _begins(b"\xff\xd8"),
    "png": _begins(b"\x89PNG"),
    "tiff": _begins(b"II", b"MM", b"EP"),
    "webp": _begins(b"WEBP", at=8),
    "aac": _is_aac,
    "flac": _begins(b"fLaC", b"ID3", b"OggS"),
    "midi": lambda data: data.startswith(b"RIFF") or b"MThd" in data[:512],
    "ogg": _begins(b"OggS"),
    "opus": _begins(b"OggS"),
    "wav": _begins(b"RIFF", b"RIFX", b"RF64", b"BW64"),
    "avi": _begins(b"RIFF"),
    "mp4": _begins(*_BOXES, at=4),
    "webm": _begins(b"\x1aE\xdf\xa3"),
    "7z": _begins(b"7z\xbc\xaf"),
    "ar": _begins(b"!<arch>", b"!<thin>", b"<bigaf>", b"<aiaff>"),
    "bz2": _begins(b"BZh"),
    "deb": _begins(b"!<arch>"),
    "gz": _begins(b"\x1f\x8b"),
    "lz4": _begins(b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18", *_SKIPPABLE),
    "tar": _is_tar,
    "xz": _begins(b"\xfd7zXZ"),
    "zst": _begins(b"\x28\xb5\x2f\xfd", *_SKIPPABLE),
    "beam": _begins(b"FOR1", b"\x1f\x8b"),
    "class": _begins(b"\xca\xfe\xba\xbe"),
    "elc": _begins(b";ELC"),
    "elf": _begins(b"\x7fELF"),
    "macho": _begins(*_MACHO, *(word[::-1] for word in _MACHO)),
    "pe": _begins(b"MZ", b"ZM"),
    "pyc": _begins(b"\r\n", at=2),
    "wasm": _begins(b"\0asm"),
    "arrow": _begins(b"ARROW1", b"FEA1", b"\xff\xff\xff\xff"),
    "hdf5": lambda data: any(data.startswith(b"\x89HDF", place) for place in _HDF5_PLACES),
    "mo": _begins(b"\xde\x12\x04\x95", b"\x95\x04\x12\xde"),
    "npy": _begins(b"\x93NUMPY"),
    "parquet": _begins(b"PAR1", b"PARE"),
    "pickle": _is_pickle,
    "qm": _begins(b"<\xb8d\x18"),
    "sqlite": _begins(b"SQLite format 3"),
    "typelib": _begins(b"GOBJ\nMETADATA"),
}  # fmt: skip
"""File type -> whether the first and last bytes of a file, 2,048 of each or all, may be of that type."""

_PATTERNS = {
    "afm": rb"StartFontMetrics\s",
    "bdf": rb"STARTFONT\s",
    "diff": rb"(?:diff [^\n]*\n(?:[a-z][^\n]*\n){0,9})?--- [^\n]*\n\+\+\+ [^\n]*\n@@ -\d",
    "lua": rb"#!\s*/\S*\b(?:env )?lua(?:jit)?[\d.]*\s",
    "pem": rb"-----BEGIN (?!PGP |SSH2 |OPENSSH )",
    "perl": rb"#!\s*/\S*\b(?:env )?perl[\d.]*\s"
    rb"|(?:#[^\n]*\n|\n){0,50}(?:package [\w:]+;\s*)?use (?:strict|warnings)\s*;",
    "php": rb"<\?php\s",
    "po": rb'(?:#[^\n]*\n|\n){0,50}msgid ""\nmsgstr ""',
    "postscript": rb"%!PS(?!-Adobe[^\n]*Font)|\xc5\xd0\xd3\xc6",
    "python": rb"#!\s*/\S*\b(?:env )?(?:python|pypy)[\d.]*\s",
    "rtf": rb"\{\\rtf",
    "ruby": rb"#!\s*/\S*\b(?:env )?j?ruby[\d.]*\s",
    "svg": rb"\s{0,9}(?:<\?xml[^>]*\?>)?\s{0,9}(?:<!--[^>]*-->\s{0,9})?(?:<!DOCTYPE svg[^>\[]*>\s{0,9})?"
    rb"<(?:svg:)?svg[\s>]",
    "tex": rb"(?:%[^\n]*\n|\n){0,50}\\documentclass",
    "texinfo": rb"\\input texinfo",
    "xpm": rb"/\* XPM \*/",
}
"""Text type -> how a file of it begins. Repetitions of lines and blanks have bounds, so that no file takes long."""
_MARK = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8, with which any text may begin."""


def _matches(pattern: bytes) -> Test:
    """A test for a text that begins like a pattern."""
    match = re.compile(pattern).match
    return lambda data: match(data.removeprefix(_MARK)) is not None


def _is_notebook(data: bytes) -> bool:
    return data.lstrip()[:1] == b"{" and b'"nbformat"' in data and (b'"cells"' in data or b'"cell_type"' in data)


PROOFS: dict[str, Test] = {
    **{name: _matches(pattern) for name, pattern in _PATTERNS.items()},
    "ipynb": _is_notebook,
    "pcf": _begins(b"\1fcp"),
    "woff2": _begins(b"wOF2"),
    "docx": _package(b"word/document.xml"),
    "epub": _begins(b"mimetypeapplication/epub+zip", at=30),
    "odt": _begins(b"mimetypeapplication/vnd.oasis.opendocument.textPK", at=30),
    "pdf": _begins(b"%PDF-"),
    "pptx": _package(b"ppt/presentation.xml"),
    "xlsx": _package(b"xl/workbook.xml"),
    "gif": _begins(b"GIF87a", b"GIF89a"),
    "jpeg": _begins(b"\xff\xd8\xff"),
    "png": _begins(b"\x89PNG\r\n\x1a\n"),
    "tiff": _begins(b"II*\0", b"MM\0*"),
    "webp": _riff(b"WEBP"),
    "flac": _begins(b"fLaC"),
    "midi": _begins(b"MThd\0\0\0\6"),
    "mp3": _is_mp3,
    "ogg": _begins(b"\1vorbis", at=28),
    "opus": _begins(b"OpusHead", at=28),
    "wav": _riff(b"WAVE"),
    "avi": _riff(b"AVI "),
    "webm": lambda data: data.startswith(b"\x1aE\xdf\xa3") and b"webm" in data[:64],
    "7z": _begins(b"7z\xbc\xaf\x27\x1c"),
    "bz2": lambda data: data.startswith(b"BZh") and data.startswith((b"1AY&SY", b"\x17rE8P\x90"), 4),
    "deb": _begins(b"!<arch>\ndebian-binary"),
    "gz": _begins(b"\x1f\x8b\x08"),
    "lz4": _begins(b"\x04\x22\x4d\x18"),
    "tar": lambda data: data.startswith((b"ustar\0", b"ustar  \0"), 257) and _is_tar(data),
    "xz": _begins(b"\xfd7zXZ\0"),
    "zst": _begins(b"\x28\xb5\x2f\xfd"),
    "elf": _begins(b"\x7fELF"),
    "wasm": _begins(b"\0asm"),
    "hdf5": _begins(b"\x89HDF\r\n\x1a\n"),
    "mo": _begins(b"\xde\x12\x04\x95", b"\x95\x04\x12\xde"),
    "npy": _begins(b"\x93NUMPY"),
    "parquet": _begins(b"PAR1"),
    "qm": _begins(b"<\xb8d\x18\xca\xef\x9c\x95"),
    "sqlite": _begins(b"SQLite format 3\0"),
    "typelib": _begins(b"GOBJ\nMETADATA\r\n\x1a"),
}  # fmt: skip
"""File type -> whether the bytes of a file prove that it is of that type: next to no others begin so."""


def types_ruled_out(data: bytes, *, whole: bool) -> frozenset[str]:
    """Labels, UNKNOWN among them, that a file with these bytes cannot have.

    If `whole`, they are a file, or its first and last bytes; else a piece from its middle, which has no signature.
    """
    if whole and (proven := next((name for name, fits in PROOFS.items() if fits(data)), "")):
        return frozenset(LABELS) - {proven}
    lacking = frozenset(name for name, fits in SIGNATURES.items() if not fits(data)) if whole else frozenset[str]()
    return lacking | (BINARY_TYPES - TEXT_AT_TIMES) if is_text(data) else lacking
