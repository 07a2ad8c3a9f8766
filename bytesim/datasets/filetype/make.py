"""Make files of the set's types with real encoders, from files that were found in packages.

A maker turns input files of one origin into one file, which keeps that origin, so that no content is in two parts of
the set. If a maker has several settings, the last one is held out: files made with it are never in training.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bytesim.datasets.filetype.checks.recognise import BY_TYPE
from bytesim.datasets.filetype.collect import MAX_FILE_BYTES, Found, read_index, store, write_index
from bytesim.datasets.filetype.makers.maker import Job, Maker
from bytesim.formats.filetypes import FILE_TYPES, UNSEEN_DEV, UNSEEN_TEST
from bytesim.processes import map_in_processes

HELD_OUT = "test only: "
"""Prefix of `made_by` of files whose settings are held out for the test."""
PART_SHARES = {"train": 0.72, "dev": 0.1, "test": 0.18}
"""Part -> share of a maker's files; half of the test files are made with the held-out settings."""
INPUTS = (1, 2, 4, 8, 16, 24)
"""Numbers of input files of an archive; one is drawn, and limited to what the origin has."""
MAX_INPUT_BYTES = 1_500_000

_IMAGES = ("png", "jpeg", "gif", "bmp", "tiff", "webp", "xpm")
_SOUNDS = ("wav", "flac", "ogg", "mp3", "opus")
_TEXTS = tuple(file_type.name for file_type in FILE_TYPES if file_type.kind == "text")
FEEDS: dict[str, tuple[str, ...]] = {
    "image": _IMAGES,
    "sound": _SOUNDS,
    "text": _TEXTS,
    "prose": ("txt", "markdown", "rst", "html"),
    "table": ("csv", "json", "txt", "markdown", "xml", "po", "sql"),
    "any": (*_TEXTS, *_IMAGES[:3], "elf", "ttf", "mo", "pyc", "class", "html", "pdf", "wav"),
}


def all_makers() -> list[Maker]:
    """All makers."""
    from bytesim.datasets.filetype.makers import archives, data, documents, media, outliers, programs, tables, values

    modules = (programs, data, archives, documents, media, outliers, values, tables)
    return [maker for module in modules for maker in module.MAKERS]


def missing_tools(maker: Maker) -> list[str]:
    """The tools of a maker that are not installed."""
    from importlib.util import find_spec

    return [
        tool
        for tool in maker.tools
        if (find_spec(tool[7:]) is None if tool.startswith("python:") else shutil.which(tool) is None)
    ]


def make_all(
    material: Path,
    found_files: Sequence[Found],
    parts: dict[str, str],
    *,
    share: float = 1.0,
    jobs: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, list[str]]:
    """Run every maker whose files are not there yet. Returns type -> missing tools, for makers that cannot run.

    `share` is the share of each maker's count to make, 0 for none; a later call with a larger share makes the rest.
    """
    lacking: dict[str, list[str]] = {}
    plans: list[tuple[Path, int, int]] = []
    makers = all_makers()
    for number, maker in enumerate(makers):
        lacks = missing_tools(maker)
        if lacks:
            lacking.setdefault(maker.type, []).extend(lacks)
            continue
        total = round(maker.count * share)
        for start in range(0, total, BLOCK):
            index = material / "index" / f"made-{maker.type}-{number_of(maker)}-{start:05d}.jsonl"
            if not index.exists():
                plans.append((index, number, start))
    plans.sort(key=lambda plan: (makers[plan[1]].slow, plan[2]))
    workshop = partial(Workshop, material, contents_of(found_files, parts))
    with closing(map_in_processes(workshop, _make_block, plans, jobs=jobs)) as done_blocks:
        for done, _ in enumerate(done_blocks, start=1):
            if on_progress is not None:
                on_progress(done, len(plans))
    return lacking


