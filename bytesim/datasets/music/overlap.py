"""Whether two tunes are the same under other names: by title, or by how the melody begins. No torch."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from bytesim.formats.abc.tokens import tokens_of
from bytesim.formats.abc.tune import Tune

NUM_STEPS = 24
"""Diatonic steps that two tunes share at their start to count as the same."""
MIN_STEPS = 8
"""A tune with fewer steps is known by its title alone."""

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
"""Words that name a kind of tune and no tune. A title of these and numbers alone is shared by strangers."""
_NOTE = re.compile(r"([A-Ga-g])([,']*)")


@dataclass
class Overlap:
    """What a set of tunes is known by, to keep them out of another set."""

    titles: set[str] = field(default_factory=set)
    beginnings: set[tuple[int, ...]] = field(default_factory=set)

    @classmethod
    def of(cls, tunes: Iterable[tuple[Tune, str]]) -> Overlap:
        """Of tunes, each with its canonical text."""
        known = cls()
        for tune, text in tunes:
            known.titles |= title_keys(tune)
            known.beginnings |= {*beginnings(tune, text)}
        return known

    def reason(self, tune: Tune, text: str) -> str | None:
        """Why a tune is one of the set: `title`, `steps`, or None where it is not."""
        if self.titles & title_keys(tune):
            return "title"
        return "steps" if self.beginnings.intersection(beginnings(tune, text)) else None


def title_keys(tune: Tune) -> set[str]:
    """Its titles without case, accents, articles and punctuation; generic ones are left out."""
    return {key for name, value in tune.fields if name == "T" and (key := title_key(value))}


def title_key(title: str) -> str:
    """`Kesh, The` -> `kesh`; empty for a title that is generic, as `Polska nr 12`."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = [word for word in re.findall(r"[^\W_]+", plain) if word not in _ARTICLES]
    if all(word in _GENERIC or word.isdigit() or re.fullmatch(r"(?:no|nr|n)?\d+[a-z]?", word) for word in words):
        return ""
    return "".join(words)


def beginnings(tune: Tune, text: str) -> list[tuple[int, ...]]:
    """How the melody begins, as written and with its repeats played out; none for a tune of a few notes."""
    found = [melody_steps(tune.body), melody_steps(text.split("\n", 4)[-1])]
    return [steps for steps in dict.fromkeys(found) if len(steps) >= MIN_STEPS]


def melody_steps(body: str, count: int = NUM_STEPS) -> tuple[int, ...]:
    """The first diatonic steps between successive notes: key, accidentals, rests, lengths and grace notes left out.

    Of a chord its first note counts.
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
