"""Chord symbols that abc2midi plays as the accompaniment of a given MIDI file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

from bytesim.formats.abc.heard import TICK, Beat
from bytesim.formats.abc.spellings import Harmony, chord_symbols
from bytesim.formats.grammar import Steps, choice

WHOLE = 1920 * TICK
"""Time of a whole note. Times are in parts of a tick (`heard.TICK`)."""
_BASS_APART = {
    **dict.fromkeys(("2/4", "4/4", "2/2", "6/4"), WHOLE // 2),
    **dict.fromkeys(("3/8", "6/8", "9/8", "12/8"), WHOLE * 3 // 8),
    "3/4": WHOLE * 3 // 4,
}
"""Meter -> time from one bass of abc2midi's accompaniment to the next, from the start of the bar."""
_NEVER = Beat(-WHOLE, None, frozenset())
_BAR_BEATS = 64
"""More beats than a bar has."""
_AHEAD = 4
"""Beats that are read ahead to know a chord: its bass and its notes sound on different beats."""


def time_of_bar(meter: str) -> int:
    """Time of a bar in a meter such as `6/8`."""
    beats, unit = meter.split("/")
    return WHOLE * int(beats) // int(unit)


@dataclass
class Accompaniment:
    """The accompaniment of a file, and where the writer of its chord symbols is."""

    beats: Sequence[Beat]
    """Empty without an accompaniment, and once it cannot be followed."""
    meter: str
    harmony: Harmony | None = None
    """What the last chord symbol plays."""
    bar_start: int = 0
    named_at: int | None = None
    """When the last chord symbol was written."""
    _starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self._starts = [beat.start for beat in self.beats]

    def begin_bar(self, now: int) -> None:
        """Follow a bar line: abc2midi begins its pattern of beats again."""
        self.bar_start = now

    def begin_meter(self, meter: str) -> None:
        """Follow a change of meter."""
        self.meter = meter

    def missing(self, now: int) -> str:
        """What must be written before the next note: `|`, `"`, or nothing."""
        beat = next(self._from(now), None)
        if beat is None or not self._is_now(beat, now):
            return ""
        if self._needs_bar(beat):
            return "|"
        return "" if self._plays(beat) else '"'

    def allows_bar(self, now: int) -> bool:
        """Whether a bar line may stand here: the first beat of a bar plays the bass."""
        if not self.beats or now <= self._starts[0] or now > self._starts[-1]:
            return True
        beat = next(self._from(now))
        return self._is_now(beat, now) and beat.bass is not None

    def offers(self, now: int) -> bool:
        """Whether a chord symbol may stand here: the first one on its first beat, as before that it would sound."""
        if self.harmony is None and not self._is_now(next(self._from(now), _NEVER), now):
            return False
        return self.named_at != now and bool(self._candidates(now))

    def latest(self, now: int) -> int | None:
        """When the next note must have ended, because a chord symbol or a bar line is due there; None if never."""
        for beat in islice(self._from(now), _BAR_BEATS):
            if beat.start - now >= TICK and (self._needs_bar(beat) or not self._plays(beat)):
                return beat.start
        return None

    def fits(self, start: int, end: int) -> bool:
        """Whether a note may last from `start` to `end`."""
        latest = self.latest(start)
        return latest is None or end - latest < TICK

    def spell_symbol(self, now: int) -> Steps:
        """Allow what follows an opening quotation mark."""
        symbol = yield from choice(self._candidates(now))
        self.harmony, self.named_at = chord_symbols()[symbol], now

    def write_symbol(self, now: int) -> bytes:
        """The shortest chord symbol that is right here, with its closing quotation mark; empty if there is none."""
        symbol = min(self._candidates(now), key=lambda text: (len(text), text), default=b"")
        self.harmony, self.named_at = chord_symbols().get(symbol), now
        return symbol

    def _from(self, now: int) -> Iterator[Beat]:
        return (self.beats[index] for index in range(bisect_left(self._starts, now - TICK), len(self.beats)))

    def _is_now(self, beat: Beat, now: int) -> bool:
        return abs(beat.start - now) < TICK

    def _needs_bar(self, beat: Beat) -> bool:
        """Whether a bar line must stand before a beat: it plays the bass where abc2midi has none in this bar."""
        if beat.bass is None:
            return False
        into = beat.start - self.bar_start
        apart = _BASS_APART.get(self.meter)
        near = 0 if apart is None else min(into % apart, -into % apart)
        return into > time_of_bar(self.meter) - TICK or near >= TICK

    def _plays(self, beat: Beat) -> bool:
        """Whether the last chord symbol sounds like this beat."""
        if self.harmony is None:
            return False
        bass, chord = self.harmony
        return beat.bass in (None, bass) and beat.chord in (frozenset(), chord)

    def _candidates(self, now: int) -> frozenset[bytes]:
        """The chord symbols that sound like the next bass and the next chord, or else like the next beat alone."""
        ahead = list(islice(self._from(now), _AHEAD))
        bass = next((beat.bass for beat in ahead if beat.bass is not None), None)
        chord = next((beat.chord for beat in ahead if beat.chord), frozenset[int]())
        return _symbols(bass, chord) or (_symbols(ahead[0].bass, ahead[0].chord) if ahead else frozenset())


@cache
def _symbols(bass: int | None, chord: frozenset[int]) -> frozenset[bytes]:
    """The chord symbols with this bass and these notes, as far as they are given."""
    if bass is None and not chord:
        return frozenset()
    return frozenset(
        symbol
        for symbol, (own_bass, own_chord) in chord_symbols().items()
        if bass in (None, own_bass) and chord in (frozenset(), own_chord)
    )
