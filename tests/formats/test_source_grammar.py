"""Whatever is chosen in the grammar of a MIDI file's notes, abc2midi plays that file."""

import hashlib
import random
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from helpers.midi_files import scores
from hypothesis import given, settings

from bytesim.clocks.keys import key_sharps, signature
from bytesim.formats import abc, midi
from bytesim.formats.abc.plain import write_plain
from bytesim.formats.abc.source_grammar import SourceGrammar, source_grammar
from bytesim.formats.abc.source_harmony import WHOLE
from bytesim.formats.abc.source_state import State, scaled
from bytesim.formats.abc.spellings import chord_symbols, neighbours, spell_length, spell_pitch
from bytesim.formats.midi.layout import render
from bytesim.formats.midi.normal import to_model_form
from bytesim.metrics import note_counts
from bytesim.oracles.abcmidi import label_many, render_abc2midi
from bytesim.patching import END_OF_PATCH

HEAD = "X:1\nM:{}\nL:1/8\nK:{}\n"
TUNES = {
    "plain": HEAD.format("4/4", "D") + "DFAd fdAF|GBAG FAD2|",
    "flats and accidentals": HEAD.format("3/4", "Bb") + "B2^c=d _e2|=e2 f^f g2|B,6|",
    "broken rhythm": HEAD.format("4/4", "Amin") + "A>B c<d e>>f g<<a|A>z e4 z2|",
    "ties": HEAD.format("6/8", "G") + "G3-G2A|B2c-c3-|c6|^F3-|F3|",
    "tuplets": HEAD.format("4/4", "C") + "(3CDE (3F2G2A2 Bc|(5cdefg c4|(3:2:2A2B c6|",
    "grace notes": HEAD.format("6/8", "Amix") + "{g}A3 {ef}e2d|{gfe}c3 A>{c}BA|",
    "rolls": HEAD.format("6/8", "Ddor") + "~A3 ~d2e|B2~B ~f3|",
    "staccato": HEAD.format("2/4", "F") + ".A.A .f2|F4|",
    "chords": HEAD.format("4/4", "C") + "[CEG]2 [GEC]2 [ce]>[df] c2|[CE]4-[CE]2 z2|",
    "chord symbols": HEAD.format("6/8", "G") + '"G"G2B "C"c2e|"D7/F#"d2A "G"B3|"Am"A6|',
    "accompaniment after the melody": HEAD.format("4/4", "D") + 'A2|"D"d2 A2 "A7"A4|"D"d4 z4|',
    "changes": HEAD.format("4/4", "G") + "GABc d4|[K:Fmin][M:3/4]F2 A2 c2|=A6|",
}


def written(grammar: SourceGrammar, seed: int) -> bytes:
    """A tune of random choices; slurs, ties, bar lines and short lengths are rarer than other tokens."""
    rng = np.random.default_rng(seed)
    data = bytearray()
    while not grammar.allowed[END_OF_PATCH]:
        tokens = np.flatnonzero(grammar.allowed)
        weights = np.where(np.isin(tokens, list(b"(-|/")), 0.1, 1.0)
        if len(data) < 16:  # 4 to 16 notes to the whole note, as tunes have
            weights = np.where(np.isin(tokens, list(b"48")), 1.0, 0.01)
        token = int(rng.choice(tokens, p=weights / weights.sum()))
        grammar.advance(token)
        data.append(token)
        assert not grammar.lifted, data
        assert len(data) < 4000
    return bytes(data)


@pytest.mark.parametrize("kind", TUNES)
def test_every_way_through_the_grammar_plays_the_file(kind):
    source = to_model_form(render_abc2midi(TUNES[kind]).midi)[0]
    make = source_grammar(source)
    assert make is not None
    texts = [written(make(), seed).decode() for seed in range(6)]
    wanted = note_counts(midi.notes(source))
    for text, played in zip(texts, label_many(texts), strict=True):
        assert played is not None, text
        assert note_counts(midi.notes(played)) == wanted, text
    assert len(set(texts)) > 1


@pytest.mark.parametrize("kind", TUNES)
def test_without_a_model_the_notes_are_written_plainly(kind):
    source = to_model_form(render_abc2midi(TUNES[kind]).midi)[0]
    text = write_plain(source)
    assert note_counts(midi.notes(render_abc2midi(text).midi)) == note_counts(midi.notes(source)), text


