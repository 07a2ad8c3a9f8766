"""The lengths with which the next note, chord or rest can be written, so that it ends where the given file ends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from bytesim.formats.abc.heard import TICK, Heard
from bytesim.formats.abc.source_harmony import Accompaniment
from bytesim.formats.abc.source_state import State, length_of, read_length, same, scaled
from bytesim.formats.abc.spellings import spell_length

COMMON_FACTORS = (Fraction(1), Fraction(2, 3))
"""Factors of the lengths of plain notes and of triplets."""
_BROKEN = {
    b">": (Fraction(3, 2), Fraction(1, 2)),
    b">>": (Fraction(7, 4), Fraction(1, 4)),
    b"<": (Fraction(1, 2), Fraction(3, 2)),
    b"<<": (Fraction(1, 4), Fraction(7, 4)),
}
"""Sign of broken rhythm -> factors of the lengths of the notes before and after it."""
_MOST_PARTS = 64
"""Most lengths that are offered for the first part of a tied note."""

Lengths = dict[bytes, dict[bytes, State]]
"""Length as written -> sign after it (`-`, `>`, `>>`, `<`, `<<` or none) -> the state after both."""
Option = tuple[bytes, bytes, State]
"""(length as written, sign after it, the state after both)"""


@dataclass
class LengthChoices:
    """The music of a file, and the lengths that fit it in any state of its writer."""

    music: Heard
    chords: Accompaniment = field(init=False)

    def gap(self, state: State) -> int:
        """Time of rest before the next sound, or before the end of the accompaniment; 0 if there is none."""
        if state.tied or state.graces:
            return 0
        sounds = self.music.sounds
        gap = (sounds[state.sound_index].start if state.sound_index < len(sounds) else self.music.end) - state.now
        return gap if gap >= TICK else 0

    def lengths(self, state: State, *, upto: int | None = None) -> Lengths:
        """The lengths of the next note or chord; with `upto`, of an ornament that plays the sounds up to that one."""
        return _by_text(self._sound_options(state, upto))

    def has_lengths(self, state: State) -> bool:
        """Whether the next note or chord has a length."""
        return any(True for _ in self._sound_options(state))

    def rests(self, state: State) -> Lengths:
        """The lengths of a rest before the next sound."""
        return _by_text(self._rest_options(state))

    def has_rests(self, state: State) -> bool:
        """Whether a rest before the next sound has a length."""
        return any(True for _ in self._rest_options(state))

    def staccato(self, state: State) -> Lengths:
        """The lengths of the next note with a staccato dot, which halves its sound, if a rest follows."""
        sounds = self.music.sounds
        sound = sounds[state.sound_index]
        total = 2 * (sound.end - state.now)
        fits = state.sound_index + 1 == len(sounds) or sounds[state.sound_index + 1].start - state.now - total > -TICK
        if len(sound.pitches) > 1 or not fits or state.tied or not self.chords.fits(state.now, state.now + total):
            return {}
        length = length_of(total, state.per_unit)
        if length is None:
            return {}
        after = state.after(length.time, index=state.sound_index + 1)
        return {text: {b"": after} for text in length.texts}

    def _sound_options(self, state: State, upto: int | None = None) -> Iterator[Option]:
        """The options for the next note or chord, or for an ornament up to a later one."""
        index = state.sound_index if upto is None else upto
        last = self.music.sounds[index]
        chord = len(last.pitches) > 1
        ties = upto is None and not last.strummed and not (chord and state.required is not None)
        options = self._options(state, last.end - state.now, index + 1, ties=ties, rests=False)
        if chord and not last.strummed and not state.tied:  # abc2midi strums all chords but tied ones
            return (option for option in options if option[1] == b"-")
        return options

    def _rest_options(self, state: State) -> Iterator[Option]:
        return self._options(state, self.gap(state), state.sound_index, ties=False, rests=True)

    def _options(self, state: State, total: int, following: int, *, ties: bool, rests: bool) -> Iterator[Option]:
        """The options for a note or rest of `total` after which the sound `following` comes, with the accompaniment."""
        latest = self.chords.latest(state.now)
        for option in self._spelled(state, total, following, ties=ties, rests=rests):
            if latest is None or option[2].now - latest < TICK:
                yield option

    def _spelled(self, state: State, total: int, following: int, *, ties: bool, rests: bool) -> Iterator[Option]:
        """The options, whatever the accompaniment is."""
        part = b"" if rests else b"-"  # the sign after a part of the whole; the pitch that is tied is set later
        if state.required is not None:
            time = scaled(state.per_unit, read_length(state.required))
            if same(time, total):
                yield state.required, b"", state.after(time, index=following)
            elif state.graces < time < total and (ties or rests) and _goes_on(state, total - time):
                yield state.required, part, state.after(time, index=state.sound_index)
            return
        length = length_of(total, state.per_unit)
        if length is not None:
            after = state.after(length.time, index=following)
            for text in length.texts:
                yield text, b"", after
        if state.left != 1:
            yield from self._broken(state, total, following)
        if ties or rests:
            for time, texts in _parts(total, state.per_unit, state.graces, _next_units(state)):
                after = state.after(time, index=state.sound_index)
                for text in texts:
                    yield text, part, after

    def _broken(self, state: State, total: int, following: int) -> Iterator[Option]:
        """The options with broken rhythm that last the whole note or rest."""
        for sign, (factor, next_factor) in _BROKEN.items():
            length = length_of(total, scaled(state.per_unit, factor))
            if length is None or length.time % TICK:  # abc2midi rounds to ticks
                continue
            after = state.after(length.time, index=following, broken=next_factor)
            if self.joins(after._replace(required=length.texts[0])):
                for text in length.texts:
                    yield text, sign, after._replace(required=text)

    def joins(self, state: State) -> bool:
        """Whether the note or rest that broken rhythm requires can follow."""
        sounds = self.music.sounds
        if state.sound_index == len(sounds) or state.required is None:
            return False
        time = scaled(state.per_unit, read_length(state.required))
        sound = sounds[state.sound_index]
        gap = self.gap(state)
        total = gap or sound.end - state.now
        if not gap and (not same(state.now, sound.start) or (len(sound.pitches) > 1 and not sound.strummed)):
            return False
        if same(time, total):
            return True
        splits = gap > 0 or len(sound.pitches) == 1
        return time < total and splits and _goes_on(state, total - time)


def _by_text(options: Iterator[Option]) -> Lengths:
    lengths: Lengths = {}
    for text, sign, after in options:
        lengths.setdefault(text, {})[sign] = after
    return lengths


def _next_units(state: State) -> tuple[int, ...]:
    """The times that a unit of the note after the next one can have."""
    return (state.plain_unit,) if state.left > 1 else tuple(scaled(state.unit, factor) for factor in COMMON_FACTORS)


def _goes_on(state: State, time: int) -> bool:
    """Whether the note after the next one can last `time`."""
    return any(length_of(time, unit) for unit in _next_units(state))


@lru_cache(maxsize=1 << 10)
def _parts(
    total: int, per_unit: int, graces: int, next_units: tuple[int, ...]
) -> Sequence[tuple[int, tuple[bytes, ...]]]:
    """(time, ways to write it) of the lengths after which a tied note, or another rest, completes the whole."""
    parts = Fraction(total, per_unit).denominator
    parts = parts if parts in (2, 4, 8, 16) else 2
    lengths = []
    for count in range(1, min(total * parts // per_unit + 1, _MOST_PARTS)):
        value = Fraction(count, parts)
        time = scaled(per_unit, value)
        if time % TICK or time <= graces or total - time < TICK:
            continue
        if any(length_of(total - time, unit) for unit in next_units):
            lengths.append((time, spell_length(value)))
    return lengths
