"""`settings`: an INI file to TOML. Values get types, strings get quotes, comments another sign, keys underscores."""

from __future__ import annotations

import re
from random import Random

from ..task import Task
from ..words import decode, phrase, word

_SECTION = re.compile(r"\[([A-Za-z]+(?:\.[A-Za-z]+)*)\]")
_ENTRY = re.compile(r"([A-Za-z]+(?:-[A-Za-z]+)*) = (\S|\S.*\S)")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?")
_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false", "none": '""'}
_KEYS = [
    "port",
    "host",
    "user",
    "path",
    "name",
    "mode",
    "title",
    "color",
    "width",
    "height",
    "depth",
    "delay",
    "level",
    "owner",
    "retries",
]
_PARTS = ["max", "min", "log", "data", "cache", "time", "page", "font", "file", "user"]


def rule(source: bytes) -> bytes | None:
    """Every line by itself: sections, comments, empty lines and entries; a key may occur once in a section."""
    text = decode(source)
    if text is None or not text.endswith("\n"):
        return None
    lines: list[str] = []
    names: set[str] = set()
    section = ""
    for line in text[:-1].split("\n"):
        name = ""
        if _SECTION.fullmatch(line):
            shown = name = section = line
        elif match := _ENTRY.fullmatch(line):
            key, value = match[1].replace("-", "_"), _value(match[2])
            if value is None:
                return None
            shown, name = f"{key} = {value}", f"{section} {key}"
        elif line.startswith("; ") and line[2:].strip():
            shown = f"# {line[2:]}"
        elif not line:
            shown = ""
        else:
            return None
        if name and name in names:
            return None
        names.add(name)
        lines.append(shown)
    return "".join(f"{line}\n" for line in lines).encode("utf-8") if any(names) else None


def _value(written: str) -> str | None:
    """The TOML of a value; None for a word in capital letters, and for what looks like a number but is none."""
    if written.lower() in _WORDS:
        return _WORDS.get(written)
    if not set(written) - set("+-.0123456789"):
        return written if _NUMBER.fullmatch(written) else None
    escaped = written.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _key(rng: Random) -> str:
    return rng.choice(_KEYS) if rng.random() < 0.6 else f"{rng.choice(_PARTS)}-{rng.choice(_KEYS)}"


def _written(rng: Random, held_out: bool) -> str:
    kind = rng.randrange(10)
    if kind < 3:
        number = rng.randrange(10 ** rng.randint(1, 5))
        return rng.choice((f"{number}", f"{number}", f"-{number}", f"{number}.{rng.randint(1, 99)}"))
    if kind < 5:
        return rng.choice(list(_WORDS))
    if kind < 6:
        return f"/{word(rng, held_out)}/{word(rng, held_out)}.{rng.choice(('log', 'db', 'txt'))}"
    if kind < 7:
        return f'{phrase(rng, held_out, 1, 2)} "{word(rng, held_out)}"'
    if kind < 8:
        return rf"C:\{word(rng, held_out)}\{word(rng, held_out)}"
    return phrase(rng, held_out, 1, 3)


def _make(rng: Random, held_out: bool) -> bytes:
    lines: list[str] = []
    for number in range(rng.randint(1, 3)):
        lines += [""] if number else []
        lines.append(f"[{word(rng, held_out)}]" if rng.random() < 0.8 else f"[{_PARTS[number]}.{word(rng, held_out)}]")
        if rng.random() < 0.3:
            lines.append(f"; {phrase(rng, held_out, 1, 3)}")
        keys = dict.fromkeys(_key(rng) for _ in range(rng.randint(1, 3)))
        lines += [f"{key} = {_written(rng, held_out)}" for key in keys]
    source = "".join(f"{line}\n" for line in lines).encode("utf-8")
    return source if rule(source) is not None else _make(rng, held_out)  # a section drawn twice


SETTINGS = Task(
    name="settings",
    source_suffix="ini",
    target_suffix="toml",
    make=_make,
    rule=rule,
    keywords=frozenset(_WORDS),
    odd_kinds={
        "no_spaces": lambda rng, source: source.replace(b" = ", b"="),
        "no_section": lambda rng, source: re.sub(rb"\[.*\]\n", b"", source),
        "hash_comments": lambda rng, source: b"# " + word(rng, False).encode() + b"\n" + source,
        "indented": lambda rng, source: re.sub(rb"(?m)^", b"    ", source),
        "continued": lambda rng, source: source.replace(b" = ", b" = \\\n  ", 1),
        "many_keys": lambda rng, source: source + b"".join(b"%s = 1\n" % word(rng, False).encode() for _ in range(20)),
    },
)
