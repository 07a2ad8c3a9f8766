"""How many files of other kinds a classifier answers `unknown`, with and without the statistics of its training files.

    python benchmarks/outliers.py runs/data/agnews_test.npz --model agnews --other runs/data/wikipedia_test.npz

The other kinds are made of the test files: random bytes, one byte repeated, the bytes of the file in random order, or
text of Python's standard library takes the place of the content. Recordings and pictures keep their headers, so that
they are read. Ceiling: every such file is answered `unknown`, and no test file is. For recordings of noise it is lower:
their bytes are in random order anyway.
"""

from __future__ import annotations

import argparse
import random
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
from common import machine_options, report

from bytesim.predictors.calibration import are_unknown
from bytesim.predictors.classifier import Classifier, load_classifier
from bytesim.training.data.shards import load_shard

HEADERS = {"wav": 44, "bmp": 54}
"""Bytes at the start of a file that are kept."""
MOST_TEXT = 4 << 20


def files_of(path: Path, limit: int) -> list[bytes]:
    """At most `limit` whole files of a shard, evenly spread."""
    shard = load_shard(path)
    rows = np.flatnonzero(shard.group == 0)
    return [shard.row(int(row))[1] for row in rows[:: max(1, len(rows) // limit)][:limit]]


def library_text() -> bytes:
    """The beginning of the modules of Python's standard library, joined."""
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return b"".join(path.read_bytes() for path in modules)[:MOST_TEXT]


def kinds_of(files: Sequence[bytes], header: int) -> dict[str, list[bytes]]:
    """Kind -> files of it, one for each file, of the same length."""
    rng, text = random.Random(0), library_text()

    def made(content: Callable[[bytes], bytes]) -> list[bytes]:
        return [file[:header] + content(file[header:]) for file in files]

    def cut(content: bytes) -> bytes:
        start = rng.randrange(len(text) - len(content))
        return text[start : start + len(content)]

    return {
        "random bytes": made(lambda content: rng.randbytes(len(content))),
        "one byte repeated": made(lambda content: bytes([rng.randrange(256)]) * len(content)),
        "bytes in random order": made(lambda content: bytes(rng.sample(content, len(content)))),
        "Python's standard library": made(cut),
    }


def shares(classifier: Classifier, files: Sequence[bytes]) -> tuple[float, float]:
    """Shares of files that are answered `unknown`: by their probabilities alone, and also as outliers."""
    readings = [classifier.read(BytesIO(file)) for file in files]
    probabilities = classifier.scaling.probabilities(classifier.logits(readings))
    improbable = are_unknown(probabilities, classifier.labels, classifier.rule)
    return float(improbable.mean()), float((improbable | classifier.are_outliers(readings)).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shard", type=Path, help="test files of the classifier")
    parser.add_argument("--model", default="agnews")
    parser.add_argument("--other", type=Path, action="append", default=[], help="a shard of files of another kind")
    parser.add_argument("--limit", type=int, default=500, help="number of files of each kind")
    options = machine_options(parser)
    classifier = replace(load_classifier(options.model, device=options.device), views=())
    files = files_of(options.shard, options.limit)
    kinds = {"test files": files, **kinds_of(files, HEADERS.get(classifier.suffixes[0], 0))}
    for path in options.other:
        kinds[path.name] = files_of(path, options.limit)
    figures: dict[str, object] = {"files": len(files)}
    print("| files | unknown by probability | with the statistics of the training files |\n|---|---|---|")
    for name, several in kinds.items():
        alone, together = shares(classifier, several)
        figures[name] = [round(alone, 4), round(together, 4)]
        print(f"| {name} | {alone:.1%} | {together:.1%} |")
    report("outliers", figures, options)


if __name__ == "__main__":
    main()
