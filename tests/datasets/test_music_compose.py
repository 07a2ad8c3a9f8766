"""Composed tunes are canonical, abc2midi takes them, and the rare signs are there."""

import random

from helpers.grammars import accepts

from bytesim.datasets.music.compose import compose
from bytesim.formats import abc
from bytesim.formats.abc.grammar import abc_grammar
from bytesim.oracles.abcmidi import label_many

TUNES = [compose(random.Random(seed)) for seed in range(120)]


def test_composed_tunes_are_canonical_and_within_the_grammar():
    for text in TUNES:
        assert abc.canonical(abc.parse(text)).text == text
        assert accepts(abc_grammar(), text.encode()) is None, text


def test_abc2midi_takes_them():
    labels = list(label_many(TUNES[:40]))
    assert sum(label is not None for label in labels) == 40


def test_the_rare_signs_are_there():
    every = "".join(TUNES)
    for sign in (
        "(3",
        ">",
        "<",
        "{",
        "-|",
        "[CEG]"[:1],
        '"G7"',
        "^",
        "_",
        "=",
        "[M:",
        "[K:",
        "[L:",
        "z",
        ",",
        "'",
        "||",
        "~",
        "T",
        "H",
        "(2",
        "(6",
    ):
        assert sign in every, sign


def test_a_tune_depends_on_its_seed_alone():
    assert compose(random.Random(7)) == TUNES[7] != TUNES[8]
