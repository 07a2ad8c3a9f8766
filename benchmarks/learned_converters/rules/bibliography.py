"""`bibliography`: a BibTeX entry, its fields in any order, to RIS in a fixed order."""

from __future__ import annotations

import re
from random import Random

from ..task import Task
from ..words import decode, name, phrase

TYPES = {"article": "JOUR", "book": "BOOK", "inproceedings": "CONF", "phdthesis": "THES"}
_TAGS = {"title": "TI", "journal": "JO", "publisher": "PB", "year": "PY", "volume": "VL"}
_ENTRY = re.compile(r"@([a-z]+)\{([^\s,{}]+),\n((?:  [a-z]+ = \{[^{}\n]+\},\n)*)  ([a-z]+) = \{([^{}\n]+)\}\n\}\n")
_FIELD = re.compile(r"  ([a-z]+) = \{([^{}\n]+)\},\n")
_PERSON = re.compile(r"[^\s,][^,]*, [^\s,][^,]*")


def rule(source: bytes) -> bytes | None:
    """TY, AU for each author, TI, JO, PB, PY, VL, SP and EP, ID, ER; author and title must be there."""
    text = decode(source)
    match = None if text is None else _ENTRY.fullmatch(text)
    if match is None or match[1] not in TYPES:
        return None
    pairs = [*_FIELD.findall(match[3]), (match[4], match[5])]
    fields = dict(pairs)
    if len(fields) < len(pairs) or not {"author", "title"} <= fields.keys() <= {"author", "pages", *_TAGS}:
        return None
    authors = fields["author"].split(" and ")
    pages = re.fullmatch(r"([0-9]+)--([0-9]+)", fields.get("pages", "1--2"))
    if (
        not all(map(_PERSON.fullmatch, authors))
        or not pages
        or not re.fullmatch("[0-9]{4}", fields.get("year", "2000"))
    ):
        return None
    lines = [("TY", TYPES[match[1]]), *(("AU", author) for author in authors)]
    lines += [(tag, fields[field]) for field, tag in _TAGS.items() if field in fields]
    if "pages" in fields:
        lines += [("SP", pages[1]), ("EP", pages[2])]
    lines.append(("ID", match[2]))
    return "".join(f"{tag}  - {value}\n" for tag, value in [*lines, ("ER", "")]).encode("utf-8")


def _make(rng: Random, held_out: bool) -> bytes:
    kind = rng.choice(list(TYPES))
    last = [name(rng, held_out, most=2) for _ in range(rng.choice((1, 1, 2, 3)))]
    year = str(rng.randint(1950, 2025))
    fields = {
        "author": " and ".join(f"{family}, {name(rng, held_out, most=2)}" for family in last),
        "title": phrase(rng, held_out, 2, 5),
        "year": year,
    }
    if kind == "article":
        fields["journal"] = phrase(rng, held_out, 1, 2).title()
    if kind in ("book", "phdthesis"):
        fields["publisher"] = name(rng, held_out)
    if kind in ("article", "inproceedings"):
        first = rng.randint(1, 900)
        fields["pages"] = f"{first}--{first + rng.randint(1, 40)}"
    if kind == "article" and rng.random() < 0.7:
        fields["volume"] = str(rng.randint(1, 120))
    order = list(fields)
    rng.shuffle(order)
    body = ",\n".join(f"  {field} = {{{fields[field]}}}" for field in order)
    return f"@{kind}{{{last[0].lower()}{year[2:]},\n{body}\n}}\n".encode("ascii")


def _authors(rng: Random, source: bytes) -> bytes:
    people = " and ".join(f"{name(rng, False)}, {name(rng, False)}" for _ in range(rng.randint(6, 10)))
    return re.sub(rb"author = \{.*\}", b"author = {" + people.encode() + b"}", source)


BIBLIOGRAPHY = Task(
    name="bibliography",
    source_suffix="bib",
    target_suffix="ris",
    make=_make,
    rule=rule,
    keywords=frozenset((*TYPES, *_TAGS, "author", "pages", "and")),
    odd_kinds={
        "quotes_for_braces": lambda rng, source: re.sub(rb"= \{(.*)\}", rb'= "\1"', source),
        "unknown_type": lambda rng, source: re.sub(rb"@[a-z]+", rng.choice((b"@misc", b"@online")), source),
        "unknown_field": lambda rng, source: source.replace(b",\n", b",\n  note = {seen},\n", 1),
        "nested_braces": lambda rng, source: re.sub(rb"title = \{(.)", rb"title = {{\1}", source),
        "many_authors": _authors,
        "first_name_first": lambda rng, source: re.sub(rb"author = \{(\w+), (\w+)", rb"author = {\2 \1", source),
        "one_page": lambda rng, source: re.sub(rb"--\d+", b"", source),
    },
)
