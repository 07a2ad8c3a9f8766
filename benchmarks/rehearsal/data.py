"""Data for the rehearsal of a short lease, from what every clone of the repository has: no network is needed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bytesim.datasets.cpu import build_cpu
from bytesim.datasets.music.compose import compose
from bytesim.datasets.music.rows import Row, label_rows, rows_of
from bytesim.datasets.music.sources import read_source
from bytesim.formats.abc.canonical import canonical
from bytesim.training.data.shards import pack, save_shard
from bytesim.training.recipe import load_recipe

TUNES, DEV_TUNES = 120, 8
"""Composed tunes to train on, besides those of examples/, and to validate on."""
DEV_PROGRAMS, LONGEST_PROGRAM = 16, 60
TEXT_BYTES = 1500
FRAGMENT_BYTES = (4096, 512)
"""Sizes of the fragments in groups 1 and 2 of the shards of file types."""
FILES_PER_TYPE, DEV_ONE_IN = 60, 8


def make_data(folder: Path, repository: Path) -> None:
    """Write the data of the four recipes to a new folder. Raises ToolError if abc2midi is missing."""
    folder.mkdir(parents=True)
    make_music(folder, repository / "examples")
    build_cpu(out=folder, train=0, dev=DEV_PROGRAMS, test=0, longest=LONGEST_PROGRAM)
    make_text(folder / "text", repository / "docs")
    make_filetype(folder, repository)


def make_music(folder: Path, examples: Path) -> None:
    """Shards of the example tunes and of composed ones, with fragments; abc2midi makes the MIDI."""
    tunes = [canonical(tune).text for tune in read_source(examples).tunes]
    composed = [compose(random.Random(f"rehearsal:{number}")) for number in range(TUNES + DEV_TUNES)]
    for name, texts in (("train", tunes + composed[:TUNES]), ("dev", composed[TUNES:])):
        rows: list[Row] = [row for text in texts for row in rows_of(text, 1)]
        shard = label_rows(rows, folder / "labels", jobs=2, on_done=lambda count: None)
        save_shard(folder / f"music_{name}.npz", shard)


def make_text(folder: Path, docs: Path) -> None:
    """Text files of TEXT_BYTES from the documentation."""
    folder.mkdir()
    pages = [page.read_bytes() for page in sorted(docs.glob("*.md"))]
    for number, piece in enumerate(piece for page in pages for piece in _pieces(page, TEXT_BYTES)):
        (folder / f"{number}.txt").write_bytes(piece)


def make_filetype(folder: Path, repository: Path) -> None:
    """Shards of files of the repository and of Python's library, and of archives of these; fragments as well."""
    labels = load_recipe(repository / "benchmarks" / "rehearsal" / "filetype.toml").labels
    rows: dict[str, list[tuple[bytes, int, int]]] = {"train": [], "dev": []}
    for label, files in _files_of_types(repository).items():
        for number, file in enumerate(files):
            part = rows["train" if number % DEV_ONE_IN else "dev"]
            part.append((file[:65536], 0, labels.index(label)))
            for group, size in enumerate(FRAGMENT_BYTES, 1):
                middle = len(file) // 2
                part.append((file[middle : middle + size] or file, group, labels.index(label)))
    for name, of_part in rows.items():
        groups, classes = [group for _, group, _ in of_part], [label for _, _, label in of_part]
        save_shard(folder / f"filetype_{name}.npz", pack([(b"", file) for file, _, _ in of_part], groups, classes))


def _files_of_types(repository: Path) -> dict[str, list[bytes]]:
    """Label -> contents of files."""
    library = Path(sysconfig.get_path("stdlib"))
    python = _contents(library, "*.py")
    noise = random.Random(0)
    return {
        "gz": [gzip.compress(file) for file in python],
        "json": [json.dumps({"name": file[:40].decode("latin-1"), "size": len(file)}).encode() for file in python],
        "markdown": [piece for page in _contents(repository / "docs", "*.md") for piece in _pieces(page, 4000)],
        "python": python,
        "toml": _contents(repository / "recipes", "*.toml"),
        "xz": [lzma.compress(file) for file in python],
        "zip": [_zipped(file) for file in python],
        "unknown": [bz2.compress(file) for file in python[::2]] + [noise.randbytes(3000) for _ in python[::2]],
    }


def _contents(folder: Path, pattern: str) -> list[bytes]:
    """The contents of at most FILES_PER_TYPE files of a folder that are not empty."""
    files = (path.read_bytes()[:32768] for path in sorted(folder.glob(pattern)) if path.stat().st_size)
    return [file for _, file in zip(range(FILES_PER_TYPE), files, strict=False)]


def _pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def _zipped(file: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("module.py", file)
    return stream.getvalue()
