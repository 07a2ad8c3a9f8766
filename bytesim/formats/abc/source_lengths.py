"""The lengths with which the next note, chord or rest can be written, so that it ends where the given file ends it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction

from bytesim.formats.abc.heard import Heard
from bytesim.formats.abc.source_harmony import Accompaniment
from bytesim.formats.abc.source_state import State, note_value, read_length, same
from bytesim.formats.abc.spellings import spell_length

COMMON_FACTORS = (Fraction(1), Fraction(2, 3))
"""Factors of the lengths of plain notes and of triplets."""
_BROKEN = {b">": Fraction(3, 2), b">>": Fraction(7, 4), b"<": Fraction(1, 2), b"<<": Fraction(1, 4)}
_MOST_PARTS = 64
"""Most lengths that are offered for the first part of a tied note."""

Lengths = dict[bytes, dict[bytes, State]]
"""Length as written -> sign after it (`-`, `>`, `>>`, `<`, `<<` or none) -> the state after both."""


@dataclass
class LengthChoices:
    """The music of a file, and the lengths that fit it in any state of its writer."""

    music: Heard
    chords: Accompaniment = field(init=False)

    def gap(self, state: State) -> Fraction:
        """Ticks of rest before the next sound, or before the end of the accompaniment; 0 if there are none."""
        if state.tied or state.graces:
            return Fraction(0)
        sounds = self.music.sounds
        gap = (sounds[state.index].start if state.index < len(sounds) else self.music.end) - state.now
        return gap if gap >= 1 else Fraction(0)

    def lengths(self, state: State, *, upto: int | None = None) -> Lengths:
        """The lengths of the next note or chord; with `upto`, of an ornament that plays the sounds up to that one."""
        last = self.music.sounds[state.index if upto is None else upto]
        following = (state.index if upto is None else upto) + 1
        total = last.end - state.now
        chord = len(last.pitches) > 1
        ties = upto is None and not last.strummed and not (chord and state.required is not None)
        lengths = self._spelled(state, total, following, ties=ties, rests=False)
        if chord and not last.strummed and not state.tied:  # abc2midi strums all chords but tied ones
            lengths = {text: {b"-": signs[b"-"]} for text, signs in lengths.items() if b"-" in signs}
        return lengths

    def rests(self, state: State) -> Lengths:
        """The lengths of a rest before the next sound."""
        return self._spelled(state, self.gap(state), state.index, ties=False, rests=True)

    def staccato(self, state: State) -> Lengths:
        """The lengths of the next note with a staccato dot, which halves its sound, if a rest follows."""
        sounds = self.music.sounds
        sound = sounds[state.index]
        total = 2 * (sound.end - state.now)
        fits = state.index + 1 == len(sounds) or sounds[state.index + 1].start - state.now - total > -1
        if len(sound.pitches) > 1 or not fits or state.tied or not self.chords.fits(state.now, state.now + total):
            return {}
        value = note_value(total, state.per_unit)
        if value is None:
            return {}
        after = state.after(value * state.per_unit, index=state.index + 1)
        return {text: {b"": after} for text in spell_length(value)}

    def _spelled(self, state: State, total: Fraction, following: int, *, ties: bool, rests: bool) -> Lengths:
        """The lengths of a note or rest of `total` ticks after which the sound `following` comes."""
        lengths: Lengths = {}
        per = state.per_unit
        if state.required is not None:
            value = read_length(state.required)
            ticks = value * per
            if same(ticks, total):
                lengths[state.required] = {b"": state.after(ticks, index=following)}
            elif state.graces < ticks < total and (ties or rests) and self.goes_on(state, total - ticks):
                sign, after = self._part(state, ticks, rests=rests)
                lengths[state.required] = {sign: after}
        else:
            self._add_whole(lengths, state, total, following, rests=rests)
            if ties or rests:
                self._add_parts(lengths, state, total, rests=rests)
        fitting = self.chords.latest(state.now)
        if fitting is None:
            return lengths
        return {
            text: kept
            for text, signs in lengths.items()
            if (kept := {sign: after for sign, after in signs.items() if after.now - fitting < 1})
        }

    def _add_whole(self, lengths: Lengths, state: State, total: Fraction, following: int, *, rests: bool) -> None:
        """Add the lengths that last the whole note or rest, with or without broken rhythm."""
        value = note_value(total, state.per_unit)
        if value is not None:
            after = state.after(value * state.per_unit, index=following)
            for text in spell_length(value):
                lengths.setdefault(text, {})[b""] = after
        if state.left == 1:
            return
        for sign, factor in _BROKEN.items():
            value = note_value(total, state.per_unit * factor)
            if value is None or (value * state.per_unit * factor).denominator > 1:  # abc2midi rounds to ticks
                continue
            after = state.after(value * state.per_unit * factor, index=following, broken=2 - factor)
            for text in spell_length(value):
                if self.joins(required := replace(after, required=text)):
                    lengths.setdefault(text, {})[sign] = required

    def _add_parts(self, lengths: Lengths, state: State, total: Fraction, *, rests: bool) -> None:
        """Add the lengths after which a tied note, or another rest, completes the whole."""
        whole = total / state.per_unit
        parts = min(64, max(2, whole.denominator if whole.denominator in (1, 2, 4, 8, 16) else 2))
        for count in range(1, min(int(whole * parts) + 1, _MOST_PARTS)):
            value = Fraction(count, parts)
            ticks = value * state.per_unit
            if ticks.denominator > 1 or ticks <= state.graces or total - ticks < 1:
                continue
            if not self.goes_on(state, total - ticks):
                continue
            for text in spell_length(value):
                sign, after = self._part(state, ticks, rests=rests)
                lengths.setdefault(text, {}).setdefault(sign, after)

    def _part(self, state: State, ticks: Fraction, *, rests: bool) -> tuple[bytes, State]:
        """The sign after a part of a note or rest, and the state after it; the pitch that is tied is set later."""
        return (b"" if rests else b"-"), state.after(ticks, index=state.index)

    def goes_on(self, state: State, ticks: Fraction) -> bool:
        """Whether the note after the next one can last `ticks`."""
        if state.left > 1:
            return note_value(ticks, state.unit * state.factor) is not None
        return any(note_value(ticks, state.unit * factor) is not None for factor in COMMON_FACTORS)

    def joins(self, state: State) -> bool:
        """Whether the note or rest that broken rhythm requires can follow."""
        sounds = self.music.sounds
        if state.index == len(sounds) or state.required is None:
            return False
        ticks = read_length(state.required) * state.per_unit
        sound = sounds[state.index]
        gap = self.gap(state)
        total = gap or sound.end - state.now
        if not gap and (not same(state.now, sound.start) or (len(sound.pitches) > 1 and not sound.strummed)):
            return False
        if same(ticks, total):
            return True
        splits = gap > 0 or len(sound.pitches) == 1
        return ticks < total and splits and self.goes_on(state, total - ticks)
