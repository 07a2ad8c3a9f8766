"""`tables`: a Markdown table to HTML; the row of dashes goes, & < > are escaped."""

from __future__ import annotations

import html
import re
from random import Random

from ..task import Task
from ..words import decode, name, word


def rule(source: bytes) -> bytes | None:
    """A head, a row of dashes and rows, all with the same number of cells, none of them empty."""
    text = decode(source)
    if text is None or not text.endswith("\n"):
        return None
    rows = [_cells(line) for line in text[:-1].split("\n")]
    if len(rows) < 3 or not all(rows) or len({len(row) for row in rows}) > 1:
        return None
    head, dashes, *body = rows
    if any(not re.fullmatch("-{3,}", cell) for cell in dashes):
        return None
    lines = ["<table>", _row(head, "th"), *(_row(row, "td") for row in body), "</table>"]
    return "".join(f"{line}\n" for line in lines).encode("utf-8")


def _cells(line: str) -> list[str]:
    """The cells of `| a | b |`; none if the line has another form."""
    inner = line[2:-2].split(" | ") if len(line) > 4 and line.startswith("| ") and line.endswith(" |") else []
    plain = all(cell and cell == cell.strip() and not set(cell) & set("|`*_\\[]\"'") for cell in inner)
    return inner if plain else []


def _row(cells: list[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{html.escape(cell, quote=False)}</{tag}>" for cell in cells) + "</tr>"


def _cell(rng: Random, held_out: bool) -> str:
    kind = rng.randrange(12)
    if kind < 5:
        return word(rng, held_out)
    if kind < 9:
        return str(rng.randrange(10 ** rng.randint(1, 4)))
    if kind < 10:
        return f"{word(rng, held_out)} & {word(rng, held_out)}"
    if kind < 11:
        return f"{rng.choice('<>')} {rng.randrange(100)}"
    return f"{name(rng, held_out)} {name(rng, held_out)}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _make(rng: Random, held_out: bool) -> bytes:
    columns, rows = rng.randint(2, 4), rng.randint(1, 4)
    head = [name(rng, held_out, most=2) for _ in range(columns)]
    body = [[_cell(rng, held_out) for _ in range(columns)] for _ in range(rows)]
    return "".join(map(_line, [head, ["---"] * columns, *body])).encode("ascii")


def _more_rows(rng: Random, source: bytes) -> bytes:
    columns = source.split(b"\n", 1)[0].count(b" | ") + 1
    return source + "".join(_line([_cell(rng, False) for _ in range(columns)]) for _ in range(8)).encode("ascii")


def _wide(rng: Random, source: bytes) -> bytes:
    columns = rng.randint(6, 9)
    rows = [["---"] * columns if index == 1 else [word(rng, False) for _ in range(columns)] for index in range(3)]
    return "".join(map(_line, rows)).encode("ascii")


TABLES = Task(
    name="tables",
    source_suffix="md",
    target_suffix="html",
    make=_make,
    rule=rule,
    odd_kinds={
        "no_dashes": lambda rng, source: re.sub(rb"\| ---.*\n", b"", source),
        "colons": lambda rng, source: source.replace(b"---", b":--:"),
        "uneven_rows": lambda rng, source: source + b"| one |\n",
        "no_outer_bars": lambda rng, source: source.replace(b"\n| ", b"\n").replace(b" |\n", b"\n")[2:],
        "more_rows": _more_rows,
        "wide": _wide,
        "empty_cell": lambda rng, source: re.sub(rb"\| \w+ \|\n$", b"|  |\n", source),
    },
)
