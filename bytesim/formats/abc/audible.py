"""What sounds in an ABC tune, although its canonical form does not have it: directives, dynamics, ornaments in words.

Source: the ABC standard 2.1, sections 4.14 and 11, and abc2midi's guide to its directives (`%%MIDI`).
"""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(
    r"(?:^(?:%%|I:)|\[I:)[ \t]*(MIDI|propagate-accidentals|transpose)\b[ \t]*([^\n%\]]*)", re.MULTILINE | re.IGNORECASE
)
_UNPLAYED = re.compile(r"%[^\n]*|\"[^\"\n]*\"|^[A-PR-Za-z+]:(?![|:\]])[^\n]*", re.MULTILINE)
"""Comments, quoted texts and fields, in which a decoration is only a text."""
_DECORATION = re.compile(r"!([^!\n|]+)!|\+([^+\n|]+)\+")
_TEMPO = re.compile(r"^Q:|\[Q:", re.MULTILINE)
_SILENT = re.compile(
    r"[0-5]|upbow|downbow|segno|coda|D\.?[CS]\.?.*|da(?:capo|coda)|fine|open|thumb|snap|plus|editorial|courtesy|"
    r"breath|longphrase|mediumphrase|shortphrase|/+|slide",
    re.IGNORECASE,
)
"""Decorations that abc2midi does not play."""


def audible(text: str) -> list[str]:
    """What a tune as written has besides its canonical form and sounds, each once, such as `%%MIDI program 40`."""
    found = [f"%%{name} {' '.join(value.split())}".rstrip() for name, value in _DIRECTIVE.findall(text)]
    _, key, body = text.partition("\nK:")
    body = _UNPLAYED.sub("", body)
    for marks in _DECORATION.findall(body):
        name = next(filter(None, marks)).strip()
        if not _SILENT.fullmatch(name):
            found.append(f"!{name}!")
    if key and _TEMPO.search(body):
        found.append("changes of tempo (Q:)")
    return list(dict.fromkeys(found))
