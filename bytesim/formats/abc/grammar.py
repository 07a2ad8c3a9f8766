"""The grammar of canonical ABC, for models that write it byte by byte. What it lets through, `canonical` can read."""

from __future__ import annotations

from collections.abc import Generator

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

_PITCHES = b"ABCDEFGabcdefg"
_SIGNS = b"^_="
_NOTE_START = _SIGNS + _PITCHES
_RESTS = b"zx"
_DIGITS, _NOT_ZERO = b"0123456789", b"123456789"
_PLAIN = b'().~TH|[{"' + _NOTE_START + _RESTS
"""What may begin a token anywhere in the body."""
_AFTER_NOTE = _PLAIN + b"<>-"
_QUOTED = bytes(sorted(set(range(33, 127)) - set(b'"%\\')))
_QUOTED_FIRST = bytes(sorted(set(_QUOTED) - set(b"^_<>@")))
_MAX_QUOTED = 16
_MAX_OCTAVES = 4

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
    first = yield allow(_PLAIN)
    sounded = False
    while True:
        if first == ord("|"):
            first = yield allow(_PLAIN + (b"\n" if sounded else b""))
            if first == ord("\n"):
                break
            if first == ord("|"):
                first = yield allow(_PLAIN.replace(b"|", b""))
            continue
        sounded = sounded or first in _NOTE_START
        first = yield from _token(first)
    yield END


def _token(first: int) -> _Token:
    if first in _NOTE_START:
        first = yield from _note(first)
        return first
    if first in _RESTS:
        first = yield from _length(_AFTER_NOTE)
        return first
    if first == ord("["):
        first = yield from _bracket()
        return first
    if first == ord("{"):
        yield from _notes_until(ord("}"))
    elif first == ord('"'):
        yield from _quoted()
    elif first == ord("("):
        first = yield allow(_PLAIN + b"23456789")
        return first if first not in _DIGITS else (yield from _tuplet())
    elif first == ord("."):
        return (yield allow(_PLAIN.replace(b"(", b"")))  # `.(` is a dotted slur, which no tuplet's number may follow
    elif first == ord(")"):
        return (yield allow(_PLAIN + b"<>"))
    elif first in b"<>":
        first = yield allow(_PLAIN + bytes([first]))
        return first if first not in b"<>" else (yield allow(_PLAIN))
    return (yield allow(_PLAIN))


def _note(first: int, following: bytes = _AFTER_NOTE) -> _Token:
    """The rest of a note. A sign may be doubled, but for the natural."""
    if first in _SIGNS:
        doubled = bytes([first]) if first != ord("=") else b""
        second = yield allow(_PITCHES + doubled)
        if second not in _PITCHES:
            yield allow(_PITCHES)
    octave = b",'"
    for _ in range(_MAX_OCTAVES):
        first = yield allow(octave + b"/" + _NOT_ZERO + following)
        if first not in octave:
            return (yield from _length(following, first))
        octave = bytes([first])  # up and down do not mix
    return (yield from _length(following))


def _length(following: bytes, first: int | None = None) -> _Token:
    """A length: at most two digits, then a slash and at most two digits, or two slashes."""
    if first is None:
        first = yield allow(b"/" + _NOT_ZERO + following)
    if first in _NOT_ZERO:
        first = yield allow(b"/" + _DIGITS + following)
        if first in _DIGITS:
            first = yield allow(b"/" + following)
    if first != ord("/"):
        return first
    first = yield allow(b"/" + _NOT_ZERO + following)
    if first == ord("/"):
        return (yield allow(following))
    if first in _NOT_ZERO:
        first = yield allow(_DIGITS + following)
        if first in _DIGITS:
            first = yield allow(following)
    return first


def _bracket() -> _Token:
    """A chord with its length, or an inline field."""
    first = yield allow(_NOTE_START + bytes(_FIELDS))
    if first in _FIELDS:
        yield from literal(b":")
        yield from choice(_FIELDS[first])
        return (yield allow(_PLAIN))
    while first != ord("]"):
        first = yield from _note(first, _NOTE_START + b"]")
    return (yield from _length(_AFTER_NOTE))


def _notes_until(last: int) -> Steps:
    """Notes, at least one, and the byte that ends them."""
    first = yield allow(_NOTE_START)
    while first != last:
        first = yield from _note(first, _NOTE_START + bytes([last]))


def _quoted() -> Steps:
    """A chord symbol; a text that stands above or below the line sounds no chord and is not written."""
    yield allow(_QUOTED_FIRST)
    for _ in range(_MAX_QUOTED - 1):
        if (yield allow(_QUOTED + b'"')) == ord('"'):
            return
    yield from literal(b'"')


def _tuplet() -> _Token:
    """What follows `(3`: nothing, or `:2`, or `:2:3`."""
    for _ in range(2):
        first = yield allow(b":" + _PLAIN)
        if first != ord(":"):
            return first
        yield allow(_NOT_ZERO)
    return (yield allow(_PLAIN))
