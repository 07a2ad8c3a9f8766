"""Notes and lengths of the ABC grammar. Each is the rest of a token whose first byte is written or to be written."""

from __future__ import annotations

from collections.abc import Generator

from bytesim.formats.grammar import Allowed, Steps, allow, literal

PITCHES = b"ABCDEFGabcdefg"
SIGNS = b"^_="
NOTE_START = SIGNS + PITCHES
DIGITS, NOT_ZERO = b"0123456789", b"123456789"
_MAX_OCTAVES = 4
_DENOMINATORS = {ord("2"): b"", ord("4"): b"", ord("8"): b"", ord("1"): b"6", ord("3"): b"2", ord("6"): b"4"}
"""First digit of 2, 4, 8, 16, 32 and 64 -> the rest; abc2midi takes no others."""

_Length = Generator[Allowed, int, tuple[bytes, int]]
"""A length; returns it as written, and the byte after it."""
_Note = Generator[Allowed, int, tuple[bytes, bytes, int]]
"""A note; returns its sign, letter and octave, its length as written, and the byte after it."""


def spell_note(first: int, following: bytes, tied: bytes = b"", wanted: bytes | None = None) -> _Note:
    """The rest of a note whose first byte is written. A sign may be doubled, but for the natural."""
    if tied:
        whole = tied if first == tied[0] else tied.lstrip(SIGNS)
        yield from literal(whole[1:])
        return (tied, *(yield from spell_length(following, wanted)))
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
        first = yield allow(octave + _length_start(following, wanted))
        if first not in octave:
            return (pitch, *(yield from _length_from(first, following, wanted)))
        pitch += octave
    return (pitch, *(yield from spell_length(following, wanted)))


def _length_start(following: bytes, wanted: bytes | None) -> bytes:
    return b"/" + NOT_ZERO + following if wanted is None else wanted[:1] or following


def spell_length(following: bytes, wanted: bytes | None = None) -> _Length:
    first = yield allow(_length_start(following, wanted))
    return (yield from _length_from(first, following, wanted))


def _length_from(first: int, following: bytes, wanted: bytes | None) -> _Length:
    """The one that is wanted; or at most two digits, then a slash and a power of two, or two slashes."""
    if wanted is not None:
        if wanted:
            yield from literal(wanted[1:])
            first = yield allow(following)
        return wanted, first
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
    """What follows an opening brace: a slash or none, notes, at least one, and the closing brace."""
    first = yield allow(NOTE_START + b"/")
    if first == ord("/"):
        first = yield allow(NOTE_START)
    while first != ord("}"):
        *_, first = yield from spell_note(first, NOTE_START + b"}")
