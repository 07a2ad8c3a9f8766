"""The report of `inspect` as HTML: no page loads anything, and no text of a file is code."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bytesim.models.folder import WEIGHTS_FILE, fingerprint
from bytesim.models.store import find_model
from bytesim.predictors.surprise import LIKELIEST
from bytesim.tasks.inspect.preview import preview_of
from bytesim.tasks.inspect.states import compare_states

if TYPE_CHECKING:
    from jinja2 import Template

    from bytesim.tasks.inspect.inspect import Looked

PAGE_BYTES = 1 << 16
"""Bytes of a file on a page, so that a page has at most 2 MB."""
MOST_PAGES = 16
_PARTS = 600
_MOST_BITS = 25.5


@dataclass(frozen=True)
class _Segment:
    """Bytes between two edges."""

    start: int
    end: int
    bits_per_byte: float


def pages_of(looked: Looked, path: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield path and content of every page: `path` for the first, and NAME-2.html and so on beside it.

    Of a file longer than MOST_PAGES pages the bytes after them are on no page.
    """
    template = _template()
    found, total = looked.found, len(looked.data)
    starts = list(range(0, total, PAGE_BYTES))[:MOST_PAGES]
    paths = [path if number == 1 else path.with_stem(f"{path.stem}-{number}") for number in range(1, len(starts) + 1)]
    ends = [min(total, start + PAGE_BYTES) for start in starts]
    beyond = total - ends[-1]
    shared = {
        "found": found,
        "name": Path(found.source).name,
        "reader": found.model if found.model == "context mixer" else f"model {found.model}, as .{found.read_as}",
        "weights": None if found.model == "context mixer" else _weights(found.model),
        "preview": preview_of(looked.data),
        "states": compare_states(looked.data) if looked.simulates else None,
        "segments": _segments(looked),
        "left_out": f"The last {beyond:,} bytes are on no page; the strip and the tables are of all." if beyond else "",
    }
    links = [
        {"href": each.name, "start": start, "end": end, "label": f"{start:,} to {end:,}"}
        for each, start, end in zip(paths, starts, ends, strict=True)
    ]
    for place, (each, start, end) in enumerate(zip(paths, starts, ends, strict=True)):
        pages = [{**link, "here": number == place} for number, link in enumerate(links)]
        data = {**_data(looked, start, end), "pages": links}
        yield each, template.render(**shared, pages=pages, data=data).encode("utf-8", "replace")


@cache
def _template() -> Template:
    """The page, compiled once for all files of a run."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("bytesim.tasks.inspect", ".")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("page.html")


def _data(looked: Looked, start: int, end: int) -> dict[str, Any]:
    """What the script of a page reads."""
    surprise, part = looked.surprise, slice(start, end)
    data: dict[str, Any] = {
        "start": start,
        "total": len(looked.data),
        "bytes": _packed(np.frombuffer(looked.data[part], np.uint8)),
        "bits": _packed(_tenths(surprise.bits[part])),
        "expected": _packed(_tenths(surprise.expected[part])),
        "levels": _levels(surprise.bits),
        "edges": [edge.offset for edge in looked.found.edges],
        "anomalies": [(anomaly.start, anomaly.end) for anomaly in looked.found.anomalies],
        "ranks": LIKELIEST,
        "likeliest": None,
        "shares": None,
    }
    if surprise.likeliest is not None and surprise.shares is not None:
        data["likeliest"] = _packed(surprise.likeliest[part])
        data["shares"] = _packed(np.rint(255 * np.sqrt(surprise.shares[part])).astype(np.uint8))
    return data


def _packed(values: NDArray[np.uint8]) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _tenths(bits: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(10 * np.clip(bits, 0.0, _MOST_BITS)).astype(np.uint8)


def _levels(bits: NDArray[np.float32]) -> list[float]:
    """The mean bits of up to _PARTS parts of a file."""
    count = min(_PARTS, len(bits))
    ends = [len(bits) * place // count for place in range(count + 1)]
    return [round(float(bits[first:last].mean()), 2) for first, last in pairwise(ends)]


def _segments(looked: Looked) -> list[_Segment]:
    ends = [0, *(edge.offset for edge in looked.found.edges), len(looked.data)]
    return [_Segment(first, last, float(looked.surprise.bits[first:last].mean())) for first, last in pairwise(ends)]


def _weights(model: str) -> str:
    return str(fingerprint(find_model(model).folder / WEIGHTS_FILE)["sha256"])[:16]
