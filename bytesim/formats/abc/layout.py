"""A canonical tune laid out for people: title and tempo, four bars a line, spaces between beats, repeat signs.

The layout never changes the sound: the result must read back as the same canonical text, else a plainer layout is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from bytesim.errors import FormatError
from bytesim.formats.abc.canonical import canonical
from bytesim.formats.abc.tokens import Token, tokens_of
from bytesim.formats.abc.tune import parse

BARS_PER_LINE = 4

_BEFORE_NOTE = {"quoted", "grace", "ornament", "tuplet", "slur"}
"""Kinds that belong to the next note; a closing slur belongs to the note before it."""
_BROKEN = {">": Fraction(3, 2), ">>": Fraction(7, 4), "<": Fraction(1, 2), "<<": Fraction(1, 4)}
_TUPLETS = {2: Fraction(3, 2), 3: Fraction(2, 3), 4: Fraction(3, 4), 6: Fraction(1, 3), 8: Fraction(3, 8)}
_LENGTH = re.compile(r"(\d{0,4})(/*)(\d{0,4})$")


def layout(text: str, *, title: str | None = None, bpm: float | None = None) -> str:
    """The readable form of a canonical text, with a title (of one or more lines) and a tempo in quarter notes a minute.

    `canonical(parse(layout(text))).text == text`. The tempo is rounded to whole quarter notes, as ABC requires.
    Raises FormatError for a text that is not canonical.
    """
    _check(text)
    head, body = re.fullmatch(r"X:1\n((?:[MLK]:[^\n]*\n){3})(.*)\n", text).groups()  # type: ignore[union-attr]
    tempo = f"Q:1/4={max(1, round(bpm))}\n" if bpm is not None else ""
    top = f"X:1\n{title_fields(title or '')}{head.replace('K:', f'{tempo}K:')}"
    for write in (_folded, _in_lines, lambda body, unit, meter: body):
        written = f"{top}{write(body, _field(head, 'L'), _field(head, 'M'))}\n"
        if _canonical_or_none(written) == text:
            return written
    raise FormatError("the tune has no readable form; its title or tempo cannot be written in ABC.")


def title_fields(title: str) -> str:
    """`T:` fields, one for each line of a title that is not blank."""
    return "".join(f"T:{line}\n" for line in map(_title_line, title.splitlines()) if line)


def _check(text: str) -> None:
    if _canonical_or_none(text) != text:
        raise FormatError("this text is not canonical ABC.")


def _canonical_or_none(text: str) -> str | None:
    try:
        return canonical(parse(text)).text
    except FormatError:
        return None


def _field(head: str, letter: str) -> str:
    return re.search(rf"^{letter}:(.*)$", head, re.MULTILINE)[1]  # type: ignore[index]


def _title_line(line: str) -> str:
    """One line of a title, without control characters and with percent signs escaped."""
    plain = "".join(char if char.isprintable() else " " for char in line)
    return re.sub(r"\\*%", r"\\%", " ".join(plain.split())).rstrip("\\")


def _folded(body: str, unit: str, meter: str) -> str:
    """The body in sections, which end at thick bar lines; a section played twice is written once, in repeat signs."""
    sections = body.rstrip("|").split("||")
    lines, index = [], 0
    while index < len(sections):
        twice = sections[index] and sections[index : index + 1] == sections[index + 1 : index + 2]
        text = _lines(sections[index], unit, meter)
        last = index + 1 + bool(twice) >= len(sections)
        lines.append(f"|:{text}:|" if twice else f"{text}{'|]' if last else '||'}")
        index += 1 + bool(twice)
    return "\n".join(lines)


def _in_lines(body: str, unit: str, meter: str) -> str:
    sections = body.rstrip("|").split("||")
    return "||\n".join(_lines(section, unit, meter) for section in sections) + "|"


def _lines(section: str, unit: str, meter: str) -> str:
    """A section with four bars a line; a pickup bar does not count."""
    bars = [_Bar(bar, unit, meter) for bar in _split_bars(section)]
    lines: list[list[str]] = [[]]
    for bar in bars:
        if len(lines[-1]) - (len(lines) == 1 and bars[0].is_short) >= BARS_PER_LINE:
            lines.append([])
        lines[-1].append(bar.text)
    return "|\n".join("|".join(line) for line in lines)


def _split_bars(section: str) -> list[str]:
    bars = [""]
    for token in tokens_of(section):
        if token.kind == "bar":
            bars.append("")
        else:
            bars[-1] += token.text
    return bars


class _Bar:
    """A bar with spaces between its beats; `is_short` says whether it is shorter than the meter asks."""

    def __init__(self, text: str, unit: str, meter: str) -> None:
        self.beat, self.full = _beat(meter), Fraction(meter)
        self.unit = Fraction(unit)
        self.now = Fraction(0)
        self.text = "".join(self._spaced(list(tokens_of(text))))
        self.is_short = 0 < self.now < self.full

    def _spaced(self, tokens: list[Token]) -> Iterator[str]:
        """The texts of the tokens, with a space before each group of notes that begins on a beat."""
        left, factor, broken = 0, Fraction(1), Fraction(1)
        attached = True  # at the start of a bar, and between a prefix and its note
        for index, token in enumerate(tokens):
            sounds = token.kind in ("note", "chord", "rest")
            prefix = token.kind in _BEFORE_NOTE and not token.text.endswith(")")
            if (sounds or prefix) and not attached and not left and self.now % self.beat == 0:
                yield " "
            if token.kind == "inline":
                yield token.text
                continue
            if token.kind == "tuplet":
                left, factor = _tuplet(token.text)
            if sounds:
                following = tokens[index + 1].text if index + 1 < len(tokens) else ""
                length = _length(token.text) * self.unit * (factor if left else 1)
                self.now += length * broken * _BROKEN.get(following, 1)
                broken = 2 - _BROKEN[following] if following in _BROKEN else Fraction(1)
                left = max(0, left - 1)
                attached = following in _BROKEN
            elif prefix:
                attached = True
            yield token.text


def _beat(meter: str) -> Fraction:
    """The length that is beamed together: three eighths in 6/8, 9/8 and 12/8, a quarter note in 3/4 and 4/4."""
    beats, per = map(int, meter.split("/"))
    if per >= 8:
        return Fraction(3, per) if beats % 3 == 0 else Fraction(beats, per)
    return Fraction(1, per)


def _tuplet(text: str) -> tuple[int, Fraction]:
    """The number of notes of a tuplet, and the factor of their lengths."""
    count, *given = (int(part) if part else 0 for part in text[1:].split(":"))
    time, notes = [*given, 0, 0][:2]
    return notes or count, Fraction(time, count) if time and count else _TUPLETS.get(count, Fraction(1))


def _length(text: str) -> Fraction:
    """The length of a note, rest or chord in unit notes; that of a chord is its first note's times its own."""
    if text[0] in "ZX":
        return Fraction(0)
    outer = text.rpartition("]")[2] if text.startswith("[") else text
    inner = re.match(r"[^\d/\]]*([A-Ga-g][,']*\d*/*\d*)", text) if text.startswith("[") else None
    total = Fraction(1)
    for part in (outer, inner[1] if inner else ""):
        match = _LENGTH.search(part)
        assert match is not None, "the pattern matches an empty end"
        times, slashes, parts = match.groups()
        divisor = int(parts) if parts else 2 ** min(len(slashes), 9) if slashes else 1
        total *= Fraction(int(times or 1), divisor or 1)
    return total
