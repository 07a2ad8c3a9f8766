"""ABC with given notes, written without a model: every note with its length, a bar line at each full bar.

It offers nothing that `source_choices` does not, so abc2midi plays the notes of the file; what it lacks is taste.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bytesim.clocks.keys import key_sharps, signature
from bytesim.errors import FormatError
from bytesim.formats.abc.canonical import canonical
from bytesim.formats.abc.heard import heard
from bytesim.formats.abc.source_choices import Choices, keys_of, raised_by
from bytesim.formats.abc.source_harmony import WHOLE, Accompaniment, time_of_bar
from bytesim.formats.abc.source_lengths import Lengths
from bytesim.formats.abc.source_state import State
from bytesim.formats.abc.spellings import spell_pitch
from bytesim.formats.abc.tune import parse

_UNIT = 8
"""Unit notes of `L:` in a whole note."""
_COMMON_METER = "4/4"
MOST_SOUNDS = 4096
"""Most notes and chords; longer tunes have more characters than `parse` reads."""


def write_plain(data: bytes) -> str | None:
    """Canonical ABC that sounds like a file that `to_model_form` made; None if ABC cannot, or if it is too long.

    Raises FormatError for a file that does not parse.
    """
    music = heard(data)
    if music is None or not 0 < len(music.sounds) <= MOST_SOUNDS or len(music.keys) + len(music.meters) > MOST_SOUNDS:
        return None
    meter = next((meter for time, meter in music.meters if time == 0), _COMMON_METER)
    key = _major(next((sharps for time, sharps in music.keys if time == 0), 0))
    state = State(unit=WHOLE // _UNIT, key=signature(key_sharps(key)), bar={})
    bar = time_of_bar(meter)
    writer = _PlainWriter(music=music, state=state, bar_time=bar, triple=int(meter.split("/")[0]) % 3 == 0)
    # The accompaniment begins with a bar, so what is before it may be a pickup.
    pickup = next((beat.start for beat in music.beats if beat.bass is not None), 0) % bar
    writer.bar_start = pickup - bar if pickup else 0
    writer.chords = Accompaniment(music.beats, meter, bar_start=writer.bar_start)
    try:
        text = f"X:1\nM:{meter}\nL:1/{_UNIT}\nK:{key}\n{''.join(writer.tokens())}|\n"
        return canonical(parse(text)).text
    except (FormatError, _StuckError):
        return None


class _StuckError(Exception):
    """No token has the right sound."""


@dataclass(kw_only=True)
class _PlainWriter(Choices):
    state: State
    bar_time: int
    bar_start: int = 0
    ends: frozenset[bytes] = field(default=frozenset((b"", b"-")))

    def tokens(self) -> Iterator[str]:
        """The tokens of the body, without the last bar line."""
        while self.state.sound_index < len(self.music.sounds) or self.gap(self.state):
            yield from self._before_item()
            state = self.state
            lengths = self.rests(state) if self.gap(state) else self.lengths(state)
            if not any(sign in self.ends for signs in lengths.values() for sign in signs):
                yield self._tuplet()
            elif self.gap(state):
                yield "z" + self._length(lengths)
            else:
                yield self._sound(lengths)

    def _before_item(self) -> Iterator[str]:
        """Bar line, changes of meter and key, and chord symbol, where they are due."""
        now = self.state.now
        if self.chords.missing(now) == "|" or now - self.bar_start >= self.bar_time:
            self.chords.begin_bar(now)
            self.bar_start = now
            self.state = self.state._replace(bar={})
            yield "|"
        free = not self.state.left and not self.state.tied
        changes = self.changes(self.state) if free else []
        for change in sorted({text[:1]: text for text in sorted(changes, key=len, reverse=True)}.values()):
            yield from self._field(change.decode())
        if self.chords.missing(now) == '"':
            yield f'"{self.chords.write_symbol(now).decode()}'

    def _field(self, text: str) -> Iterator[str]:
        value = text[2:-1]
        if text[0] == "M":
            self.bar_time, self.bar_start = time_of_bar(value), self.state.now
            self.chords.begin_meter(value)
        else:
            value = _major(key_sharps(value))
            self.state = self.state._replace(key=signature(key_sharps(value)), bar={})
        self.state = self.state._replace(fields=self.state.fields + text[:1].encode())
        yield f"[{text[0]}:{value}]"

    def _tuplet(self) -> str:
        """A tuplet for the next notes: the one of most notes that is written with the fewest numbers."""
        tuplets = self.tuplets(self.state)
        if not tuplets:
            raise _StuckError
        numbers = min(tuplets, key=lambda numbers: (len(numbers), -tuplets[numbers].left, numbers))
        self.state = tuplets[numbers]
        return "(" + ":".join(map(str, numbers))

    def _sound(self, lengths: Lengths) -> str:
        state = self.state
        if state.tied:
            pitch = state.tied if state.tied[:1] == b"[" else state.tied.lstrip(b"^_=")
        else:
            pitches = self.music.sounds[state.sound_index].pitches
            notes = b"".join(map(self._pitch, pitches))
            pitch = notes if len(pitches) == 1 else b"[" + notes + b"]"
        return pitch.decode() + self._length(lengths, pitch)

    def _pitch(self, pitch: int) -> bytes:
        """The shortest spelling: without an accidental, else as the key does, in sharps or flats."""
        state = self.state
        wanted = b"_" if -1 in state.key.values() else b"^"
        spelled = spell_pitch(pitch, state.key, state.bar)
        if not spelled:  # a pitch that is lower or higher than abc2midi reads
            raise _StuckError
        text = min(spelled, key=lambda text: (text[:1] in b"^_=", text[:1] in b"^_" and text[:1] != wanted, text))
        self.state = state._replace(bar=raised_by(text, state.bar))
        return text

    def _length(self, lengths: Lengths, pitch: bytes = b"") -> str:
        """The longest length that ends with the bar or before, with `-` if the note goes on."""
        ends = self.bar_start + self.bar_time
        options = [
            (after.now <= ends or not self.state.now < ends, after.now, sign == b"", -len(text), text, sign)
            for text, signs in lengths.items()
            for sign, after in signs.items()
            if sign in self.ends
        ]
        *_, text, sign = max(
            options, key=lambda option: (option[0], option[1] if option[0] else -option[1], *option[2:4])
        )
        bar = self.state.bar
        self.state = lengths[text][sign]._replace(bar=bar, tied=pitch if sign else b"")
        return (text + sign).decode()


def _major(sharps: int) -> str:
    """The major key with this signature."""
    return min((text.decode().strip() for text in keys_of(sharps)), key=lambda key: (len(key), key))
