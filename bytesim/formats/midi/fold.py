"""Quantize played notes to one written voice: chords that follow each other without overlap.

ABC has no overlap inside one voice, and the model was trained on none. Every change is reported.
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
"""Ticks. Notes that begin at most this long after the one before form a chord, as abc2midi strums chords."""
SHORTEST = 2
"""Ticks. A shorter note would vanish when its note-on moves one tick later."""
PLAYED_GRIDS = ((240, "eighth note"), (120, "16th note"), (60, "32nd note"))
PLAYED_LATE = 6
"""An onset that is at most a sixth of the grid too early or too late was played on the grid."""
PLAYED_SHARE = 0.95
"""Share of the onsets that must be that close to the grid of a played file."""
SHORTEST_REST = 40
"""Ticks: a 32nd note of a triplet. Shorter rests are not written in scores."""


@dataclass(slots=True)
class _Sounding:
    """A note whose times are being changed."""

    start: Ticks480
    end: Ticks480
    pitch: int


def to_chords(played: Iterable[Note]) -> tuple[list[Chord], list[str]]:
    """The chords in order, each ending before the next one begins, and a list of the changes made.

    Raises FormatError if more than MAX_NOTES_AT_ONCE notes sound at once, or if no note is left.
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
    """Undo abc2midi's delay of one tick, which the layout adds again; other files do not have it."""
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
        raise FormatError("the file has no note long enough to write down.")
    return kept


def _refuse_thick(voice: list[_Sounding]) -> None:
    sounding: list[_Sounding] = []
    for note in voice:
        # In legato playing a note may end after the next one begins; that is not a chord.
        sounding = [other for other in sounding if other.end > note.start + CHORD_SPREAD]
        sounding.append(note)
        if len(sounding) > MAX_NOTES_AT_ONCE:
            raise FormatError(
                f"{len(sounding)} notes sound at once at quarter note {float(note.start / TICKS_PER_QUARTER):.2f}; "
                f"one voice of ABC has at most {MAX_NOTES_AT_ONCE}."
            )


def _align_strums(voice: list[_Sounding]) -> None:
    """Give all notes of a chord the start of its first one; the layout strums them again."""
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
    """Round the times of a played file to 64th notes or triplet 32nds, those of a written one to whole ticks."""
    off_grid = sum(not _is_written(note.start) for note in voice)
    if 2 * off_grid > len(voice):
        grid, name = _grid_of(voice)
        for note in voice:
            note.start = _snap(note.start, grid)
            note.end = max(_snap(note.end, grid), note.start + (grid or 30))
        changes.append(f"times moved to the nearest {name}: the file looks played by hand")
        return
    moved = sum(note.start != round(note.start) or note.end != round(note.end) for note in voice)
    for note in voice:
        note.start, note.end = round(note.start), round(note.end)
    if moved:
        changes.append(f"times rounded to 1/{TICKS_PER_QUARTER} of a quarter note ({moved} notes)")


def _is_written(time: Ticks480) -> bool:
    """Whether a written note could begin or end there: a multiple of a 64th note or of a triplet 64th."""
    return time % 20 == 0 or time % 30 == 0


def _is_touch(gap: Ticks480, note: _Sounding, limit: Ticks480) -> bool:
    """Whether the gap between a note and `limit`, the next onset, comes from playing and is not a written rest."""
    return 8 * gap <= limit - note.start and (gap < SHORTEST_REST or not _is_written(note.end))


def _grid_of(voice: list[_Sounding]) -> tuple[int, str]:
    """(ticks, name) of the coarsest note value to whose multiples nearly all onsets are close; (0, ...) for none."""
    for grid, name in PLAYED_GRIDS:
        errors = [abs(Fraction(note.start) - round(Fraction(note.start) / grid) * grid) for note in voice]
        if sum(PLAYED_LATE * error <= grid for error in errors) >= PLAYED_SHARE * len(voice):
            return grid, name
    return 0, "64th note or triplet 32nd"


def _snap(time: Ticks480, grid: int) -> int:
    exact = Fraction(time)
    if grid:
        return round(exact / grid) * grid
    binary, triplet = round(exact / 30) * 30, round(exact / 40) * 40
    return binary if abs(binary - exact) <= abs(triplet - exact) else triplet


def _group(voice: list[_Sounding], changes: list[str]) -> list[list[_Sounding]]:
    """The notes grouped by onset, each pitch once, lowest first."""
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
    """Cut notes that overlap the next chord, and close gaps of up to an eighth of a note, which come from playing.

    A note that ends where a written one could is left alone: a rest follows it, however short.
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
