"""What ABC text must sound like: the notes of a MIDI file in the layout of abc2midi, in the order of the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from bytesim.formats.midi.bars import timed_meta_events
from bytesim.formats.midi.events import KEY_SIGNATURE, TIME_SIGNATURE
from bytesim.formats.midi.layout import ONSET_DELAY, STRUM_TICKS
from bytesim.formats.midi.notes import Note, notes
from bytesim.formats.midi.parse import MidiFile, parse

TICK = 32 * 4 * 2520
"""Parts of a tick, in which times are counted, so that they are whole numbers and exact.

A unit of `L:` is a whole number of ticks. A note lasts up to 99 32nds of a unit, a tuplet of up to 9 notes divides that
(2520 is the least multiple of 2 to 9), and broken rhythm or a grace note by 4 more.
"""
_MELODY, _BASS, _CHORDS = 0, 1, 2
"""The channels of abc2midi."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A note or chord of the melody. Times are those of the score and not of the note-on, in parts of a tick."""

    start: int
    end: int
    pitches: tuple[int, ...]
    """In the order in which abc2midi strums them."""
    strummed: bool
    """Whether the notes of the chord begin one after the other, as all chords do that are not tied."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat of the accompaniment that abc2midi makes of chord symbols."""

    start: int
    bass: int | None
    chord: frozenset[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """The music of one file. Times are in parts of a tick (TICK), of which a quarter note has 480."""

    sounds: tuple[Sound, ...]
    end: int
    """When the last sound or beat ends."""
    beats: tuple[Beat, ...]
    keys: tuple[tuple[int, int], ...]
    """(time, sharps of the signature; negative for flats), the first at 0."""
    meters: tuple[tuple[int, str], ...]
    """(time, meter such as `6/8`), the first at 0."""


def heard(data: bytes) -> Heard | None:
    """The music of a file that `to_model_form` made; None if its notes overlap, as those of one voice of ABC cannot.

    Raises FormatError for a file that does not parse.
    """
    file = parse(data)
    played = notes(file)
    sounds = tuple(_sounds([note for note in played if note.channel == _MELODY]))
    if any(first.end > second.start for first, second in pairwise(sounds)):
        return None
    signatures = _changes(file, KEY_SIGNATURE)
    keys = tuple((tick * TICK, sharps - 256 if sharps > 127 else sharps) for tick, (sharps, _) in signatures)
    # As in `midi.bars`: a file may state 0 beats, or a unit that no note has.
    meters = tuple(
        (tick * TICK, f"{beats or 4}/{1 << min(unit, 6)}") for tick, (beats, unit, *_) in _changes(file, TIME_SIGNATURE)
    )
    end = max((int(note.end_ticks480) for note in played), default=0) * TICK
    return Heard(sounds=sounds, end=end, beats=_beats(played), keys=keys, meters=meters)


def _changes(file: MidiFile, kind: int) -> list[tuple[int, bytes]]:
    return sorted(timed_meta_events(file, kind))


def _sounds(melody: list[Note]) -> Iterator[Sound]:
    """The notes grouped into chords: they end together, and begin together or STRUM_TICKS after each other."""
    index = 0
    while index < len(melody):
        first = melody[index]
        for step in (STRUM_TICKS, 0):
            chord = [first]
            while index + len(chord) < len(melody):
                note = melody[index + len(chord)]
                due = first.onset_ticks480 + step * len(chord)
                if note.onset_ticks480 != due or note.end_ticks480 != first.end_ticks480:
                    break
                chord.append(note)
            if len(chord) > 1:
                break
        start = max(0, int(first.onset_ticks480) - ONSET_DELAY)
        strummed = len(chord) > 1 and step == STRUM_TICKS
        yield Sound(start * TICK, int(first.end_ticks480) * TICK, tuple(note.pitch for note in chord), strummed)
        index += len(chord)


def _beats(played: list[Note]) -> tuple[Beat, ...]:
    by_start: dict[int, tuple[list[int], list[int]]] = {}
    for note in played:
        if note.channel in (_BASS, _CHORDS):
            start = (int(note.onset_ticks480) - ONSET_DELAY) * TICK
            by_start.setdefault(start, ([], []))[note.channel - _BASS].append(note.pitch)
    return tuple(
        Beat(start, bass[0] if bass else None, frozenset(chord)) for start, (bass, chord) in sorted(by_start.items())
    )
