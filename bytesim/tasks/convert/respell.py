"""Correct single notes of ABC that plays other notes than a MIDI file: accidental, octave mark or length.

Each round plays the tune, takes the first wrong note, writes the token there in other ways and keeps the closest one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from bytesim.clocks import make_clock
from bytesim.errors import FormatError
from bytesim.formats import abc, midi
from bytesim.formats.abc.spellings import spell_length, spell_pitch
from bytesim.formats.abc.tokens import tokens_of
from bytesim.metrics import NoteKey, note_counts, note_f1
from bytesim.oracles.abcmidi import label_many

MOST_ROUNDS = 12
"""Most notes that are corrected; an answer with more wrong ones is wrong as a whole."""
_NOTE = re.compile(r"(?:\^\^|__|[\^_=])?[A-Ga-g][,']*")


def respell(source: bytes, text: str, title: str | None, bpm: float | None) -> tuple[bytes, int]:
    """(the tune, laid out again, closer to the notes of `source`; number of notes corrected).

    `source` is a MIDI file in the model's layout, `text` the ABC that was written for it.
    """
    want = midi.notes(source)
    best, rounds = abc.canonical(abc.parse(text)).text, 0
    score = _scores([best], want)[0]
    while score < 1.0 and rounds < MOST_ROUNDS:
        others = list(dict.fromkeys(_rewritten(best, want)))
        scores = _scores(others, want)
        if not others or max(scores) <= score:
            break
        score, rounds = max(scores), rounds + 1
        best = others[scores.index(score)]
    return abc.layout(best, title=title, bpm=bpm).encode("utf-8"), rounds


def _scores(texts: list[str], want: list[midi.Note]) -> list[float]:
    return [0.0 if played is None else note_f1(want, midi.notes(played)) for played in label_many(texts)]


def _rewritten(text: str, want: list[midi.Note]) -> Iterator[str]:
    """The tune with the token at its first wrong note written in other ways that stay canonical."""
    played = next(iter(label_many([text])))
    if played is None:
        return
    expected, written = note_counts(want), note_counts(midi.notes(played))
    missing, surplus = expected - written, written - expected
    if not missing and not surplus:
        return
    first = min((*missing, *surplus))[0]
    pitches = {pitch for onset, pitch, _ in missing if onset == first}
    for start, end, offset, token in _timed_tokens(text):
        if start <= first < end:
            for other in _others(token, pitches, missing, first, end - start):
                changed = f"{text[:offset]}{other}{text[offset + len(token) :]}"
                if _is_canonical(changed):
                    yield changed


def _timed_tokens(text: str) -> Iterator[tuple[int, int, int, str]]:
    """(start, end in ticks, offset in the text, token) of each note and rest."""
    clock = make_clock("abc")
    body = len(text) - len(text.split("\n", 4)[4])
    clock.follow(text[:body].encode())
    for token in tokens_of(text[body:]):
        start = clock.now[0]
        clock.follow(token.text.encode())
        if token.kind in ("note", "rest"):
            yield start, clock.now[0], body + token.offset, token.text


def _others(token: str, pitches: set[int], missing: dict[NoteKey, int], first: object, ticks: int) -> Iterator[str]:
    """Other ways to write a note or rest: with each missing pitch, with its length or another one."""
    pitch = _NOTE.match(token)
    length = token[pitch.end() :] if pitch else token[1:]
    spelled = {text.decode() for number in pitches for text in spell_pitch(number, {}, {})}
    spelled |= {pitch.group()} if pitch else set()
    lengths = {length}
    unit = _units(length)
    for onset, _, duration in missing:
        if onset == first and ticks:
            value = unit * (duration + 1) / ticks
            lengths |= {text.decode() for text in spell_length(value)}
    for name in sorted(spelled or {"z"}):
        for written in sorted(lengths):
            if name + written != token:
                yield name + written


def _units(length: str) -> Fraction:
    number, slashes, parts = re.fullmatch(r"(\d*)(/*)(\d*)", length).groups()  # type: ignore[union-attr]
    return Fraction(int(number or 1), int(parts) if parts else 2 ** len(slashes))


def _is_canonical(text: str) -> bool:
    try:
        return abc.canonical(abc.parse(text)).text == text
    except FormatError:
        return False