Contents = dict[tuple[str, str], dict[str, list[Found]]]
"""(part, type) -> origin -> files found."""
BLOCK = 20
"""Files per index, which is the smallest unit of work that is kept."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """The state of a process that makes files."""

    material: Path
    contents: Contents


def contents_of(files: Sequence[Found], parts: dict[str, str]) -> Contents:
    """The found files, grouped for makers to draw from. Files over MAX_INPUT_BYTES are left out."""
    contents: Contents = {}
    for file in files:
        if file.size <= MAX_INPUT_BYTES:
            of_type = contents.setdefault((parts[file.origin], file.type), {})
            of_type.setdefault(file.origin, []).append(file)
    return contents


def number_of(maker: Maker) -> str:
    """A name that distinguishes the makers of one type."""
    return f"{maker.make.__name__.strip('_')}-{maker.feed}"


def _make_block(workshop: Workshop, plan: tuple[Path, int, int]) -> None:
    index, number, start = plan
    maker = all_makers()[number]
    files = []
    for which in range(start, min(start + BLOCK, maker.count)):
        file = make_one(maker, which, workshop.contents, workshop.material)
        if file is not None:
            files.append(file)
    write_index(index, files)


def make_one(maker: Maker, which: int, contents: Contents, material: Path) -> Found | None:
    """Make file number `which` of a maker; None if there is no input or the encoder fails."""
    rng = random.Random(f"{maker.type}:{number_of(maker)}:{which}")
    part = _part_of(maker.type, rng)
    inputs = _draw(maker, part, contents, rng)
    if not inputs:
        return None
    held_out = len(maker.settings) > 1 and part == "test" and rng.random() < 0.5
    settings = maker.settings[-1] if held_out else rng.choice(maker.settings[:-1] or maker.settings)
    paths, names = tuple(file.path(material) for file in inputs), tuple(file.name for file in inputs)
    with tempfile.TemporaryDirectory(prefix="bytesim-make-") as scratch:
        try:
            data = maker.make(Job(paths, names, settings, rng, Path(scratch)))
        except Exception:  # an encoder may fail on an input with any exception; then there is no file
            return None
    if not data or len(data) > MAX_FILE_BYTES or not BY_TYPE[maker.type].test(data):
        return None
    made_by = f"{HELD_OUT if held_out else ''}{number_of(maker)} {settings}".strip()
    return store(material, data, maker.type, inputs[0].origin, f"made-{which}", made_by)


def _part_of(kind: str, rng: random.Random) -> str:
    """The part that a file is made for; unseen types are made for one part alone."""
    drawn = rng.choices(tuple(PART_SHARES), tuple(PART_SHARES.values()))[0]
    return "test" if kind in UNSEEN_TEST else "dev" if kind in UNSEEN_DEV else drawn


def _draw(maker: Maker, part: str, contents: Contents, rng: random.Random) -> list[Found]:
    """Draw input files of one origin; the origin is drawn first, so that large packages do not dominate."""
    kinds = [kind for kind in FEEDS.get(maker.feed, (maker.feed,)) if (part, kind) in contents]
    for kind in rng.sample(kinds, len(kinds)):
        of_type = contents[part, kind]
        for origin in rng.sample(sorted(of_type), len(of_type)):
            usable = [file for file in of_type[origin] if file.size >= maker.least_bytes]
            if usable and maker.most_inputs == 1:
                return [rng.choice(usable)]
            if usable:
                own = [file for other in kinds for file in contents[part, other].get(origin, ())]
                return rng.sample(own, min(len(own), maker.most_inputs, rng.choice(INPUTS)))
    return []


def made_indexes(material: Path) -> list[Found]:
    """All files that makers have made."""
    return [file for path in sorted((material / "index").glob("made-*.jsonl")) for file in read_index(path)]


def found_indexes(material: Path) -> list[Found]:
    """All files that were found in packages."""
    paths = (path for path in sorted((material / "index").glob("*.jsonl")) if not path.name.startswith("made-"))
    return [file for path in paths for file in read_index(path)]
