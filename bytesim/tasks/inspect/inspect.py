"""`bytesim inspect`: how surprising every byte of a file is, where it does not fit, and where it changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bytesim.engine.gpus import runs_on_cpu
from bytesim.errors import ConfigError, FormatError
from bytesim.files import STDIO, Progress, check_output, read_input, write_output
from bytesim.formats.cpu_trace import MEMORY_SIZE, STATE_SIZE
from bytesim.patching import suffix_of
from bytesim.predictors.surprise import Surprise
from bytesim.predictors.writer import load_writer
from bytesim.tasks.compress.compress import NO_MODEL
from bytesim.tasks.compress.models import chosen_writer
from bytesim.tasks.inspect.patches import PATCHERS, borders
from bytesim.tasks.inspect.readers import of_mixer, of_writer
from bytesim.tasks.inspect.statistics import WINDOW_BYTES, Anomaly, Edge, anomalies, edges

MIXER = "context mixer"
"""What reads a file that no model fits."""
_PATCH_BYTES = 8


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What was seen in a file."""

    source: str
    num_bytes: int
    model: str
    """The model that read it, or MIXER."""
    read_as: str
    """The suffix as one of which the model read it."""
    bits_per_byte: float
    """Of all bytes and the end of the file."""
    expected_bits_per_byte: float
    window: int
    anomalies: tuple[Anomaly, ...]
    edges: tuple[Edge, ...]
    patches: dict[str, int]
    """Rule of PATCHERS -> number of patches."""
    png: str | None = None
    html: tuple[str, ...] = ()
    """The pages that were written."""
    jsonl: str | None = None


@dataclass(frozen=True)
class Looked:
    """An inspection, and what it was made of."""

    found: Inspection
    data: bytes
    surprise: Surprise
    borders: dict[str, NDArray[np.bool_]]
    """Rule of PATCHERS -> (n,) true where a patch begins."""
    simulates: bool
    """Whether a model of the CPU read it, as a trace."""


def inspect(
    source: str | Path,
    *,
    model: str = "auto",
    window: int = WINDOW_BYTES,
    png: str | Path | None = None,
    html: str | Path | None = None,
    jsonl: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    on_progress: Progress | None = None,
) -> Inspection:
    """Look at a file with a model: bits per byte along it, windows that do not fit, edges between its parts.

    `model` is a name, `none` for the context mixer of `compress`, or `auto` for what compresses the first bytes of the
    file best. `window` is the length of the windows in bytes. `png` is a picture to draw, `html` a page to write, with
    further ones beside it for a long file, and `jsonl` a file with a line for every byte; `-` is stdout. Raises
    BytesimError.
    """
    return look(
        source,
        model=model,
        window=window,
        png=png,
        html=html,
        jsonl=jsonl,
        force=force,
        device=device,
        on_progress=on_progress,
    ).found


def look(
    source: str | Path,
    *,
    model: str = "auto",
    window: int = WINDOW_BYTES,
    png: str | Path | None = None,
    html: str | Path | None = None,
    jsonl: str | Path | None = None,
    force: bool = False,
    device: str = "auto",
    on_progress: Progress | None = None,
) -> Looked:
    """`inspect`, with the bytes and what each of them cost."""
    if window < 2:
        raise ConfigError(f"a window of {window} bytes is too short; choose 2 or more.")
    if html is not None and str(html) == STDIO:
        raise ConfigError("a report may have several pages; name a file for --html.")
    for path, option in ((png, "--png"), (html, "--html"), (jsonl, "--jsonl")):
        if path is not None:
            check_output(path, force=force, option=option, source=source)
    runs_on_cpu(device)  # a wrong name is told before any work
    data = read_input(source)
    suffix = "bin" if str(source) == STDIO else suffix_of(str(source)) or "bin"
    done = [0]

    def on_bytes(count: int) -> None:
        done[0] += count
        if on_progress is not None:
            on_progress(done[0], len(data))

    chosen = None if model == NO_MODEL else chosen_writer(data, suffix, model, gain=1.0, stamped=False)
    if chosen is not None and model == "auto" and chosen[0].simulates and len(data) <= MEMORY_SIZE + STATE_SIZE:
        chosen = None  # no trace: the model would read none of it
    if chosen is None:
        writer, surprise = None, of_mixer(data, on_bytes)
    else:
        writer, suffix = load_writer(chosen[0].name, device=device, engine_backend="torch"), chosen[1]
        try:
            surprise = of_writer(writer, data, suffix, on_bytes, likeliest=html is not None)
        except FormatError as error:
            raise error.in_file(str(source)) from error
    size = _PATCH_BYTES if writer is None or writer.config.patch_size == 1 else writer.config.patch_size
    starts = {rule: borders(data, surprise, rule, size) for rule in PATCHERS}
    found = Inspection(
        source=str(source),
        num_bytes=len(data),
        model=MIXER if writer is None else writer.name,
        read_as=suffix,
        bits_per_byte=surprise.bits_per_byte,
        expected_bits_per_byte=float(surprise.expected.mean(dtype=np.float64)),
        window=window,
        anomalies=anomalies(surprise, window),
        edges=edges(surprise.bits),
        patches={rule: int(each.sum()) for rule, each in starts.items()},
        png=None if png is None else str(png),
        jsonl=None if jsonl is None else str(jsonl),
    )
    if png is not None:
        from bytesim.pictures.surprise import draw_surprise

        spans = [(anomaly.start, anomaly.end) for anomaly in found.anomalies]
        title = f"{Path(found.source).name}: {found.bits_per_byte:.3f} bits per byte by the {_named(found.model)}"
        write_output(
            png, draw_surprise(surprise.bits, spans, [edge.offset for edge in found.edges], title), force=force
        )
    if jsonl is not None:
        lines = "".join(_lines(data, surprise))
        write_output(jsonl, lines.encode("utf-8"), force=force)
    looked = Looked(found, data, surprise, starts, writer is not None and writer.simulates)
    return (
        looked if html is None else replace(looked, found=replace(found, html=_write_pages(looked, Path(html), force)))
    )


def _write_pages(looked: Looked, path: Path, force: bool) -> tuple[str, ...]:
    from bytesim.tasks.inspect.page import pages_of

    pages = list(pages_of(looked, path))
    for each, _ in pages:
        check_output(each, force=force, option="--html")
    for each, content in pages:
        write_output(each, content, force=force)
    return tuple(str(each) for each, _ in pages)


def _named(model: str) -> str:
    return model if model == MIXER else f"model {model}"


def _lines(data: bytes, surprise: Surprise) -> Iterator[str]:
    for offset, byte in enumerate(data):
        row = {
            "offset": offset,
            "byte": byte,
            "bits": round(float(surprise.bits[offset]), 4),
            "expected_bits": round(float(surprise.expected[offset]), 4),
        }
        yield json.dumps(row) + "\n"
