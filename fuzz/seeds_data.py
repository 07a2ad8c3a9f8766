"""Valid files that bulk runs and the commands `data build` read."""

from __future__ import annotations

import io
import json
import tempfile
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from fuzz import fixtures
from fuzz.fixtures import EXAMPLES

BULK_SOURCES = [str(path) for path in sorted(EXAMPLES.glob("*.abc"))[:3]]
"""The files of the bulk run whose ledger is damaged."""
BULK_LEDGER = "ledger.jsonl"


def bulk_options() -> dict[str, Any]:
    """The settings of that run."""
    return {"model": f"{fixtures.model('classifier')}/"}


def ledgers() -> list[bytes]:
    """The folder of a finished bulk run, as a ZIP archive: its ledger, index and plan."""
    import bytesim
    from fuzz.bulk_here import check_nothing, run_here
    from fuzz.seeds import folder_bytes

    with (
        tempfile.TemporaryDirectory() as folder,
        patch("bytesim.cluster.bulk.check_cluster", check_nothing),
        patch("bytesim.cluster.bulk.run_on_ray", run_here),
    ):
        bytesim.bulk("classify_file", BULK_SOURCES, ledger=Path(folder, BULK_LEDGER), **bulk_options())
        begun = Path(folder, f"{BULK_LEDGER}.state", "begun")
        begun.mkdir()
        (begun / "earlier.jsonl").write_text(json.dumps(["a.abc", ["a.mid"]]) + "\n")
        mark = {"outputs": {"b.abc": ["b.mid"]}, "times": 2, "at": "b.abc", "deaths": {"b.abc": 1}}
        (begun / "0123-4.json").write_text(json.dumps(mark) + "\n")
        return [folder_bytes(Path(folder))]


def manifests() -> list[bytes]:
    """Three files, as JSON Lines, as a table of CSV and as a Parquet file where pyarrow is installed."""
    names = ["a.abc", "b/c.mid", "d\u00e9.txt"]
    lines = "".join(json.dumps({"path": name, "size": 3}) + "\n" for name in names).encode()
    table = "path,size\n" + "".join(f'"{name}",3\n' for name in names)
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return [lines, table.encode()]
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table({"path": names, "size": [3, 3, 3]}), stream)
    return [lines, table.encode(), stream.getvalue()]


def news() -> list[bytes]:
    rows = "".join(f'{1 + number % 4},"Title {number}","A text, {number}."\n' for number in range(120))
    return [f"label,title,description\n{rows}".encode()]


def clips() -> list[bytes]:
    """Recordings of digits, and of commands by 40 speakers."""
    rng = np.random.default_rng(0)
    parts = {"train": 60, "test": 20}
    arrays: dict[str, Any] = {}
    for part, count in parts.items():
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, 100), np.uint8)
        arrays[f"y_{part}"] = np.arange(count) % 10
        arrays[f"index_{part}"] = np.arange(count) + 1000 * (part == "test")
        arrays[f"name_{part}"] = np.array([f"yes/{part}{number:03}_nohash_0.wav" for number in range(count)])
    return [_npz(arrays)]


def pieces() -> list[bytes]:
    """Pieces of two files."""
    texts = [b"#!/bin/sh\necho one\n" * 30, b"import os\nprint(os.name)\n" * 30]
    whole = [piece for text in texts for piece in (text, text, b"", b"")]
    ends = np.cumsum([0, *map(len, whole)])
    return [
        _npz(
            {
                "data": np.frombuffer(b"".join(whole), np.uint8),
                "offsets": ends,
                "size": np.array([len(text) for text in texts]),
                "label": np.array([0, 1]),
                "labels": np.array(["shell", "python"]),
                "origin": np.array([0, 1]),
                "origins": np.array(["one", "two"]),
                "path": np.array(["a.sh", "b.py"]),
            }
        )
    ]


def _npz(arrays: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


MAKERS = {"ledger": ledgers, "manifest": manifests, "news": news, "clips": clips, "pieces": pieces}
