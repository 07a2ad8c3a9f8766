"""Grammars of UTF-8 text and of pictures and recordings in the models' form."""

from __future__ import annotations

from bytesim.formats import bmp, wav
from bytesim.formats.grammar import ANY_BYTE, END, Ending, Grammar, Steps, allow, literal
from bytesim.patching import END_OF_PATCH

BMP_HEADER = bmp.serialize(
    bmp.Picture(width=bmp.MODEL_SIDE, height=bmp.MODEL_SIDE, pixels=bytes(bmp.MODEL_BYTES - bmp.HEADER_BYTES))
)[: bmp.HEADER_BYTES]
"""The first bytes of every picture in the models' form."""
WAV_HEADER = wav.serialize(wav.model_recording(b""))[: wav.MODEL_BYTES - wav.MODEL_FRAMES]
"""The first bytes of every recording in the models' form."""

_TAIL = range(0x80, 0xC0)
_ASCII = range(0x01, 0x80)
_SECOND = {0xE0: range(0xA0, 0xC0), 0xED: range(0x80, 0xA0), 0xF0: range(0x90, 0xC0), 0xF4: range(0x80, 0x90)}
"""First byte -> allowed second bytes, where these are not all of 80..BF.

This excludes overlong forms, surrogates and code points above 10FFFF.
"""
_FIRST = (*_ASCII, *range(0xC2, 0xF5))
_SHORT, _START, _START_OR_END = allow(_ASCII), allow(_FIRST), allow((*_FIRST, END_OF_PATCH))


def bmp_grammar() -> Grammar:
    """A grammar at the start of a 32x32 picture."""
    return Grammar(_sized(BMP_HEADER, bmp.MODEL_BYTES))


def wav_grammar() -> Grammar:
    """A grammar at the start of a recording of one second."""
    return Grammar(_sized(WAV_HEADER, wav.MODEL_BYTES))


def _sized(header: bytes, num_bytes: int) -> Steps:
    yield from literal(header)
    for _ in range(num_bytes - len(header)):
        yield ANY_BYTE
    yield END


def text_grammar() -> Grammar:
    """A grammar at the start of a UTF-8 text of one character or more, without NUL.

    Source: the Unicode Standard, table 3-7, Well-Formed UTF-8 Byte Sequences.
    """
    ending = Ending()
    return Grammar(_text(ending), ending)


def _text(ending: Ending) -> Steps:
    token = yield _SHORT if ending.wanted else _START
    while token != END_OF_PATCH:
        yield from _rest(token)
        token = yield END if ending.wanted else _START_OR_END


def _rest(first: int) -> Steps:
    """Allow the bytes of a character after its first one."""
    if first >= 0x80:
        yield allow(_SECOND.get(first, _TAIL))
    for _ in range((first >= 0xE0) + (first >= 0xF0)):
        yield allow(_TAIL)
