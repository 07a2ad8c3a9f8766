"""The grammar of canonical ABC, for models that write it byte by byte.

What it lets through, `canonical` can read. Much that abc2midi would not play it keeps out, too: a note's tie to another
pitch, broken rhythm between unequal notes, a tuplet inside a tuplet.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from bytesim.formats.abc.grammar_notes import (
    DIGITS,
    NOT_ZERO,
    NOTE_START,
    PITCHES,
    SIGNS,
    spell_length,
    spell_note,
    spell_notes_until,
)
from bytesim.formats.grammar import END, Allowed, Grammar, Steps, allow, choice, literal

_DENOMINATORS = (1, 2, 4, 8, 16, 32)
_MODES = ("", "min", "dor", "phr", "lyd", "mix", "loc")
_KEYS = [f"{tonic}{sign}{mode}" for tonic in "ABCDEFG" for sign in ("", "#", "b") for mode in _MODES]
_METERS = [f"{beats}/{unit}" for beats in range(1, 100) for unit in _DENOMINATORS]
_UNITS = [f"1/{unit}" for unit in (*_DENOMINATORS, 64)]


def _ended(values: list[str], last: str) -> frozenset[bytes]:
    return frozenset(f"{value}{last}".encode() for value in values)


_HEAD_METERS, _HEAD_UNITS, _HEAD_KEYS = (_ended(values, "\n") for values in (_METERS, _UNITS, _KEYS))
_FIELDS = {ord("M"): _ended(_METERS, "]"), ord("L"): _ended(_UNITS, "]"), ord("K"): _ended(_KEYS, "]")}

_RESTS = b"zx"
_PLAIN = b'().~TH|[{"' + NOTE_START + _RESTS
"""What may begin a token anywhere in the body."""
_DECORATIONS = b".~TH"
_DECORATED = _DECORATIONS + b'{"' + NOTE_START + _RESTS
_AFTER_REST = _PLAIN + b"<>"
_AFTER_NOTE = _AFTER_REST + b"-"
_QUOTED = bytes(sorted(set(range(33, 127)) - set(b'"%\\')))
_MAX_QUOTED = 16

_Token = Generator[Allowed, int, int]
"""The rest of a token whose first byte is written; returns the first byte of the token after it."""


def abc_grammar() -> Grammar:
    """A grammar at the start of a tune in canonical form."""
    return Grammar(_tune())


def _tune() -> Steps:
    yield from literal(b"X:1\nM:")
    yield from choice(_HEAD_METERS)
    yield from literal(b"L:")
    yield from choice(_HEAD_UNITS)
    yield from literal(b"K:")
    yield from choice(_HEAD_KEYS)
    yield from _Body().steps()
    yield END


@dataclass
class _Body:
    """The one line of notes, and what those written so far ask of the next one."""

    sounded: bool = False
    pitch: bytes = b""
    """Sign, letter and octave of the last note; nothing after a rest or chord."""
    tied: bytes = b""
    """The pitch that the next note must have; its sign may be left out."""
    length: bytes | None = None
    """The length of the last note, as written; None where its notes have lengths of their own."""
    broken: bytes | None = None
    """The length that the next note must have, for broken rhythm."""
    tuplet: int = 0
    """Notes of a tuplet that are still to come."""
    at_tuplet_edge: bool = False
    """Whether a tuplet stands on one side alone of what comes next."""

    def steps(self) -> Steps:
        first = yield self._next(_PLAIN)
        while True:
            if first != ord("|"):
                first = yield from self._token(first)
                continue
            whole = self.sounded and not self.tied
            first = yield self._next(_PLAIN + (b"\n" if whole else b""))
            if first == ord("\n"):
                return
            if first == ord("|"):
                first = yield self._next(_PLAIN.replace(b"|", b""))

    def _next(self, tokens: bytes) -> Allowed:
        """Those of the tokens, each a first byte, that may come now."""
        if not self.tied:
            return allow(tokens)
        starts = (self.tied[0], self.tied.lstrip(SIGNS)[0])
        return allow(bytes(each for each in tokens if each not in NOTE_START + _RESTS + b"{" or each in starts))

    def _after(self, tokens: bytes) -> bytes:
        """Those of the tokens that may follow a note; none joins the last note of a tuplet to the next one."""
        return tokens.translate(None, b"<>") if self.tuplet == 1 else tokens

    def _token(self, first: int) -> _Token:
        if first in NOTE_START:
            return (yield from self._sound(first))
        if first in _RESTS:
            length, first = yield from spell_length(self._after(_AFTER_REST), wanted=self.broken)
            self._count(length)
            return self._joined(first)
        if first == ord("["):
            return (yield from self._bracket())
        if first == ord("{"):
            yield from spell_notes_until(ord("}"))
        elif first == ord('"'):
            yield from _quoted()
        elif first == ord("("):
            apart = not self.tuplet and self.broken is None
            first = yield self._next(_PLAIN + (b"23456789" if apart else b""))
            return first if first not in DIGITS else (yield from self._tuplet(first - ord("0")))
        elif first in _DECORATIONS:
            return (yield self._next(_DECORATED + (b"[" if first == ord(".") else b"")))
        elif first == ord(")"):
            apart = bool(self.tied) or self.broken is not None or self.at_tuplet_edge
            joins = b"<>" if self.sounded and not apart else b""
            return self._joined((yield self._next(_PLAIN + joins)))
        elif first in b"<>":
            again = yield self._next(_PLAIN + b"-" + bytes([first]))
            return self._joined(again) if again != first else (yield self._next(_PLAIN))
        return (yield self._next(_PLAIN))

    def _sound(self, first: int) -> _Token:
        """The rest of a note."""
        pitch, length, first = yield from spell_note(first, self._after(_AFTER_NOTE), self.tied, self.broken)
        self.sounded = True
        self._count(length, pitch)
        return self._joined(first)

    def _count(self, length: bytes | None, pitch: bytes = b"") -> None:
        """Take note of a note, rest or chord that was written."""
        self.pitch, self.length, self.at_tuplet_edge = pitch, length, self.tuplet == 1
        self.tied, self.broken, self.tuplet = b"", None, max(0, self.tuplet - 1)

    def _joined(self, first: int) -> int:
        """Take note of what joins the last note to the next one, if `first` does."""
        if first in b"<>":
            self.broken = self.length
        elif first == ord("-"):
            self.tied = self.pitch
        return first

    def _bracket(self) -> _Token:
        """A chord with its length, or an inline field."""
        first = yield allow((b"" if self.tied else NOTE_START) + bytes(_FIELDS))
        if first in _FIELDS:
            yield from literal(b":")
            yield from choice(_FIELDS[first])
            return (yield self._next(_PLAIN))
        own_lengths = False
        while first != ord("]"):
            _, length, first = yield from spell_note(first, NOTE_START + b"]")
            own_lengths = own_lengths or bool(length)
        length, first = yield from spell_length(self._after(_AFTER_NOTE), wanted=self.broken)
        self.sounded = True
        self._count(None if own_lengths else length)
        return self._joined(first)

    def _tuplet(self, notes: int) -> _Token:
        """What follows `(3`: nothing, or `:2`, or `:2:3`."""
        self.tuplet, self.at_tuplet_edge = notes, True
        for place in range(2):
            first = yield self._next(b":" + _PLAIN)
            if first != ord(":"):
                return first
            digit = yield allow(NOT_ZERO)
            self.tuplet = digit - ord("0") if place else notes
        return (yield self._next(_PLAIN))


def _quoted() -> Steps:
    """A chord symbol: the chord's root, and what kind it is; or a finger's number."""
    yield allow(PITCHES + DIGITS)
    for _ in range(_MAX_QUOTED - 1):
        if (yield allow(_QUOTED + b'"')) == ord('"'):
            return
    yield from literal(b'"')
