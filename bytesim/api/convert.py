"""Conversion in memory, by the model alone. This file must not use the rules, nor the programs that judge the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from bytesim.errors import BytesimError, FormatError, InputError
from bytesim.formats import abc, midi
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.checks import find_check
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.predictors.writer import Writer
from bytesim.requests import Reply
from bytesim.tasks.convert.answers import FileAnswer, file_answers, file_direction
from bytesim.tasks.convert.direction import Answer, Direction
from bytesim.tasks.convert.finish import finish_abc, finish_midi
from bytesim.tasks.convert.finish_file import finish_file
from bytesim.tasks.convert.model import check_ended, convert_all


@dataclass(frozen=True, kw_only=True)
class _Source:
    """A file in the form that the model reads, with what is written into the answer afterwards."""

    data: bytes
    title: str | None = None
    bpm: float | None = None


def convert_bytes(writer: Writer, files: Sequence[bytes], suffixes: tuple[str, str]) -> list[Answer | BytesimError]:
    """The model's answer for each file, or the error that stopped it. Tunes are read and written as by `abc2midi`."""
    sources = [_read_or_error(data, suffixes) for data in files]
    readable = [source for source in sources if isinstance(source, _Source)]
    replies = dict(convert_all(writer, [source.data for source in readable], _direction(suffixes)))
    finished = iter([_finish(writer, source, replies[row], suffixes) for row, source in enumerate(readable)])
    return [next(finished) if isinstance(source, _Source) else source for source in sources]


def answer_bytes(
    writer: Writer, files: Sequence[bytes], suffixes: tuple[str, str], check: str
) -> list[FileAnswer | BytesimError]:
    """The answer for each file, or the error that stopped it; `check` is that of `convert_files`."""
    empty = InputError("the file is empty; there is nothing to convert.")
    found = find_check(check, suffixes[1])
    answers = dict(file_answers(writer, [data for data in files if data], file_direction(*suffixes), check=found))
    finished = iter([answers[row] for row in range(len(answers))])
    return [next(finished) if data else empty for data in files]


def _finish(
    writer: Writer, source: _Source, reply: Reply | BytesimError, suffixes: tuple[str, str]
) -> Answer | BytesimError:
    if isinstance(reply, BytesimError):
        return reply
    try:
        check_ended(reply, writer)
        return _direction(suffixes).finish(reply, source.title, source.bpm)
    except BytesimError as error:
        return error


def _direction(suffixes: tuple[str, str]) -> Direction:
    source, target = suffixes
    if suffixes == ("abc", "mid"):
        return Direction(source=source, target=target, finish=finish_midi, grammar=midi_grammar)
    if suffixes == ("mid", "abc"):
        return Direction(source=source, target=target, finish=finish_abc, grammar=abc_grammar)
    return Direction(source=source, target=target, finish=partial(finish_file, target))


def _read_or_error(data: bytes, suffixes: tuple[str, str]) -> _Source | BytesimError:
    try:
        if not data:
            raise InputError("the file is empty; there is nothing to convert.")
        if suffixes == ("abc", "mid"):
            return _tune(data)
        return _midi(data) if suffixes == ("mid", "abc") else _Source(data=data)
    except BytesimError as error:
        return error


def _tune(data: bytes) -> _Source:
    entries = abc.split_book(abc.decode_text(data))
    if len(entries) > 1:
        raise InputError(f"holds {len(entries)} tunes; convert one at a time.")
    entry = entries[0]
    try:
        tune = entry.parse()
        try:
            text = abc.canonical(tune).text
        except FormatError as error:
            raise entry.located(error) from error
    except FormatError as error:
        if error.offset is not None:
            error.offset = abc.byte_offset(data, error.offset)
        raise
    return _Source(data=text.encode("ascii"), title=tune.title, bpm=tune.tempo_bpm)


def _midi(data: bytes) -> _Source:
    from bytesim.formats.midi.normal import to_model_form

    title, bpm = midi.title_and_tempo(midi.parse(data))
    return _Source(data=to_model_form(data, stress=True)[0], title=title, bpm=bpm)
