"""Notes as they were played -> one voice as it would be written: chords that follow each other.

ABC's single voice holds no overlap, and the model has seen none. What has to give way is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from bytesim.errors import FormatError
from bytesim.formats.midi.layout import ONSET_DELAY, Chord
from bytesim.formats.midi.notes import TICKS_PER_QUARTER, Note, Ticks480

MAX_NOTES_AT_ONCE = 4
CHORD_SPREAD = 10
"""Notes that begin at most that many ticks after the one before form a chord, as abc2midi strums them."""
SHORTEST = 2
"""Ticks. A note-on one tick late would leave nothing of a shorter note."""

SHORTEST_REST = 40
"""Ticks: a 32nd note in a triplet. Nobody writes a shorter rest."""


@dataclass(slots=True)
class _Sounding:
    """A note on its way onto the page."""

    start: Ticks480
    end: Ticks480
    pitch: int


def to_chords(played: Iterable[Note]) -> tuple[list[Chord], list[str]]:
    """Chords in order, none reaching past the next one's start, and what was changed to get there.

    Raises FormatError where more than MAX_NOTES_AT_ONCE notes sound at once, or none is left.
    """
    changes: list[str] = []
    voice = [_Sounding(note.onset_ticks480, note.end_ticks480, note.pitch) for note in played]
    _take_back_delay(voice, changes)
    voice = _drop_short(voice, changes)
    voice.sort(key=lambda note: (note.start, note.pitch))
    _refuse_thick(voice)
    _align_strums(voice)
    _to_whole_ticks(voice, changes)
    voice = _drop_short(voice, changes)
    groups = _group(voice, changes)
    _fit_ends(groups, changes)
    return [Chord(int(group[0].start), tuple((n.pitch, int(n.end)) for n in group)) for group in groups], changes


def _take_back_delay(voice: list[_Sounding], changes: list[str]) -> None:
    """abc2midi's one tick of delay is part of its layout, and absent from what others write."""
    delayed = sum((note.start - ONSET_DELAY) % 10 == 0 for note in voice)
    if delayed > sum(note.start % 10 == 0 for note in voice):
        for note in voice:
            note.start = max(note.start - ONSET_DELAY, 0)
    else:
        changes.append(f"every note-on moved {ONSET_DELAY} tick later, as abc2midi writes it")


def _drop_short(voice: list[_Sounding], changes: list[str]) -> list[_Sounding]:
    kept = [note for note in voice if note.end - note.start >= SHORTEST]
    if len(kept) < len(voice):
        changes.append(f"dropped notes shorter than {SHORTEST}/480 of a quarter note ({len(voice) - len(kept)})")
    if not kept:
        raise FormatError("the file holds no note that lasts.")
    return kept


def _refuse_thick(voice: list[_Sounding]) -> None:
    sounding: list[_Sounding] = []
    for note in voice:
        # Legato players let a note run into the next; that is no chord.
        sounding = [other for other in sounding if other.end > note.start + CHORD_SPREAD]
        sounding.append(note)
        if len(sounding) > MAX_NOTES_AT_ONCE:
            raise FormatError(
                f"{len(sounding)} notes sound at once at quarter note {float(note.start / TICKS_PER_QUARTER):.2f}; "
                f"one voice of ABC holds {MAX_NOTES_AT_ONCE}. Take one part out of the file first."
            )


def _align_strums(voice: list[_Sounding]) -> None:
    """Notes of one chord get the start of its first; the next layout strums them again."""
    first = previous = voice[0].start
    chord_end = voice[0].end
    for note in voice[1:]:
        if note.start - previous <= CHORD_SPREAD and note.start < chord_end:
            previous, note.start = note.start, first
            chord_end = min(chord_end, note.end)
        else:
            first = previous = note.start
            chord_end = note.end


def _to_whole_ticks(voice: list[_Sounding], changes: list[str]) -> None:
    """Times played by hand go to the nearest 64th note or triplet 32nd; written ones to the nearest tick."""
    off_grid = sum(not _is_written(note.start) for note in voice)
    if 2 * off_grid > len(voice):
        for note in voice:
            note.start = _snap(note.start)
            note.end = max(_snap(note.end), note.start + 30)
        changes.append("times moved to the nearest 64th note or triplet 32nd: the file looks played by hand")
        return
    moved = sum(note.start != round(note.start) or note.end != round(note.end) for note in voice)
    for note in voice:
        note.start, note.end = round(note.start), round(note.end)
    if moved:
        changes.append(f"times rounded to 1/{TICKS_PER_QUARTER} of a quarter note ({moved} notes)")


def _is_written(time: Ticks480) -> bool:
    """Whether a note of a score could begin or end there: 64th notes, and those of a triplet."""
    return time % 20 == 0 or time % 30 == 0


def _is_touch(gap: Ticks480, note: _Sounding, limit: Ticks480) -> bool:
    return 8 * gap <= limit - note.start and (gap < SHORTEST_REST or not _is_written(note.end))


def _snap(time: Ticks480) -> int:
    exact = Fraction(time)
    binary, triplet = round(exact / 30) * 30, round(exact / 40) * 40
    return binary if abs(binary - exact) <= abs(triplet - exact) else triplet


def _group(voice: list[_Sounding], changes: list[str]) -> list[list[_Sounding]]:
    """Notes of the same start, each pitch once, lowest first."""
    starts: dict[Ticks480, dict[int, _Sounding]] = {}
    for note in voice:
        chord = starts.setdefault(note.start, {})
        twin = chord.setdefault(note.pitch, note)
        twin.end = max(twin.end, note.end)
    merged = len(voice) - sum(map(len, starts.values()))
    if merged:
        changes.append(f"notes merged with another of the same pitch and onset ({merged})")
    return [[chord[pitch] for pitch in sorted(chord)] for _, chord in sorted(starts.items())]


def _fit_ends(groups: list[list[_Sounding]], changes: list[str]) -> None:
    """Cut what overlaps the next chord; close gaps of up to an eighth, which are touch and no rest.

    A note whose end is where a written one could be is left: what follows it is a rest, if a short one.
    """
    cut = closed = 0
    for group, following in pairwise(groups):
        limit = following[0].start
        for note in group:
            if note.end > limit:
                note.end, cut = limit, cut + 1
            elif note.end < limit and _is_touch(limit - note.end, note, limit):
                note.end, closed = limit, closed + 1
    if cut:
        changes.append(f"notes cut where the next one begins, because one voice holds no overlap ({cut})")
    if closed:
        changes.append(f"notes made longer by up to an eighth of themselves, to reach the next one ({closed})")