ODD_TUNES = {
    "off the ticks": HEAD.format("4/4", "C") + "(7cdefgab c2|(9cdefgabcd e2|(5A>Bc2d|",
    "rare tuplets": HEAD.format("4/4", "C")
    + "(4cdef (2ga|(6cdefga (8cdefgabc'|(3:2:4cdef {ef}(3A2B2c2|(5c/d/e/f/g/ a4|",
    "odd lengths": HEAD.format("2/4", "E") + "[ce]7-[ce]9 d[ce]2-[ce]|{c/d/}efg z13|c/4>d/4 A/4B/4c3/4d e17/4|",
}
"""Tunes that few ways through their grammar complete, or none."""
WALKS = {
    "plain": "212f581c1979dc49",
    "flats and accidentals": "06ebb2d536f38f55",
    "broken rhythm": "62887e65bcd7414a",
    "ties": "a0f0caa1fb016f4a",
    "tuplets": "6e1012b10fa4fd6a",
    "grace notes": "25cc036447d59ed2",
    "rolls": "6c2829b61700c438",
    "staccato": "89efac968bb61bf0",
    "chords": "b251ef36ce310de2",
    "chord symbols": "1d230ebdac8b78a4",
    "accompaniment after the melody": "1bf69ce2e3f44a90",
    "changes": "4519ad4e79edaa1d",
    "off the ticks": "f10c02c55e9ac899",
    "rare tuplets": "6ef3fea2c59999cc",
    "odd lengths": "0f12daef84df23ab",
}
"""Kind of tune -> digest of what may come next along random ways, as recorded when times were still fractions."""


def masks(grammar: SourceGrammar, beginning: bytes, seed: int) -> bytes:
    """The tokens that may come next at each step of a beginning and of 200 random choices after it."""
    rng = random.Random(seed)
    steps = bytearray()
    for offset in range(len(beginning) + 200):
        steps += np.packbits(grammar.allowed).tobytes() + bytes([grammar.lifted])
        tokens = np.flatnonzero(grammar.allowed)
        grammar.advance(beginning[offset] if offset < len(beginning) else int(tokens[int(rng.random() * len(tokens))]))
    return bytes(steps)


@pytest.mark.parametrize("kind", WALKS)
def test_what_may_come_next_is_as_recorded(kind):
    tune = (TUNES | ODD_TUNES)[kind]
    make = source_grammar(to_model_form(render_abc2midi(tune).midi)[0])
    text = abc.canonical(abc.parse(tune)).text.encode()
    head = text.index(b"\n", text.index(b"K:")) + 1
    ends = [head + (len(text) - head) * part // 8 for part in range(8)]
    walks = [masks(make(), text[:end], seed) for seed, end in enumerate(ends)]
    assert hashlib.sha256(b"".join(walks)).hexdigest()[:16] == WALKS[kind]


@pytest.mark.parametrize("notes", range(2, 10))
def test_the_time_of_every_note_and_grace_note_is_exact(notes):
    broken = [Fraction(quarters, 4) for quarters in (1, 2, 4, 6, 7)]
    for parts, time, factor, count in product((2, 4, 8, 16, 32), range(2, 5), broken, (1, 99)):
        value, tuplet = Fraction(count, 32), Fraction(time, notes)
        state = State(unit=WHOLE // parts, key={}, bar={}, left=1, factor=tuplet, broken=factor)
        assert scaled(state.per_unit, value) == Fraction(WHOLE, parts) * tuplet * factor * value
        assert scaled(state.grace, value) == Fraction(WHOLE, parts) * tuplet / 4 * value


@given(scores())
@settings(max_examples=25)
def test_any_chords_are_written_plainly_or_not_at_all(score):
    source = midi.serialize(render(*score, stress=True))
    text = write_plain(source)
    if text is not None and max(len(chord.members) for chord in score[0]) == 1:
        assert note_counts(midi.notes(render_abc2midi(text).midi)) == note_counts(midi.notes(source)), text


def test_notes_that_overlap_have_no_grammar():
    overlapping = to_model_form(render_abc2midi(HEAD.format("4/4", "C") + "[A-F]A B2|").midi)[0]
    assert source_grammar(overlapping) is None


def test_a_token_that_does_not_fit_lifts_the_notes_and_keeps_the_canonical_form():
    grammar = source_grammar(to_model_form(render_abc2midi(TUNES["plain"]).midi)[0])()
    for byte in b"X:1\nM:4/4\nL:1/8\nK:D\nE":
        grammar.advance(byte)
    assert grammar.lifted
    assert grammar.allowed[ord("F")]
    assert not grammar.allowed[ord("}")]


def test_pitches_are_spelled_by_key_and_accidentals_of_the_bar():
    assert b"F" in spell_pitch(66, signature(1), {})
    assert b"F" not in spell_pitch(66, signature(1), {"F": 0})
    assert b"^f'" in spell_pitch(90, {}, {})
    assert b"C,," in spell_pitch(36, {}, {})


def test_keys_lengths_rolls_and_chord_symbols_follow_abc2midi():
    assert [key_sharps(key) for key in ("D", "Amin", "Ebdor", "F#", "Gmix")] == [2, 0, -5, 6, 0]
    assert spell_length(Fraction(1)) == (b"",)
    assert b"3/" in spell_length(Fraction(3, 2))
    assert neighbours("B", 71, 0, signature(2)) == (73, 69)
    assert chord_symbols()[b'D7/F#"'] == (42, frozenset({54, 57, 60, 62}))
