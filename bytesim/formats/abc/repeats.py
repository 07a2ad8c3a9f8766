"""Repeats and endings played out: the tokens in the order they sound, with no repeat signs.

The ABC standard (2.1, sections 4.8 to 4.10) does not define a repeat without a start or a surplus
repeat sign. Here they mean what abc2midi 5.02 plays, which judges the music model. Its training data are the
output of abc2midi 4.84, to which `||:` opened no repeat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bytesim.errors import FormatError
from bytesim.formats.abc.tokens import Token

MAX_PLAYED_TOKENS = 100_000
"""Upper bound of the tokens played, so that endings numbered 1-9999 cannot make a short file endless."""

MAX_STEPS = 1_000_000
"""Upper bound of the tokens looked at, skipped endings included."""


_STROKES = re.compile(r"\|\|:|\|:|\|\||\|\]|::|:\||\[\||\]\||[|:\[\]]")
"""Bar lines as abc2midi splits a run of strokes, from the left."""


@dataclass(frozen=True, slots=True)
class BarLine:
    """The meaning of a bar line: `closes` ends a repeat, `opens` begins one, `passes` are the passes of an ending."""

    closes: bool
    opens: bool
    thick: bool
    passes: frozenset[int]


def read_bar(token: Token) -> BarLine | None:
    """The meaning of a bar line or ending token; None for every other token."""
    if token.kind not in ("bar", "ending"):
        return None
    line, passes = re.fullmatch(r"([\[|:\]]*)[ ]?([\d,\-]*)\.?", token.text).groups()  # type: ignore[union-attr]
    strokes = _STROKES.findall(line)
    closes = ":|" in strokes or "::" in strokes
    opens = "|:" in strokes or "||:" in strokes or "::" in strokes
    return BarLine(closes, opens, line not in ("|", "["), _numbers(passes))


def _numbers(text: str) -> frozenset[int]:
    """`1,3-5` -> {1, 3, 4, 5}; passes above 99 are left out."""
    numbers: set[int] = set()
    for part in text.split(","):
        match = re.match(r"(\d+)(?:-(\d+))?", part)
        if match:
            first, last = _at_most_100(match[1]), _at_most_100(match[2] or match[1])
            numbers.update(range(first, last + 1))
    return frozenset(number for number in numbers if number <= 99)


def _at_most_100(digits: str) -> int:
    """The number, or 100 for a greater one: Python refuses to read thousands of digits."""
    return min(100, int(digits)) if len(digits) < 100 else 100


def play_out(tokens: list[Token], fields: dict[str, str]) -> list[Token]:
    """The tokens in the order they sound, with bar lines `|` or `||`, never two in a row.

    Thick bar lines and repeat signs become `||`: an incomplete bar before one is completed by the
    bar after it, which decides where abc2midi puts its accents.

    `fields` holds K, M and L as the header sets them. Where, after a jump back, another key,
    meter or unit length would be in force than the text has there, an inline field restores it.
    Raises FormatError if the tune plays more than MAX_PLAYED_TOKENS tokens.
    """
    states = _states(tokens, fields)
    played: list[Token] = []
    in_force = dict(fields)
    for index in _order(tokens):
        token = tokens[index]
        bar = read_bar(token)
        if bar is not None:
            _add_bar(played, token, bar)
            continue
        for letter, value in states[index].items():
            if token.kind != "inline" and in_force.get(letter) != value:
                played.append(Token("inline", f"[{letter}:{value}]", token.offset))
                in_force[letter] = value
        if token.kind == "inline" and token.text[1] in fields:
            in_force[token.text[1]] = token.text[3:-1].strip()
        played.append(token)
        if len(played) > MAX_PLAYED_TOKENS:
            raise FormatError("the repeats of this tune play for too long.", offset=token.offset)
    return played


def _add_bar(played: list[Token], token: Token, bar: BarLine) -> None:
    if token.kind == "ending" or not played:
        return
    if played[-1].kind != "bar":
        played.append(Token("bar", "||" if bar.thick else "|", token.offset))
    elif bar.thick:
        played[-1] = Token("bar", "||", token.offset)


def _states(tokens: list[Token], fields: dict[str, str]) -> list[dict[str, str]]:
    """For each token, the fields that are in force there when the text is read from top to bottom."""
    state, states = dict(fields), []
    for token in tokens:
        if token.kind == "inline" and token.text[1] in state:
            state = {**state, token.text[1]: token.text[3:-1].strip()}
        states.append(state)
    return states


def _order(tokens: list[Token]) -> Iterator[int]:
    """Indices of the tokens in the order they sound."""
    bars = [read_bar(token) for token in tokens]
    budget = iter(range(MAX_STEPS))
    for start, end in _sections(bars):
        for index in _play_section(bars, start, end, budget):
            if index is None:
                raise FormatError("the repeats of this tune play for too long.", offset=tokens[start].offset)
            yield index


def _sections(bars: list[BarLine | None]) -> Iterator[tuple[int, int]]:
    """(start, end) of the sections, each with one repeat start. Endings extend a section past its repeat sign.

    After a repeat that no `|:` follows, every thick bar line begins a new section. A `::` after a second ending only
    opens a repeat, so `closes` is set to False in `bars`.
    """
    start, has_endings, assumed, last_ending = 0, False, False, 0
    for index, bar in enumerate(bars):
        if bar is None:
            continue
        if bar.opens and last_ending > 1:
            bars[index] = replace(bar, closes=False)
        if bar.passes:
            has_endings, last_ending = True, max(bar.passes)
        closed = bar.closes and not has_endings
        if bar.opens or closed or (bar.thick and assumed and not has_endings):
            yield start, index + 1
            start, has_endings, assumed, last_ending = index + 1, False, not bar.opens, 0
    yield start, len(bars)


def _last_pass(section: list[BarLine]) -> int:
    """How often a section is played: once more than it has repeat signs, but no more than its endings allow.

    A repeat sign after the last ending adds one pass, in which every ending is skipped.
    """
    repeats = sum(bar.closes for bar in section)
    last_ending = max((number for bar in section for number in bar.passes), default=0)
    return max(last_ending, min(repeats, last_ending) + 1) if last_ending else repeats + 1


def _play_section(bars: list[BarLine | None], start: int, end: int, budget: Iterator[int]) -> Iterator[int | None]:
    """Indices in the order they sound; None when the budget of steps is used up."""
    section = [bar for bar in bars[start:end] if bar is not None]
    last_pass = _last_pass(section)
    index, current, skipping = start, 1, False
    while index < end:
        if next(budget, None) is None:
            yield None
        bar = bars[index]
        if bar is None:
            if not skipping:
                yield index
            index += 1
            continue
        if bar.closes and not skipping and current < last_pass:
            yield index
            index, current = start, current + 1
            continue
        was_skipping = skipping
        if bar.passes:
            skipping = current not in bar.passes
        elif bar.closes or bar.opens or bar.thick:
            skipping = False
        if not (was_skipping and bar.passes):  # the bar line before the skipped ending was yielded already
            yield index
        index += 1
