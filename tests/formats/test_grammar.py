"""Whatever a grammar lets through can be read, and what the shipped model learned from is let through."""

import random

import numpy as np
import pytest
from helpers.grammars import accepts, walk
from helpers.midi_files import file_of

from bytesim.formats import abc, midi
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.formats.grammar import ANYTHING, Grammar, choice
from bytesim.formats.midi.grammar import midi_grammar
from bytesim.oracles.abcmidi import label_many
from bytesim.patching import END_OF_PATCH

TUNE = b"X:1\nM:6/8\nL:1/8\nK:Edor\n"


@pytest.mark.parametrize("seed", range(40))
def test_any_midi_file_the_grammar_lets_through_parses(seed):
    rng = random.Random(seed)
    # Towards an end: short numbers, note-offs while notes sound, then FF 2F.
    ending = [END_OF_PATCH, 0x2F, *range(0x80, 0x90), 0xFF, 0]
    written = walk(midi_grammar(), rng, 400, ending)
    mended, _ = midi.mend_track_lengths(written)
    midi.notes(mended)
    assert accepts(midi_grammar(), written) is None


@pytest.mark.parametrize("seed", range(80))
def test_any_tune_the_grammar_lets_through_has_a_canonical_form(seed):
    written = walk(abc_grammar(), random.Random(seed), 120, [END_OF_PATCH, *b"\n}]|A"])
    abc.canonical(abc.parse(written.decode("ascii")))
    assert accepts(abc_grammar(), written) is None


def test_abc2midi_plays_what_the_grammar_lets_through():
    # No chord symbols, which abc2midi refuses in bars that are too short, and no keys, which change the pitch of a tie.
    plain = b"ABCDEFGabcdefgz23|-<>{}[]().~TH/LM:"
    tunes = []
    for seed in range(150):
        rng, grammar, written = random.Random(seed), abc_grammar(), bytearray()
        for token in b"X:1\nM:4/4\nL:1/8\nK:C\n":
            grammar.advance(token)
            written.append(token)
        while written[-1:] != b"\n" or len(written) < 60:
            allowed = [token for token in plain if grammar.allowed[token]] or list(np.flatnonzero(grammar.allowed))
            ending = [token for token in b"\n|]}[A" if grammar.allowed[token]] if len(written) > 60 else []
            token = int(ending[0] if ending and rng.random() < 0.7 else rng.choice(allowed))
            grammar.advance(token)
            written.append(token)
        tunes.append(written.decode("ascii"))
    played = list(label_many(tunes))
    assert [tune for tune, label in zip(tunes, played, strict=True) if label is None] == []


@pytest.mark.parametrize(
    "body",
    [
        b"A2B2|",
        b"^^A,,3/2__b''/[CEG]4|\n"[:-1],
        b'"Am7/g"{cde}(3ABc(5:4:5abcde|z4||x2|',
        b"A>Bc<<d|(EE)>G|~A.BTcHd-|d4|{/g}a{/ga}b|",
        b"^c'2-|c'4-|^c'|A3/2>{cd}B3/2|(3A/B/c/(3:2:2AB(2AB|A>-A|[AC]-[AC]2>B2|",
        b"[K:D][M:3/4][L:1/16]A//B/16c16/32|",
    ],
)
def test_canonical_tunes_are_let_through(body):
    assert accepts(abc_grammar(), TUNE + body + b"\n") is None


