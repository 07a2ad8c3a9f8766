"""Measures `bytesim detect` on mixtures of files of origins that no model was trained on, beside simpler means.

Takes a file of pieces, as docs/filetype.md describes. Beside detect stand the length fields alone; the signatures of
puremagic (pip install puremagic), each of which begins a part; order-0 entropy, whose level changes where parts begin;
and unblob (pip install unblob), if it is on the PATH. A border counts as found if one lies within 512 bytes of it.
Ceiling: the row `true borders`, in which the
classifier of detect names the true parts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from common import machine_options, report
from mixtures import Mixture, mixtures

from bytesim.datasets.filetype.additions import read_additions
from bytesim.formats.extents.scan import extents
from bytesim.formats.filetypes import LABELS, UNKNOWN
from bytesim.predictors.classifier import Classifier, load_classifier
from bytesim.tasks.classify.answers import classify_readings
from bytesim.tasks.detect.parts import find_parts
from bytesim.tasks.detect.windows import END_BYTES
from bytesim.tasks.inspect.statistics import edges

NEAR = 512
_ENTROPY_WINDOW = 256


@dataclass(frozen=True)
class Found:
    """A part that some means found."""

    start: int
    end: int
    label: str


Means = Callable[[Mixture], list[Found]]


def by_detect(classifier: Classifier, mixture: Mixture) -> list[Found]:
    """What detect finds."""
    found, _ = find_parts(mixture.data, classifier, lambda _: None)
    return [Found(each.start, each.end, each.label) for each in found]


def by_lengths(mixture: Mixture) -> list[Found]:
    """Files whose ends their length fields give, and what is between them."""
    known = [Found(each.start, each.end, each.type) for each in extents(mixture.data) if each.end is not None]
    return _filled(known, len(mixture.data))


def by_signatures(mixture: Mixture) -> list[Found]:
    """A part for each signature of at least four bytes that puremagic knows at the start of a file."""
    data, starts = mixture.data, dict[int, str]()
    for row in import_module("puremagic").magic_header_array:
        if row.offset == 0 and len(row.byte_match) >= 4 and len(set(row.byte_match)) > 1:
            place = data.find(row.byte_match)
            while place >= 0:
                starts.setdefault(place, row.extension.lstrip(".").lower())
                place = data.find(row.byte_match, place + 1)
    places = sorted(starts)
    known = [
        Found(place, end, _ALIASES.get(starts[place], starts[place])) for place, end in pairwise([*places, len(data)])
    ]
    return _filled(known, len(data))


_ALIASES = {
    "jpg": "jpeg", "tif": "tiff", "mid": "midi", "exe": "pe", "dll": "pe", "so": "elf", "o": "elf", "py": "python",
    "sh": "shell", "ps": "postscript", "db": "sqlite", "sqlite3": "sqlite", "h5": "hdf5", "htm": "html",
    "a": "ar", "gzip": "gz", "dylib": "macho", "docm": "docx",
}  # fmt: skip


def by_entropy(mixture: Mixture) -> list[Found]:
    """Edges in the order-0 entropy of windows; their kind stays unknown."""
    data = np.frombuffer(mixture.data, np.uint8)
    levels = np.empty(len(data), np.float32)
    for start in range(0, len(data), _ENTROPY_WINDOW // 4):
        window = data[max(0, start - _ENTROPY_WINDOW // 2) : start + _ENTROPY_WINDOW // 2]
        counts = np.bincount(window, minlength=256)[np.unique(window)] / len(window)
        levels[start : start + _ENTROPY_WINDOW // 4] = -(counts * np.log2(counts)).sum()
    places = [0, *(edge.offset for edge in edges(levels)), len(data)]
    return [Found(start, end, UNKNOWN) for start, end in pairwise(places)]


def by_unblob(mixture: Mixture) -> list[Found]:
    """The chunks of unblob."""
    with tempfile.TemporaryDirectory() as folder:
        source, told = Path(folder) / "mixture.bin", Path(folder) / "report.json"
        source.write_bytes(mixture.data)
        command = ["unblob", "-s", "-d", "1", "-n", "0", "-p", "1", "--clear-skip-magics", "--no-sandbox"]
        where = ["-e", f"{folder}/out", "--report", str(told), "--log", f"{folder}/log", str(source)]
        subprocess.run([*command, *where], check=False, capture_output=True)
        chunks = [
            row
            for task in (json.loads(told.read_text()) if told.exists() else [])
            for row in task.get("reports", [])
            if row.get("__typename__") == "ChunkReport"
        ]
    names = [_UNBLOB.get(row["handler_name"], row["handler_name"]) for row in chunks]
    known = [Found(row["start_offset"], row["end_offset"], name) for row, name in zip(chunks, names, strict=True)]
    return _filled(sorted(known, key=lambda each: each.start), len(mixture.data))


_UNBLOB = {
    "gzip": "gz", "bzip2": "bz2", "sevenzip": "7z", "elf32": "elf", "elf64": "elf", "pe": "pe", "zstd": "zst",
    "lz4_default": "lz4", "multi-gzip": "gz",
}  # fmt: skip


def _filled(known: Sequence[Found], num_bytes: int) -> list[Found]:
    """The parts, and between them parts of an unknown kind."""
    parts, at = list[Found](), 0
    for each in [*known, Found(num_bytes, num_bytes, "")]:
        if each.start > at:
            parts.append(Found(at, each.start, UNKNOWN))
        if each.end > each.start >= at:
            parts.append(each)
        at = max(at, each.end)
    return parts


def by_true_borders(classifier: Classifier, mixture: Mixture) -> list[Found]:
    """The true parts, named by the classifier."""
    readings = []
    for part in mixture.parts:
        data = mixture.data[part.start : part.end]
        read = data if len(data) <= 2 * END_BYTES else data[:END_BYTES] + data[-END_BYTES:]
        readings.append(classifier.piece(read))
    answers = classify_readings(classifier, readings, 1)
    return [Found(part.start, part.end, each.label) for part, each in zip(mixture.parts, answers, strict=True)]


def figures(made: Sequence[Mixture], means: Means) -> dict[str, float]:
    """What is measured of one means on all mixtures."""
    borders = hit = told = right = total = labelled = exact = 0
    started = time.perf_counter()
    for mixture in made:
        found = means(mixture)
        true = np.array([part.start for part in mixture.parts[1:]])
        places = np.array([each.start for each in found[1:]] or [-NEAR - 1])
        apart = np.abs(true[:, None] - places[None, :])
        borders, told = borders + len(true), told + len(found) - 1
        hit += int((apart.min(1) <= NEAR).sum())
        exact += int((apart.min(1) == 0).sum())
        right += int((apart.min(0) <= NEAR).sum())
        total += len(mixture.data)
        for part in mixture.parts:
            for each in found:
                if each.label == part.label:
                    labelled += max(0, min(part.end, each.end) - max(part.start, each.start))
    return {
        "borders_found": round(100 * hit / borders, 1),
        "borders_exact": round(100 * exact / borders, 1),
        "borders_right": round(100 * right / max(1, told), 1),
        "bytes_labelled_right": round(100 * labelled / total, 1),
        "kb_per_s": round(total / 1e3 / (time.perf_counter() - started), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pieces = Path("runs/data/pieces.npz.xz")
    parser.add_argument("pieces", type=Path, nargs="?", default=pieces, help="a file of pieces")
    parser.add_argument(
        "--shard", default="wild_test", help="the origins: wild_test, or wild_dev to choose settings by"
    )
    parser.add_argument("--count", type=int, default=300, help="mixtures of each kind")
    parser.add_argument("--model", default="filetype")
    options = machine_options(parser)
    classifier = load_classifier(options.model, device=options.device)
    if set(classifier.labels) != set(LABELS):
        sys.exit(f"the model {options.model} does not tell file types")
    every: dict[str, Means] = {
        "bytesim detect": partial(by_detect, classifier),
        "length fields": by_lengths,
        "puremagic": by_signatures,
        "entropy": by_entropy,
        "unblob": by_unblob,
        "true borders": partial(by_true_borders, classifier),
    }
    if shutil.which("unblob") is None:
        print("unblob is left out: pip install unblob")
        every.pop("unblob")
    additions, told = read_additions([options.pieces], seed=0), dict[str, object]()
    for kind, cut in (("whole files", 0.0), ("pieces of longer files", 1.0)):
        made = mixtures(additions, options.shard, options.count, cut=cut)
        parts = sum(len(each.parts) for each in made)
        print(f"{len(made)} mixtures of {parts} {kind}, {sum(len(each.data) for each in made):,} bytes")
        print(f"{'':16} {'found':>7} {'exact':>7} {'right':>7} {'labels':>7} {'kB/s':>8}")
        rows = {}
        for name, means in every.items():
            rows[name] = figures(made, means)
            found, exact, right, labels, rate = rows[name].values()
            print(f"{name:16} {found:6.1f}% {exact:6.1f}% {right:6.1f}% {labels:6.1f}% {rate:8.1f}", flush=True)
        told[kind] = rows
    report("detect", told, options)


if __name__ == "__main__":
    main()
