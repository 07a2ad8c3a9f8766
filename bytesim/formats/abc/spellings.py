"""Ways to write a pitch, a length and a chord symbol in ABC, by the rules of abc2midi.

Source: the ABC standard 2.1, section 4. The rules for accidentals and chord symbols were found by running abc2midi.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import cache, lru_cache

from bytesim.clocks.keys import ACCIDENTALS, MIDDLE_C, NATURALS

MAX_OCTAVE_MARKS = 4

Accidentals = Mapping[str, int]
"""Letter C to B -> semitones by which it is raised."""


def spell_pitch(pitch: int, key: Accidentals, bar: Accidentals) -> dict[bytes, tuple[str, int]]:
    """Every way to write a MIDI pitch: text -> (letter, semitones by which it is raised there).

    `bar` holds the accidentals written in the bar so far; like abc2midi, they count in all octaves.
    """
    spelled: dict[bytes, tuple[str, int]] = {}
    for letter, raised, sign, plain in _names(pitch):
        if bar.get(letter, key.get(letter, 0)) == raised:
            spelled[plain] = letter, raised
        spelled[sign + plain] = letter, raised
    return spelled


@cache
def _names(pitch: int) -> list[tuple[str, int, bytes, bytes]]:
    """(letter, semitones by which it is raised, sign of that, letter with octave marks) of the ways to name a pitch."""
    names = []
    for letter, natural in NATURALS.items():
        for sign, raised in ACCIDENTALS.items():
            octave, rest = divmod(pitch - raised - natural - MIDDLE_C, 12)
            if rest == 0 and -MAX_OCTAVE_MARKS <= octave <= MAX_OCTAVE_MARKS + 1:
                names.append((letter, raised, sign.encode(), _with_octave(letter, octave).encode()))
    return names


def _with_octave(letter: str, octave: int) -> str:
    """A letter `octave` octaves above the one of middle C."""
    return letter + "," * -octave if octave <= 0 else letter.lower() + "'" * (octave - 1)


def neighbours(letter: str, pitch: int, raised: int, key: Accidentals) -> tuple[int, int]:
    """(upper, lower) neighbour of a note in the key, which a roll plays."""
    letters = list(NATURALS)
    index = letters.index(letter)
    base = pitch - raised - NATURALS[letter]
    above, below = letters[(index + 1) % 7], letters[index - 1]
    upper = base + NATURALS[above] + key.get(above, 0) + (12 if above == "C" else 0)
    lower = base + NATURALS[below] + key.get(below, 0) - (12 if letter == "C" else 0)
    return upper, lower


@lru_cache(maxsize=1 << 12)
def spell_length(value: Fraction) -> tuple[bytes, ...]:
    """Every way to write a length in units of `L:`; empty for a length that abc2midi cannot read."""
    count, parts = value.numerator, value.denominator
    if not 0 < count <= 99 or parts not in (1, 2, 4, 8, 16, 32):
        return ()
    number = "" if count == 1 else str(count)
    texts = [number] if parts == 1 else [f"{number}/{parts}", *{2: [f"{number}/"], 4: [f"{number}//"]}.get(parts, [])]
    return tuple(text.encode() for text in texts)


# --- chord symbols -----------------------------------------------------------------------------

_BASS_C, _CHORD_C = 36, 48
KINDS = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "M7": (0, 4, 7, 11),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "9": (0, 4, 7, 10, 14),
    "m9": (0, 3, 7, 10, 14),
    "maj9": (0, 4, 7, 11, 14),
    "11": (0, 4, 7, 10, 14, 17),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "aug": (0, 4, 8),
    "+": (0, 4, 8),
    "sus": (0, 5, 7),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
}
"""Kind of a chord symbol -> its notes, in semitones above the root."""
Harmony = tuple[int, frozenset[int]]
"""(pitch of the bass, pitches of the chord) that abc2midi plays for a chord symbol."""


@cache
def chord_symbols() -> dict[bytes, Harmony]:
    """Chord symbol, with its closing quotation mark -> what abc2midi plays for it."""
    roots = {f"{letter}{sign}": NATURALS[letter] + raised for letter in "ABCDEFG" for sign, raised in _SIGNS}
    symbols: dict[bytes, Harmony] = {}
    for root, tone in roots.items():
        for kind, steps in KINDS.items():
            notes = [_CHORD_C + tone + step for step in steps]
            symbols[f'{root}{kind}"'.encode()] = _BASS_C + tone, frozenset(notes)
            for bass, low in roots.items():
                if bass == "Cb":  # abc2midi leaves this bass out
                    continue
                harmony = _BASS_C + low, frozenset(_inverted(notes, low))
                for spelled in (bass, bass[0].lower() + bass[1:]):
                    symbols[f'{root}{kind}/{spelled}"'.encode()] = harmony
    return symbols


_SIGNS = (("", 0), ("#", 1), ("b", -1))


def _inverted(notes: list[int], bass: int) -> list[int]:
    """The notes with those below the bass note an octave higher, if the bass is one of them."""
    index = next((index for index, note in enumerate(notes) if (note - bass) % 12 == 0), 0)
    return [*notes[index:], *(note + 12 for note in notes[:index])]
