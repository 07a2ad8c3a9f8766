"""Kinds of odd inputs that any task can have: each makes, of an ordinary source, one unlike all that were learned from.

Text is read as UTF-8; bytes that are not UTF-8 are kept as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

CYRILLIC = dict(zip("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопярстуввхыз", strict=True))
ACCENTS = dict(zip("aceinouyz", "áçéîñöůýž", strict=True))
KANJI = "日本語東京山川田中村木林森石井上下左右大小高低新古長短青赤白黒"
OTHER_FORMATS = (
    b'<?xml version="1.0"?>\n<note to="Tove"><body>Remember me</body></note>\n',
    b'#include <stdio.h>\nint main(void) { return puts("hi"); }\n',
    b"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\n",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x06\x00\x00\x00",
    b"SELECT name, age FROM people WHERE city = 'Rome' ORDER BY age;\n",
    b"---\nname: example\nitems:\n  - one\n  - two\n",
    b"PK\x03\x04\x14\x00\x00\x00\x08\x00word/document.xml",
    b"From: anna@example.org\nSubject: Lunch\n\nShall we meet at noon?\n",
    b"def area(width, height):\n    return width * height\n",
    b"X:1\nT:Speed the Plough\nM:4/4\nK:G\nGABc dedB|dedB dedB|\n",
)
PROSE = (
    "The harbour was quiet in the early morning and two gulls sat on the wall.",
    "Please find attached the minutes of our last meeting, which I hope are complete.",
    "He had walked for hours before anybody told him that the road led nowhere.",
    "Mix the flour with the butter, add the eggs and let the dough rest for an hour.",
    "No one knows who built the bridge, but it has stood there for seven centuries.",
)
SEPARATORS = b",;:|=\t/-"

Mutation = Callable[[Random, bytes], bytes]
"""Makes an odd input of an ordinary source."""


def _text(source: bytes) -> str:
    return source.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def random_bytes(rng: Random, source: bytes) -> bytes:
    return rng.randbytes(rng.randint(4, 200))


def random_text(rng: Random, source: bytes) -> bytes:
    return bytes(rng.choices(range(32, 127), k=rng.randint(4, 120)))


def end_missing(rng: Random, source: bytes) -> bytes:
    return source[: rng.randint(1, max(1, len(source) * 3 // 4))]


def start_missing(rng: Random, source: bytes) -> bytes:
    return source[rng.randint(1, max(1, len(source) * 3 // 4)) :]


def middle_missing(rng: Random, source: bytes) -> bytes:
    start, length = rng.randrange(len(source)), rng.randint(2, max(2, len(source) // 3))
    return source[:start] + source[start + length :]


def one_byte(rng: Random, source: bytes) -> bytes:
    return rng.randbytes(1)


def blank(rng: Random, source: bytes) -> bytes:
    return bytes(rng.choices(b" \t\n", k=rng.randint(1, 8)))


def twice(rng: Random, source: bytes) -> bytes:
    return source + source


def many_times(rng: Random, source: bytes) -> bytes:
    return source * rng.randint(4, 8)


def other_separators(rng: Random, source: bytes) -> bytes:
    present = sorted(set(source) & set(SEPARATORS))
    if not present:
        return source
    old, new = rng.choice(present), rng.choice(SEPARATORS)
    return source.replace(bytes([old]), bytes([new]))


def long_numbers(rng: Random, source: bytes) -> bytes:
    grow = rng.randint(4, 12)
    return re.sub(rb"\d+", lambda match: match[0] + bytes(rng.choices(b"0123456789", k=grow)), source)


def words_for_digits(rng: Random, source: bytes) -> bytes:
    return re.sub(rb"\d", lambda _: bytes([rng.choice(b"abcxyz?")]), source)


def carriage_returns(rng: Random, source: bytes) -> bytes:
    return source.replace(b"\n", b"\r\n") if b"\n" in source else source + b"\r\n"


def utf16(rng: Random, source: bytes) -> bytes:
    return source.decode("latin-1").encode("utf-16")


def swapped_bytes(rng: Random, source: bytes) -> bytes:
    order = list(source)
    for _ in range(max(3, len(order) // 10)):
        a, b = rng.randrange(len(order)), rng.randrange(len(order))
        order[a], order[b] = order[b], order[a]
    return bytes(order)


def other_format(rng: Random, source: bytes) -> bytes:
    return rng.choice(OTHER_FORMATS) * rng.randint(1, 2)


def prose(rng: Random, source: bytes) -> bytes:
    return (" ".join(rng.sample(PROSE, rng.randint(1, 3))) + rng.choice(("", "\n"))).encode("ascii")


def _spelled(letters: dict[str, str], text: str) -> str:
    both = letters | {small.upper(): other.upper() for small, other in letters.items()}
    return "".join(both.get(letter, letter) for letter in text)


def cyrillic(rng: Random, text: str) -> str:
    return _spelled(CYRILLIC, text)


def accents(rng: Random, text: str) -> str:
    return _spelled(ACCENTS, text)


def kanji(rng: Random, text: str) -> str:
    return "".join(rng.choices(KANJI, k=max(1, len(text) // 2)))


def upper_case(rng: Random, text: str) -> str:
    return text.upper()


def lower_case(rng: Random, text: str) -> str:
    return text.lower()


def long_words(rng: Random, text: str) -> str:
    return text[0] + text[1:] * rng.randint(3, 6)


_OF_WORDS = (cyrillic, accents, kanji, upper_case, lower_case, long_words)
_OF_FILES = (
    random_bytes, random_text, end_missing, start_missing, middle_missing, one_byte, blank, twice, many_times,
    other_separators, long_numbers, words_for_digits, carriage_returns, utf16, swapped_bytes, other_format, prose,
)  # fmt: skip


def odd_kinds(keywords: frozenset[str]) -> dict[str, Mutation]:
    """Name -> kind. The kinds that change words leave the keywords of a task as they are."""

    def of_words(kind: Callable[[Random, str], str]) -> Mutation:
        def change(rng: Random, source: bytes) -> bytes:
            def one(match: re.Match[str]) -> str:
                return match[0] if match[0] in keywords else kind(rng, match[0])

            return _bytes(re.sub("[A-Za-z]+", one, _text(source)))

        return change

    return {kind.__name__: kind for kind in _OF_FILES} | {kind.__name__: of_words(kind) for kind in _OF_WORDS}
