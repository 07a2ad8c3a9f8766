"""The grammar of ABC that sounds like a given MIDI file: it leaves only what abc2midi plays as the notes of that file.

The writer chooses the spelling: accidentals, bar lines, slurs, ties, tuplets, broken rhythm, grace notes. The grammar
follows canonical ABC (`grammar.py`) and, beside it, key signature, accidentals of the bar, octave marks and lengths.
Each choice is offered only if the notes after it can still be written (`source_choices.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial

from bytesim.clocks.keys import key_sharps, signature
from bytesim.formats.abc.grammar import HEAD_METERS, HEAD_UNITS, abc_grammar
from bytesim.formats.abc.heard import Heard, Sound, heard
from bytesim.formats.abc.source_choices import Choices, first_bytes_of, keys_of, next_bytes, raised_by
from bytesim.formats.abc.source_harmony import WHOLE, Accompaniment
from bytesim.formats.abc.source_lengths import Lengths
from bytesim.formats.abc.source_state import State
from bytesim.formats.abc.spellings import spell_pitch
from bytesim.formats.grammar import ANYTHING, END, Allowed, Grammar, Steps, allow, choice, literal

MOST_BYTES = 1 << 16
"""Longest file; no model reads a longer one as a whole, and following it takes seconds."""
_UNITS = frozenset(f"1/{parts}\n".encode() for parts in (2, 4, 8, 16, 32))
"""Unit note lengths that are in use, with the end of the line."""


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

    None if one voice of ABC cannot have its notes, or if it is longer than MOST_BYTES. The maker can be sent to other
    processes. Raises FormatError for a file that does not parse.
    """
    if len(data) > MOST_BYTES:
        return None
    music = heard(data)
    return None if music is None or not music.sounds else partial(SourceGrammar, music)


_Token = Generator[Allowed, int, int]
"""Allows a token whose first byte is written; returns the first byte of the next token."""


