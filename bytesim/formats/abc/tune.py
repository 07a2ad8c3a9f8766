"""A tune in ABC notation: header fields and body. Source: the ABC standard 2.1, sections 2 to 4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from bytesim.errors import FormatError

MAX_TUNE_BYTES = 1 << 20
_FIELD = re.compile(r"([A-Za-z+]):(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tune:
    """One tune: header fields in file order (letter, value without comment) and the body as written."""

    fields: tuple[tuple[str, str], ...]
    body: str
    body_offset: int
    """Offset of the body in characters from the start of the text that was parsed."""

    def field(self, letter: str) -> str | None:
        """The last value of a header field, or None."""
        return next((value for name, value in reversed(self.fields) if name == letter), None)

    @property
    def title(self) -> str | None:
        """The first T: field, or None."""
        return next((value for name, value in self.fields if name == "T" and value), None)

    @property
    def meter(self) -> str:
        """M: as a fraction; C and C| written out, `4/4` where there is none."""
        return {"C": "4/4", "C|": "2/2", "": "4/4"}.get(self.field("M") or "", self.field("M") or "4/4")

    @property
    def unit(self) -> str:
        """L:, or the default of the standard (section 3.1.7): 1/16 if the meter is under 3/4, else 1/8."""
        return self.field("L") or default_unit(self.meter)


def default_unit(meter: str) -> str:
    """The unit note length a meter implies where no L: is given."""
    match = re.fullmatch(r"(\d+(?:\+\d+)*)/(\d+)", meter.replace(" ", ""))
    if match is None or int(match[2]) == 0:
        return "1/8"
    beats = sum(map(int, match[1].split("+")))
    return "1/16" if Fraction(beats, int(match[2])) < Fraction(3, 4) else "1/8"


def decode_text(data: bytes) -> str:
    """ABC text from bytes: UTF-8, or Latin-1 as older tune books are; line ends become newlines.

    Raises FormatError where NUL or other control bytes say that this is no text.
    """
    for offset, byte in enumerate(data[:MAX_TUNE_BYTES]):
        if byte < 32 and byte not in b"\t\n\r\f\x1a\x1b":
            raise FormatError(
                f"byte 0x{byte:02x} does not occur in ABC text. Is this another kind of file?", offset=offset
            )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str) -> Tune:
    """The tune in `text`, which runs to the end or to the first empty line after its body began.

    Raises FormatError, with an offset in characters, if there is no `K:` field or no body.
    """
    fields: list[tuple[str, str]] = []
    offset = 0
    for line in text.splitlines(keepends=True):
        offset += len(line)
        content = re.split(r"(?<!\\)%", line, maxsplit=1)[0].strip()
        match = _FIELD.fullmatch(content)
        if match is None:
            if content and fields:
                raise FormatError(
                    "a line of music stands before the K: field that starts it.", offset=offset - len(line)
                )
            if content:
                raise FormatError("no ABC tune starts here; expected a header such as X:1.", offset=offset - len(line))
            if fields and not line.strip():
                break
            continue
        fields.append((match[1], match[2].strip()))
        if match[1] == "K":
            return _with_body(fields, text, offset)
    raise FormatError(
        "the tune has no K: field, which ends its header." if fields else "no ABC tune found.", offset=offset
    )


def _with_body(fields: list[tuple[str, str]], text: str, offset: int) -> Tune:
    end = re.compile(r"\n[ \t]*(?=\n|$)").search(text, max(offset - 1, 0))
    body = text[offset : end.start() + 1 if end else len(text)]
    if not re.search(r"[A-Ga-gz]", re.sub(r'"[^"]*"|%[^\n]*|![^!\n]*!', "", body)):
        raise FormatError("the tune has no notes.", offset=offset)
    return Tune(fields=tuple(fields), body=body, body_offset=offset)
