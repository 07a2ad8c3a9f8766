"""Makes files of any kind of a model's replies; formats that bytesim knows are checked."""

from __future__ import annotations

from collections.abc import Callable

from bytesim.formats import abc, bmp, midi, wav
from bytesim.requests import Reply
from bytesim.tasks.convert.direction import Answer
from bytesim.tasks.convert.finish import explained, finish_midi


def finish_file(suffix: str, reply: Reply, title: str | None = None, bpm: float | None = None) -> Answer:
    """A file of any kind: MIDI is repaired, other formats that bytesim knows must parse. Raises DecodeError."""
    if suffix in ("mid", "midi"):
        return finish_midi(reply, title, bpm)
    check_parses(reply.data, suffix)
    return Answer(data=reply.data, raw=reply.data)


def check_parses(data: bytes, suffix: str) -> None:
    """Raise DecodeError if a file of a format that bytesim knows does not parse."""
    checks: dict[str, Callable[[bytes], object]] = {
        "abc": lambda data: abc.canonical(abc.parse(abc.decode_text(data))),
        "mid": midi.notes,
        "midi": midi.notes,
        "wav": wav.parse,
        "bmp": bmp.parse,
    }
    if suffix in checks:
        explained(suffix.upper(), lambda: checks[suffix](data))
