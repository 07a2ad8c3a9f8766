"""The grammar of canonical ABC, for models that write it byte by byte.

`canonical` reads every text that the grammar accepts. With rare exceptions, the grammar also excludes what abc2midi
does not play: a tie to another pitch, broken rhythm between unequal notes, a tuplet inside a tuplet, an ornament before
grace notes.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from bytesim.formats.abc.grammar_chords import spell_chord_symbol
from bytesim.formats.abc.grammar_notes import (
    DIGITS,
    NOT_ZERO,
    NOTE_START,
    SIGNS,
    spell_grace_notes,
    spell_length,
    spell_note,
)
from bytesim.formats.grammar import END, Allowed, Ending, Grammar, Steps, allow, choice, literal

_DENOMINATORS = (1, 2, 4, 8, 16, 32)
_MODES = ("", "min", "dor", "phr", "lyd", "mix", "loc")
_KEYS = [f"{tonic}{sign}{mode}" for tonic in "ABCDEFG" for sign in ("", "#", "b") for mode in _MODES]
_METERS = [f"{beats}/{unit}" for beats in range(1, 100) for unit in _DENOMINATORS]
_UNITS = [f"1/{unit}" for unit in (*_DENOMINATORS, 64)]


def _ended(values: list[str], last: str) -> frozenset[bytes]:
    return frozenset(f"{value}{last}".encode() for value in values)


HEAD_METERS, HEAD_UNITS, HEAD_KEYS = (_ended(values, "\n") for values in (_METERS, _UNITS, _KEYS))
"""What may stand in the fields of the header, with the end of the line."""
_FIELDS = {ord("M"): _ended(_METERS, "]"), ord("L"): _ended(_UNITS, "]"), ord("K"): _ended(_KEYS, "]")}

_RESTS = b"zx"
_PLAIN = b'().~TH|[{"' + NOTE_START + _RESTS
"""The bytes that may begin a token anywhere in the body."""
_DECORATIONS = b".~TH"
_DECORATED = _DECORATIONS + NOTE_START + _RESTS
_AFTER_REST = _PLAIN + b"<>"
_AFTER_NOTE = _AFTER_REST + b"-"

_Token = Generator[Allowed, int, int]
"""Allows the rest of a token whose first byte is written; returns the first byte of the next token."""


def abc_grammar() -> Grammar:
    """A grammar at the start of a tune in canonical form."""
    ending = Ending()
    return Grammar(_tune(ending), ending)


def _tune(ending: Ending) -> Steps:
    yield from literal(b"X:1\nM:")
    yield from choice(HEAD_METERS)
    yield from literal(b"L:")
    yield from choice(HEAD_UNITS)
    yield from literal(b"K:")
    yield from choice(HEAD_KEYS)
    yield from _Body(ending).steps()
    yield END


@dataclass
class _Body:
    """The line of notes. The fields say what the notes so far require of the next one."""

    ending: Ending
    sounded: bool = False
    pitch: bytes = b""
    """Accidental, letter and octave of the last note; empty after a rest or chord."""
    tied: bytes = b""
    """The pitch that the next note must have; its accidental may be left out."""
    chord: bytes = b""
    """The notes of the last chord, as written; empty after a note or rest."""
    tied_chord: bytes = b""
    """The notes that the next chord must have."""
    graced: bool = False
    """Whether grace notes stand before the next note."""
    named: bool = False
    """Whether a chord symbol stands before the next note."""
    dotted: bool = False
    """Whether the next note is staccato."""
    held: bool = False
    """Whether the next note has a fermata, which makes it longer."""
    rolled: bool = False
    """Whether the next note has a roll or a trill."""
    length: bytes | None = None
    """The length of the last note, as written; None for a chord whose notes have lengths of their own."""
    broken: bytes | None = None
    """The length that the next note must have because of broken rhythm."""
    tuplet: int = 0
    """How many notes of the tuplet are still missing."""
    apart: bool = False
    """Whether broken rhythm may not join the last note, at the end of a slur, to the next one."""

    def steps(self) -> Steps:
        first = yield self._next(_PLAIN)
        while True:
            if first != ord("|"):
                first = yield from self._token(first)
                continue
            waits = self.tied or self.tied_chord or self.tuplet or self.broken is not None
            whole = self.sounded and not waits
            first = yield self._next(_PLAIN + (b"\n" if whole else b""))
            if first == ord("\n"):
                return
            if first == ord("|"):
                first = yield self._next(_PLAIN.replace(b"|", b""))

    def _next(self, tokens: bytes) -> Allowed:
        """The bytes of `tokens`, each the first of a token, that may come now."""
        if self.ending.wanted:
            tokens = next((byte for byte in (b"\n", b"|") if byte in tokens), tokens)
        if self.graced:
            tokens = tokens.translate(None, b"{~")
        if self.broken is not None:
            tokens = tokens.translate(None, b".H~|" if self.named else b".H")
        if self.tied_chord:
            return allow(tokens.translate(None, NOTE_START + _RESTS + b"{~TH"))
        if not self.tied:
            return allow(tokens)
        starts = (self.tied[0], self.tied.lstrip(SIGNS)[0])
        return allow(bytes(byte for byte in tokens if byte not in NOTE_START + _RESTS + b"{~" or byte in starts))

    def _after(self, tokens: bytes) -> bytes:
        """The bytes of `tokens` that may follow a note; broken rhythm only after one that lasts as long as written."""
        if self.ending.wanted and self.tuplet <= 1:
            return b"|"
        plain = self.tuplet != 1 and self._plain
        return tokens.translate(None, (b"" if plain else b"<>") + (b"-" if self.dotted else b""))

    def _token(self, first: int) -> _Token:
        if first in NOTE_START:
            return (yield from self._sound(first))
        if first in _RESTS:
            length, first = yield from spell_length(self._after(_AFTER_REST), required=self.broken)
            self._count(length)
            return self._joined(first)
        if first == ord("["):
            return (yield from self._bracket())
        if first == ord("{"):
            yield from spell_grace_notes()
            self.graced = True
        elif first == ord('"'):
            yield from spell_chord_symbol()
            self.named = True
        elif first == ord("("):
            apart = not self.tuplet and self.broken is None
            first = yield self._next(_PLAIN + (b"23456789" if apart else b""))
            return first if first not in DIGITS else (yield from self._tuplet(first - ord("0")))
        elif first in _DECORATIONS:
            self.dotted, self.held = self.dotted or first == ord("."), self.held or first == ord("H")
            self.rolled = self.rolled or first in b"~T"
            chord = first == ord(".") and not self.rolled and not self.tied
            return (yield self._next(self._decorated + (b"[" if chord else b"")))
        elif first == ord(")"):
            apart = bool(self.tied or self.tied_chord) or self.broken is not None or self.apart
            joins = b"<>" if self.sounded and not apart else b""
            return self._joined((yield self._next(_PLAIN + joins)))
        elif first in b"<>":
            tie = b"-" if self.pitch else b""
            again = yield self._next(_PLAIN + tie + bytes([first]))
            return self._joined(again) if again != first else (yield self._next(_PLAIN))
        return (yield self._next(_PLAIN))

    @property
    def _decorated(self) -> bytes:
        """The bytes that may follow an ornament: a note, or an ornament of another kind."""
        present = (b"." if self.dotted else b"") + (b"H" if self.held else b"") + (b"~T" if self.rolled else b"")
        return _DECORATED.translate(None, present)

    def _sound(self, first: int) -> _Token:
        """Allow the rest of a note."""
        pitch, length, first = yield from spell_note(first, self._after(_AFTER_NOTE), self.tied, self.broken)
        self.sounded = True
        self._count(length, pitch)
        return self._joined(first)

    @property
    def _plain(self) -> bool:
        """Whether the next note lasts as long as written."""
        return self.broken is None and not self.held and not self.dotted

    def _count(self, length: bytes | None, pitch: bytes = b"", chord: bytes = b"") -> None:
        """Record a note, rest or chord that was written."""
        self.pitch, self.chord, self.length = pitch, chord, length
        self.apart = self.tuplet == 1 or not self._plain
        self.tied, self.tied_chord, self.broken, self.tuplet = b"", b"", None, max(0, self.tuplet - 1)
        self.graced = self.named = self.dotted = self.held = self.rolled = False

    def _joined(self, first: int) -> int:
        """Record a sign that joins the last note to the next one, if `first` is one."""
        if first in b"<>":
            self.broken = self.length
        elif first == ord("-"):
            self.tied, self.tied_chord = self.pitch, self.chord
        return first

    @property
    def _bracketed(self) -> bytes:
        """The bytes that may follow an opening bracket: a note of a chord, or the letter of a field."""
        fields = bytes(_FIELDS) if self.broken is None else bytes(_FIELDS).replace(b"L", b"")
        return (b"" if self.tied else NOTE_START) + (b"" if self.dotted else fields)

    def _bracket(self) -> _Token:
        """Allow a chord with its length, or an inline field."""
        if self.tied_chord:
            yield from literal(self.tied_chord + b"]")
            return (yield from self._after_chord(self.tied_chord, own_lengths=self.length is None))
        first = yield allow(self._bracketed)
        if first in _FIELDS:
            yield from literal(b":")
            yield from choice(_FIELDS[first])
            return (yield self._next(_PLAIN))
        notes, own_lengths = b"", False
        while first != ord("]"):
            pitch, length, first = yield from spell_note(first, NOTE_START + b"]")
            notes, own_lengths = notes + pitch + length, own_lengths or bool(length)
        return (yield from self._after_chord(notes, own_lengths=own_lengths))

    def _after_chord(self, notes: bytes, *, own_lengths: bool) -> _Token:
        """Allow what follows the closing bracket of a chord: its length, then the next token."""
        following = _PLAIN if own_lengths else _AFTER_NOTE if self.broken is None else _AFTER_REST
        length, first = yield from spell_length(self._after(following), required=self.broken)
        self.sounded = True
        self._count(None if own_lengths else length, chord=notes)
        return self._joined(first)

    def _tuplet(self, notes: int) -> _Token:
        """Allow what follows `(3`: nothing, `:2` or `:2:3`."""
        self.tuplet, self.apart = notes, True
        for part in range(2):
            first = yield self._next(b":" + _PLAIN)
            if first != ord(":"):
                return first
            digit = yield allow(NOT_ZERO)
            self.tuplet = digit - ord("0") if part else notes
        return (yield self._next(_PLAIN))
