"""Find tunes that occur in two sets, by title or by the beginning of the melody. No torch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from bytesim.formats.abc.tokens import tokens_of
from bytesim.formats.abc.tune import Tune

NUM_STEPS = 24
"""Two tunes are the same if their first NUM_STEPS diatonic steps are equal."""
MIN_STEPS = 8
"""A tune with fewer steps is compared by its title alone."""

_ARTICLES = {"the", "a", "an"}
_GENERIC = frozenset(
    """
    untitled unknown unnamed noname notitle no name title gan ainm ganainm tune trad traditional nr n number
    air allemande andante andro dro barndance bourree contredanse dance engelska fandango fling gavotte giga gigue
    hornpipe jig landler laendler lied mars march marche mazurka menuet menuett minuet minuetto polka polonaise
    polonas polones polons polska quadrille reel rigaudon rondeau sarabande schottis schottische slide slip
    slangpolska song strathspey vals valse vise wals waltz walzer
    """.split()  # noqa: SIM905 - words are easier to read than a list of strings
)
"""Words that name a kind of tune. Different tunes may share a title of such words and numbers alone."""
_NOTE = re.compile(r"([A-Ga-g])([,']*)")


@dataclass
class Overlap:
    """Titles and beginnings of a set of tunes, to keep these tunes out of another set."""

    titles: set[str] = field(default_factory=set)
    beginnings: set[tuple[int, ...]] = field(default_factory=set)

    @classmethod
    def of(cls, tunes: Iterable[tuple[Tune, str]]) -> Overlap:
        """The titles and beginnings of tunes, each with its canonical text."""
        known = cls()
        for tune, text in tunes:
            known.titles |= title_keys(tune)
            known.beginnings |= {*beginnings(tune, text)}
        return known

    def reason(self, tune: Tune, text: str) -> str | None:
        """Why a tune counts as one of the set: `title` or `steps`; None if it does not."""
        if self.titles & title_keys(tune):
            return "title"
        return "steps" if self.beginnings.intersection(beginnings(tune, text)) else None


def title_keys(tune: Tune) -> set[str]:
    """The titles of a tune without case, accents, articles and punctuation; generic titles are left out."""
    return {key for name, value in tune.fields if name == "T" and (key := title_key(value))}


def title_key(title: str) -> str:
    """`Kesh, The` -> `kesh`; empty for a generic title such as `Polska nr 12`."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = [word for word in re.findall(r"[^\W_]+", plain) if word not in _ARTICLES]
    if all(word in _GENERIC or word.isdigit() or re.fullmatch(r"(?:no|nr|n)?\d+[a-z]?", word) for word in words):
        return ""
    return "".join(words)


def beginnings(tune: Tune, text: str) -> list[tuple[int, ...]]:
    """The beginning of the melody, as written and with repeats played out; empty for a tune of only a few notes."""
    melodies = [melody_steps(tune.body), melody_steps(text.split("\n", 4)[-1])]
    return [steps for steps in dict.fromkeys(melodies) if len(steps) >= MIN_STEPS]


def melody_steps(body: str, count: int = NUM_STEPS) -> tuple[int, ...]:
    """The first `count` diatonic steps between successive notes; of a chord the first note counts.

    Key, accidentals, rests, lengths and grace notes are ignored.
    """
    heights: list[int] = []
    for token in tokens_of(body):
        if token.kind not in ("note", "chord"):
            continue
        match = _NOTE.search(re.sub(r'"[^"]*"', "", token.text))
        if match is not None:
            letter, marks = match.groups()
            octave = letter.islower() + marks.count("'") - marks.count(",")
            heights.append("CDEFGAB".index(letter.upper()) + 7 * octave)
        if len(heights) > count:
            break
    return tuple(after - before for before, after in pairwise(heights))
