"""What the commands `data build` read: tables and arrays of published sets, and pieces of files."""

from __future__ import annotations

import lzma
from pathlib import Path

from bytesim.datasets.filetype.additions import add_rows, read_additions
from bytesim.datasets.filetype.shards import Rows
from bytesim.datasets.media.build import build_media
from fuzz.seeds import seeds
from fuzz.targets.target import Run, task, write


@task("media-news", "news", command="data build media")
def news(folder: Path) -> Run:
    whole = lzma.compress(seeds("news")[0], preset=0)

    def run(data: bytes) -> None:
        train = write(folder, "train.csv.xz", lzma.compress(data, preset=0))
        build_media("agnews", [train, write(folder, "test.csv.xz", whole)], out=folder / "out" / "set")

    return run


@task("media-arrays", "clips", command="data build media")
def arrays(folder: Path) -> Run:
    def run(data: bytes) -> None:
        packed = data if len(data) % 8 == 0 else lzma.compress(data, preset=0)
        source = write(folder, "clips.npz.xz", packed)
        build_media(("digits", "speech")[len(data) % 2], [source], out=folder / "out" / "set")

    return run


@task("pieces", "pieces", command="data build filetype")
def pieces(folder: Path) -> Run:
    """Files of one's own for the filetype set."""

    def run(data: bytes) -> None:
        source = write(folder, "pieces.npz", data)
        rows: dict[str, Rows] = {}
        add_rows(rows, read_additions([source], seed=1), seed=1)

    return run
