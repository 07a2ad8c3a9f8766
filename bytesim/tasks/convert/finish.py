"""Makes files of a model's replies: checks them, repairs track lengths, and writes title and tempo into them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bytesim.errors import DecodeError, FormatError
from bytesim.formats import abc, midi
from bytesim.requests import Reply
from bytesim.tasks.convert.direction import Answer

T = TypeVar("T")


def finish_midi(reply: Reply, title: str | None = None, bpm: float | None = None) -> Answer:
    """A MIDI file with repaired track lengths, title and tempo. Raises DecodeError."""
    mended, changes = explained("MIDI", lambda: midi.mend_track_lengths(reply.data))
    explained("MIDI", lambda: midi.notes(mended))
    if title is not None or bpm is not None:
        mended = midi.set_title_and_tempo(mended, title, bpm)
    return Answer(data=mended, raw=reply.data, mended=_ended_early(reply), routine=tuple(changes))


def finish_abc(reply: Reply, title: str | None = None, bpm: float | None = None) -> Answer:
    """An ABC tune in readable layout, with title and tempo. Raises DecodeError."""
    text = explained("ABC", lambda: abc.canonical(abc.parse(abc.decode_text(reply.data))).text)
    data = abc.layout(text, title=title, bpm=bpm).encode("utf-8")
    return Answer(data=data, raw=reply.data, mended=_ended_early(reply))


def _ended_early(reply: Reply) -> tuple[str, ...]:
    return ("brought to an end: its music went on after that of the source",) if reply.overran else ()


def explained(kind: str, work: Callable[[], T]) -> T:
    """The result of `work`, which parses a reply as the format `kind`. Raises DecodeError for its FormatError."""
    try:
        return work()
    except FormatError as error:
        raise DecodeError(f"the model wrote {kind} that does not parse ({error}). Nothing is written.") from error
