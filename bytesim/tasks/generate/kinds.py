"""The kinds of files that a model can write, and the grammars to which some of them are constrained."""

from __future__ import annotations

from dataclasses import dataclass

from bytesim.errors import ConfigError
from bytesim.formats import bmp, wav
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import GrammarMaker
from bytesim.formats.media_grammar import BMP_HEADER, WAV_HEADER, bmp_grammar, text_grammar, wav_grammar
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.predictors.writer import Writer

BLOCK = 1024
"""Files that are drawn, and drawn again where they are not valid, before the next ones begin."""


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
    "mid": Kind(grammar=midi_grammar, ends_within=256),
    "txt": Kind(grammar=text_grammar, ends_within=3),
    "wav": Kind(grammar=wav_grammar, num_bytes=wav.MODEL_BYTES, header_bytes=len(WAV_HEADER)),
}
"""Suffix -> kind."""


def check_length(
    max_bytes: int | None, prompt_bytes: int, kind: Kind | None, suffix: str, allow_truncated: bool
) -> None:
    """Raise ConfigError if the files of a kind, which begin with `prompt_bytes`, cannot be as short as `max_bytes`."""
    if max_bytes is None:
        return
    if kind is not None and kind.num_bytes is not None and max_bytes < kind.num_bytes and not allow_truncated:
        raise ConfigError(f"a .{suffix} file has {kind.num_bytes:,} bytes; max-bytes {max_bytes} would cut it.")
    if max_bytes <= prompt_bytes:
        raise ConfigError(f"max-bytes {max_bytes} leaves nothing to write: the files begin with {prompt_bytes} bytes.")


def written_suffix(writer: Writer, asked: str | None) -> str:
    """The suffix of the files to write. Raises ConfigError if none is given, or the model was not trained on it."""
    known = writer.generates
    if asked is not None:
        suffix = asked.lower().lstrip(".")
        if known and suffix not in known:
            raise ConfigError(f"the model {writer.name!r} writes .{', .'.join(known)}, not .{suffix}.")
        return suffix
    if known is not None and len(known) == 1:
        return known[0]
    choices = f"it writes .{', .'.join(known)}" if known else "its card names none"
    raise ConfigError(f"name the kind of file that the model {writer.name!r} is to write, with --suffix; {choices}.")
