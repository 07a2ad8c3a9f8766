"""ABC files as bytes: decoding them to text, and mapping characters back to byte offsets."""

from __future__ import annotations

import re

from bytesim.errors import FormatError

_BOM = b"\xef\xbb\xbf"
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x19\x1c-\x1f]")
_LINE_END = re.compile(r"\r\n?")


def decode_text(data: bytes) -> str:
    """Decode ABC text: UTF-8, or Latin-1, which older tune books use; line ends become newlines.

    Raises FormatError at NUL or another control byte, which text does not have.
    """
    match = _NOT_TEXT.search(data)
    if match is not None:
        raise FormatError(
            f"byte 0x{match[0][0]:02x} does not occur in ABC text. Is this another kind of file?", offset=match.start()
        )
    return _LINE_END.sub("\n", _decode(data)[0])


def byte_offset(data: bytes, offset: int) -> int:
    """The byte offset in `data` of character `offset` of `decode_text(data)`."""
    text, encoding = _decode(data)
    for match in _LINE_END.finditer(text):
        if match.start() >= offset:
            break
        offset += len(match[0]) - 1
    bom = len(_BOM) if encoding == "utf-8" and data.startswith(_BOM) else 0
    return bom + len(text[:offset].encode(encoding))


def _decode(data: bytes) -> tuple[str, str]:
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("latin-1"), "latin-1"
