"""A tune in ABC notation: header fields and body. Source: the ABC standard 2.1, sections 2 to 4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from bytesim.errors import FormatError

MAX_TUNE_CHARS = 1 << 16
"""Longest body of a tune, in characters. Real ones have a few hundred; the limit bounds time on hostile files."""
_FIELD = re.compile(r"([A-Za-z+]):(.*)", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\)%")
_TEMPO = re.compile(r"(?:(\d{1,3})/(\d{1,3})|C(\d{0,3}))\s*=\s*(\d{1,9})")
_BARE_TEMPO = re.compile(r"\s*(\d{1,9})\s*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tune:
    """One tune: header fields in file order (letter, value without comment) and the body as written."""

    fields: tuple[tuple[str, str], ...]
    body: str
    body_offset: int
    """Offset of the body in characters from the start of the text that was parsed."""
    rest: str = ""
    """The text after the empty line that ends the tune, without white space at its ends."""

    def field(self, letter: str) -> str | None:
        """The last value of a header field, or None."""
        return next((value for name, value in reversed(self.fields) if name == letter), None)

    @property
    def title(self) -> str | None:
        r"""The T: fields, one a line, or None; `\%` stands for a percent sign."""
        return "\n".join(value.replace("\\%", "%") for name, value in self.fields if name == "T" and value) or None

    @property
    def meter(self) -> str:
        """M: as a fraction, C and C| included; `4/4` without an M: field."""
        return {"C": "4/4", "C|": "2/2", "": "4/4"}.get(self.field("M") or "", self.field("M") or "4/4")

    @property
    def unit(self) -> str:
        """L:, or the default of the standard (section 3.1.7): 1/16 if the meter is under 3/4, else 1/8."""
        return self.field("L") or default_unit(self.meter)

    @property
    def tempo_bpm(self) -> float | None:
        """Quarter notes a minute, from Q: as abc2midi reads it; None without a Q: field or without a number in it.

        Q: may be `1/8=200`, with or without words in quotes; `120` counts quarter notes, `C=120` unit notes.
        """
        text = re.sub(r'"[^"]*"', " ", self.field("Q") or "")
        bare, match = _BARE_TEMPO.fullmatch(text), _TEMPO.search(text)
        if bare is not None:
            beats, value = Fraction(1), int(bare[1])
        elif match is not None:
            count, per, units, value = match[1], int(match[2] or 1), match[3], int(match[4])
            if per == 0:
                return None
            unit = re.fullmatch(r"1(?:/(\d{1,3}))?", self.unit.replace(" ", ""))
            length = Fraction(1, int(unit[1] or 1) or 1) if unit else Fraction(1, 8)
            beats = 4 * (Fraction(int(count), per) if count is not None else int(units or 1) * length)
        else:
            return None
        return float(beats * value) or None


def default_unit(meter: str) -> str:
    """The unit note length that a meter implies if no L: is given."""
    match = re.fullmatch(r"(\d{1,4}(?:\+\d{1,4})*)/(\d{1,4})", meter.replace(" ", ""))
    if match is None or int(match[2]) == 0:
        return "1/8"
    beats = sum(map(int, match[1].split("+")))
    return "1/16" if Fraction(beats, int(match[2])) < Fraction(3, 4) else "1/8"


def parse(text: str, *, inherited: tuple[tuple[str, str], ...] = ()) -> Tune:
    """The tune in `text`, up to the first empty line after the start of its body.

    `inherited` are fields of the tune book's header; the tune's own fields override them. Raises FormatError, with an
    offset in characters, if there is no `K:` field or no body, or if the body has more than MAX_TUNE_CHARS.
    """
    fields: list[tuple[str, str]] = list(inherited)
    offset = 0
    for line in text.split("\n"):
        start, offset = offset, offset + len(line) + 1
        content = _COMMENT.split(line, maxsplit=1)[0].strip()
        match = _FIELD.fullmatch(content)
        if match is None:
            if content and len(fields) > len(inherited):
                raise FormatError("a line of music stands before the K: field that starts it.", offset=start)
            if content:
                raise FormatError("no ABC tune starts here; expected a header such as X:1.", offset=start)
            if len(fields) > len(inherited) and not line.strip():
                break
            continue
        fields.append((match[1], match[2].strip()))
        if match[1] == "K":
            return _with_body(fields, text, min(offset, len(text)))
    raise FormatError(
        "the tune has no K: field, which ends its header." if len(fields) > len(inherited) else "no ABC tune found.",
        offset=min(offset, len(text)),
    )


def _with_body(fields: list[tuple[str, str]], text: str, offset: int) -> Tune:
    end = re.compile(r"\n[ \t]*(?=\n|$)").search(text, max(offset - 1, 0))
    stop = end.start() + 1 if end else len(text)
    if stop - offset > MAX_TUNE_CHARS:
        raise FormatError(f"the tune has {stop - offset} characters; at most {MAX_TUNE_CHARS} are read.", offset=offset)
    body = text[offset:stop]
    if not re.search(r"[A-Ga-gz]", re.sub(r'"[^"]*"|%[^\n]*|![^!\n]*!', "", body)):
        raise FormatError("the tune has no notes.", offset=offset)
    return Tune(fields=tuple(fields), body=body, body_offset=offset, rest=text[stop:].strip())
