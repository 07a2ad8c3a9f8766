"""Conversion by a model alone. Nothing here may see the rules, or the programs that judge it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bytesim.engine.decode import DEFAULT_SLOTS, decode
from bytesim.engine.parallel import decode_in_processes
from bytesim.errors import BytesimError, DecodeError, FormatError
from bytesim.formats import abc, bmp, midi, wav
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import GrammarMaker
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.models.bgpt.framing import convert_request
from bytesim.predictors.writer import OnBytes, Writer
from bytesim.requests import Reply, Request

T = TypeVar("T")

MUSIC_GRAMMARS: dict[str, GrammarMaker] = {"abc": abc_grammar, "mid": midi_grammar}
"""What the answers of a music model keep to, by suffix."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A file the model wrote, checked and finished."""

    data: bytes
    raw: bytes
    """As the model wrote it."""
    mended: tuple[str, ...] = ()
    """What was mended, an item each."""


def decode_all(
    writer: Writer,
    sources: Sequence[bytes],
    suffixes: tuple[str, str],
    on_reply: Callable[[int, Reply | BytesimError], None],
    *,
    grammar: GrammarMaker | None = None,
    slots: int = DEFAULT_SLOTS,
    jobs: int = 1,
    on_bytes: OnBytes | None = None,
) -> None:
    """Convert all sources, `slots` at a time in each of `jobs` processes; a GPU is given one.

    `on_reply` hears of each as it ends, or of the ContextError that refused it. Answers keep to `grammar`, where one
    is given.
    """
    requests: list[Request] = []
    places: list[int] = []
    for index, source in enumerate(sources):
        try:
            requests.append(convert_request(writer.model.config, source, *suffixes, grammar=grammar))
            places.append(index)
        except BytesimError as error:
            on_reply(index, error)

    def on_done(row: int, reply: Reply) -> None:
        on_reply(places[row], reply)

    weights = next(writer.model.parameters())
    jobs = min(jobs, len(requests))
    if jobs > 1 and weights.device.type == "cpu":
        decode_in_processes(
            writer.folder, weights.dtype, requests, jobs=jobs, slots=slots, on_done=on_done, on_bytes=on_bytes
        )
    else:
        decode(writer.model, requests, slots=slots, on_done=on_done, on_bytes=on_bytes)


def check_ended(reply: Reply, writer: Writer) -> None:
    """Raise DecodeError for a reply that filled the history."""
    if not reply.ended:
        config = writer.model.config
        raise DecodeError(
            f"the answer did not end within the model's history of {config.max_patches} patches of {config.patch_size} "
            f"bytes, source included; it had {len(reply.data)} bytes. Nothing is written. Convert a shorter piece, or "
            "take another engine or model."
        )


def finish_midi(reply: Reply, *, title: str | None = None, bpm: float | None = None) -> Answer:
    """MIDI with its track lengths mended, then title and tempo written in. Raises DecodeError."""
    mended, changes = _explained("MIDI", lambda: midi.mend_track_lengths(reply.data))
    _explained("MIDI", lambda: midi.notes(mended))
    if title is not None or bpm is not None:
        mended = midi.set_title_and_tempo(mended, title, bpm)
    return Answer(data=mended, raw=reply.data, mended=(*changes, *_ended_early(reply)))


def finish_abc(reply: Reply, *, title: str | None = None, bpm: float | None = None) -> Answer:
    """ABC in readable form, title and tempo written in. Raises DecodeError."""
    text = _explained("ABC", lambda: abc.canonical(abc.parse(abc.decode_text(reply.data))).text)
    data = abc.layout(text, title=title, bpm=bpm).encode("utf-8")
    return Answer(data=data, raw=reply.data, mended=_ended_early(reply))


def _ended_early(reply: Reply) -> tuple[str, ...]:
    return ("brought to an end: its music went on after that of the source",) if reply.overran else ()


def finish_any(reply: Reply, suffix: str) -> Answer:
    """A file of any kind: MIDI is mended, formats that bytesim knows must parse. Raises DecodeError."""
    if suffix in ("mid", "midi"):
        return finish_midi(reply)
    check_parses(reply.data, suffix)
    return Answer(data=reply.data, raw=reply.data)


def check_parses(data: bytes, suffix: str) -> None:
    """Raise DecodeError where a file of a format that bytesim knows does not parse."""
    checks: dict[str, Callable[[bytes], object]] = {
        "abc": lambda data: abc.canonical(abc.parse(abc.decode_text(data))),
        "mid": midi.notes,
        "midi": midi.notes,
        "wav": wav.parse,
        "bmp": bmp.parse,
    }
    if suffix in checks:
        _explained(suffix.upper(), lambda: checks[suffix](data))


def _explained(kind: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except FormatError as error:
        raise DecodeError(f"the model wrote {kind} that does not parse ({error}). Nothing is written.") from error
