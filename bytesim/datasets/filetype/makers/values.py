"""Makers of the filetype set: tables as CSV, and pickles of Python objects, from words and numbers of found files."""

from __future__ import annotations

import ast
import csv
import io
import ipaddress
import pickle
import re
import uuid
from array import array
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np

from bytesim.datasets.filetype.makers.data import array_of, table_of
from bytesim.datasets.filetype.makers.maker import Job, Maker

_QUOTING: dict[str, Any] = {
    "minimal": csv.QUOTE_MINIMAL,
    "texts": csv.QUOTE_NONNUMERIC,
    "all": csv.QUOTE_ALL,
    "bare": csv.QUOTE_MINIMAL,
}


def table(job: Job) -> bytes:
    """A table as CSV. The settings say what is quoted; `bare` has no header, `numbers` writes an array."""
    if job.settings == "numbers":
        values = np.atleast_2d(np.abs(array_of(job)).astype(np.float64))[:400]
        values = values.reshape(len(values), -1)[:, : job.rng.randint(2, 12)]
        out = io.StringIO()
        np.savetxt(out, values, delimiter=",", fmt=job.rng.choice(("%d", "%.3f", "%.6g", "%.18e")))
        return out.getvalue().encode()
    columns = table_of(job)
    digits = job.rng.choice((1, 3, 17))
    rounded = [[round(cell, digits) if isinstance(cell, float) else cell for cell in values] for _, values in columns]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=_QUOTING[job.settings], lineterminator=job.rng.choice(("\n", "\n", "\r\n")))
    if job.settings != "bare":
        writer.writerow([name for name, _ in columns])
    writer.writerows(list(zip(*rounded, strict=True))[: job.rng.choice((5, 30, 200, 2000))])
    return text.getvalue().encode()


def values(job: Job) -> bytes:
    """A pickle of objects of the standard library; the setting is the protocol."""
    text = job.read()[:40_000].decode("utf-8", "replace")
    words = re.findall(r"\w+", text)[: job.rng.choice((3, 20, 200, 2000))] or ["empty"]
    return pickle.dumps(_OBJECTS[job.rng.choice(sorted(_OBJECTS))](words, text), int(job.settings))


def _times(words: list[str], text: str) -> list[tuple[datetime, timedelta]]:
    start = datetime(2009, 3, 1, tzinfo=timezone.utc)
    return [
        (start + timedelta(hours=7 * index, seconds=len(text)), timedelta(len(word)))
        for index, word in enumerate(words)
    ]


def _grouped(words: list[str], text: str) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for word in words:
        grouped[word[0]].append(word)
    return grouped


def _tree(words: list[str], text: str) -> ast.AST:
    return ast.parse("\n".join(f"{'_' + word} = [{len(word)}, {word!r}]" for word in words[:200]))


_OBJECTS: dict[str, Callable[[list[str], str], Any]] = {
    "counts": lambda words, text: Counter(words),
    "queue": lambda words, text: deque(words, maxlen=500),
    "times": _times,
    "sets": lambda words, text: {"seen": set(words), "fixed": frozenset(words[:9])},
    "grouped": _grouped,
    "ordered": lambda words, text: OrderedDict((word, index) for index, word in enumerate(words)),
    "tree": _tree,
    "exact": lambda words, text: [(Decimal(len(word)) / 8, Fraction(index, 7)) for index, word in enumerate(words)],
    "paths": lambda words, text: [PurePosixPath(*words[index : index + 3]) for index in range(0, len(words), 3)],
    "records": lambda words, text: [SimpleNamespace(name=word, size=len(word), last=None) for word in words],
    "patterns": lambda words, text: [re.compile(rf"\b{word}\b", re.I) for word in words[:100]],
    "raw": lambda words, text: (text.encode(), bytearray(text[:100].encode()), array("d", map(len, words))),
    "numbers": lambda words, text: [complex(len(word), index) for index, word in enumerate(words)],
    "names": lambda words, text: {uuid.uuid5(uuid.NAMESPACE_URL, word): word for word in words},
    "places": lambda words, text: [ipaddress.ip_address(len(word) * 257 + index) for index, word in enumerate(words)],
    "text": lambda words, text: text,
    "failures": lambda words, text: [ValueError(word, index) for index, word in enumerate(words)],
    "array": lambda words, text: np.array([[len(word), word.count("e")] for word in words]),
}  # fmt: skip


MAKERS = [
    Maker("csv", table, ("minimal", "texts", "numbers", "bare", "all"), "table", (), 240, 1, 1000),
    Maker("pickle", values, ("2", "3", "4", "0", "5"), "text", (), 240, 1, 300),
]
