"""Notes and lengths of the ABC grammar."""

from __future__ import annotations

from collections.abc import Generator

from bytesim.formats.grammar import Allowed, Steps, allow, literal

PITCHES = b"ABCDEFGabcdefg"
SIGNS = b"^_="
NOTE_START = SIGNS + PITCHES
DIGITS, NOT_ZERO = b"0123456789", b"123456789"
_MAX_OCTAVES = 4
_DENOMINATORS = {ord("2"): b"", ord("4"): b"", ord("8"): b"", ord("1"): b"6", ord("3"): b"2", ord("6"): b"4"}
"""First digit of 2, 4, 8, 16, 32 and 64 -> the other digit; abc2midi reads no other denominators."""

_Length = Generator[Allowed, int, tuple[bytes, int]]
"""Allows a length; returns it as written, and the byte after it."""
_Note = Generator[Allowed, int, tuple[bytes, bytes, int]]
"""Allows a note; returns accidental, letter and octave, the length as written, and the byte after it."""


def spell_note(first: int, following: bytes, tied: bytes = b"", required: bytes | None = None) -> _Note:
    """Allow the rest of a note whose first byte is written.

    An accidental other than the natural may be doubled. `tied` is the pitch and `required` the length that
    the note must have, if any; `following` are the bytes that may come after the note.
    """
    if tied:
        whole = tied if first == tied[0] else tied.lstrip(SIGNS)
        yield from literal(whole[1:])
        return (tied, *(yield from spell_length(following, required)))
    pitch = bytes([first])
    if first in SIGNS:
        doubled = pitch if first != ord("=") else b""
        first = yield allow(PITCHES + doubled)
        pitch += bytes([first])
        if first not in PITCHES:
            first = yield allow(PITCHES)
            pitch += bytes([first])
    octave = b"'" if first in PITCHES.lower() else b","
    for _ in range(_MAX_OCTAVES):
        first = yield allow(octave + _length_start(following, required))
        if first not in octave:
            return (pitch, *(yield from _length_from(first, following, required)))
        pitch += octave
    return (pitch, *(yield from spell_length(following, required)))


def _length_start(following: bytes, required: bytes | None) -> bytes:
    return b"/" + NOT_ZERO + following if required is None else required[:1] or following


def spell_length(following: bytes, required: bytes | None = None) -> _Length:
    """Allow a length, or exactly `required` if it is given, and then one of the bytes of `following`."""
    first = yield allow(_length_start(following, required))
    return (yield from _length_from(first, following, required))


def _length_from(first: int, following: bytes, required: bytes | None) -> _Length:
    """The required length; or at most two digits, then a slash and a power of two, or two slashes."""
    if required is not None:
        if required:
            yield from literal(required[1:])
            first = yield allow(following)
        return required, first
    written = b""
    for more in (b"/" + DIGITS, b"/"):
        if first in DIGITS:
            written += bytes([first])
            first = yield allow(more + following)
    if first != ord("/"):
        return written, first
    first = yield allow(b"/" + bytes(_DENOMINATORS) + following)
    if first == ord("/"):
        return written + b"//", (yield allow(following))
    written += b"/"
    if first in _DENOMINATORS:
        written += bytes([first]) + _DENOMINATORS[first]
        yield from literal(_DENOMINATORS[first])
        first = yield allow(following)
    return written, first


def spell_grace_notes() -> Steps:
    """Allow what follows an opening brace: perhaps a slash, one or more notes, and the closing brace."""
    first = yield allow(NOTE_START + b"/")
    if first == ord("/"):
        first = yield allow(NOTE_START)
    while first != ord("}"):
        *_, first = yield from spell_note(first, NOTE_START + b"}")
