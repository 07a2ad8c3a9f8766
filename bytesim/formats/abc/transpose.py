"""Transpose a tune in canonical form. Exact: every note keeps its degree in its scale."""

from __future__ import annotations

import re

from bytesim.clocks import keys
from bytesim.clocks.keys import key_sharps
from bytesim.errors import FormatError
from bytesim.formats.abc.tokens import tokens_of

_LETTERS = "".join(keys.NATURALS)
_SEMITONES = tuple(keys.NATURALS.values())
_SIGNS = {"": None, "=": 0, "^": 1, "^^": 2, "_": -1, "__": -2}
_WRITTEN = {value: sign for sign, value in _SIGNS.items() if value is not None}
MAX_SHARPS = 7

_KEY = re.compile(r"([A-G])([#b]?)(\w*)")
_NOTE = re.compile(r"(\^\^|__|[\^_=])?([A-Ga-g])([,']*)")
_CHORD_NAME = re.compile(r"([A-G])([#b]?)")


def transpose(text: str, steps: int, semitones: int) -> str:
    """Canonical text with its keys, notes and chord symbols moved by an interval.

    `steps` is the interval in letters, `semitones` in half tones: (1, 2) is a whole tone up, (4, 7) a fifth up,
    (-1, -1) a half tone down, (0, 1) C to C sharp. Raises FormatError where a key would have more than seven sharps or
    flats, or a note more than a double accidental.
    """
    head, body = text.rstrip("\n").rsplit("\n", 1)
    key = re.search(r"^K:(.*)$", head, re.M)
    if key is None:
        raise FormatError("the tune has no K: field; bring it to canonical form first.")
    move = _Move(steps, semitones, key[1])
    head = head[: key.start(1)] + move.key(key[1])
    return f"{head}\n{''.join(move.token(token.kind, token.text) for token in tokens_of(body))}\n"


class _Move:
    """An interval, and the key that is in force where it is applied."""

    def __init__(self, steps: int, semitones: int, key: str) -> None:
        self.steps, self.semitones = steps, semitones
        self._signature = signature(key)
        self._moved_signature = signature(self.key(key))

    def key(self, key: str) -> str:
        match = _KEY.fullmatch(key)
        if match is None:
            raise FormatError(f"key {key!r} is not canonical.")
        self._signature = signature(key)
        moved = f"{self._name(match[1], match[2])}{match[3]}"
        self._moved_signature = signature(moved)
        return moved

    def token(self, kind: str, text: str) -> str:
        if kind == "inline" and text.startswith("[K:"):
            return f"[K:{self.key(text[3:-1])}]"
        if kind == "quoted":
            return _CHORD_NAME.sub(lambda match: self._name(match[1], match[2]), text)
        if kind in ("note", "chord", "grace"):
            return _NOTE.sub(lambda match: self._note(match[1] or "", match[2], match[3]), text)
        return text

    def _name(self, letter: str, sign: str) -> str:
        """Move the root of a key or chord, such as `F#` or `Bb`."""
        position = _LETTERS.index(letter)
        height = _SEMITONES[position] + {"": 0, "#": 1, "b": -1}[sign] + self.semitones
        octave, moved = divmod(position + self.steps, 7)
        alteration = height - _SEMITONES[moved] - 12 * octave
        if abs(alteration) > 1:
            raise FormatError("a key or chord would need a double accidental.")
        return _LETTERS[moved] + ("b", "", "#")[alteration + 1]

    def _note(self, sign: str, letter: str, octaves: str) -> str:
        octave = (letter.islower()) + octaves.count("'") - octaves.count(",")
        position = _LETTERS.index(letter.upper())
        extra, moved = divmod(position + self.steps, 7)
        name, octave = _LETTERS[moved], octave + extra
        written = _SIGNS[sign]
        if written is not None:
            alteration = written - self._signature[letter.upper()] + self._moved_signature[name]
            if alteration not in _WRITTEN:
                raise FormatError("a note would need three accidentals.")
            sign = _WRITTEN[alteration]
        return sign + pitch_name(7 * octave + moved)


def pitch_name(position: int) -> str:
    """A note's letter and octave marks; `position` counts letters from middle C: 0 is `C`, 7 `c`, -1 `B,`."""
    octave, letter = divmod(position, 7)
    name = _LETTERS[letter]
    return name + "," * -octave if octave < 1 else name.lower() + "'" * (octave - 1)


def signature(key: str) -> dict[str, int]:
    """Alteration of each letter in a canonical key: 1 sharp, -1 flat. Raises FormatError for more than seven."""
    try:
        sharps = key_sharps(key)
    except KeyError:
        raise FormatError(f"key {key!r} is not canonical.") from None
    if abs(sharps) > MAX_SHARPS:
        raise FormatError(f"key {key} would have {abs(sharps)} sharps or flats.")
    raised = keys.signature(sharps)
    return {letter: raised.get(letter, 0) for letter in _LETTERS}