@dataclass
class _Writer(Choices):
    state: State = field(init=False)

    def steps(self) -> Steps:
        """Allow a whole tune."""
        yield from literal(b"X:1\nM:")
        meter = yield from choice(_only(HEAD_METERS, {f"{meter}\n" for time, meter in self.music.meters if time == 0}))
        yield from literal(b"L:")
        unit = yield from choice(_UNITS & HEAD_UNITS)
        yield from literal(b"K:")
        key = yield from choice(keys_of(next((sharps for time, sharps in self.music.keys if time == 0), 0)))
        accidentals = signature(key_sharps(key.decode().strip()))
        self.state = State(unit=WHOLE // int(unit[2:]), key=accidentals, bar={})
        self.triple = int(meter.split(b"/")[0]) % 3 == 0
        self.chords = Accompaniment(self.music.beats, meter.decode().strip())
        first = yield self.starts(self.state)
        while first != ord("\n"):
            first = yield from self._token(first)
        yield END

    def _token(self, first: int) -> _Token:
        sign = bytes([first])
        if sign in b"|":
            self.chords.begin_bar(self.state.now)
            self.state = self.state._replace(bar={}, barred=True)
        elif sign in b")":
            self.state = self.state._replace(slurs=self.state.slurs - 1)
        elif sign in b"(":
            return (yield from self._parenthesis())
        elif sign in b'"':
            yield from self.chords.spell_symbol(self.state.now)
        elif sign in b"zx":
            return (yield from self._spell_length(self.rests(self.state)))
        elif sign in b"{":
            yield from self._spell_graces()
        elif sign in b"~":
            return (yield from self._spell_roll())
        elif sign in b".":
            first = yield first_bytes_of(self.pitches(self.state))
            return (yield from self._spell_note(first, self.staccato(self.state)))
        elif sign in b"[":
            return (yield from self._bracket())
        else:
            return (yield from self._spell_note(first, self.lengths(self.state)))
        return (yield self.starts(self.state))

    def _spell_length(self, lengths: Lengths, pitch: bytes = b"") -> _Token:
        """Allow one of the lengths with its sign, and move on; returns the first byte of the next token."""
        written = b""
        while True:
            signs = lengths.get(written, {})
            longer = next_bytes(lengths, written)
            mask = allow(frozenset(longer | {sign[0] for sign in signs if sign}))
            if b"" in signs:
                mask = mask | self.starts(signs[b""]._replace(bar=self.state.bar))
            byte = yield mask
            if byte in longer:
                written += bytes([byte])
                continue
            return (yield from self._sign(byte, signs, pitch))

    def _sign(self, byte: int, signs: dict[bytes, State], pitch: bytes) -> _Token:
        sign = bytes([byte])
        if sign not in signs and sign * 2 not in signs:
            self.state = signs[b""]._replace(bar=self.state.bar)
            return byte
        if sign == b"-":
            self.state = signs[sign]._replace(tied=pitch, bar=self.state.bar)
            return (yield self.starts(self.state))
        once = self.starts(signs[sign]._replace(bar=self.state.bar)) if sign in signs else allow(b"")
        second = yield once | (allow(sign) if sign * 2 in signs else allow(b""))
        doubled = second == byte and sign * 2 in signs
        self.state = signs[sign * 2 if doubled else sign]._replace(bar=self.state.bar)
        return (yield self.starts(self.state)) if doubled else second

    def _spell_note(self, first: int, lengths: Lengths) -> _Token:
        pitch = yield from self._spell_pitch(first, self.pitches(self.state))
        return (yield from self._spell_length(lengths, pitch))

    def _spell_pitch(self, first: int, pitches: dict[bytes, tuple[str, int]]) -> Generator[Allowed, int, bytes]:
        """Allow one of the pitches, whose first byte is written, and note its accidental."""
        written = bytes([first])
        while written not in pitches:
            written += bytes([(yield allow(frozenset(next_bytes(pitches, written))))])
        self._note_accidental(written)
        return written

    def _note_accidental(self, pitch: bytes) -> None:
        self.state = self.state._replace(bar=raised_by(pitch, self.state.bar))

    def _bracket(self) -> _Token:
        """Allow a chord with its length, or an inline field."""
        state = self.state
        if state.tied:
            yield from literal(state.tied[1:])
            return (yield from self._spell_length(self.lengths(state), state.tied))
        sound = self.music.sounds[state.sound_index]
        chord = len(sound.pitches) > 1 and not self.gap(state) and self.has_lengths(state)
        fields = self.changes(state)
        left = list(sound.pitches) if chord else []
        first = yield self._chord_notes(left, sound) | allow(frozenset(text[0] for text in fields))
        if bytes([first]) in b"KM":
            return (yield from self._spell_field(first, fields))
        lengths, written = self.lengths(state), b"["
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

    def _spell_field(self, first: int, fields: list[bytes]) -> _Token:
        letter = bytes([first])
        value = yield from choice(frozenset(text[1:] for text in fields if text[:1] == letter))
        text = value[1:-1].decode()
        if letter == b"K":
            self.state = self.state._replace(key=signature(key_sharps(text)), bar={})
        else:
            self.chords.begin_meter(text)
        self.state = self.state._replace(fields=self.state.fields + letter)
        return (yield self.starts(self.state))

    def _parenthesis(self) -> _Token:
        """Allow a tuplet, or a slur."""
        state, tuplets = self.state, self.tuplets(self.state)
        slur = state._replace(slurs=state.slurs + 1, opened=True)
        numbers: tuple[int, ...] = ()
        while True:
            count = len(numbers)
            digits = {longer[count] for longer in tuplets if longer[:count] == numbers and len(longer) > count}
            if not numbers:
                byte = yield allow(frozenset(ord(str(digit)) for digit in digits)) | self.starts(slur)
                if byte - ord("0") not in digits:
                    self.state = slur
                    return byte
                numbers = (byte - ord("0"),)
                continue
            after = tuplets.get(numbers)
            byte = yield allow(b":" if digits else b"") | (self.starts(after) if after else allow(b""))
            if byte != ord(":"):
                assert after is not None
                self.state = after
                return byte
            digit = yield allow(frozenset(ord(str(digit)) for digit in digits))
            numbers = (*numbers, digit - ord("0"))

    def _spell_graces(self) -> Steps:
        """Allow what follows an opening brace, up to the closing one."""
        first = yield first_bytes_of(self.pitches(self.state)) | allow(b"/")
        if first == ord("/"):
            first = yield first_bytes_of(self.pitches(self.state))
        depth = 0
        while first != ord("}"):
            lengths, written = self.takes_graces(self.state, depth), b""
            yield from self._spell_pitch(first, self.pitches(self.state))
            while True:
                longer = next_bytes(lengths, written)
                ends = self._after_grace(written, lengths, depth + 1)
                first = yield allow(frozenset(longer)) | ends
                if first not in longer:
                    break
                written += bytes([first])
            self.state = lengths[written]._replace(bar=self.state.bar)
            depth += 1

    def _after_grace(self, written: bytes, lengths: dict[bytes, State], depth: int) -> Allowed:
        """What may follow a grace note whose length ends here: another one, or the closing brace."""
        if written not in lengths:
            return allow(b"")
        state = lengths[written]._replace(bar=self.state.bar)
        more = first_bytes_of(self.pitches(state)) if self.takes_graces(state, depth) else allow(b"")
        return more | allow(b"}" if self.ends_graces(state) else b"")

    def _spell_roll(self) -> _Token:
        rolls = self.rolls(self.state)
        first = yield first_bytes_of(rolls)
        pitch = yield from self._spell_pitch(first, dict.fromkeys(rolls, ("", 0)))
        return (yield from self._spell_length(rolls[pitch]))


def _only(options: frozenset[bytes], wanted: set[str]) -> frozenset[bytes]:
    """The wanted ones of the options; all of them if none is wanted."""
    return options & {text.encode() for text in wanted} or options