@pytest.mark.parametrize(
    ("tune", "offset"),
    [
        (b"X:2\n", 2),
        (b"X:1\nM:0/4\n", 6),
        (TUNE + b"|\n", 24),
        (TUNE + b"A\n", 24),
        (TUNE + b"A||\n", 26),
        (TUNE + b"A[]|\n", 25),
        (TUNE + b"A\xff|\n", 24),
        (TUNE + b"A|\n\n", 26),
        (TUNE + b"A|", 25),
        (TUNE + b"^A-|B|\n", 27),
        (TUNE + b"^A,-|=A|\n", 28),
        (TUNE + b"A-|\n", 26),
        (TUNE + b"A-z|\n", 25),
        (TUNE + b"A>B2|\n", 26),
        (TUNE + b"A3/2<B|\n", 29),
        (TUNE + b"(3AB(3c|\n", 28),
        (TUNE + b"A'|\n", 24),
        (TUNE + b"~|\n", 24),
        (TUNE + b"~[AC]|\n", 24),
        (TUNE + b"A-[Ac]|\n", 26),
        (TUNE + b"A-{c}A|\n", 25),
        (TUNE + b"A>(3BBB|\n", 26),
        (TUNE + b"(3ABc>d|\n", 28),
        (TUNE + b"((3ABc)>d|\n", 30),
        (TUNE + b"A(3)>Bcd|\n", 27),
        (TUNE + b")>A|\n", 24),
        (TUNE + b"~{c}A|\n", 24),
        (TUNE + b'H"G"A|\n', 24),
        (TUNE + b"{c}{d}A|\n", 26),
        (TUNE + b"{c}~A|\n", 26),
        (TUNE + b"A>.B|\n", 25),
        (TUNE + b"A>B>c|\n", 26),
        (TUNE + b".A-A|\n", 25),
        (TUNE + b"HA>B|\n", 25),
        (TUNE + b"z>-A|\n", 25),
        (TUNE + b"A-~A|\n", 25),
        (TUNE + b"A>[L:1/4]A|\n", 26),
        (TUNE + b"[CE]-[CG]|\n", 30),
        (TUNE + b"[CE]-C|\n", 28),
        (TUNE + b"A/3|\n", 26),
        (TUNE + b'"Gx"A|\n', 25),
        (TUNE + b'"7"A|\n', 24),
        (TUNE + b"(3AB|\n", 28),
        (TUNE + b"HHA|\n", 24),
        (TUNE + b"~T~A|\n", 24),
    ],
)
def test_what_no_tune_may_hold_is_kept_out(tune, offset):
    assert accepts(abc_grammar(), tune) == offset


@pytest.mark.parametrize("seed", range(30))
def test_a_file_that_is_told_to_end_ends_soon_and_parses(seed):
    for make, check in ((abc_grammar, check_abc), (midi_grammar, check_midi)):
        rng, grammar, written = random.Random(seed), make(), bytearray()
        for _ in range(60 + rng.randrange(60)):
            allowed = np.flatnonzero(grammar.allowed[:256])
            common = [token for token in allowed if token in b"ABc|2->(3z[]{}\x90\x80\x00\x60"]
            written.append(int(rng.choice(common or list(allowed))))
            grammar.advance(written[-1])
        grammar.ending.wanted = True
        for _ in range(300):
            token = int(rng.choice(list(np.flatnonzero(grammar.allowed))))
            grammar.advance(token)
            if token == END_OF_PATCH:
                break
            written.append(token)
        else:
            raise AssertionError("it goes on")
        check(bytes(written))


def check_abc(data: bytes) -> None:
    abc.canonical(abc.parse(data.decode("ascii")))


def check_midi(data: bytes) -> None:
    midi.notes(midi.mend_track_lengths(data)[0])


def test_a_midi_file_is_let_through_up_to_where_it_is_damaged():
    data = file_of("00 90 3c 50 83 60 80 3c 00 00 ff 2f 00")
    assert accepts(midi_grammar(), data) is None
    assert accepts(midi_grammar(), data[:-1]) == len(data) - 1
    assert accepts(midi_grammar(), data + b"\0") == len(data)
    cut = data.index(b"\x90<")
    assert accepts(midi_grammar(), data[:cut] + b"\x80" + data[cut + 1 :]) == cut  # a note-off of no note


def test_after_a_byte_that_does_not_fit_anything_goes():
    grammar = abc_grammar()
    grammar.advance(0)
    assert grammar.allowed is ANYTHING
    grammar.advance(1)
    assert grammar.allowed is ANYTHING


def test_a_choice_is_over_when_an_option_is_whole():
    grammar = Grammar(choice(frozenset({b"ab", b"cd"})))
    assert [token for token in range(257) if grammar.allowed[token]] == [*b"ac"]
    grammar.advance(ord("c"))
    assert [token for token in range(257) if grammar.allowed[token]] == [*b"d"]
