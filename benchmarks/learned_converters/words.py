"""Names and words for made-up files: lists of real ones, and words of syllables that are held out by their checksum."""

# ruff: noqa: SIM905 - a hundred names read better as one string than as a list

from __future__ import annotations

import zlib
from random import Random

FIRST = (
    "Anna Peter Maria James Olga Thomas Ingrid Carlos Fatima David Yuki Robert Elena Michael Priya Hans Sofia Ahmed "
    "Laura Pavel Grace Luis Nina Oscar Julia Samuel Clara Victor Amelia Ivan Rosa Daniel Helen Marcus Leila George "
    "Alice Bruno Emma Felix Diana Hugo Ruth Simon Tessa Walter Zoe Kevin Molly Frank"
).split()
LAST = (
    "Smith Novak Garcia Kowalski Tanaka Brown Petrov Schmidt Rossi Haddad Jones Larsen Silva Weber Kumar Moreau Wilson "
    "O'Brien Nielsen Costa Fischer Baker Hansen Lopez Taylor Ivanov Keller Martin Okafor Sato Walker Yilmaz Bauer "
    "Carter Duarte Evans Ferrari Green Hughes Jensen King Lindgren Meyer Nguyen Olsen Parker Quinn Ricci Santos Turner "
    "Vogel Wagner Young Zhang Abbott Berger Collins Dubois Engel Fraser"
).split()
CITIES = (
    "Paris;London;Rome;Berlin;Prague;Oslo;Lisbon;Vienna;Madrid;Dublin;Warsaw;Athens;Cairo;Tokyo;Toronto;Chicago;"
    "Boston;Sydney;Nairobi;Lagos;Mumbai;Seoul;Lima;Quito;New York;Cape Town;San Diego;Buenos Aires;Hong Kong;"
    "Paris, Texas;Washington, D.C.;Portland, Maine;Athens, Georgia;Kingston, Jamaica;Santiago, Chile"
).split(";")
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()

_STARTS = "b d f g h k l m n p r s t v w z br dr gr kl pr st tr sh th ch".split()
_VOWELS = "a e i o u a e i o ai ea ou".split()
_ENDS = ["", "", "", "", "l", "n", "r", "s", "t", "m", "k", "nd", "rt", "x"]


def word(rng: Random, held_out: bool, *, most: int = 3) -> str:
    """A made-up word of two to `most` syllables in lower case; a quarter of all words are held out."""
    while True:
        sounds = (rng.choice(_STARTS) + rng.choice(_VOWELS) for _ in range(rng.randint(2, most)))
        text = "".join(sounds) + rng.choice(_ENDS)
        if (zlib.crc32(text.encode()) % 4 == 0) == held_out:
            return text


def name(rng: Random, held_out: bool, *, most: int = 3) -> str:
    """A made-up word that begins with a capital letter."""
    return word(rng, held_out, most=most).capitalize()


def phrase(rng: Random, held_out: bool, least: int, most: int) -> str:
    """`least` to `most` made-up words, the first with a capital letter."""
    return " ".join(word(rng, held_out) for _ in range(rng.randint(least, most))).capitalize()


def decode(source: bytes) -> str | None:
    """The text of a UTF-8 file whose characters can be printed, but for newlines; None for any other file."""
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return text if text.replace("\n", "").isprintable() else None
