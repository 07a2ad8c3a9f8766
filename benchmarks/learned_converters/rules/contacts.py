"""`contacts`: a vCard to an LDIF entry."""

from __future__ import annotations

import re
from random import Random

from ..task import Task
from ..words import decode, name, word

_CARD = re.compile(
    r"BEGIN:VCARD\nVERSION:3\.0\nN:([^;:\n]+);([^;:\n]+);;;\nFN:([^\n]+)\n(?:ORG:([^;:\n]+)\n)?"
    r"(?:TEL;TYPE=(CELL|WORK|HOME):(\+?[0-9 ]+)\n)?EMAIL:([^\s@]+@[^\s@]+)\nEND:VCARD\n"
)
PHONES = {"CELL": "mobile", "WORK": "telephoneNumber", "HOME": "homePhone"}


def rule(source: bytes) -> bytes | None:
    """dn, objectClass, cn, sn, givenName, mail, the phone by its type without spaces, o. ASCII only, as LDIF has it."""
    text = decode(source)
    match = None if text is None or not text.isascii() else _CARD.fullmatch(text)
    if match is None:
        return None
    last, first, full, company, kind, number, mail = match.groups()
    if full != f"{first} {last}" or {",", "+", '"', "<", ">", "\\", "="} & set(full + mail) or "  " in full:
        return None
    lines = [f"dn: cn={full},mail={mail}", "objectClass: inetOrgPerson", f"cn: {full}", f"sn: {last}"]
    lines += [f"givenName: {first}", f"mail: {mail}"]
    if kind is not None:
        digits = number.replace(" ", "")
        if not digits.strip("+"):
            return None
        lines.append(f"{PHONES[kind]}: {digits}")
    if company is not None:
        lines.append(f"o: {company}")
    plain = all(line == line.strip() for line in lines) and full[0] not in " :<" and first[0] != " " != last[0]
    return "".join(f"{line}\n" for line in lines).encode("ascii") if plain else None


def _make(rng: Random, held_out: bool) -> bytes:
    first, last = name(rng, held_out), name(rng, held_out)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"N:{last};{first};;;", f"FN:{first} {last}"]
    if rng.random() < 0.6:
        lines.append(f"ORG:{name(rng, held_out)} {rng.choice(('Ltd', 'GmbH', 'Inc', 'and Sons'))}")
    if rng.random() < 0.8:
        groups = " ".join(str(rng.randrange(10**size)).zfill(size) for size in rng.choice(((3, 4), (2, 3, 4), (8,))))
        lines.append(f"TEL;TYPE={rng.choice(list(PHONES))}:{rng.choice((f'+{rng.randint(1, 99)} ', '0'))}{groups}")
    host = f"{word(rng, held_out)}.{rng.choice(('com', 'org', 'net', 'de'))}"
    user = rng.choice((first.lower(), f"{first.lower()}.{last.lower()}", f"{word(rng, held_out)}{rng.randrange(100)}"))
    lines += [f"EMAIL:{user}@{host}", "END:VCARD"]
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def _renamed(rng: Random, source: bytes) -> bytes:
    return re.sub(rb"FN:.*", b"FN:" + name(rng, False).encode(), source)


def _shuffled(rng: Random, source: bytes) -> bytes:
    lines = source.splitlines(keepends=True)
    middle = lines[2:-1]
    rng.shuffle(middle)
    return b"".join([*lines[:2], *middle, lines[-1]])


CONTACTS = Task(
    name="contacts",
    source_suffix="vcf",
    target_suffix="ldif",
    make=_make,
    rule=rule,
    keywords=frozenset(("BEGIN", "VCARD", "VERSION", "N", "FN", "ORG", "TEL", "TYPE", *PHONES, "EMAIL", "END")),
    odd_kinds={
        "version_4": lambda rng, source: source.replace(b"3.0", b"4.0"),
        "folded": lambda rng, source: source.replace(b"EMAIL:", b"EMAIL:\n "),
        "no_email": lambda rng, source: re.sub(rb"EMAIL:.*\n", b"", source),
        "middle_name": lambda rng, source: source.replace(b";;;", b";Q.;Dr.;"),
        "other_full_name": _renamed,
        "unknown_phone": lambda rng, source: re.sub(rb"TYPE=\w+", b"TYPE=FAX", source),
        "shuffled": _shuffled,
    },
)
