"""The canonical form of a tune, which the music model reads and writes.

It is `X:1`, `M:`, `L:`, `K:` and the body on one line: no titles, comments, lyrics or spaces, repeats
played out, bar lines `|` or `||`. Texts that sound the same mostly have the same canonical form, and
its notes come in the same order as those of the MIDI file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bytesim.errors import FormatError
from bytesim.formats.abc.repeats import play_out
from bytesim.formats.abc.tokens import Token, tokens_of
from bytesim.formats.abc.tune import Tune

_MODES = {"m": "min", "min": "min", "maj": "", "ion": "", "aeo": "min", "dor": "dor", "phr": "phr", "lyd": "lyd"}
_MODES |= {"mix": "mix", "loc": "loc", "": ""}
_KEY = re.compile(r"([A-G])([#b]?)\s*([A-Za-z]*)(.*)", re.DOTALL)

_INNER_SPACE = re.compile(r" (?=[ ^_=A-Ga-g}\]])")
"""A space before a note or the end, in a chord or between grace notes."""

_UNHEARD = {"comment", "decoration", "letter", "colon", "space", "newline"}
"""Kinds of tokens that do not sound.

The letters I to W that no other kind matches are user-defined symbols, of which none is defined. A colon without a bar
line is half of a repeat sign that was split over two lines; abc2midi ignores it.
"""

_ANY_TEXT = {*_UNHEARD, "field", "inline", "quoted"}
"""Kinds of tokens that may hold any character. The model reads ASCII alone."""
_FOREIGN_CHORD = "chord symbol outside ASCII"

_UNKNOWN_FIELDS = {
    "V": "this tune has several voices (V:), and the model reads only one.",
    "P": "this tune is played in parts (P:), which the model does not put in order.",
    "m": "this tune has macros (m:), which the model does not expand.",
}

_WRITTEN_FIELDS = "KML"
"""Fields in the body that are kept because they change the sound; all others are dropped."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Canonical:
    """A tune in canonical form, and what was left out of it (`T:`, `3 x decoration` ...)."""

    text: str
    dropped: tuple[str, ...]


def canonical(tune: Tune) -> Canonical:
    """The canonical form of a tune.

    Raises FormatError for what has no canonical form: several voices, parts, macros, free meter, an
    unknown key, characters that are not ABC. Its offset counts characters of the parsed text.
    """
    dropped: dict[str, int] = {}
    fields = {"M": _meter(tune.meter), "L": _unit(tune.unit), "K": canonical_key(tune.field("K") or "C")}
    for name, value in tune.fields:
        if name in "VP" or (name == "m" and value):
            raise FormatError(_UNKNOWN_FIELDS[name])
        if name not in "XMLK":
            dropped[f"{name}:"] = dropped.get(f"{name}:", 0) + 1
    try:
        played = play_out(_sounding(tune, dropped), fields)
    except FormatError as error:
        offset = None if error.offset is None else tune.body_offset + error.offset
        raise FormatError(error.message, offset=offset) from None
    body = "".join(token.text for token in played).rstrip("|") + "|"
    head = "".join(f"{letter}:{fields[letter]}\n" for letter in "MLK")
    listed = tuple(f"{count} x {what}" if count > 1 else what for what, count in sorted(dropped.items()))
    return Canonical(text=f"X:1\n{head}{body}\n", dropped=listed)


def canonical_key(text: str) -> str:
    """`D major` -> `D`, `Am` -> `Amin`, `E Dorian` -> `Edor`. Raises FormatError for an unknown key."""
    value = text.strip()
    if value.lower() == "none" or not value:
        return "C"
    if value in ("HP", "Hp"):  # highland pipes play F sharp and C sharp
        return "D"
    match = _KEY.match(value)
    mode = (match[3].lower()[:3] if len(match[3]) > 1 else match[3]) if match else ""
    mode = "min" if mode == "m" else "maj" if mode == "M" else mode
    if match is None or mode not in _MODES:
        raise FormatError(f"key {value!r} is not understood; write it as D, Amin, Edor, Gmix...")
    return f"{match[1]}{match[2]}{_MODES[mode]}"


def _meter(text: str) -> str:
    value = text.replace(" ", "")
    if value.lower() == "none":
        raise FormatError("this tune is in free meter (M:none), and the model needs a meter.")
    if not re.fullmatch(r"[1-9]\d?/(?:1|2|4|8|16|32)", value, re.ASCII):
        raise FormatError(f"the model does not read the meter {text!r}; it reads fractions such as 6/8.")
    return value


def _unit(text: str) -> str:
    value = text.replace(" ", "")
    if not re.fullmatch(r"1(?:/(?:1|2|4|8|16|32|64))?", value):
        raise FormatError(f"unit note length {text!r} is not understood; expected 1/8 or the like.")
    return value if "/" in value else "1/1"


def _sounding(tune: Tune, dropped: dict[str, int]) -> list[Token]:
    """The tokens that sound; a field on a line of its own becomes an inline field. Counts the others in `dropped`."""
    sounding: list[Token] = []
    for token in tokens_of(tune.body):
        if token.kind in ("unknown", "overlay") or not (token.text.isascii() or token.kind in _ANY_TEXT):
            raise FormatError(_unread(token), offset=token.offset)
        if token.kind in ("field", "inline"):
            kept = _field_token(token)
            if kept is None:
                name = token.text.lstrip("[")[:2]
                dropped[name] = dropped.get(name, 0) + 1
            else:
                sounding.append(kept)
        elif token.kind == "quoted" and token.text[1:2] in "^_<>@":
            dropped["annotation"] = dropped.get("annotation", 0) + 1
        elif token.kind == "quoted" and not token.text.isascii():  # abc2midi knows no such chord, and plays none
            dropped[_FOREIGN_CHORD] = dropped.get(_FOREIGN_CHORD, 0) + 1
        elif token.kind in _UNHEARD:
            if token.kind in ("decoration", "letter", "colon"):
                dropped[token.kind] = dropped.get(token.kind, 0) + 1
        elif token.kind in ("grace", "chord") and '"' not in token.text:
            sounding.append(replace(token, text=_INNER_SPACE.sub("", token.text)))
        else:
            sounding.append(token)
    return sounding


def _unread(token: Token) -> str:
    if token.kind == "overlay":
        return "this tune lays voices over each other (&), and the model reads only one."
    if token.kind != "unknown":
        return f"{token.text!r} holds characters outside ASCII, which have no meaning here."
    return f"{token.text!r} has no meaning here; a bracket, brace or quote may be open, or this is not music."


def _field_token(token: Token) -> Token | None:
    """The inline field in canonical form; None for one that does not sound. Raises FormatError for V:, P: and m:."""
    text = token.text.strip("[]")
    letter, value = text[0], text[2:].strip()
    if letter in _UNKNOWN_FIELDS:
        raise FormatError(_UNKNOWN_FIELDS[letter], offset=token.offset)
    if letter not in _WRITTEN_FIELDS:
        return None
    try:
        value = {"K": canonical_key, "M": _inline_meter, "L": _unit}[letter](value)
    except FormatError as error:
        raise FormatError(error.message, offset=token.offset) from None
    return Token("inline", f"[{letter}:{value}]", token.offset)


def _inline_meter(text: str) -> str:
    return _meter({"C": "4/4", "C|": "2/2"}.get(text, text))
