"""The kinds of files that have a grammar, to which generation is constrained."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.formats import bmp, wav
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import GrammarMaker
from bytesim.formats.media_grammar import BMP_HEADER, WAV_HEADER, bmp_grammar, text_grammar, wav_grammar


@dataclass(frozen=True, kw_only=True)
class Kind:
    """The properties of the files of a suffix."""

    grammar: GrammarMaker
    num_bytes: int | None = None
    """Their length, if all have the same; else None."""
    header_bytes: int = 0
    """Length of the header, which is the same in all of them."""
    ends_within: int = 0
    """Most bytes that the grammar still needs when it must end a file."""


KINDS = {
    "abc": Kind(grammar=abc_grammar, ends_within=256),
    "bmp": Kind(grammar=bmp_grammar, num_bytes=bmp.MODEL_BYTES, header_bytes=len(BMP_HEADER)),
    "txt": Kind(grammar=text_grammar, ends_within=3),
    "wav": Kind(grammar=wav_grammar, num_bytes=wav.MODEL_BYTES, header_bytes=len(WAV_HEADER)),
}
"""Suffix -> kind."""
