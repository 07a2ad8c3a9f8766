"""The grammar of ABC that sounds like a given MIDI file: it leaves only what abc2midi plays as the notes of that file.

The writer chooses the spelling: accidentals, bar lines, slurs, ties, tuplets, broken rhythm, grace notes. The grammar
follows canonical ABC (`grammar.py`) and, beside it, key signature, accidentals of the bar, octave marks and lengths.
Each choice is offered only if the notes after it can still be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, partial

from bytesim.formats.abc.grammar import HEAD_KEYS, HEAD_METERS, HEAD_UNITS, abc_grammar
from bytesim.formats.abc.heard import Heard, Sound, heard
from bytesim.formats.abc.source_harmony import Accompaniment
from bytesim.formats.abc.spellings import Accidentals, key_sharps, neighbours, signature, spell_length, spell_pitch
from bytesim.formats.grammar import ANYTHING, END, Allowed, Grammar, Steps, allow, choice, literal

WHOLE = 1920
"""Ticks of a whole note."""
_BROKEN = {b">": Fraction(3, 2), b">>": Fraction(7, 4), b"<": Fraction(1, 2), b"<<": Fraction(1, 4)}
_COMMON_FACTORS = (Fraction(1), Fraction(2, 3))
"""Factors of the lengths of plain notes and of triplets."""
_UNITS = frozenset(f"1/{parts}\n".encode() for parts in (2, 4, 8, 16, 32))
"""Unit note lengths that are in use, with the end of the line."""
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
"""Notes of a tuplet -> plain notes whose time they take; for 5, 7 and 9 the meter decides."""
_GRACE = Fraction(1, 4)
"""Length of a grace note in units of `L:`."""
_MOST_GRACES = 8
_TUPLET_PARTS = 8
"""Greatest denominator of a length inside a tuplet."""
_ROLL = Fraction(3)
"""Units of `L:` that a note lasts whose roll has five notes; other rolls have two."""
_MOST_PARTS = 64
"""Most lengths that are offered for the first part of a tied note."""


class SourceGrammar(Grammar):
    """Canonical ABC that sounds like a MIDI file. Where no token is left, it only remains canonical from there on."""

    def __init__(self, music: Heard) -> None:
        self._plain = abc_grammar()
        self._sound: Steps | None = _Writer(music).steps()
        self.ending = self._plain.ending
        self.lifted = False
        """Whether the file could not be followed, so that the notes may be wrong."""
        self.allowed = self._both(next(self._sound))

    def advance(self, token: int) -> None:
        """Move past the token that was written."""
        fits = self.allowed[token]
        self._plain.advance(token)
        if self._sound is None:
            self.allowed = self._plain.allowed
            return
        try:
            sounding = self._sound.send(token) if fits else None
        except StopIteration:
            sounding = ANYTHING
        self.allowed = self._both(sounding)

    def _both(self, sounding: Allowed | None) -> Allowed:
        if sounding is not None:
            both = self._plain.allowed & sounding
            if both.any():
                return both
        self._sound, self.lifted = None, True
        return self._plain.allowed


def source_grammar(data: bytes) -> Callable[[], Grammar] | None:
    """Makes the grammar of ABC that sounds like `data`, a MIDI file that `to_model_form` made.

    None if one voice of ABC cannot have its notes. The maker can be sent to other processes. Raises FormatError for a
    file that does not parse.
    """
    music = heard(data)
    return None if music is None or not music.sounds else partial(SourceGrammar, music)


@dataclass(frozen=True, slots=True)
class _State:
    """Where the writer is between two tokens. Times are exact, in ticks of the score."""

    unit: Fraction
    """Ticks of one unit of `L:`."""
    key: Accidentals
    bar: Accidentals
    """Accidentals written since the last bar line."""
    now: Fraction = Fraction(0)
    index: int = 0
    """The sound that comes next, or that is tied."""
    left: int = 0
    """Notes that the tuplet still has to come."""
    factor: Fraction = Fraction(1)
    """Factor of the lengths of these notes."""
    tied: bytes = b""
    """Pitch, or notes of a chord with brackets, that is tied into the next one."""
    graces: Fraction = Fraction(0)
    """Ticks that grace notes take from the next note."""
    required: bytes | None = None
    """Length that the next note must have, as text, because of broken rhythm."""
    broken: Fraction = Fraction(1)
    """Factor of broken rhythm on the next note."""
    slurs: int = 0
    """Slurs that are open."""
    opened: bool = False
    """Whether the last token opened a slur."""
    barred: bool = False
    """Whether a bar line stands after the last note."""
    fields: bytes = b""
    """Letters of the fields written since the last note."""

    @property
    def per_unit(self) -> Fraction:
        """Ticks of a note or rest without a written length."""
        return self.unit * self.factor * self.broken if self.left else self.unit * self.broken

    @property
    def grace(self) -> Fraction:
        """Ticks of a grace note without a written length."""
        return self.unit * _GRACE * (self.factor if self.left else 1)

    def after(self, ticks: Fraction, *, index: int, **changes: object) -> _State:
        """The state after a note, chord or rest that moves the score on by `ticks`."""
        plain = replace(
            self,
            now=self.now + ticks,
            index=index,
            left=max(0, self.left - 1),
            tied=b"",
            graces=Fraction(0),
            required=None,
            broken=Fraction(1),
            opened=False,
            barred=False,
            fields=b"",
        )
        return replace(plain, **changes)  # type: ignore[arg-type]


_Lengths = dict[bytes, dict[bytes, _State]]
"""Length as written -> sign after it (`-`, `>`, `>>`, `<`, `<<` or none) -> the state after both."""
_Token = Generator[Allowed, int, int]
"""Allows a token whose first byte is written; returns the first byte of the next token."""


@dataclass
class _Writer:
    music: Heard
    state: _State = field(init=False)
    chords: Accompaniment = field(init=False)
    triple: bool = False
    """Whether (5, (7 and (9 last as long as three notes; the meter of the header decides."""

    def steps(self) -> Steps:
        """Allow a whole tune."""
        yield from literal(b"X:1\nM:")
        meter = yield from choice(_only(HEAD_METERS, {f"{meter}\n" for tick, meter in self.music.meters if tick == 0}))
        yield from literal(b"L:")
        unit = yield from choice(_UNITS & HEAD_UNITS)
        yield from literal(b"K:")
        key = yield from choice(_keys(next((sharps for tick, sharps in self.music.keys if tick == 0), 0)))
        accidentals = signature(key_sharps(key.decode().strip()))
        self.state = _State(unit=WHOLE * Fraction(unit.decode().strip()), key=accidentals, bar={})
        self.triple = int(meter.split(b"/")[0]) % 3 == 0
        self.chords = Accompaniment(self.music.beats, _ticks(meter.decode().strip()))
        first = yield self._starts(self.state)
        while first != ord("\n"):
            first = yield from self._token(first)
        yield END

    def _token(self, first: int) -> _Token:
        sign = bytes([first])
        if sign in b"|":
            self.chords.begin_bar(self.state.now)
            self.state = replace(self.state, bar={}, barred=True)
        elif sign in b")":
            self.state = replace(self.state, slurs=self.state.slurs - 1)
        elif sign in b"(":
            return (yield from self._parenthesis())
        elif sign in b'"':
            yield from self.chords.spell_symbol(self.state.now)
        elif sign in b"zx":
            return (yield from self._spell_length(self._rests(self.state)))
        elif sign in b"{":
            yield from self._spell_graces()
        elif sign in b"~":
            return (yield from self._spell_roll())
        elif sign in b".":
            first = yield _firsts(self._pitches(self.state))
            return (yield from self._spell_note(first, self._staccato(self.state)))
        elif sign in b"[":
            return (yield from self._bracket())
        else:
            return (yield from self._spell_note(first, self._lengths(self.state)))
        return (yield self._starts(self.state))

    # --- what may come next ----------------------------------------------------------------------

    def _starts(self, state: _State) -> Allowed:
        """The bytes that may begin the next token."""
        return allow(frozenset(self._first_bytes(state)))

    def _first_bytes(self, state: _State) -> Iterator[int]:
        sounds = self.music.sounds
        done = state.index == len(sounds)
        if done and state.barred:
            yield ord("\n")
            return
        if state.slurs and not state.opened and not state.graces:
            yield ord(")")
        if done:
            yield ord("|")
            return
        missing = self.chords.missing(state.now)
        if not state.opened and not state.graces and self.chords.allows_bar(state.now):
            yield ord("|")
        if missing == "|":
            return
        if self.chords.offers(state.now):
            yield ord('"')
        if missing:
            return
        yield from self._item_starts(state, sounds[state.index])

    def _item_starts(self, state: _State, sound: Sound) -> Iterator[int]:
        """The bytes that may begin a rest, a note, a chord, a tuplet or what belongs to them."""
        before = set[int]()
        if self._gap(state) > 0:
            before.update(b"zx" if self._rests(state) else b"")
        elif state.tied:
            if self._lengths(state):
                before.update((state.tied[0], state.tied.lstrip(b"^_=")[0]))
        elif _same(state.now + state.graces, sound.start):
            if self._lengths(state):
                before.update(b"[" if len(sound.pitches) > 1 else bytes(text[0] for text in self._pitches(state)))
            if not state.graces and state.required is None:
                before.update(b"~" if self._rolls(state) else b"")
                before.update(b"." if self._staccato(state) else b"")
            if not state.graces and self._takes_graces(state):
                before.update(b"{")
        if not state.opened and (before or self._tuplets(state)):
            before.update(b"(")
        if self._changes(state) and not state.tied and not state.graces and state.required is None:
            before.update(b"[")
        yield from before

    def _gap(self, state: _State) -> Fraction:
        """Ticks of rest before the next sound; 0 if it begins now."""
        if state.tied or state.graces:
            return Fraction(0)
        gap = self.music.sounds[state.index].start - state.now
        return gap if gap >= 1 else Fraction(0)

    # --- lengths ---------------------------------------------------------------------------------

    def _lengths(self, state: _State, *, upto: int | None = None) -> _Lengths:
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

    def _rests(self, state: _State) -> _Lengths:
        """The lengths of a rest before the next sound."""
        return self._spelled(state, self._gap(state), state.index, ties=False, rests=True)

    def _staccato(self, state: _State) -> _Lengths:
        """The lengths of the next note with a staccato dot, which halves its sound, if a rest follows."""
        sounds = self.music.sounds
        sound = sounds[state.index]
        total = 2 * (sound.end - state.now)
        fits = state.index + 1 == len(sounds) or sounds[state.index + 1].start - state.now - total > -1
        if len(sound.pitches) > 1 or not fits or state.tied or not self.chords.fits(state.now, state.now + total):
            return {}
        value = _value(total, state.per_unit)
        after = None if value is None else state.after(value * state.per_unit, index=state.index + 1)
        return {} if value is None or after is None else {text: {b"": after} for text in spell_length(value)}

    def _spelled(self, state: _State, total: Fraction, following: int, *, ties: bool, rests: bool) -> _Lengths:
        lengths: _Lengths = {}
        per = state.per_unit
        if state.required is not None:
            value = _read_length(state.required)
            ticks = value * per
            if _same(ticks, total):
                lengths[state.required] = {b"": state.after(ticks, index=following)}
            elif state.graces < ticks < total and (ties or rests) and self._goes_on(state, total - ticks):
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

    def _add_whole(self, lengths: _Lengths, state: _State, total: Fraction, following: int, *, rests: bool) -> None:
        """Add the lengths that last the whole note or rest, with or without broken rhythm."""
        value = _value(total, state.per_unit)
        if value is not None:
            after = state.after(value * state.per_unit, index=following)
            for text in spell_length(value):
                lengths.setdefault(text, {})[b""] = after
        if state.left == 1:
            return
        for sign, factor in _BROKEN.items():
            value = _value(total, state.per_unit * factor)
            if value is None or (value * state.per_unit * factor).denominator > 1:  # abc2midi rounds to ticks
                continue
            after = state.after(value * state.per_unit * factor, index=following, broken=2 - factor)
            for text in spell_length(value):
                if self._joins(required := replace(after, required=text)):
                    lengths.setdefault(text, {})[sign] = required

    def _add_parts(self, lengths: _Lengths, state: _State, total: Fraction, *, rests: bool) -> None:
        """Add the lengths after which a tied note, or another rest, completes the whole."""
        whole = total / state.per_unit
        parts = min(64, max(2, whole.denominator if whole.denominator in (1, 2, 4, 8, 16) else 2))
        for count in range(1, min(int(whole * parts) + 1, _MOST_PARTS)):
            value = Fraction(count, parts)
            ticks = value * state.per_unit
            if ticks.denominator > 1 or ticks <= state.graces or total - ticks < 1:
                continue
            if not self._goes_on(state, total - ticks):
                continue
            for text in spell_length(value):
                sign, after = self._part(state, ticks, rests=rests)
                lengths.setdefault(text, {}).setdefault(sign, after)

    def _part(self, state: _State, ticks: Fraction, *, rests: bool) -> tuple[bytes, _State]:
        """The sign after a part of a note or rest, and the state after it; the pitch that is tied is set later."""
        return (b"" if rests else b"-"), state.after(ticks, index=state.index)

    def _goes_on(self, state: _State, ticks: Fraction) -> bool:
        """Whether the note after the next one can last `ticks`."""
        if state.left > 1:
            return _value(ticks, state.unit * state.factor) is not None
        return any(_value(ticks, state.unit * factor) is not None for factor in _COMMON_FACTORS)

    def _joins(self, state: _State) -> bool:
        """Whether the note or rest that broken rhythm requires can follow."""
        sounds = self.music.sounds
        if state.index == len(sounds) or state.required is None:
            return False
        ticks = _read_length(state.required) * state.per_unit
        sound = sounds[state.index]
        gap = self._gap(state)
        total = gap or sound.end - state.now
        if not gap and (not _same(state.now, sound.start) or (len(sound.pitches) > 1 and not sound.strummed)):
            return False
        if _same(ticks, total):
            return True
        splits = gap > 0 or len(sound.pitches) == 1
        return ticks < total and splits and self._goes_on(state, total - ticks)

    def _spell_length(self, lengths: _Lengths, pitch: bytes = b"") -> _Token:
        """Allow one of the lengths with its sign, and move on; returns the first byte of the next token."""
        written = b""
        while True:
            signs = lengths.get(written, {})
            longer = _following(lengths, written)
            mask = allow(frozenset(longer | {sign[0] for sign in signs if sign}))
            if b"" in signs:
                mask = mask | self._starts(replace(signs[b""], bar=self.state.bar))
            byte = yield mask
            if byte in longer:
                written += bytes([byte])
                continue
            return (yield from self._sign(byte, signs, pitch))

    def _sign(self, byte: int, signs: dict[bytes, _State], pitch: bytes) -> _Token:
        sign = bytes([byte])
        if sign not in signs and sign * 2 not in signs:
            self.state = replace(signs[b""], bar=self.state.bar)
            return byte
        if sign == b"-":
            self.state = replace(signs[sign], tied=pitch, bar=self.state.bar)
            return (yield self._starts(self.state))
        once = self._starts(replace(signs[sign], bar=self.state.bar)) if sign in signs else allow(b"")
        second = yield once | (allow(sign) if sign * 2 in signs else allow(b""))
        doubled = second == byte and sign * 2 in signs
        self.state = replace(signs[sign * 2 if doubled else sign], bar=self.state.bar)
        return (yield self._starts(self.state)) if doubled else second

    # --- notes -----------------------------------------------------------------------------------

    def _pitches(self, state: _State) -> dict[bytes, tuple[str, int]]:
        """The ways to write the pitch of the next sound, which is a single note."""
        if state.tied:
            return dict.fromkeys((state.tied, state.tied.lstrip(b"^_=")), ("", 0))
        return spell_pitch(self.music.sounds[state.index].pitches[0], state.key, state.bar)

    def _spell_note(self, first: int, lengths: _Lengths) -> _Token:
        pitch = yield from self._spell_pitch(first, self._pitches(self.state))
        return (yield from self._spell_length(lengths, pitch))

    def _spell_pitch(self, first: int, pitches: dict[bytes, tuple[str, int]]) -> Generator[Allowed, int, bytes]:
        """Allow one of the pitches, whose first byte is written, and note its accidental."""
        written = bytes([first])
        while written not in pitches:
            written += bytes([(yield allow(frozenset(_following(pitches, written))))])
        self._note_accidental(written)
        return written

    def _note_accidental(self, pitch: bytes) -> None:
        sign = pitch[: len(pitch) - len(pitch.lstrip(b"^_="))].decode()
        if sign:
            letter = chr(pitch[len(sign)]).upper()
            raised = sign.count("^") - sign.count("_")
            self.state = replace(self.state, bar={**self.state.bar, letter: raised})

    def _bracket(self) -> _Token:
        """Allow a chord with its length, or an inline field."""
        state = self.state
        if state.tied:
            yield from literal(state.tied[1:])
            return (yield from self._spell_length(self._lengths(state), state.tied))
        sound = self.music.sounds[state.index]
        chord = len(sound.pitches) > 1 and not self._gap(state) and bool(self._lengths(state))
        fields = self._changes(state)
        left = list(sound.pitches) if chord else []
        first = yield self._chord_notes(left, sound) | allow(frozenset(text[0] for text in fields))
        if bytes([first]) in b"KM":
            return (yield from self._spell_field(first, fields))
        lengths, written = self._lengths(state), b"["
        while True:
            pitches = {text: pitch for pitch in self._next_of(left, sound) for text in self._spellings(pitch)}
            written_pitch = yield from self._spell_pitch(first, dict.fromkeys(pitches, ("", 0)))
            left.remove(pitches[written_pitch])
            written += written_pitch
            if not left:
                break
            first = yield self._chord_notes(left, sound)
        yield from literal(b"]")
        return (yield from self._spell_length(lengths, written + b"]"))

    def _next_of(self, left: list[int], sound: Sound) -> list[int]:
        """The pitches that may come next in a chord: the order counts if it is strummed."""
        return left[:1] if sound.strummed else left

    def _spellings(self, pitch: int) -> dict[bytes, tuple[str, int]]:
        return spell_pitch(pitch, self.state.key, self.state.bar)

    def _chord_notes(self, left: list[int], sound: Sound) -> Allowed:
        return allow(frozenset(text[0] for pitch in self._next_of(left, sound) for text in self._spellings(pitch)))

    # --- fields ----------------------------------------------------------------------------------

    def _changes(self, state: _State) -> list[bytes]:
        """The inline fields, with their closing bracket, that the file has a change for."""
        meters = [f"M:{meter}]" for tick, meter in self.music.meters if tick and _same(state.now, tick)]
        keys = [sharps for tick, sharps in self.music.keys if tick and _same(state.now, tick)]
        texts = [text.encode() for text in meters] if b"M" not in state.fields else []
        if b"K" not in state.fields:
            texts += [b"K:" + text.strip() + b"]" for sharps in keys for text in _keys(sharps)]
        return texts

    def _spell_field(self, first: int, fields: list[bytes]) -> _Token:
        letter = bytes([first])
        value = yield from choice(frozenset(text[1:] for text in fields if text[:1] == letter))
        text = value[1:-1].decode()
        if letter == b"K":
            self.state = replace(self.state, key=signature(key_sharps(text)), bar={})
        else:
            self.chords.begin_meter(_ticks(text))
        self.state = replace(self.state, fields=self.state.fields + letter)
        return (yield self._starts(self.state))

    # --- slurs and tuplets -----------------------------------------------------------------------

    def _parenthesis(self) -> _Token:
        """Allow a tuplet, or a slur."""
        state, tuplets = self.state, self._tuplets(self.state)
        slur = replace(state, slurs=state.slurs + 1, opened=True)
        numbers: tuple[int, ...] = ()
        while True:
            count = len(numbers)
            digits = {longer[count] for longer in tuplets if longer[:count] == numbers and len(longer) > count}
            if not numbers:
                byte = yield allow(frozenset(ord(str(digit)) for digit in digits)) | self._starts(slur)
                if byte - ord("0") not in digits:
                    self.state = slur
                    return byte
                numbers = (byte - ord("0"),)
                continue
            after = tuplets.get(numbers)
            byte = yield allow(b":" if digits else b"") | (self._starts(after) if after else allow(b""))
            if byte != ord(":"):
                assert after is not None
                self.state = after
                return byte
            digit = yield allow(frozenset(ord(str(digit)) for digit in digits))
            numbers = (*numbers, digit - ord("0"))

    def _tuplets(self, state: _State) -> dict[tuple[int, ...], _State]:
        """The tuplets that can begin now: the numbers of `(p`, `(p:q` or `(p:q:r` -> the state inside."""
        if state.left or state.required is not None or state.index == len(self.music.sounds):
            return {}
        tuplets: dict[tuple[int, ...], _State] = {}
        rare = not any(self._fitting(replace(state, left=1, factor=factor)) for factor in _COMMON_FACTORS)
        for notes in range(2, 10) if rare else (2, 3, 4, 6, 8):
            default = _TUPLET_TIME.get(notes, 3 if self.triple else 2)
            for time in {default, *((2, 4) if notes in (5, 7) else ())}:
                inside = replace(state, left=1, factor=Fraction(time, notes))
                if not (self._rests(inside) if self._gap(inside) else self._lengths(inside)):
                    continue
                for count in range(1, self._fitting(inside) + 1):
                    after = replace(inside, left=count)
                    tuplets[notes, time, count] = after
                    if count == notes:
                        tuplets[notes, time] = after
                        if time == default:
                            tuplets[notes,] = after
        return tuplets

    def _fitting(self, state: _State) -> int:
        """How many notes and rests from now on, at most 9, last as long as notes of this tuplet can."""
        now, index = state.now, state.index
        tied, graces = bool(state.tied), state.graces
        odd = state.factor.denominator > 1 and state.factor.denominator % 2 == 1
        for count in range(9):
            if index == len(self.music.sounds):
                return count
            sound = self.music.sounds[index]
            gap = Fraction(0) if tied or graces else sound.start - now
            rests = gap >= 1
            ticks = gap if rests else sound.end - now
            value = _value(ticks, state.unit * state.factor)
            if value is None or ticks <= graces or value.denominator > _TUPLET_PARTS:
                return count
            if (value * state.unit * state.factor).denominator > 1 and value.denominator > 1:
                return count
            now, index = now + value * state.unit * state.factor, index + (not rests)
            tied, graces = False, Fraction(0)
            if odd and _value(now - state.now, state.unit) is not None and self._is_plain(now, index, state.unit):
                return count + 1  # the tuplet is complete
        return 9

    def _is_plain(self, now: Fraction, index: int, unit: Fraction) -> bool:
        """Whether the next rest or sound can be written without a tuplet, or there is none."""
        if index == len(self.music.sounds):
            return True
        sound = self.music.sounds[index]
        gap = sound.start - now
        return _value(gap if gap >= 1 else sound.end - now, unit) is not None

    # --- ornaments -------------------------------------------------------------------------------

    def _takes_graces(self, state: _State, depth: int = 0) -> dict[bytes, _State]:
        """The lengths of a grace note that the next sound can be -> the state after it."""
        sounds = self.music.sounds
        if state.index + 1 >= len(sounds) or depth == _MOST_GRACES:
            return {}
        sound = sounds[state.index]
        ticks = sound.end - state.now - state.graces
        if len(sound.pitches) > 1 or not _same(state.now + state.graces, sound.start):
            return {}
        value = _value(ticks, state.grace)
        if value is None or value > 2:
            return {}
        after = replace(state, index=state.index + 1, graces=state.graces + value * state.grace)
        if not self._ends_graces(after) and not self._takes_graces(after, depth + 1):
            return {}
        return dict.fromkeys(spell_length(value), after)

    def _ends_graces(self, state: _State) -> bool:
        """Whether a note or chord can follow the grace notes so far."""
        follows = _same(state.now + state.graces, self.music.sounds[state.index].start)
        if state.left and self._fitting(state) < state.left:  # the tuplet could not be completed
            return False
        return follows and bool(self._lengths(state) or self._tuplets(state))

    def _spell_graces(self) -> Steps:
        """Allow what follows an opening brace, up to the closing one."""
        first = yield _firsts(self._pitches(self.state)) | allow(b"/")
        if first == ord("/"):
            first = yield _firsts(self._pitches(self.state))
        depth = 0
        while first != ord("}"):
            lengths, written = self._takes_graces(self.state, depth), b""
            yield from self._spell_pitch(first, self._pitches(self.state))
            while True:
                longer = _following(lengths, written)
                ends = self._after_grace(written, lengths, depth + 1)
                first = yield allow(frozenset(longer)) | ends
                if first not in longer:
                    break
                written += bytes([first])
            self.state = replace(lengths[written], bar=self.state.bar)
            depth += 1

    def _after_grace(self, written: bytes, lengths: dict[bytes, _State], depth: int) -> Allowed:
        """What may follow a grace note whose length ends here: another one, or the closing brace."""
        if written not in lengths:
            return allow(b"")
        state = replace(lengths[written], bar=self.state.bar)
        more = _firsts(self._pitches(state)) if self._takes_graces(state, depth) else allow(b"")
        return more | allow(b"}" if self._ends_graces(state) else b"")

    def _rolls(self, state: _State) -> dict[bytes, _Lengths]:
        """The pitches of a note whose roll plays the next sounds -> its lengths."""
        sounds = self.music.sounds[state.index : state.index + 5]
        if any(len(sound.pitches) > 1 for sound in sounds[:2]) or len(sounds) < 2:
            return {}
        per, now = state.unit * (state.factor if state.left else 1), state.now
        rolls: dict[bytes, _Lengths] = {}
        if _lasts(sounds[:1], now, [per / 4]) and _same(sounds[1].start, now + per / 4):
            lengths = self._lengths(state, upto=state.index + 1)
            lengths = {text: signs for text, signs in lengths.items() if _read_length(text) != _ROLL}
            for text, (letter, raised) in self._spelled_in(state, sounds[1]).items():
                if lengths and neighbours(letter, sounds[1].pitches[0], raised, state.key)[0] == sounds[0].pitches[0]:
                    rolls[text] = lengths
        if _lasts(sounds, now, [per, per / 4, per * 3 / 4, per / 4, per * 3 / 4]):
            plain = {b"": signs[b""]} if (signs := self._lengths(state, upto=state.index + 4).get(b"3")) else {}
            played = tuple(sound.pitches[0] for sound in sounds)
            for text, (letter, raised) in self._spelled_in(state, sounds[0]).items():
                upper, lower = neighbours(letter, played[0], raised, state.key)
                if plain and played == (played[0], upper, played[0], lower, played[0]):
                    rolls[text] = {b"3": plain}
        return rolls

    def _spelled_in(self, state: _State, sound: Sound) -> dict[bytes, tuple[str, int]]:
        return spell_pitch(sound.pitches[0], state.key, state.bar)

    def _spell_roll(self) -> _Token:
        rolls = self._rolls(self.state)
        first = yield _firsts(rolls)
        pitch = yield from self._spell_pitch(first, dict.fromkeys(rolls, ("", 0)))
        return (yield from self._spell_length(rolls[pitch]))


def _lasts(sounds: Sequence[Sound], now: Fraction, lengths: list[Fraction]) -> bool:
    """Whether the sounds are single notes of these lengths, one after the other from now on."""
    if len(sounds) != len(lengths):
        return False
    for sound, ticks in zip(sounds, lengths, strict=True):
        if len(sound.pitches) > 1 or not _same(sound.start, now) or not _same(sound.end, now + ticks):
            return False
        now += ticks
    return True


def _same(a: Fraction | int, b: Fraction | int) -> bool:
    """Whether two times are equal, as abc2midi rounds them to whole ticks."""
    return -1 < a - b < 1


def _value(ticks: Fraction, per_unit: Fraction) -> Fraction | None:
    """The length of a note in units, if ABC can write it; times that abc2midi rounded are taken as the nearest ones."""
    exact = ticks / per_unit
    if spell_length(exact):
        return exact
    near = Fraction(round(exact * 8), 8)
    return near if spell_length(near) and _same(near * per_unit, ticks) else None


@cache
def _read_length(text: bytes) -> Fraction:
    """The value of a length that `spell_length` wrote."""
    number, slashes, parts = re.fullmatch(rb"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    return Fraction(int(number or 1), int(parts) if parts else 2 ** len(slashes))


def _ticks(meter: str) -> Fraction:
    return WHOLE * Fraction(meter)


def _only(options: frozenset[bytes], wanted: set[str]) -> frozenset[bytes]:
    """The wanted ones of the options; all of them if none is wanted."""
    return options & {text.encode() for text in wanted} or options


@cache
def _keys(sharps: int) -> frozenset[bytes]:
    """The keys of a header with this signature; all keys that have a signature if there is none with it."""
    known = {text: key_sharps(text.decode().strip()) for text in HEAD_KEYS}
    fitting = frozenset(text for text, own in known.items() if own == sharps)
    return fitting or frozenset(text for text, own in known.items() if -7 <= own <= 7)


def _following(options: Iterable[bytes], written: bytes) -> set[int]:
    """The bytes with which an option that begins like this goes on."""
    return {text[len(written)] for text in options if text.startswith(written) and len(text) > len(written)}


def _firsts(options: Iterable[bytes]) -> Allowed:
    return allow(frozenset(text[0] for text in options))
