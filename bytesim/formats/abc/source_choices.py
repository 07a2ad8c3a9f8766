"""The tokens that may come next in ABC with given notes: notes, rests, chords, tuplets, grace notes, rolls, fields."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TypeVar

from bytesim.clocks.keys import key_sharps
from bytesim.formats.abc.grammar import HEAD_KEYS
from bytesim.formats.abc.heard import TICK, Sound
from bytesim.formats.abc.source_lengths import COMMON_FACTORS, LengthChoices, Lengths
from bytesim.formats.abc.source_state import State, length_of, read_length, same, scaled
from bytesim.formats.abc.spellings import Accidentals, neighbours, spell_pitch
from bytesim.formats.grammar import Allowed, allow

_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""Notes of a tuplet -> plain notes whose time they take; for 5, 7 and 9 the meter decides."""
_TUPLET_PARTS = 8
"""Greatest denominator of a length inside a tuplet."""
MOST_GRACES = 8
_ROLL = Fraction(3)
"""Units of `L:` that a note lasts whose roll has five notes; other rolls have two."""

_Change = TypeVar("_Change")
"""What a field changes: the sharps of a key, or a meter."""


@dataclass
class Choices(LengthChoices):
    """What may come next in any state of the writer."""

    triple: bool = False
    """Whether (5, (7 and (9 last as long as three notes; the meter of the header decides."""

    def starts(self, state: State) -> Allowed:
        """The bytes that may begin the next token."""
        return allow(frozenset(self._first_bytes(state)))

    def _first_bytes(self, state: State) -> Iterator[int]:
        sounds = self.music.sounds
        last = state.sound_index == len(sounds)
        done = last and not self.gap(state)
        if done and state.barred:
            yield ord("\n")
            return
        if state.slurs and not state.opened and not state.graces:
            yield ord(")")
        if done:
            yield ord("|")
            return
        missing = self.chords.missing(state.now)
        fits = missing == "|" if last else self.chords.allows_bar(state.now)
        if fits and not state.opened and not state.graces:
            yield ord("|")
        if missing == "|":
            return
        if self.chords.offers(state.now):
            yield ord('"')
        if missing:
            return
        if last:  # the accompaniment goes on
            yield from b"zx" if self.has_rests(state) else b""
        else:
            yield from self._item_starts(state, sounds[state.sound_index])

    def _item_starts(self, state: State, sound: Sound) -> Iterator[int]:
        """The bytes that may begin a rest, a note, a chord, a tuplet or what belongs to them."""
        before = set[int]()
        if self.gap(state) > 0:
            before.update(b"zx" if self.has_rests(state) else b"")
        elif state.tied:
            if self.has_lengths(state):
                before.update((state.tied[0], state.tied.lstrip(b"^_=")[0]))
        elif same(state.now + state.graces, sound.start):
            if self.has_lengths(state):
                before.update(b"[" if len(sound.pitches) > 1 else bytes(text[0] for text in self.pitches(state)))
            if not state.graces and state.required is None:
                before.update(b"~" if self.rolls(state) else b"")
                before.update(b"." if self.staccato(state) else b"")
            if not state.graces and self.takes_graces(state):
                before.update(b"{")
        if not state.opened and (before or self.has_tuplets(state)):
            before.update(b"(")
        if self.changes(state) and not state.tied and not state.graces and state.required is None:
            before.update(b"[")
        yield from before

    def pitches(self, state: State) -> dict[bytes, tuple[str, int]]:
        """The ways to write the pitch of the next sound, which is a single note."""
        if state.tied:
            return dict.fromkeys((state.tied, state.tied.lstrip(b"^_=")), ("", 0))
        return spell_pitch(self.music.sounds[state.sound_index].pitches[0], state.key, state.bar)

    def changes(self, state: State) -> list[bytes]:
        """The inline fields, with their closing bracket, that the file has a change for."""
        texts: list[bytes] = []
        if b"M" not in state.fields:
            texts += [f"M:{meter}]".encode() for meter in _changes_at(self.music.meters, state.now)]
        if b"K" not in state.fields:
            keys = _changes_at(self.music.keys, state.now)
            texts += [b"K:" + text.strip() + b"]" for sharps in keys for text in keys_of(sharps)]
        return texts

    def tuplets(self, state: State) -> dict[tuple[int, ...], State]:
        """The tuplets that can begin now: the numbers of `(p`, `(p:q` or `(p:q:r` -> the state inside."""
        return dict(self._each_tuplet(state))

    def has_tuplets(self, state: State) -> bool:
        """Whether a tuplet can begin now."""
        return any(True for _ in self._each_tuplet(state))

    def _each_tuplet(self, state: State) -> Iterator[tuple[tuple[int, ...], State]]:
        if state.left or state.required is not None or state.sound_index == len(self.music.sounds):
            return
        rare = not any(self.fitting(state._replace(left=1, factor=factor)) for factor in COMMON_FACTORS)
        for notes in range(2, 10) if rare else (2, 3, 4, 6, 8):
            default = _TUPLET_TIME.get(notes, 3 if self.triple else 2)
            for time in {default, *((2, 4) if notes in (5, 7) else ())}:
                inside = state._replace(left=1, factor=Fraction(time, notes))
                if not (self.has_rests(inside) if self.gap(inside) else self.has_lengths(inside)):
                    continue
                for count in range(1, self.fitting(inside) + 1):
                    after = inside._replace(left=count)
                    yield (notes, time, count), after
                    if count == notes:
                        yield (notes, time), after
                        if time == default:
                            yield (notes,), after

    def fitting(self, state: State) -> int:
        """How many notes and rests from now on, at most 9, last as long as notes of this tuplet can."""
        now, index, unit = state.now, state.sound_index, scaled(state.unit, state.factor)
        tied, graces = bool(state.tied), state.graces
        odd = state.factor.denominator > 1 and state.factor.denominator % 2 == 1
        for count in range(9):
            if index == len(self.music.sounds):
                return count
            sound = self.music.sounds[index]
            gap = 0 if tied or graces else sound.start - now
            rests = gap >= TICK
            time = gap if rests else sound.end - now
            length = length_of(time, unit)
            if length is None or time <= graces or length.parts > _TUPLET_PARTS:
                return count
            if length.time % TICK and length.parts > 1:
                return count
            now, index = now + length.time, index + (not rests)
            tied, graces = False, 0
            if odd and length_of(now - state.now, state.unit) and self._is_plain(now, index, state.unit):
                return count + 1  # the tuplet is complete
        return 9

    def _is_plain(self, now: int, index: int, unit: int) -> bool:
        """Whether the next rest or sound can be written without a tuplet, or there is none."""
        if index == len(self.music.sounds):
            return True
        sound = self.music.sounds[index]
        gap = sound.start - now
        return length_of(gap if gap >= TICK else sound.end - now, unit) is not None

    def takes_graces(self, state: State, depth: int = 0) -> dict[bytes, State]:
        """The lengths of a grace note that the next sound can be -> the state after it."""
        sounds = self.music.sounds
        if state.sound_index + 1 >= len(sounds) or depth == MOST_GRACES:
            return {}
        sound = sounds[state.sound_index]
        if len(sound.pitches) > 1 or not same(state.now + state.graces, sound.start):
            return {}
        length = length_of(sound.end - state.now - state.graces, state.grace)
        if length is None or length.time > 2 * state.grace:
            return {}
        after = state._replace(sound_index=state.sound_index + 1, graces=state.graces + length.time)
        if not self.ends_graces(after) and not self.takes_graces(after, depth + 1):
            return {}
        return dict.fromkeys(length.texts, after)

    def ends_graces(self, state: State) -> bool:
        """Whether a note or chord can follow the grace notes so far."""
        follows = same(state.now + state.graces, self.music.sounds[state.sound_index].start)
        if state.left and self.fitting(state) < state.left:  # the tuplet could not be completed
            return False
        return follows and (self.has_lengths(state) or self.has_tuplets(state))

    def rolls(self, state: State) -> dict[bytes, Lengths]:
        """The pitches of a note whose roll plays the next sounds -> its lengths."""
        sounds = self.music.sounds[state.sound_index : state.sound_index + 5]
        if any(len(sound.pitches) > 1 for sound in sounds[:2]) or len(sounds) < 2:
            return {}
        per, now = state.plain_unit, state.now
        rolls: dict[bytes, Lengths] = {}
        if _lasts(sounds[:1], now, [per // 4]) and same(sounds[1].start, now + per // 4):
            lengths = self.lengths(state, upto=state.sound_index + 1)
            lengths = {text: signs for text, signs in lengths.items() if read_length(text) != _ROLL}
            for text, (letter, raised) in self._spelled_in(state, sounds[1]).items():
                if lengths and neighbours(letter, sounds[1].pitches[0], raised, state.key)[0] == sounds[0].pitches[0]:
                    rolls[text] = lengths
        if _lasts(sounds, now, [per, per // 4, per * 3 // 4, per // 4, per * 3 // 4]):
            plain = {b"": signs[b""]} if (signs := self.lengths(state, upto=state.sound_index + 4).get(b"3")) else {}
            played = tuple(sound.pitches[0] for sound in sounds)
            for text, (letter, raised) in self._spelled_in(state, sounds[0]).items():
                upper, lower = neighbours(letter, played[0], raised, state.key)
                if plain and played == (played[0], upper, played[0], lower, played[0]):
                    rolls[text] = {b"3": plain}
        return rolls

    def _spelled_in(self, state: State, sound: Sound) -> dict[bytes, tuple[str, int]]:
        return spell_pitch(sound.pitches[0], state.key, state.bar)


def _lasts(sounds: Sequence[Sound], now: int, lengths: list[int]) -> bool:
    """Whether the sounds are single notes of these lengths, one after the other from now on."""
    if len(sounds) != len(lengths):
        return False
    for sound, time in zip(sounds, lengths, strict=True):
        if len(sound.pitches) > 1 or not same(sound.start, now) or not same(sound.end, now + time):
            return False
        now += time
    return True


def raised_by(pitch: bytes, bar: Accidentals) -> Accidentals:
    """The accidentals of a bar after a written pitch, such as `^F`."""
    sign = pitch[: len(pitch) - len(pitch.lstrip(b"^_="))].decode()
    if not sign:
        return bar
    return {**bar, chr(pitch[len(sign)]).upper(): sign.count("^") - sign.count("_")}


def _changes_at(changes: Sequence[tuple[int, _Change]], now: int) -> list[_Change]:
    """The changes that are due now, of (time, change) in order; those at the start stand in the header."""
    near = changes[bisect_left(changes, (now - TICK + 1,)) : bisect_left(changes, (now + TICK,))]
    return [value for time, value in near if time]


@cache
def keys_of(sharps: int) -> frozenset[bytes]:
    """The keys of a header with this signature; all keys that have a signature if there is none with it."""
    known = {text: key_sharps(text.decode().strip()) for text in HEAD_KEYS}
    fitting = frozenset(text for text, own in known.items() if own == sharps)
    return fitting or frozenset(text for text, own in known.items() if -7 <= own <= 7)


def next_bytes(options: Iterable[bytes], written: bytes) -> set[int]:
    """The bytes with which an option that begins like this goes on."""
    return {text[len(written)] for text in options if text.startswith(written) and len(text) > len(written)}


def first_bytes_of(options: Iterable[bytes]) -> Allowed:
    return allow(frozenset(text[0] for text in options))
