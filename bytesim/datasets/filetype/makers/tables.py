"""Makers of the filetype set: tables of found files as CSV, in the dialects that spreadsheets and programs write."""

from __future__ import annotations

import csv
import io
from typing import Any

from bytesim.datasets.filetype.makers.data import Column, table_of
from bytesim.datasets.filetype.makers.maker import Job, Maker

MOST_ROWS = 400
DIALECTS: dict[str, dict[str, Any]] = {
    "plain": {"lineterminator": "\n"},
    "quoted": {"quoting": csv.QUOTE_ALL, "lineterminator": "\n"},
    "windows": {"lineterminator": "\r\n"},
    "tabs": {"delimiter": "\t", "lineterminator": "\n"},
    "words quoted": {"quoting": csv.QUOTE_NONNUMERIC, "lineterminator": "\n"},
    "european": {"delimiter": ";", "lineterminator": "\r\n"},
}
"""Settings -> format parameters of Python's csv."""


def csv_table(job: Job) -> bytes:
    """Some rows and columns of a table, half of the time few rows, with or without a header."""
    rng, columns = job.rng, table_of(job)
    picked = rng.sample(columns, rng.randint(min(2, len(columns)), min(12, len(columns))))
    total = len(picked[0][1])
    count = min(total, rng.choice((rng.randint(1, 12), MOST_ROWS)))
    start = rng.randint(0, total - count)
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, **DIALECTS[job.settings])
    if rng.random() < 0.8:
        writer.writerow(_header(picked, job))
    decimal = "," if job.settings == "european" else "."
    for row in zip(*(values[start : start + count] for _, values in picked), strict=True):
        writer.writerow([_cell(value, decimal) for value in row])
    with_mark = job.settings in ("windows", "european") and rng.random() < 0.3
    return stream.getvalue().encode("utf-8-sig" if with_mark else "utf-8")


def _header(columns: list[Column], job: Job) -> list[str]:
    change = job.rng.choice((str, str.title, str.upper, lambda name: name.replace("_", " ")))
    return [change(name) for name, _ in columns]


def _cell(value: Any, decimal: str) -> Any:
    return f"{value:.3f}".replace(".", decimal) if isinstance(value, float) and decimal != "." else value


MAKERS = [Maker("csv", csv_table, tuple(DIALECTS), "table", (), 700, 1, 200)]
